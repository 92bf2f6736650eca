"""HD107: generated paths all head the same way, or shake on the spot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval
from humouse_doctor.probes.shared import measures
from humouse_doctor.probes.shared.paths import STILL, counted_moves, headings_and_efficiency, path_lengths, same_way_share

#: From these shares on, "nearly all" and "most" are fair words.
_NEARLY_ALL, _MOST = 0.9, 0.6


class DirectionCollapse(Probe):
    code = "HD107"
    name = "direction-collapse"
    kind = Kind.SYMPTOM
    secondary = True
    summary = "How alike the headings of the paths are, and how straight the paths run, prediction against target."
    briefs = ("{same_way_share:.0%} go one way, efficiency {efficiency_ratio:.2g} of real",)
    needs = (Need.TARGETS, Need.PREDICTIONS, Need.SPACE)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="heading_excess",
            unit="resultant length",
            meaning="concentration of headings, prediction minus target",
            healthy=Interval(high=0.5),
            tolerable=Interval(high=0.8),
        ),
        Metric(
            name="efficiency_ratio",
            unit="ratio",
            meaning="path efficiency, prediction over target; near 0 the paths shake on the spot",
            healthy=Interval(low=0.3),
            tolerable=Interval(low=0.1),
        ),
        Metric(name="heading_concentration", unit="resultant length", meaning="0 all directions alike, 1 one direction"),
        Metric(name="same_way_share", unit="share", meaning="share of headings within 45 degrees of the mean one"),
        Metric(name="path_efficiency", unit="share", meaning="distance from start to end over the path's length"),
        Metric(name="target_path_efficiency", unit="share", meaning="the same of the targets"),
    )

    def measure(self, case: Case) -> dict[str, float]:
        judged = measures.judged(case)
        real_moves = counted_moves(judged.target_paths, case.samples.lengths)
        moves = counted_moves(judged.paths, case.samples.lengths)
        if path_lengths(moves).mean() < STILL * path_lengths(real_moves).mean():
            raise NotMeasurable("the generated paths hardly move, so their headings mean nothing")
        of_drawn, straight = headings_and_efficiency(moves)
        of_targets, real = headings_and_efficiency(real_moves)
        return {
            "heading_excess": of_drawn - of_targets,
            "efficiency_ratio": straight / real,
            "heading_concentration": of_drawn,
            "same_way_share": same_way_share(moves),
            "path_efficiency": straight,
            "target_path_efficiency": real,
        }

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        if measured["heading_excess"] in self.metric("heading_excess").healthy:
            return (
                f"generated paths get {measured['path_efficiency']:.2f} of their length away from where they start, real ones"
                f" {measured['target_path_efficiency']:.2f}: they shake rather than go somewhere"
            )
        return (
            f"the paths' headings agree with a resultant length of {measured['heading_concentration']:.2f},"
            f" {measured['heading_excess']:.2f} more than the real ones': {_how_many(measured['same_way_share'])} go within 45"
            " degrees of one direction"
        )


def _how_many(share: float) -> str:
    """Return a share of paths in words with its number."""
    words = "nearly all" if share >= _NEARLY_ALL else "most" if share >= _MOST else ""
    return f"{words}, {share:.0%}," if words else f"{share:.0%}"
