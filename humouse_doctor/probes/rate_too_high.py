"""HD212: one step of the optimiser moves a weight by a large part of its random start."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.cases import budget
from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Judgement, Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval, Lever, Remedy
from humouse_doctor.core.spec import Architecture
from humouse_doctor.remedies import catalogue


class RateTooHigh(Probe):
    code = "HD212"
    name = "rate-too-high"
    kind = Kind.CAUSE
    summary = "How far one step moves a weight, and how far the weights have moved, against their random start."
    briefs = (
        "weights are {size_over_start:.2g} times their start",
        "a step is {step_share:.2g} of a weight's start",
        "weights are {excess_over_start:.3g} times their start",
    )
    needs = (Need.HEADS,)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="step_share",
            unit="ratio",
            meaning="lr over the bound of a weight's random start: 1 / sqrt(H), or the weights' own if not recurrent",
            healthy=Interval(high=0.2),
            tolerable=Interval(high=0.4),
        ),
        Metric(
            name="excess_over_start",
            unit="ratio",
            meaning="largest |weight| over the bound of its random start; judged where the rate is not known",
            healthy=Interval(high=13.0),
            tolerable=Interval(high=25.0),
        ),
        Metric(
            name="size_over_start",
            unit="ratio",
            meaning="root mean square of the weights over that of their random start, where the network is not recurrent",
            healthy=Interval(high=4.0),
            tolerable=Interval(high=4.5),
        ),
    )
    explains = ("HD103", "HD105")
    sometimes = ("HD101", "HD104", "HD107")
    key = "training.lr.generator"
    levers = (Lever.RATE,)

    def measure(self, case: Case) -> dict[str, float]:
        assert case.network is not None
        budget.require_warm_up(case)
        rate = None if case.subject_is_pretrainer else case.settings.number("training.lr.generator")
        hidden = case.network.hidden_dim
        if case.network.architecture is Architecture.TCN or hidden is None:
            return _driven_off(case, rate)
        measured = {}
        if rate is not None and rate > 0:
            measured["step_share"] = rate * math.sqrt(hidden)
        if case.weights is not None and case.weights.excess_over_start is not None:
            measured["excess_over_start"] = case.weights.excess_over_start
        if not measured:
            raise NotMeasurable("neither a learning rate nor trained weights are known")
        return measured

    def judge(self, measured: Mapping[str, float]) -> Judgement:
        if "size_over_start" in measured:  # such steps harm these networks only where they have driven the weights off
            both = {self.metric(name).judge(measured[name]) for name in ("step_share", "size_over_start")}
            return both.pop() if len(both) == 1 else Judgement.HEALTHY if Judgement.HEALTHY in both else Judgement.BORDERLINE
        name = "step_share" if "step_share" in measured else "excess_over_start"
        return self.metric(name).judge(measured[name])

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        moved = measured.get("excess_over_start")
        if "step_share" not in measured:
            return (
                f"the largest weight is {moved:.3g} times as large as any was at the random start, so its learning rate was"
                " probably too high"
            )
        rate = case.settings.number("training.lr.generator")
        if "size_over_start" in measured:
            return (
                f"at lr {rate:g} one step of Adam moves a weight by {measured['step_share']:.2g} of the bound of its start,"
                f" and the weights are now {measured['size_over_start']:.2g} times as large as PyTorch's random start: the"
                " steps have driven them off"
            )
        said = (
            f"at lr {rate:g} one step of Adam moves a recurrent weight by {measured['step_share']:.2g} of the bound it was"
            " drawn from: such steps do not settle"
        )
        return said if moved is None else f"{said} (the largest weight is now {moved:.3g} times as large as any at the start)"

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        rate = case.settings.number("training.lr.generator")
        high = rate is None or rate >= 10 * catalogue.USUAL_RATE
        return (catalogue.usual_rate(case) if high else catalogue.other_rate(case, 0.1),)


def _driven_off(case: Case, rate: float | None) -> dict[str, float]:
    """Measure a network that is not recurrent: the length of a step, and what such steps have made of the weights."""
    weights = case.weights
    if weights is None:
        raise NotMeasurable("before training its estimate is for recurrent layers alone")
    if not rate or rate < 0:
        raise NotMeasurable("its estimate for layers that are not recurrent needs the learning rate")
    if weights.size_over_start is None or not weights.start_bound:
        raise NotMeasurable("the network has no layers whose random start is known")
    return {"step_share": rate / weights.start_bound, "size_over_start": weights.size_over_start}


def is_too_high(case: Case) -> bool:
    """Return True if HD212 finds the rate of `case`, or how far its weights have moved, more than borderline."""
    probe = RateTooHigh()
    try:
        return case.network is not None and probe.judge(probe.measure(case)) is Judgement.FOUND
    except NotMeasurable:
        return False
