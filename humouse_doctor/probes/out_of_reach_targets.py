"""HD201: targets lie outside the range of a bounded head."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Decides, Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval, Lever, Remedy
from humouse_doctor.core.spec import Activation, Head
from humouse_doctor.probes.shared import measures
from humouse_doctor.remedies import catalogue


class OutOfReachTargets(Probe):
    code = "HD201"
    name = "out-of-reach-targets"
    kind = Kind.CAUSE
    summary = "Share of targets a bounded head cannot reach, and the share of the loss that is reachable at all."
    briefs = ("{reachable_loss_share:.1%} of the loss is in reach",)
    needs = (Need.TARGETS, Need.HEADS)
    decides = Decides.BEFORE_TRAINING
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(name="out_of_reach_share", unit="share", meaning="share of target values outside the head's bounds"),
        Metric(
            name="reachable_loss_share",
            unit="share",
            meaning="1 - L1(y, clip(y)) / L1(y, 0): what a perfect network could gain over always zero",
            healthy=Interval(low=0.9),
            tolerable=Interval(low=0.6),
        ),
        Metric(name="loss_floor", unit="loss space", meaning="L1 that is left when every value is clipped to the bounds"),
    )
    explains = ("HD101", "HD103", "HD104", "HD105")
    sometimes = ("HD102", "HD106", "HD107")
    key = "model.generator.activation_xy"
    levers = (Lever.SPACE, Lever.HEAD)

    def measure(self, case: Case) -> dict[str, float]:
        assert case.network is not None
        targets = measures.loss_targets(case)
        heads = case.network.heads[: targets.shape[-1]]
        known = [axis for axis, head in enumerate(heads) if head is not None]
        bounds = [head.bounds for head in heads if head is not None]
        if all(math.isinf(low) and math.isinf(high) for low, high in bounds):
            if len(known) < len(heads):
                raise NotMeasurable("the range of values that the head can emit is not known")
            raise NotMeasurable("the head has no bounds (linear), so nothing is out of its reach")
        targets = targets[..., known]
        low, high = np.transpose(bounds)
        whole = float(np.abs(targets).mean())
        if whole <= 0:
            raise NotMeasurable("all targets are zero")
        floor = float(np.abs(targets - np.clip(targets, low, high)).mean())
        return {
            "out_of_reach_share": float(((targets < low) | (targets > high)).mean()),
            "reachable_loss_share": 1 - floor / whole,
            "loss_floor": floor,
        }

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        heads = case.network.heads if case.network else ()
        bounded = (head for head in heads if head is not None and not all(map(math.isinf, head.bounds)))
        head = next((_in_words(head) for head in bounded), "a bounded head can emit")
        space = case.space.name if case.space else "the loss's space"
        return (
            f"{measured['out_of_reach_share']:.1%} of the targets ({space}) lie beyond what {head}:"
            f" {measured['reachable_loss_share']:.1%} of the loss is reachable, whatever the training does"
        )

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        return catalogue.scale_remedies(case)


def _in_words(head: Head) -> str:
    return f"a {head.value} head can emit" if isinstance(head, Activation) else f"the head can emit ({head.value})"
