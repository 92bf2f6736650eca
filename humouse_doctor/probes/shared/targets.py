"""Limits of the targets themselves, which hold for any generator."""

from __future__ import annotations

import math

from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.probes.shared import measures, padding

#: The square of a smaller number is not a normal float32.
_LEAST_SPREAD = math.sqrt(2.0**-126)


def sight_trouble(case: Case) -> str | None:
    """Return why some symptoms cannot be seen with these targets; None if all can, or if the targets are unknown."""
    if case.samples.loss_targets is None:
        return None
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # a spread beyond float64 is a spread
            targets = measures.loss_targets(case)
            measures.require_sequences(targets)
            if targets.shape[1] < measures.MIN_STEPS:
                return f"targets of fewer than {measures.MIN_STEPS} steps show no movement"
            if not (measures.spread_across(targets, case.samples.lengths) > 0).any():  # one axis that does not vary is left out
                return "the targets are all alike"
    except NotMeasurable as reason:
        return str(reason)
    return None


def loss_trouble(case: Case) -> str | None:
    """Return why the targets' spread is too small for any loss in float32; None if it is not, or if they are unknown.

    Raises `NotMeasurable` if the targets are not finite numbers.
    """
    if case.samples.loss_targets is None:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        spread = measures.spread_across(measures.loss_targets(case))
    least = float(spread[spread > 0].min(initial=math.inf))
    return f"targets that spread {least:.1e} have no squares in float32, where their loss is" if least < _LEAST_SPREAD else None


def padding_share(case: Case) -> float:
    """Return the share of the targets' steps that are padding; 0 if that is not known."""
    targets, lengths = case.samples.loss_targets, case.samples.lengths
    if targets is None or lengths is None or targets.size == 0:
        return 0.0
    return padding.share(lengths, targets.shape[1])
