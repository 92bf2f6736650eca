"""HD201: targets lie outside the range of a bounded head, or of one that emits a single value whatever comes before it."""

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
from humouse_doctor.probes.rate_too_high import is_too_high
from humouse_doctor.probes.shared import measures
from humouse_doctor.remedies import catalogue


class OutOfReachTargets(Probe):
    code = "HD201"
    name = "out-of-reach-targets"
    kind = Kind.CAUSE
    summary = "Share of targets a bounded head cannot reach, and the share of the loss that is reachable at all."
    briefs = (
        "layers that get zeros alone: {silent_layers:.0f}",
        "{live_share:.1%} of outputs can still change",
        "{reachable_loss_share:.1%} of the loss is in reach",
    )
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
        Metric(
            name="live_share",
            unit="share",
            meaning="share of outputs that are not the most common one, or change with the layer before; worst channel",
            healthy=Interval(low=0.02),
            tolerable=Interval(low=0.005),
        ),
        Metric(
            name="silent_layers",
            unit="count",
            meaning="layers that get zeros alone, where the output is the same for every latent",
            healthy=Interval(high=0),
            tolerable=Interval(high=0),
        ),
    )
    explains = ("HD101", "HD103", "HD104", "HD105")
    sometimes = ("HD102", "HD106", "HD107")
    key = "model.generator.activation_xy"
    levers = (Lever.SPACE, Lever.HEAD)

    def measure(self, case: Case) -> dict[str, float]:
        """Return the reach of the head's bounds, and what is dead where something is."""
        dead = self._dead(case)
        try:
            return {**self._reach(case), **dead}
        except NotMeasurable:
            if dead:
                return dead
            raise

    def _dead(self, case: Case) -> dict[str, float]:
        """Return the share of the worst channel that still lives, and the silent layers; nothing of what is alive.

        Nothing is said of a rate that may have driven the network there, which HD212 judges, and none of a tanh or a sigmoid,
        which HD102 does.
        """
        behaviour = case.samples.behaviour
        if behaviour is None or case.network is None or is_too_high(case):
            return {}
        if behaviour.silent_layers:
            return {"silent_layers": float(behaviour.silent_layers)}
        spread = measures.loss_targets(case).std(axis=(0, 1))  # (D,)
        known = zip(behaviour.live_shares or (), case.network.heads, spread, strict=False)
        shares = [share for share, head, std in known if std > 0 and head not in (Activation.TANH, Activation.SIGMOID)]
        return {"live_share": min(shares)} if shares and min(shares) not in self.metric("live_share").healthy else {}

    def _reach(self, case: Case) -> dict[str, float]:
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
        if "silent_layers" in measured:
            silent = round(measured["silent_layers"])
            return (
                f"{silent} layer{' gets' if silent == 1 else 's get'} nothing but zeros, for every latent, as after a ReLU that"
                " is always off: the output is one and the same, and no gradient passes, whatever the training does"
            )
        if "live_share" in measured:
            return (
                f"the head emits one value, and only {measured['live_share']:.1%} of the outputs change when what comes before"
                " it does: it is flat there (a ReLU below zero, a clamp beyond its ends, a softmax of one number), and no"
                " gradient passes, whatever the training does"
            )
        heads = case.network.heads if case.network else ()
        bounded = (head for head in heads if head is not None and not all(map(math.isinf, head.bounds)))
        head = next((_in_words(head) for head in bounded), "a bounded head can emit")
        space = case.space.name if case.space else "the loss's space"
        return (
            f"{measured['out_of_reach_share']:.1%} of the targets ({space}) lie beyond what {head}:"
            f" {measured['reachable_loss_share']:.1%} of the loss is reachable, whatever the training does"
        )

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        if {"silent_layers", "live_share"} & measured.keys():
            return (catalogue.living_head(),)
        return catalogue.scale_remedies(case)


def _in_words(head: Head) -> str:
    return f"a {head.value} head can emit" if isinstance(head, Activation) else f"the head can emit ({head.value})"
