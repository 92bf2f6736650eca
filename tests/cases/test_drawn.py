from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from humouse_doctor.cases import drawn
from humouse_doctor.cases.drawn import Drawn, find, listed, read
from humouse_doctor.core.case import Case
from humouse_doctor.core.history import SnapshotKind
from humouse_doctor.inputs.config.reader import from_values
from humouse_doctor.inputs.gestures.gestures import Gestures
from humouse_doctor.inputs.samples.samples import read_samples
from tests.cases.test_from_samples import wandering


def _touch(run: Path, name: str) -> Path:
    path = run / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def _found(run: Path) -> drawn.Found:
    return find(listed(run, from_values({})))


@pytest.fixture
def real(tmp_path: Path) -> Gestures:
    np.savez(tmp_path / "real.npz", sequences=wandering(0))
    return read_samples(tmp_path / "real.npz", 999, 0)


def test_the_samples_of_each_part_are_found_in_order_of_time(tmp_path: Path) -> None:
    names = (
        "checkpoints/sigma_eval/epoch_000/gan_samples.npz",
        "checkpoints/samples/samples_epoch001_step000000.npz",
        "checkpoints/samples/samples_epoch001_step000040.npz",
        "checkpoints/sigma_eval/epoch_001/gan_samples.npz",
        "checkpoints/diffusion_eval/epoch_002/diffusion_samples.npz",
    )
    for name in (*names, "checkpoints/sigma_eval/epoch_x/gan_samples.npz", "checkpoints/samples/samples.npz"):
        _touch(tmp_path, name)

    found = _found(tmp_path)

    assert [str(one.path.relative_to(tmp_path)) for one in found.files] == list(names)
    assert [(one.epoch, one.step) for one in found.files] == [(0, None), (1, 0), (1, 40), (1, None), (2, None)]
    assert (found.unread, found.remarks) == (0, ())


def test_of_several_runs_the_newest_is_taken_and_the_others_are_named(tmp_path: Path) -> None:
    """humouse moves `sigma_eval` to `archive/sigma_eval_<time>`, where the runs of three times may lie."""
    old = _touch(tmp_path, "archive/sigma_eval_20251101_101010/epoch_000/gan_samples.npz")
    new = _touch(tmp_path, "archive/sigma_eval_20251102_101010/epoch_000/gan_samples.npz")
    os.utime(new, (1, 1))  # a copy may have lost its time, so the name decides

    assert [one.path for one in _found(tmp_path).files] == [new]
    assert str(old.parents[1]) in _found(tmp_path).remarks[0]

    current = _touch(tmp_path, "sigma_eval/epoch_000/gan_samples.npz")
    assert [one.path for one in _found(tmp_path).files] == [current]


def test_an_epoch_older_than_an_earlier_one_is_another_runs(tmp_path: Path) -> None:
    """A run that was stopped after ten epochs leaves one behind that the next has not reached."""
    for epoch, seconds in ((0, 9_000), (5, 8_990), (10, 1_000)):
        os.utime(_touch(tmp_path, f"sigma_eval/epoch_{epoch:03d}/gan_samples.npz"), (seconds, seconds))

    found = _found(tmp_path)

    assert [one.epoch for one in found.files] == [0, 5]  # copies lose the order, but by a few seconds only
    assert found.unread == 0
    assert "ignored epoch_010/gan_samples.npz, older than" in found.remarks[0]


def test_many_files_are_read_evenly_evaluations_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "MAX_READ", 5)
    for epoch in range(3):
        _touch(tmp_path, f"sigma_eval/epoch_{epoch:03d}/gan_samples.npz")
    for step in range(9):
        _touch(tmp_path, f"samples/samples_epoch001_step{step:06d}.npz")

    found = _found(tmp_path)

    assert [one.epoch for one in found.files if one.kind is SnapshotKind.EVALUATION] == [0, 1, 2]
    assert [one.step for one in found.files if one.kind is SnapshotKind.TRAINING] == [0, 8]
    assert found.unread == 7


def test_a_file_beyond_the_bounds_is_not_read(tmp_path: Path, real: Gestures, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [tmp_path / name for name in ("a.npz", "b.npz")]
    for path in paths:
        np.savez_compressed(path, sequences=np.zeros((400, 40, 2), dtype=np.float32))
    files = [Drawn(kind=SnapshotKind.EVALUATION, epoch=0, step=None, path=path) for path in paths]

    monkeypatch.setattr(drawn, "_MAX_TOGETHER", 200_000)
    first, second = (case for _, case in read(files, real))
    assert isinstance(first, Case)
    assert "the files read before it" in str(second)

    monkeypatch.setattr(drawn, "_MAX_INFLATED", 100_000)
    (case,) = (case for _, case in read(files[:1], real))
    assert "Inspect this file alone" in str(case)


@pytest.mark.parametrize(
    "data",
    [b"", b"x" * 100, b"PK\x03\x04" + b"\x00" * 50, b"\x93NUMPY\x01\x00v\x00{'descr': '|O', }"],
    ids=["empty", "no array", "a broken archive", "objects"],
)
def test_any_other_file_gives_one_line(tmp_path: Path, real: Gestures, data: bytes) -> None:
    path = tmp_path / "gan_samples.npz"
    path.write_bytes(data)

    (case,) = (case for _, case in read([Drawn(kind=SnapshotKind.EVALUATION, epoch=0, step=None, path=path)], real))

    assert isinstance(case, str)
    assert case.startswith(f"{path}: ")
    assert case.isprintable()


def test_a_pipe_is_not_waited_for(tmp_path: Path, real: Gestures) -> None:
    os.mkfifo(tmp_path / "gan_samples.npz")

    file = Drawn(kind=SnapshotKind.EVALUATION, epoch=0, step=None, path=tmp_path / "gan_samples.npz")
    (case,) = (case for _, case in read([file], real))

    assert "it is a pipe" in str(case)
