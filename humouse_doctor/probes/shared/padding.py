"""Measure how much of the targets is padding, and tell from samples whether the loss compared it."""

from __future__ import annotations

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case
from humouse_doctor.probes.shared import measures

#: With a mask samples move so far in the padding (HD218's page lists the runs). Those that move further, there or before it,
#: overshoot or were never trained.
_MASKED_LEAST, _MASKED_MOST = 0.5, 2.0
#: The share of sequences that have ended from which on a step counts.
_ENDED = 0.5


def share(lengths: FloatArray, steps: int) -> float:
    """Return the share of padding, 0 to 1, in sequences of so many steps that end after `lengths` (N,)."""
    return float(1 - np.clip(lengths, 0, steps).mean() / steps)


def motion_in_padding(case: Case) -> float | None:
    """Return how far samples are from the padding's value where most targets have ended, over how far targets are before.

    Both are root mean squares in the loss's space. Returns None where no step is padding in half of the targets, or each is,
    where padding has no one value, or where samples, targets or lengths are not known.
    """
    motions = _motions(case)
    return None if motions is None else motions[1]


def is_left_out(case: Case) -> bool:
    """Return True if samples move on where the targets are padding, as far as those of a masked loss did, and before it too."""
    motions = _motions(case)
    return motions is not None and motions[0] <= _MASKED_MOST and _MASKED_LEAST <= motions[1] <= _MASKED_MOST


def _motions(case: Case) -> tuple[float, float] | None:
    """Return how far samples are from the padding's value where most targets go on, and where most have ended.

    The unit and the reasons for None are those of `motion_in_padding`.
    """
    samples = case.samples
    if samples.predictions is None or samples.loss_targets is None or samples.lengths is None:
        return None
    targets, made = (measures.compared(case, values) for values in (samples.loss_targets, samples.predictions))
    inside = measures.valid_steps(samples.lengths, *targets.shape[:2])
    ended = (~inside).mean(axis=0) >= _ENDED  # (T,)
    if not ended.any() or ended.all() or made.shape[1:] != targets.shape[1:]:
        return None
    value = targets[~inside][0]  # (C,)
    if (targets[~inside] != value).any():
        return None
    before, after, wanted = (
        float(np.sqrt(np.square(part - value).mean())) for part in (made[:, ~ended], made[:, ended], targets[inside])
    )
    if not (wanted > 0 and np.isfinite(before / wanted) and np.isfinite(after / wanted)):
        return None
    return before / wanted, after / wanted
