"""HD215: batch norms are trained, and their running statistics are still those of the start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval, Remedy
from humouse_doctor.remedies import catalogue


class StaleStatistics(Probe):
    code = "HD215"
    name = "stale-statistics"
    kind = Kind.CAUSE
    summary = "Trained batch norms whose running mean and variance are still 0 and 1, their start."
    briefs = ("{stale_share:.0%} of batch norms have no statistics",)
    needs = (Need.WEIGHTS,)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="stale_share",
            unit="share",
            meaning="trained batch norms whose running statistics are exactly 0 and 1, of all batch norms",
            healthy=Interval(high=0.0),
            tolerable=Interval(high=0.0),
        ),
        Metric(name="norms", unit="count", meaning="batch norms that keep running statistics"),
    )
    explains = ("HD101",)
    sometimes = ("HD102", "HD103", "HD104", "HD105", "HD107")

    def measure(self, case: Case) -> dict[str, float]:
        assert case.weights is not None
        if case.weights.norms == 0:
            raise NotMeasurable("the network has no batch norm that keeps running statistics")
        return {
            "stale_share": case.weights.stale_norms / case.weights.norms,
            "norms": float(case.weights.norms),
        }

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        stale = round(measured["stale_share"] * measured["norms"])
        return (
            f"{stale} of {measured['norms']:.0f} batch norms were trained, but their running mean and variance are still"
            " exactly 0 and 1: in evaluation mode they scale by statistics that were never taken (averaged weights have"
            " this where their buffers were not copied)"
        )

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        return (catalogue.fresh_statistics(),)
