"""Tell from samples whether the loss compared the padding of its targets."""

from __future__ import annotations

from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case
from humouse_doctor.probes.shared import measures

#: Samples that move on at least this much in the padding were not trained on it (HD218's page lists the runs).
LEFT_OUT = 0.5
#: The share of sequences that have ended from which on a step counts.
_ENDED = 0.5


def motion_in_padding(case: Case) -> float | None:
    """Return how far samples are from the padding's value where most targets have ended, over how far targets are before.

    Both are root mean squares in the loss's space. Returns None where no step is padding in half of the targets, where padding
    has no one value, or where samples, targets or lengths are not known.
    """
    samples = case.samples
    if samples.predictions is None or samples.loss_targets is None or samples.lengths is None:
        return None
    targets, made = (measures.compared(case, values) for values in (samples.loss_targets, samples.predictions))
    inside = measures.valid_steps(samples.lengths, *targets.shape[:2])
    ended = (~inside).mean(axis=0) >= _ENDED  # (T,)
    if not ended.any() or not inside.any() or made.shape[1:] != targets.shape[1:]:
        return None
    value = targets[~inside][0]  # (C,)
    if (targets[~inside] != value).any():
        return None
    moved, wanted = (float(np.sqrt(np.square(part - value).mean())) for part in (made[:, ended], targets[inside]))
    share = moved / wanted if wanted > 0 else np.inf
    return float(share) if np.isfinite(share) else None


def is_left_out(case: Case) -> bool:
    """Return True if samples move on where the targets are padding, as only those of a masked loss were seen to."""
    motion = motion_in_padding(case)
    return motion is not None and motion >= LEFT_OUT
