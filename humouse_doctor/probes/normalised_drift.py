"""HD206: positions are summed from z-scored deltas, so that they drift and have no unit scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval, Lever, Remedy
from humouse_doctor.probes.shared import measures
from humouse_doctor.remedies import catalogue


class NormalisedDrift(Probe):
    code = "HD206"
    name = "normalised-drift"
    kind = Kind.CAUSE
    summary = "Positions summed from z-scored deltas: their scale, and how far the subtracted mean makes them drift."
    briefs = ("summed positions have a std of {position_std:.3g}",)
    needs = (Need.TARGETS, Need.SPACE)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="position_std",
            unit="loss space",
            meaning="std of the summed positions, the larger axis; 1 would be normalised",
            healthy=Interval(high=3.0),
            tolerable=Interval(high=6.0),
        ),
        Metric(name="drift", unit="loss space", meaning="how far the subtracted mean moves a path over T steps"),
    )
    explains = ("HD101", "HD103", "HD104", "HD105")
    key = "data.normalize_sequences"
    levers = (Lever.SPACE,)

    def measure(self, case: Case) -> dict[str, float]:
        space = case.space
        assert space is not None
        if not space.absolute or space.sequence_mean is None or space.sequence_std is None or space.position_mean is not None:
            raise NotMeasurable(f"the loss compares {space.name}")
        measures.require_numbers(np.stack([space.sequence_mean[:2], space.sequence_std[:2]]), "the statistics of the deltas")
        targets = measures.loss_targets(case)
        std = float(measures.spread(targets).max())
        if std <= 0:
            raise NotMeasurable("the targets do not vary")
        drift = np.abs(space.sequence_mean[:2] / space.sequence_std[:2]).max() * targets.shape[1]
        return {"position_std": std, "drift": float(drift)}

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        return (
            f"positions are summed from z-scored deltas: their std is {measured['position_std']:.3g}, not 1, and the"
            f" subtracted mean moves a path by {measured['drift']:.3g}"
        )

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        as_read = (catalogue.loss_as_read(case),) if catalogue.sums_output(case) else ()
        return (*as_read, catalogue.unit_scale(case), catalogue.raw_deltas(case))
