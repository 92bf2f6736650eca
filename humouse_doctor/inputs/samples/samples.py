"""Generated sequences from a file: an array (.npz, .npy), a tensor (.pt), or a table (.csv)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.errors import InputError
from humouse_doctor.core.text import reason
from humouse_doctor.inputs.files import is_file, read_bounded
from humouse_doctor.inputs.gestures import arrays
from humouse_doctor.inputs.gestures.gestures import Gestures, draw, gather, require_room
from humouse_doctor.inputs.gestures.sources import tensor_gestures

#: A file with one of these names is never a checkpoint.
_SUFFIXES = (".npz", ".npy", ".csv")
_MAX_BYTES, _MAX_LINE = 256 << 20, 4096
_IDS = ("sequence", "path", "gesture", "id")
_DELTAS, _POSITIONS, _TIME = ("dx", "dy"), ("x", "y"), "dt"
_EXPECTED = "expected a header with sequence, and dx,dy (or x,y), and a line for each step"


def is_samples(path: Path) -> bool:
    """Return True if `path` is a file whose name is one of sequences rather than of a checkpoint."""
    return path.suffix.lower() in _SUFFIXES and is_file(path)


def read_samples(path: Path, max_sequences: int, seed: int, *, positions: bool = False) -> Gestures:
    """Read up to `max_sequences` generated sequences as deltas (N, T, >=2), chosen by `seed`; raise `InputError`.

    Sequences that stand still are kept. An array holds deltas, or positions if `positions` is True; a table's columns show
    which it holds.
    """
    if path.suffix.lower() == ".csv":
        return _table(path, max_sequences, seed)
    tensor = path.suffix.lower() in (".pt", ".pth")
    read = tensor_gestures if tensor else arrays.read
    found = read(path, max_sequences, seed, keep_empty=True)
    if not positions:
        return found
    return _gathered(found, _deltas(found.sequences))


def _deltas(positions: FloatArray) -> FloatArray:
    """Return positions (N, T, K) with their first two channels as deltas, the first of which are 0."""
    deltas: FloatArray = positions.copy()
    deltas[..., :2] = np.diff(positions[..., :2], axis=1, prepend=positions[:, :1, :2])
    return deltas


def _gathered(found: Gestures, sequences: FloatArray) -> Gestures:
    summary = found.summary
    return gather(sequences, source=summary.source, total=summary.total, usable=summary.usable, dropped=summary.dropped)


def _table(path: Path, max_sequences: int, seed: int) -> Gestures:
    try:
        text = read_bounded(path, _MAX_BYTES).decode("utf-8-sig")
        sequences, positions = _sequences(text)
    except OSError as error:
        raise InputError(f"{path}: cannot read the samples: {reason(error)}") from None
    except (ValueError, csv.Error) as error:
        raise InputError(f"{path}: not a table of sequences: {reason(error)}; {_EXPECTED}") from None
    steps = max(map(len, sequences), default=0)
    require_room(str(path), min(max_sequences, len(sequences)), steps * 3)
    width = len(sequences[0][0]) if sequences else 2
    padded = np.zeros((len(sequences), steps, width), dtype=np.float32)
    for row, sequence in enumerate(sequences):
        with np.errstate(over="ignore"):  # values beyond float32 are counted as such
            values = np.asarray(sequence, dtype=np.float64)[None]  # (1, steps, width)
            padded[row, : len(sequence)] = (_deltas(values) if positions else values)[0]
    sample = draw([padded], padded.shape, str(path), max_sequences, seed, keep_empty=True)
    return gather(sample.rows, source=str(path), total=sample.total, usable=sample.usable, dropped=sample.dropped)


def _sequences(text: str) -> tuple[list[list[tuple[float, ...]]], bool]:
    """Return the sequences of a table, with times if it has some, and whether they are positions.

    Raises `ValueError` or `csv.Error`.
    """
    lines = csv.reader(_lines(text))
    header = [name.strip().lower() for name in next(lines, [])]
    id_at = next((header.index(name) for name in _IDS if name in header), None)
    columns = next((names for names in (_DELTAS, _POSITIONS) if all(name in header for name in names)), None)
    if id_at is None or columns is None:
        raise ValueError(f"its header is {','.join(header)[:80]}")
    at = tuple(header.index(name) for name in (*columns, _TIME) if name in header)
    found: list[list[tuple[float, ...]]] = []
    last, seen = None, set()
    for cells in lines:
        if not cells:
            continue
        if len(cells) != len(header):
            raise ValueError(f"line {lines.line_num} has {len(cells)} cells, the header {len(header)}")
        name = cells[id_at]
        if name != last:
            if name in seen:
                raise ValueError(f"line {lines.line_num} continues a sequence that had ended before")
            seen.add(name)
            found.append([])
            last = name
        found[-1].append(tuple(_number(cells[place], lines.line_num) for place in at))
    return found, columns is _POSITIONS


def _lines(text: str) -> Iterator[str]:
    for line in io.StringIO(text):
        if len(line) > _MAX_LINE:
            raise ValueError(f"it has a line of more than {_MAX_LINE:,} characters")
        yield line


def _number(cell: str, line: int) -> float:
    try:
        return float(cell)
    except ValueError:
        raise ValueError(f"line {line} has a cell that should be a number but is not") from None
