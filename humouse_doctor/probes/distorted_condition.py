"""HD219: the conditions have another scale than in training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Judgement, Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval, Remedy
from humouse_doctor.remedies import catalogue

#: Sequences that are at least so much like the targets need no other conditions.
_ALIKE = 0.5
#: Sequences that are less like the targets at another scale do not show that it is the right one. Calibration runs with their
#: own conditions, most of them too large after a few steps, had 0.25 at most where that was twice as much as given.
_CURED = 0.4


class DistortedCondition(Probe):
    code = "HD219"
    name = "distorted-condition"
    kind = Kind.CAUSE
    summary = (
        "Conditions of another scale than in training, at which the same weights draw sequences much more like the targets."
    )
    briefs = (
        "alike {as_given:.2f}, {rescaled:.2f} times {enlarged:.3g}",
        "alike {as_given:.2f}, {rescaled:.2f} at unit scale",
    )
    needs = (Need.TARGETS, Need.PREDICTIONS)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="kept",
            unit="ratio",
            meaning="as_given over rescaled; judged where as_given is below 0.5 and rescaled 0.4 or more",
            healthy=Interval(low=0.5),
            tolerable=Interval(low=0.33),
        ),
        Metric(name="as_given", unit="ratio", meaning="likeness of samples and targets with the conditions as they are given"),
        Metric(name="rescaled", unit="ratio", meaning="the same with the conditions at the best other scale, if one counts"),
        Metric(name="enlarged", unit="ratio", meaning="the multiple of conditions at unit scale that is best, if one is"),
    )
    explains = ("HD101", "HD104")
    sometimes = ("HD102", "HD103", "HD105", "HD106", "HD107")
    either_side = True  # conditions that are too large make samples too large as well
    lasting = True  # said without symptoms as well: these do not look at means, which may be all that such conditions shift

    def measure(self, case: Case) -> dict[str, float]:
        behaviour = case.samples.behaviour
        if behaviour is None:
            raise NotMeasurable("no generator was run")
        given, rescaled, times = behaviour.as_conditioned, behaviour.reconditioned, behaviour.enlarged or 1.0
        if given is None:
            raise NotMeasurable(behaviour.unconditioned or "other conditions were not tried")
        if rescaled is None:
            return {"as_given": given}
        measured = {"kept": given / rescaled if rescaled > 0 else 1.0, "as_given": given, "rescaled": rescaled}
        return measured if times <= 1 else {**measured, "enlarged": times}

    def judge(self, measured: Mapping[str, float]) -> Judgement:
        if measured["as_given"] >= _ALIKE or measured.get("rescaled", 0.0) < _CURED:
            return Judgement.HEALTHY
        return self.metric("kept").judge(measured["kept"])

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        other = f"at {measured['enlarged']:.3g} times their size" if "enlarged" in measured else "at unit scale"
        return (
            f"with the conditions given, samples and targets are alike by {measured['as_given']:.2g} (1 would be the same), and"
            f" by {measured['rescaled']:.2f} with these conditions {other}: they have another scale than in training"
        )

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        return (catalogue.conditions_as_trained(),)
