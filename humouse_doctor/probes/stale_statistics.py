"""HD215: statistics that the network carries are not those of its data: of batch norms, or of the output's scale."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval, Remedy
from humouse_doctor.core.spec import MeasuredHead
from humouse_doctor.probes.shared import measures
from humouse_doctor.remedies import catalogue


class StaleStatistics(Probe):
    code = "HD215"
    name = "stale-statistics"
    kind = Kind.CAUSE
    summary = "Trained batch norms whose running statistics are still 0 and 1, and an output scale that is not the targets'."
    briefs = (
        "output scale {output_scale:.2g}, {stale_share:.0%} of norms stale",
        "output scale {output_scale:.2g} of the targets' std",
        "{stale_share:.0%} of batch norms have no statistics",
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
        scale = _output_scale(case)
        if scale is not None:
            measured["output_scale"] = scale
        if not measured:
            raise NotMeasurable("the network has no batch norm with running statistics, and its head scales nothing")
        return measured

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
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
