"""The times between the steps of generated samples, against those of real sequences."""

from __future__ import annotations

from humouse_doctor.core.arrays import BoolArray, FloatArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.probes.shared import measures

#: Below this share of the real ones' variation a timing profile is flat.
FLAT = 0.1
#: If fewer of the real steps than this share take another time than their sequence's median, by more than a hundredth, then
#: the data was resampled to a fixed rate (of which a sequence's last step may be a rest) and shows nothing.
_OFTEN, _OTHER = 0.25, 0.01
_DT = 2


def timing_ratio(case: Case) -> float:
    """Return how much the times between steps vary within a sequence, generated over real.

    Raises `NotMeasurable` if one side has no times, or the real ones do not vary.
    """
    real, drawn = case.samples.sequences, case.samples.predictions
    if real is None or drawn is None or min(real.shape[-1], drawn.shape[-1]) <= _DT:
        raise NotMeasurable("there are no times between the steps")
    measures.require_sequences(real, drawn)
    wanted, found = (_times(values) for values in (real, drawn))  # (N, T, 1), (M, T, 1)
    steps = min(wanted.shape[1], found.shape[1])
    wanted, found = wanted[:, :steps], found[:, :steps]
    measures.require_numbers(wanted, "the times of the targets")
    measures.require_numbers(found, "the generated times")
    of_real = measures.counted_steps(case.samples.lengths, len(wanted), steps)
    if _varying(wanted[..., 0], of_real) < _OFTEN:
        raise NotMeasurable("the times between the steps of real sequences do not vary")
    varies = float(measures.std_over_time(wanted, of_real)[0])
    of_drawn = measures.counted_steps(case.samples.lengths, len(found), steps)
    return float(measures.std_over_time(found, of_drawn)[0]) / varies


def _times(values: FloatArray) -> FloatArray:
    return np.asarray(values[..., _DT : _DT + 1], dtype=np.float64)


def _varying(times: FloatArray, counted: BoolArray) -> float:
    """Return the share of the counted steps whose time is not the median of their sequence: (N, T), (N, T) -> [0, 1]."""
    if not counted.any():
        return 0.0
    with np.errstate(invalid="ignore"):
        known = np.where(counted, times, np.nan)[counted.any(axis=1)]  # (n, T)
        middle = np.nanmedian(known, axis=1, keepdims=True)  # (n, 1)
        other = np.abs(known - middle) > _OTHER * np.abs(middle)  # NaN is not
    return float(other.sum() / counted.sum())
