"""Gestures as read from data: a bounded, seeded sample of sequences, and facts about the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from humouse_doctor.core.arrays import BoolArray, FloatArray, IntArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import DataSummary
from humouse_doctor.core.errors import InputError
from humouse_doctor.inputs.gestures.reservoir import Reservoir

#: A mean or std outside of this range is unusable: the trainer's float32 cannot hold it or divide by it.
_SMALLEST, _LARGEST = 2.0**-126, 2.0**127
#: A sequence of more values than this is long; of long sequences only so many values are held in memory.
_LONG, _MAX_VALUES = 4096, 1 << 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Means and standard deviations per channel, as stored beside a cache; may be empty."""

    by_name: Mapping[str, FloatArray] = field(default_factory=lambda: MappingProxyType({}))

    def scale(self, name: str, width: int) -> tuple[FloatArray, FloatArray] | None:
        """Return mean and std of `name` (`sequence` or `feature`), (width,) each, None if unusable. A std may be zero."""
        mean, std = self.by_name.get(f"{name}_mean"), self.by_name.get(f"{name}_std")
        if mean is None or std is None or min(len(mean), len(std)) < width:
            return None
        mean, std = mean[:width], std[:width]
        held = (np.abs(mean) <= _LARGEST) & (std <= _LARGEST) & ((std >= _SMALLEST) | (std == 0))
        return (mean, std) if held.all() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A sample of an array's usable rows (k, T, K) float32, at the sorted `numbers` (k,) among its `total`.

    `usable` counts all usable rows; `dropped` counts the others by reason.
    """

    rows: FloatArray
    numbers: IntArray
    total: int
    usable: int
    dropped: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gestures:
    """Sequences as they are in the data.

    `sequences` (N, T, K) raw: dx and dy first, then dt where there is one; `lengths` (N,) steps before the padding;
    `features` (N, F) raw where the data has them. `resampled` is True if the length was chosen rather than found in the data.
    """

    sequences: FloatArray
    lengths: IntArray
    summary: DataSummary
    features: FloatArray | None = None
    resampled: bool = False
    statistics: Statistics = field(default_factory=Statistics)


def require_room(source: str, count: int, values: int) -> None:
    """Raise `InputError` if `count` sequences of `values` numbers each would take too much memory."""
    if values > _LONG and count * values > _MAX_VALUES:
        raise InputError(
            f"{source}: {count:,} sequences of {values:,} values each are too large to hold; "
            "expected gestures, or give a smaller --max-sequences"
        )


def usable(rows: FloatArray, *, keep_empty: bool = False) -> tuple[BoolArray, Mapping[str, int]]:
    """Return a mask (n,) of the `rows` (n, T, K) that are gestures in float32, and the others' counts by reason.

    With `keep_empty`, sequences of zeros count as gestures.
    """
    with np.errstate(over="ignore"):  # values beyond float32 count as not finite
        flat = rows.reshape(len(rows), rows.shape[1] * rows.shape[2]).astype(np.float32, copy=False)
    energy = np.einsum("ij,ij->i", flat, flat)  # (n,): zero for an empty sequence, not finite for a broken one
    still = np.zeros(len(rows), dtype=bool) if keep_empty else energy == 0
    if still.any():  # a square may underflow float32 though its root does not
        still[still] = ~flat[still].any(axis=1)
    broken = ~np.isfinite(energy)
    counts = {"with NaN, infinite or overly large values": int(broken.sum()), "empty": int(still.sum())}
    return ~(broken | still), {reason: count for reason, count in counts.items() if count}


def draw(
    chunks: Iterable[FloatArray],
    shape: tuple[int, ...],
    source: str,
    max_sequences: int,
    seed: int,
    *,
    keep_empty: bool = False,
) -> Sample:
    """Draw a sample by `seed` of an array of `shape` (N, T, K), given in `chunks` (n, T, K); raise `InputError`.

    Sequences of zeros are not gestures and are dropped, unless `keep_empty`.
    """
    # No larger than the file, so that a few very long rows do not reserve room for thousands.
    capacity = min(max_sequences, shape[0])
    require_room(source, capacity, shape[1] * shape[2])
    reservoir, dropped, first = Reservoir(capacity, seed), Counter[str](), 0
    for chunk in chunks:
        good, counts = usable(chunk, keep_empty=keep_empty)
        dropped.update(counts)
        numbers = np.arange(first, first + len(chunk))
        if good.all():
            reservoir.offer(chunk, numbers)
        else:
            reservoir.offer(chunk[good], numbers[good])
        first += len(chunk)
    rows, taken = reservoir.sample()
    return Sample(rows=rows, numbers=taken, total=first, usable=reservoir.offered, dropped=dropped)


def gather(
    sequences: FloatArray,
    *,
    source: str,
    total: int,
    usable: int,
    dropped: Mapping[str, int],
    lengths: IntArray | None = None,
    features: FloatArray | None = None,
    statistics: Statistics | None = None,
    as_is: bool = False,
) -> Gestures:
    """Return gestures from a sample of raw `sequences` (N, T, K); `lengths` default to those without zero tails.

    With `as_is` they are a series that nothing is to be summed of. Raises `InputError` if there is no sequence.
    """
    if len(sequences) == 0:
        reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.items()) or "it is empty"
        raise InputError(f"{source}: no usable sequence ({reasons}); expected gestures as (N, T, >=2) deltas")
    if lengths is None:
        moving = np.any(sequences != 0, axis=-1)  # (N, T)
        lengths = unpadded(sequences) if as_is else sequences.shape[1] - np.argmax(moving[:, ::-1], axis=1)
    positions = np.asarray(sequences, dtype=np.float64)
    if not as_is:
        positions = np.cumsum(positions[..., :2], axis=1)  # (N, T, 2)
    mean, std = positions.mean(axis=(0, 1)), positions.std(axis=(0, 1))
    summary = DataSummary(
        source=source,
        total=total,
        usable=usable,
        taken=len(sequences),
        length=sequences.shape[1],
        dropped=MappingProxyType(dict(sorted(dropped.items()))),
        position_mean=tuple(map(float, mean)),
        position_std=tuple(map(float, std)),
    )
    return Gestures(
        sequences=sequences, lengths=lengths, summary=summary, features=features, statistics=statistics or Statistics()
    )


def unpadded(sequences: FloatArray) -> IntArray:
    """Return the steps of each sequence (N, T, D) before its padding: (N,).

    A tail of at least two steps that are all alike is padding, be it zeros or the last position repeated. A sequence that is
    alike at every step may be anything, and counts in full.
    """
    steps = sequences.shape[1]
    changes = np.any(np.diff(sequences, axis=1) != 0, axis=-1)  # (N, T - 1)
    if steps < 2:
        return np.full(len(sequences), steps)
    same = np.argmax(changes[:, ::-1], axis=1)  # (N,), the changes that are missing at the end
    zeros = ~np.any(sequences[:, -1] != 0, axis=-1)  # (N,)
    padded = changes.any(axis=1) & (same > 0)
    lengths: IntArray = np.where(padded, steps - same - zeros, steps)
    return lengths
