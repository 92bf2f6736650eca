"""HD107: generated paths all head the same way, or shake on the spot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval
from humouse_doctor.probes.shared import measures

#: Generated paths shorter than this share of the real ones' mean length count as standing still.
_STILL = 0.01
#: Fewer headings than this may agree by chance.
_MIN_PATHS = 8


class DirectionCollapse(Probe):
    code = "HD107"
    name = "direction-collapse"
    kind = Kind.SYMPTOM
    secondary = True
    summary = "How alike the headings of the paths are, and how straight the paths run, prediction against target."
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
        Metric(name="path_efficiency", unit="share", meaning="distance from start to end over the path's length"),
        Metric(name="target_path_efficiency", unit="share", meaning="the same of the targets"),
    )

    def measure(self, case: Case) -> dict[str, float]:
        assert case.space is not None
        wanted = case.space.positions(measures.loss_targets(case))
        drawn = case.space.positions(measures.predictions(case))
        real_moves = counted_moves(wanted, case.samples.lengths)
        moves = counted_moves(drawn, case.samples.lengths)
        if path_lengths(moves).mean() < _STILL * path_lengths(real_moves).mean():
            raise NotMeasurable("the generated paths hardly move, so their headings mean nothing")
        of_drawn, straight = headings_and_efficiency(moves)
        of_targets, real = headings_and_efficiency(real_moves)
        return {
            "heading_excess": of_drawn - of_targets,
            "efficiency_ratio": straight / real,
            "heading_concentration": of_drawn,
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
            f" {measured['heading_excess']:.2f} more than the real ones': nearly all go the same way"
        )


def counted_moves(positions: FloatArray, lengths: FloatArray | None) -> FloatArray:
    """Return moves from step to step, 0 in the transient and the padding: (N, T, 2) -> (N, T - 1, 2)."""
    mask = measures.counted_steps(lengths, len(positions), positions.shape[1])
    return np.asarray(np.diff(positions, axis=1) * (mask[:, :-1] & mask[:, 1:])[..., None])


def path_lengths(moves: FloatArray) -> FloatArray:
    """Return the lengths of paths from their moves: (N, T - 1, 2) -> (N,)."""
    return np.asarray(np.hypot(moves[..., 0], moves[..., 1]).sum(axis=1))


def headings_and_efficiency(moves: FloatArray) -> tuple[float, float]:
    """Return the mean resultant length of net headings, and the mean path efficiency, both in [0, 1].

    `moves` are (N, T - 1, 2). Raises `NotMeasurable` if too few paths go anywhere.
    """
    net = moves.sum(axis=1)  # (N, 2)
    distance = np.hypot(net[:, 0], net[:, 1])
    way = path_lengths(moves)
    going = way > 0
    if (distance > 0).sum() < _MIN_PATHS:
        raise NotMeasurable(f"fewer than {_MIN_PATHS} paths go anywhere, too few to compare their headings")
    units = net[distance > 0] / distance[distance > 0, None]
    return float(np.linalg.norm(units.mean(axis=0))), float((distance[going] / way[going]).mean())
