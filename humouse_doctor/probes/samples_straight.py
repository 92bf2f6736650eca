"""HD109: generated paths run straighter than real ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval
from humouse_doctor.probes.shared import measures
from humouse_doctor.probes.shared.paths import STILL, coarse_efficiency, counted_moves, headings_and_efficiency, path_lengths

#: Real paths that waste less of their way than this leave no room to be straighter.
_STRAIGHT = 0.02
#: From this efficiency on, "nearly straight" are fair words.
_NEARLY = 0.95


class SamplesStraight(Probe):
    code = "HD109"
    name = "samples-straight"
    kind = Kind.SYMPTOM
    secondary = True
    summary = "How much of their way paths spend on turns rather than on getting away, prediction over target."
    briefs = ("turns {detour_ratio:.2g} of real",)
    needs = (Need.TARGETS, Need.PREDICTIONS, Need.SPACE)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="detour_ratio",
            unit="ratio",
            meaning="1 - path efficiency, prediction over target; 0 is a straight line",
            healthy=Interval(low=0.2),
            tolerable=Interval(low=0.05),
        ),
        Metric(name="path_efficiency", unit="share", meaning="distance from start to end over the path's length"),
        Metric(name="target_path_efficiency", unit="share", meaning="the same of the targets"),
    )

    def measure(self, case: Case) -> dict[str, float]:
        judged = measures.judged(case)
        real = counted_moves(judged.target_paths, case.samples.lengths)
        drawn = counted_moves(judged.paths, case.samples.lengths)
        if path_lengths(drawn).mean() < STILL * path_lengths(real).mean():
            raise NotMeasurable("the generated paths hardly move, so their straightness means nothing")
        _, straight = headings_and_efficiency(drawn)
        _, wanted = headings_and_efficiency(real)
        if 1 - max(wanted, coarse_efficiency(real)) < _STRAIGHT:
            raise NotMeasurable("the real paths are straight lines themselves")
        return {
            "detour_ratio": (1 - straight) / (1 - wanted),
            "path_efficiency": straight,
            "target_path_efficiency": wanted,
        }

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        turns = f"spend {measured['detour_ratio']:.2f} times as much of their way on turns"
        straight = "run nearly straight" if measured["path_efficiency"] >= _NEARLY else turns
        return (
            f"generated paths get {measured['path_efficiency']:.2f} of their length away from where they start, real ones"
            f" {measured['target_path_efficiency']:.2f}: they {straight}"
        )
