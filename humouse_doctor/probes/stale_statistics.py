"""HD215: statistics are not those of the data: of batch norms, of the output's scale, or of a scale that nothing undoes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Judgement, Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval, Remedy
from humouse_doctor.core.spec import MeasuredHead
from humouse_doctor.probes.latent_insensitive import effective_rank
from humouse_doctor.probes.no_skill import NoSkill
from humouse_doctor.probes.out_of_reach_targets import OutOfReachTargets
from humouse_doctor.probes.shared import measures
from humouse_doctor.probes.target_scale import TargetScale
from humouse_doctor.remedies import catalogue

#: Measures whose ratios differ by less than this factor have one scale.
_ALIKE = 1.5
#: Samples in as many directions as the targets differ from these by less than this factor in their effective rank.
_AS_RICH = 1.25
#: Fitted latents that take this share off the loss reach the targets' scale: it is the latents that are not the prior's.
_REACHED = 0.5


class StaleStatistics(Probe):
    code = "HD215"
    name = "stale-statistics"
    kind = Kind.CAUSE
    summary = "Trained batch norms whose running statistics are still 0 and 1, and an output scale that is not the targets'."
    briefs = (
        "output scale {output_scale:.2g}, {stale_share:.0%} of norms stale",
        "output scale {output_scale:.2g} of the targets' std",
        "{stale_share:.0%} of batch norms have no statistics",
        "the shape is right, the scale {shape_scale:.2g}",
    )
    needs = (Need.WEIGHTS,)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="stale_share",
            unit="share",
            meaning="trained batch norms whose running statistics are exactly 0 and 1, of all batch norms",
            healthy=Interval(high=0.0),
            tolerable=Interval(high=0.0),
        ),
        Metric(
            name="output_scale",
            unit="ratio",
            meaning="the factor that the head scales its values by, over the std of the targets, on the worst channel",
            healthy=Interval(low=0.1, high=10.0),
            tolerable=Interval(low=0.02, high=50.0),
        ),
        Metric(name="norms", unit="count", meaning="batch norms that keep running statistics"),
        Metric(
            name="shape_scale",
            unit="ratio",
            meaning="the one scale at which samples are sequences like the targets; only where head and steps suffice for them",
            healthy=Interval(low=0.4, high=2.5),
            tolerable=Interval(low=0.4, high=2.5),
        ),
    )
    explains = ("HD101",)
    sometimes = ("HD102", "HD103", "HD104", "HD105", "HD107")

    def measure(self, case: Case) -> dict[str, float]:
        assert case.weights is not None
        measured = {}
        if case.weights.norms:
            measured = {
                "stale_share": case.weights.stale_norms / case.weights.norms,
                "norms": float(case.weights.norms),
            }
        scale, shape = _output_scale(case), None
        if scale is not None:
            measured["output_scale"] = scale
        if self.judge(measured) is Judgement.HEALTHY:
            shape = _shape_scale(case)
        if shape is not None and shape not in self.metric("shape_scale").healthy:
            measured["shape_scale"] = shape
        if not measured:
            raise NotMeasurable("the network has no batch norm with running statistics, and its head scales nothing")
        return measured

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        if "shape_scale" in measured:
            return (
                f"spread, movement and variety of the samples are all {measured['shape_scale']:.2g} of the targets', in as many"
                " directions, though head and steps suffice for the scale: training compared data of another scale, and"
                " nothing scales the output back"
            )
        stale = round(measured.get("stale_share", 0.0) * measured.get("norms", 0.0))
        if not stale:
            return (
                f"the head scales what the network makes by {measured['output_scale']:.2g} times the std of the targets: its"
                " mean and std are not those of these data"
            )
        return (
            f"{stale} of {measured['norms']:.0f} batch norms were trained, but their running mean and variance are still"
            " exactly 0 and 1: in evaluation mode they scale by statistics that were never taken (averaged weights have"
            " this where their buffers were not copied)"
        )

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        if measured.get("stale_share", 0.0) > 0:
            return (catalogue.fresh_statistics(),)
        return (catalogue.statistics_of_the_data(case),)


def _shape_scale(case: Case) -> float | None:
    """Return the scale that samples have by every measure, None if they differ, or if another cause sets the scale.

    A head whose bounds the targets leave (HD201) and too few steps (HD202) shrink all measures alike, and have to be measured
    and healthy. So does a latent that is not the prior's, from which fitted latents reach real sequences. A program that reads
    another space than the loss compares (HD211) changes the scale too.
    """
    if case.spaces_differ:
        return None
    try:
        for probe in (OutOfReachTargets(), TargetScale()):
            if not _suffices(probe, case):
                return None
        judged = measures.judged(case)
        measures.require_sequences(judged.predictions, judged.targets)
        if min(judged.predictions.shape[1], judged.targets.shape[1]) < measures.MIN_STEPS:
            return None
        drawn, wanted = (_sizes(values) for values in (judged.predictions, judged.targets))  # (3, C)
        ratios = drawn[:, wanted.min(axis=0) > 0] / wanted[:, wanted.min(axis=0) > 0]
        ranks = [effective_rank(values) for values in (judged.predictions, judged.targets)]
        fit = case.samples.fit
        skill = None if fit is None else NoSkill().measure(case)["skill"]
    except NotMeasurable:
        return None
    if ratios.size == 0 or not ratios.min() > 0 or ratios.max() > _ALIKE * ratios.min():
        return None
    if not 1 / _AS_RICH <= ranks[0] / max(ranks[1], 1e-12) <= _AS_RICH or skill is None or skill > _REACHED:
        return None
    return float(np.exp(np.log(ratios).mean()))


def _suffices(probe: Probe, case: Case) -> bool:
    """Return True if the probe finds nothing in `case`, or nothing to measure since the head has no bounds."""
    if case.network is None or any(case.lacks(need) for need in probe.needs):
        return False
    unbounded = all(head is not None and all(map(math.isinf, head.bounds)) for head in case.network.heads)
    if probe.code == OutOfReachTargets.code and unbounded:
        return True
    return probe.judge(probe.measure(case)) is Judgement.HEALTHY


def _sizes(values: FloatArray) -> FloatArray:
    """Return the spread, the change from step to step and the variety of sequences (N, T, C), as (3, C)."""
    steps = np.sqrt(np.square(np.diff(values, axis=1)).mean(axis=(0, 1)))
    return np.stack([values.std(axis=(0, 1)), steps, values.std(axis=0).mean(axis=0)])


def _output_scale(case: Case) -> float | None:
    """Return head gain over target std on the channel where it is furthest from 1, of measured heads without bounds."""
    if case.network is None or case.samples.loss_targets is None:
        return None
    spread = measures.loss_targets(case).std(axis=(0, 1))  # (D,)
    heads = case.network.heads[: len(spread)]
    ratios = [
        abs(head.gain) / std
        for head, std in zip(heads, spread, strict=False)
        if isinstance(head, MeasuredHead) and all(map(math.isinf, head.bounds)) and std > 0 and head.gain != 0
    ]
    return float(max(ratios, key=lambda ratio: abs(math.log(ratio)))) if ratios else None
