from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.errors import InputError
from humouse_doctor.inputs.samples.samples import is_samples, read_samples

DELTAS = np.random.default_rng(0).normal(size=(3, 5, 2)).astype(np.float32)


def _table(sequences: FloatArray, header: str = "sequence,step,dx,dy") -> str:
    lines = [header]
    for name, sequence in enumerate(sequences):
        lines += [f"{name},{step},{x!r},{y!r}" for step, (x, y) in enumerate(sequence.tolist())]
    return "\n".join(lines) + "\n"


def _written(folder: Path, text: str) -> Path:
    path = folder / "samples.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_of_deltas_is_read_as_it_is(tmp_path: Path) -> None:
    found = read_samples(_written(tmp_path, _table(DELTAS)), 100, 0)

    np.testing.assert_allclose(found.sequences, DELTAS, rtol=1e-6)


def test_a_table_of_positions_starts_each_path_where_it_is(tmp_path: Path) -> None:
    positions = np.cumsum(DELTAS, axis=1) + 500

    found = read_samples(_written(tmp_path, _table(positions, "Path, t, X, Y".replace(" ", ""))), 100, 0)

    assert not found.sequences[:, 0].any()
    np.testing.assert_allclose(found.sequences[:, 1:], DELTAS[:, 1:], atol=1e-3)


def test_sequences_of_several_lengths_are_padded(tmp_path: Path) -> None:
    found = read_samples(_written(tmp_path, "id,dx,dy\na,1,1\na,1,1\nb,2,2\n"), 100, 0)

    assert found.sequences.tolist() == [[[1, 1], [1, 1]], [[2, 2], [0, 0]]]


@pytest.mark.parametrize(("header", "second"), [("id,dt,dx,dy", [2, 2, 0.02]), ("id,dt,x,y", [1, 1, 0.02])])
def test_a_table_may_have_times_in_any_column(tmp_path: Path, header: str, second: list[float]) -> None:
    found = read_samples(_written(tmp_path, f"{header}\na,0.01,1,1\na,0.02,2,2\nb,0.03,3,3\n"), 100, 0)

    np.testing.assert_allclose(found.sequences[0, 1], second)
    np.testing.assert_allclose(found.sequences[:, 0, 2], [0.01, 0.03], rtol=1e-6)


def test_an_array_may_hold_positions(tmp_path: Path) -> None:
    np.savez(tmp_path / "samples.npz", sequences=np.cumsum(DELTAS, axis=1) + 500)

    found = read_samples(tmp_path / "samples.npz", 100, 0, positions=True)

    np.testing.assert_allclose(found.sequences[:, 1:], DELTAS[:, 1:], atol=1e-3)


@pytest.mark.parametrize("suffix", ["npz", "npy", "csv"])
def test_sequences_that_stand_still_are_kept(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"samples.{suffix}"
    still = np.zeros((4, 3, 2), dtype=np.float32)
    if suffix == "csv":
        path.write_text(_table(still), encoding="utf-8")
    elif suffix == "npz":
        np.savez(path, sequences=still)
    else:
        np.save(path, still)

    assert is_samples(path)
    assert len(read_samples(path, 100, 0).sequences) == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "its header is"),
        ("a,b,c\n1,2,3\n", "its header is a,b,c"),
        ("dx,dy\n1,2\n", "its header is dx,dy"),
        ("id,dx,dy\na,1\n", "line 2 has 2 cells, the header 3"),
        ("id,dx,dy\na,1,x\n", "line 2 has a cell that should be a number but is not"),
        ("id,dx,dy\na,1,1\nb,1,1\na,1,1\n", "line 4 continues a sequence that had ended before"),
        ("id,dx,dy\na,1," + "1" * 5_000 + "\n", "a line of more than 4,096 characters"),
        ("id,dx,dy\na,1,1\x00\n", ""),
    ],
    ids=["empty", "other columns", "no sequence", "cells", "words", "twice", "long", "a zero byte"],
)
def test_what_is_no_table_of_sequences_is_refused_with_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = _written(tmp_path, text)

    with pytest.raises(InputError) as refused:
        read_samples(path, 100, 0)

    line = str(refused.value)
    assert line.startswith(f"{path}: not a table of sequences: ")
    assert said in line
    assert line.isprintable()
    assert line.endswith("expected a header with sequence, and dx,dy (or x,y), and a line for each step")


def test_a_table_with_a_header_alone_has_no_sequence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no usable sequence"):
        read_samples(_written(tmp_path, "id,dx,dy\n"), 100, 0)


def test_only_files_of_sequences_are_taken_for_samples(tmp_path: Path) -> None:
    for name in ("x.pt", "x.safetensors", "x"):
        (tmp_path / name).touch()
        assert not is_samples(tmp_path / name)
    (tmp_path / "folder.npz").mkdir()
    assert not is_samples(tmp_path / "folder.npz")
    assert not is_samples(tmp_path / "gone.npz")
