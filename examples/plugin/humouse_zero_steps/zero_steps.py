"""XP101: do generated paths stand exactly still as often as their targets?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from humouse_doctor.core.arrays import BoolArray, FloatArray
from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval


class ZeroSteps(Probe):
    """Compares the shares of steps that are exactly zero."""

    code = "XP101"
    name = "zero-steps"
    kind = Kind.SYMPTOM
    summary = "Share of steps in which a generated path stands exactly still, against the targets' share."
    needs = (Need.TARGETS, Need.PREDICTIONS, Need.SPACE)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="excess_zero_share",
            unit="share",
            meaning="share of generated steps that are exactly zero, less the targets' share",
            healthy=Interval(low=-0.2, high=0.2),
            tolerable=Interval(low=-0.5, high=0.5),
        ),
        Metric(name="zero_share", unit="share", meaning="share of generated steps that are exactly zero"),
        Metric(name="target_zero_share", unit="share", meaning="share of the targets' steps that are exactly zero"),
    )
    secondary = True  # paths that never pause may be as varied as real ones

    def measure(self, case: Case) -> dict[str, float]:
        """Return the shares of zero steps of `case`."""
        samples, space = case.samples, case.space
        assert samples.loss_targets is not None  # as is all that is in `needs`
        assert samples.predictions is not None
        assert space is not None
        if space.sequence_mean is not None and not space.absolute:
            raise NotMeasurable(f"the loss compares {space.name}, in which no movement is another number than zero")
        generated = stands_still(samples.predictions, absolute=space.absolute)
        real = stands_still(samples.loss_targets, absolute=space.absolute)
        if real.size == 0:
            raise NotMeasurable("sequences of one step have no step between positions")
        if samples.lengths is not None:  # what comes after a sequence's end is padding
            first = samples.loss_targets.shape[1] - real.shape[1]  # a step leads to the second position
            real = real[np.arange(first, first + real.shape[1]) < samples.lengths[:, None]]
        if real.size == 0:
            raise NotMeasurable("the targets are padding alone")
        shares = float(generated.mean()), float(real.mean())
        return {"excess_zero_share": shares[0] - shares[1], "zero_share": shares[0], "target_zero_share": shares[1]}

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        """Return the finding in one sentence."""
        seldom = measured["excess_zero_share"] < 0
        return (
            f"{measured['zero_share']:.0%} of the generated steps are exactly zero, and {measured['target_zero_share']:.0%}"
            f" of the targets': generated paths pause {'less' if seldom else 'more'} than real ones"
        )


def stands_still(values: FloatArray, *, absolute: bool) -> BoolArray:
    """Return where a path makes a step of exactly zero: values (N, T, D) -> (N, T), or (N, T - 1) of positions."""
    steps = np.diff(values[..., :2], axis=1) if absolute else values[..., :2]
    return np.asarray((steps == 0).all(axis=-1))
