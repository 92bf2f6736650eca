"""HD211: the warm-up's loss compares one space, and the program reads the output in another."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

from humouse_doctor.cases import budget
from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval, Lever, Remedy
from humouse_doctor.core.space import PIXELS
from humouse_doctor.probes.shared import measures
from humouse_doctor.remedies import catalogue


class SpaceDisagreement(Probe):
    code = "HD211"
    name = "space-disagreement"
    kind = Kind.CAUSE
    lasting = True
    summary = "Whether the program reads the output in the space that the warm-up's loss compares."
    briefs = ("loss and program use different spaces",)
    needs = (Need.SPACE,)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="spaces_differ",
            unit="flag",
            meaning="1 where the loss compares positions and the program reads deltas, or the other way round",
            healthy=Interval(high=0),
            tolerable=Interval(high=0),
        ),
        Metric(
            name="perfect_spread_ratio",
            unit="ratio",
            meaning="spread of the paths drawn by a generator that meets the loss perfectly, over that of real ones",
        ),
        Metric(name="spread_as_compared", unit="ratio", meaning="std of predictions over std of targets, as the loss compares"),
        Metric(name="spread_as_read", unit="ratio", meaning="the same of paths, as the program reads the predictions"),
    )
    explains = ("HD101", "HD103", "HD104", "HD105")
    sometimes = ("HD107", "HD109")
    either_side = True
    key = "training.absolute_coordinates"
    levers = (Lever.SPACE,)

    def measure(self, case: Case) -> dict[str, float]:
        if case.reading is None and measures.is_series(case):
            raise NotMeasurable("a series as given is read as it is compared")
        if case.reading is None:
            raise NotMeasurable("how the program reads the output is not known; give --reads deltas, or --reads positions")
        budget.require_warm_up(case)
        if not case.spaces_differ or case.reading.compared:
            return {"spaces_differ": 0.0}
        measured = {"spaces_differ": 1.0}
        samples = case.samples
        if samples.sequences is None or samples.loss_targets is None:
            return measured
        wanted = measures.loss_targets(case)
        spread = partial(measures.spread, lengths=samples.lengths)
        real = spread(PIXELS.targets(measures.xy(samples.sequences), 2))
        measured["perfect_spread_ratio"] = _mean_ratio(spread(case.reading.space.pixels(wanted)), real)
        if samples.predictions is not None:
            drawn = measures.predictions(case)
            measured["spread_as_compared"] = _mean_ratio(spread(drawn), spread(wanted))
            measured["spread_as_read"] = _mean_ratio(spread(case.reading.space.pixels(drawn)), real)
        return measured

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        assert case.space is not None
        assert case.reading is not None
        said = f"the warm-up's loss compares {case.space.name}, and the program reads the output as {case.reading.space.name}"
        said += f" ({'assumed: ' if case.reading.assumed else ''}{case.reading.because})"
        if "spread_as_read" in measured:
            compared, read = (measures.in_words(measured[name], 3) for name in ("spread_as_compared", "spread_as_read"))
            return (
                f"{said}: as the loss compares them, samples spread {compared} times as far as targets; as the program reads"
                f" them, {read} times as far as real paths"
            )
        if "perfect_spread_ratio" in measured:
            perfect = measures.in_words(measured["perfect_spread_ratio"], 1)
            return (
                f"{said}: the paths of a generator that met the loss perfectly would spread {perfect} times as far as real ones"
            )
        return said

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        return catalogue.scale_remedies(case)


def _mean_ratio(spread: FloatArray, of: FloatArray) -> float:
    """Return the mean of the axes of one spread (2,) over that of another; raise `NotMeasurable` for one of 0."""
    whole = float(of.mean())
    if whole <= 0:
        raise NotMeasurable("the targets do not vary, so there is nothing to compare with")
    return float(spread.mean()) / whole
