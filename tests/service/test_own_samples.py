from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from humouse_doctor.cases.request import Request
from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.service import own_samples
from humouse_doctor.service.commands import report_on
from tests.cases.builders import write_checkpoint, write_config
from tests.cases.test_from_samples import wandering


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder of an untrained run whose generator makes sequences of other lengths than its samples have."""
    write_config(tmp_path)
    (tmp_path / "checkpoints").mkdir()
    shutil.move(write_checkpoint(tmp_path), tmp_path / "checkpoints" / "generator_x.pt")
    np.savez(tmp_path / "real.npz", sequences=wandering(0))
    return tmp_path


def _draw(run: Path, epoch: int, sequences: FloatArray, below: str = "checkpoints") -> Path:
    path = run / below / "sigma_eval" / f"epoch_{epoch:03d}" / "gan_samples.npz"
    path.parent.mkdir(parents=True)
    np.savez(path, sequences=sequences)
    return path


def _remarks(run: Path) -> list[str]:
    report = report_on(Request(checkpoint=run, data=run / "real.npz", samples=16, quick=True))
    return [remark for remark in report.subject.remarks if "own samples" in remark or "drew itself" in remark]


def test_a_run_without_samples_of_its_own_has_no_remark(run: Path) -> None:
    assert _remarks(run) == []


def test_the_health_by_epoch_is_told_with_the_epoch_at_which_it_fell_ill(run: Path) -> None:
    for epoch in (0, 3):
        _draw(run, epoch, wandering(1))
    last = _draw(run, 10, wandering(1) * 0.01, below="checkpoints/archive/20251101")

    first, second, third, fell = _remarks(run)

    assert first.startswith("its own samples of epoch 0 are healthy (spread ")
    assert second.startswith("its own samples of epoch 3 are healthy (spread ")
    assert third.startswith("its own samples of epoch 10 are collapsed (spread 0.0")
    assert third.endswith(f": {last}")
    assert fell == "by its own samples it fell ill at epoch 10"


def test_samples_that_contradict_the_checkpoint_count_more(run: Path) -> None:
    _draw(run, 0, wandering(1))

    assert _remarks(run)[-1].startswith("what it drew itself counts more: its last samples are healthy, and the checkpoint is ")


def test_a_file_that_holds_no_samples_is_told(run: Path) -> None:
    _draw(run, 0, np.zeros(3))

    (said,) = _remarks(run)

    assert said.startswith("its own samples of epoch 0 were not looked at: ")
    assert said.isprintable()


def test_of_many_epochs_some_are_looked_at_the_first_and_the_last_among_them(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_samples, "_MAX_LOOKS", 3)
    for epoch in range(9):
        _draw(run, epoch, wandering(1, count=16))

    told = [remark for remark in _remarks(run) if remark.startswith("its own samples of")]

    assert [remark.split()[5] for remark in told] == ["0", "4", "8"]
