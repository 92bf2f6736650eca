from __future__ import annotations

import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from humouse_doctor.core.arrays import AnyArray
from humouse_doctor.core.errors import InputError
from humouse_doctor.inputs.config.reader import from_values
from humouse_doctor.inputs.gestures.gestures import Gestures
from humouse_doctor.inputs.gestures.sources import read_gestures


def _saved(folder: Path, kind: str, sequences: AnyArray, features: AnyArray) -> Path:
    path = folder / f"a.{kind}"
    if kind == "npz":
        np.savez(path, sequences=sequences, features=features)
    else:
        torch.save({"sequences": torch.from_numpy(sequences), "features": torch.from_numpy(features)}, path)
    return path


def _read(path: Path) -> Gestures:
    return read_gestures(path, from_values({}), 100, 0)


@pytest.mark.parametrize("kind", ["npz", "pt"])
def test_what_is_left_out_and_counted_is_the_same_of_an_archive_and_a_replay_buffer(tmp_path: Path, kind: str) -> None:
    sequences = np.random.default_rng(0).normal(size=(9, 4, 3))
    for row, value in enumerate((np.nan, -np.inf, 1e300, 1e25, 0.0)):
        sequences[row] = value
    sequences[5] = 3e-30  # its square is none in float32
    features = np.arange(9.0)[:, None] * [1.0, 1e300]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = _read(_saved(tmp_path, kind, sequences, features))

    assert (found.summary.total, found.summary.usable) == (9, 4)
    assert dict(found.summary.dropped) == {"with NaN, infinite or overly large values": 4, "empty": 1}
    np.testing.assert_array_equal(found.sequences, sequences[5:].astype(np.float32))
    assert found.features is not None
    np.testing.assert_array_equal(found.features[:, 0], [5, 6, 7, 8])


@pytest.mark.parametrize("kind", ["npz", "pt"])
def test_one_long_sequence_does_not_ask_for_memory_for_thousands(tmp_path: Path, kind: str) -> None:
    path = _saved(tmp_path, kind, np.ones((1, 50_000, 2)), np.ones((1, 1)))
    tracemalloc.start()
    try:
        read_gestures(path, from_values({}), 4096, 0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 32 << 20


@pytest.mark.parametrize("kind", ["npz", "pt"])
def test_sequences_that_are_too_large_to_hold_are_refused(tmp_path: Path, kind: str) -> None:
    path = _saved(tmp_path, kind, np.ones((65, 130_000, 2), np.float16), np.ones((65, 1)))
    with pytest.raises(InputError, match="65 sequences of 260,000 values each are too large to hold"):
        _read(path)
