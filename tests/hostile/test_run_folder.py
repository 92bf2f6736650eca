"""Whatever lies in a run's folder beside its checkpoint, the run is reported on, and each odd file is named in one line."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from humouse_doctor.cases.request import Request
from humouse_doctor.inputs.files import read_bounded
from humouse_doctor.service.commands import report_on
from tests.cases.builders import write_checkpoint, write_config
from tests.cases.test_from_samples import wandering

_FILES = ("gan_summary.json", "metrics.csv", "sigma_eval_metrics.csv", "train_gan.log")
_SAMPLES = ("sigma_eval/epoch_000/gan_samples.npz", "eval/epoch_001/diffusion_samples.npz", "samples_epoch001_step000000.npz")
_MAX_S = 20.0


def _nothing(path: Path) -> None:
    path.write_bytes(b"")


def _noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(5_000))


def _folder(path: Path) -> None:
    path.mkdir()


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _hole(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(3 << 30)


def _lines(path: Path) -> None:
    """Lines that all but match, in more megabytes than any run logs in an hour."""
    path.write_bytes(b"Warm-up epoch 1 | recon_loss=" * 50_000 + b"x\n" * 1_000_000)


def _commands(path: Path) -> None:
    path.write_bytes(b"epoch,recon_loss,avg_error_rate\n::error::x,\x1b[2J,1\n1,2,3\n##[error],1,1\n")


@pytest.mark.parametrize("make", [_nothing, _noise, _folder, os.mkfifo, _loop, _device, _hole, _lines, _commands])
def test_a_run_with_odd_files_is_reported_on(make: Callable[[Path], None], tmp_path: Path) -> None:
    write_config(tmp_path)
    write_checkpoint(tmp_path)
    np.savez(tmp_path / "real.npz", sequences=wandering(0, count=24))
    for name in (*_FILES, *_SAMPLES):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        make(tmp_path / name)
    started = time.process_time()

    report = report_on(Request(checkpoint=tmp_path, data=tmp_path / "real.npz", samples=16, quick=True))

    assert time.process_time() - started < _MAX_S
    assert report.history is not None
    assert report.stage is not None
    said = [str(report.stage), report.sentence, *report.history.observations, *report.subject.remarks]
    assert all(line.isprintable() for line in said), said
    assert all(not curve.values or curve.epochs for curve in report.history.curves)
    assert all(snapshot.verdict is None and snapshot.reason for snapshot in report.history.snapshots)


def test_a_folder_of_many_epochs_has_a_bound(tmp_path: Path) -> None:
    """Of 300 evaluations twenty are read, and the files of no other are opened."""
    write_config(tmp_path)
    write_checkpoint(tmp_path)
    np.savez(tmp_path / "real.npz", sequences=wandering(0, count=24))
    np.savez(tmp_path / "drawn.npz", sequences=wandering(1, count=16))
    drawn = read_bounded(tmp_path / "drawn.npz", 1 << 20)
    for epoch in range(300):
        folder = tmp_path / "sigma_eval" / f"epoch_{epoch:03d}"
        folder.mkdir(parents=True)
        (folder / "gan_samples.npz").write_bytes(drawn if epoch % 299 == 0 else b"")

    report = report_on(Request(checkpoint=tmp_path, data=tmp_path / "real.npz", samples=16, quick=True))

    assert report.history is not None
    assert len(report.history.snapshots) == 20
    assert report.history.unread == 280
    assert [one.epoch for one in report.history.series] == [0, 299]
