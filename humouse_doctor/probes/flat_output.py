"""HD103: generated paths hardly move over time: they stand still, or run straight at a constant speed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.arrays import BoolArray, FloatArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Decides, Judgement, Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval
from humouse_doctor.probes.shared import measures

#: The metrics that are judged.
_JUDGED = ("time_std_ratio", "velocity_std_ratio", "late_std_ratio")
#: Targets that vary by less than this share of the whole path in its last third rest there.
_RESTS = 0.1
#: The recurrent state has settled once less than this share of its total movement remains.
SETTLED = 0.02
#: Settling before this share of the steps is mentioned (HD203 judges it).
_EARLY = 0.8


class FlatOutput(Probe):
    code = "HD103"
    name = "flat-output"
    kind = Kind.SYMPTOM
    summary = "Standard deviation over time within a path, of positions and of velocities, over that of the targets."
    briefs = (
        "movement {time_std_ratio:.2g} and speed {velocity_std_ratio:.2g} of real",
        "movement {time_std_ratio:.2g} of real",
        "in their last third paths move {late_std_ratio:.2g} of real",
    )
    needs = (Need.TARGETS, Need.PREDICTIONS, Need.SPACE)
    decides = Decides.ALWAYS
    metrics: ClassVar[tuple[Metric, ...]] = (
        *measures.on_each_axis(
            Metric(
                name="time_std_ratio",
                unit="ratio",
                meaning="std of positions over time within a path, prediction over target",
                healthy=Interval(low=0.4, high=4.0),
                tolerable=Interval(low=0.25, high=10.0),
                label="movement",
                deciding=True,
            )
        ),
        *measures.on_each_axis(
            Metric(
                name="velocity_std_ratio",
                unit="ratio",
                meaning="std of velocities over time within a path, prediction over target",
                healthy=Interval(low=0.12, high=4.0),
                tolerable=Interval(low=0.06, high=30.0),
                deciding=True,
                optional=True,
            )
        ),
        Metric(
            name="late_std_ratio",
            unit="ratio",
            meaning="std of positions over the last third of a path, prediction over target, on the axis that moves least",
            healthy=Interval(low=0.06),
            tolerable=Interval(low=0.02),
        ),
        Metric(name="settled_at", unit="share of T", meaning="when the last recurrent state has stopped moving"),
    )

    def measure(self, case: Case) -> dict[str, float]:
        judged = measures.judged(case)
        wanted, drawn = judged.target_paths, judged.paths  # (N, T, 2), (M, T, 2)
        measures.require_sequences(wanted, drawn)
        steps = min(wanted.shape[1], drawn.shape[1])
        wanted, drawn = wanted[:, :steps], drawn[:, :steps]
        of_targets = measures.counted_steps(case.samples.lengths, len(wanted), steps)
        of_drawn = measures.counted_steps(case.samples.lengths, len(drawn), steps)
        whole = measures.std_over_time(wanted, of_targets)
        measured = measures.two_sided(self.metric("time_std_ratio"), measures.std_over_time(drawn, of_drawn), whole)
        speeds = measures.std_over_time(np.diff(drawn, axis=1), of_drawn[:, :-1] & of_drawn[:, 1:])
        real = measures.std_over_time(np.diff(wanted, axis=1), of_targets[:, :-1] & of_targets[:, 1:])
        measured |= self._velocity(speeds, real, wanted, of_targets)
        measured |= _late(drawn, wanted, whole, case.samples.lengths)
        if case.samples.hidden is not None:
            measured["settled_at"] = settled_at(case.samples.hidden)
        return measured

    def _velocity(self, drawn: FloatArray, real: FloatArray, paths: FloatArray, counted: BoolArray) -> dict[str, float]:
        """Judge the std of velocities (C,) without channels in which real `paths` (N, T, C) move uniformly.

        Their velocity varies by jitter alone, which no generator has to learn, or by rounding. Shaking by more than that and
        their whole speed is still too much.
        """
        metric = self.metric("velocity_std_ratio")
        many = len(real) > 2  # one of many may well be a ramp, such as the time
        axes = [slice(c, c + 1) for c in range(len(real))] if many else [slice(None)]
        ramps = np.concatenate([np.full(len(real[axis]), measures.moves_uniformly(paths[..., axis], counted)) for axis in axes])
        real = np.where(ramps, np.maximum(real, measures.speed(paths, counted)), real)
        if many:
            real = np.where(ramps & (drawn < real), 0.0, real)
            return measures.two_sided(metric, drawn, real) if (real > 0).any() else {}
        velocity = measures.two_sided(metric, drawn, real)
        if not ramps.any():
            return velocity
        most = max(velocity.values())
        return {**velocity, metric.name: most} if most >= 1 else {}

    def judge(self, measured: Mapping[str, float]) -> Judgement:
        return measures.judge_two_sided([self.metric(name) for name in _JUDGED], measured)

    def overshoots(self, measured: Mapping[str, float]) -> bool:
        return measures.overshoot([self.metric(name) for name in _JUDGED], measured)

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        position, velocity, late = (self.metric(name) for name in _JUDGED)
        moves, varies = _both(measured)
        path, position_varies = _words(case)
        if moves >= position.healthy.low and varies >= velocity.healthy.low:
            if measured.get(late.name, 1.0) in late.healthy:
                return self._too_much(case, measured)
            return (
                f"in the last third of a {path} {position_varies} {measured[late.name]:.3f} as much as in a real one: {path}s"
                " stop where real ones go on"
            )
        if moves >= position.healthy.low or (varies < velocity.tolerable.low and moves >= position.tolerable.low):
            axes = measures.axes_in_words(case, "velocity_std_ratio", varies, measured, 3)
            both = "velocity_std_ratio_channel" not in measured and all(
                measured.get(f"velocity_std_ratio_{axis}", varies) < velocity.healthy.low for axis in "xy"
            )
            what = f"{path}s change speed {measures.in_words(varies, 3)} as much as real ones{axes}"
            what += ": they run nearly straight" if both and not measures.is_series(case) else ""
        else:
            axes = measures.axes_in_words(case, "time_std_ratio", moves, measured, 3)
            what = f"within a {path} {position_varies} {measures.in_words(moves, 3)} as much as in a real one{axes}"
        if measured.get("settled_at", 1.0) < _EARLY:
            what += f"; the recurrent state stops moving after {measured['settled_at']:.0%} of the steps"
        return what

    def _too_much(self, case: Case, measured: Mapping[str, float]) -> str:
        moves, varies = _both(measured)
        path, _ = _words(case)
        if varies in self.metric("velocity_std_ratio").healthy:
            axes = measures.axes_in_words(case, "time_std_ratio", moves, measured, 1)
            return f"{path}s move {measures.in_words(moves, 1)} times as much as real ones{axes}"
        axes = measures.axes_in_words(case, "velocity_std_ratio", varies, measured, 1)
        return f"{path}s change speed {measures.in_words(varies, 1)} times as much as real ones{axes}: they shake"


def _late(drawn: FloatArray, wanted: FloatArray, whole: FloatArray, lengths: FloatArray | None) -> dict[str, float]:
    """Compare the last third of paths (N, T, C); nothing where the targets rest there, or it has too few steps.

    `whole` (C,) is the targets' std over all counted steps.
    """
    steps = wanted.shape[1]
    try:
        of_drawn = measures.std_over_time(drawn, measures.last_third(lengths, len(drawn), steps))
        real = measures.std_over_time(wanted, measures.last_third(lengths, len(wanted), steps))
    except NotMeasurable:
        return {}
    going = np.where(real >= _RESTS * whole, real, 0.0)
    return {"late_std_ratio": measures.lowest_axis_ratio(of_drawn, going)} if (going > 0).any() else {}


def _words(case: Case) -> tuple[str, str]:
    """Return what a sequence is called, and that it varies over time."""
    return ("sequence", "values vary") if measures.is_series(case) else ("path", "the position varies")


def _both(measured: Mapping[str, float]) -> tuple[float, float]:
    """Return both judged ratios; one that was not measured is as it should be."""
    return measured["time_std_ratio"], measured.get("velocity_std_ratio", 1.0)


def settled_at(hidden: FloatArray) -> float:
    """Return the share of steps after which less than 2 % of the state's movement remains: (N, T, H) -> [0, 1].

    Raises `NotMeasurable` if there are no states, too few, or non-finite ones.
    """
    if hidden.shape[1] < measures.MIN_STEPS:
        raise NotMeasurable(f"over fewer than {measures.MIN_STEPS} steps no state can be seen to settle")
    measures.require_numbers(hidden, "the recurrent states")
    way = measures.way_by_step(hidden)
    total = way.sum()
    if total <= 0:
        return 0.0
    left = 1 - np.cumsum(way) / total
    return float((np.argmax(left < SETTLED) + 1) / len(way))
