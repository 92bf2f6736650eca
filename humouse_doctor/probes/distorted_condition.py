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


class DistortedCondition(Probe):
    code = "HD219"
    name = "distorted-condition"
    kind = Kind.CAUSE
    summary = "Conditions of another scale than in training, at which the same weights draw sequences like the targets."
    briefs = (
        "alike {as_given:.2f}, {rescaled:.2f} times {enlarged:.3g}",
        "alike {as_given:.2f}, {rescaled:.2f} at unit scale",
    )
    needs = (Need.TARGETS, Need.PREDICTIONS)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="rescaled",
            unit="ratio",
            meaning="likeness of samples and targets with the conditions at another scale; judged where as_given is below 0.5",
            healthy=Interval(high=0.5),
            tolerable=Interval(high=0.65),
        ),
        Metric(name="as_given", unit="ratio", meaning="the same with the conditions as they are given"),
        Metric(name="enlarged", unit="ratio", meaning="the multiple of conditions at unit scale that is best, if one is"),
    )
    explains = ("HD101", "HD104")
    sometimes = ("HD102", "HD103", "HD105", "HD106", "HD107")
    lasting = True  # said without symptoms as well: these do not look at means, which may be all that such conditions shift

    def measure(self, case: Case) -> dict[str, float]:
        behaviour = case.samples.behaviour
        if behaviour is None:
            raise NotMeasurable("no generator was run")
        if behaviour.as_conditioned is None or behaviour.reconditioned is None:
            raise NotMeasurable(behaviour.unconditioned or "other conditions were not tried")
        measured = {"as_given": behaviour.as_conditioned, "rescaled": behaviour.reconditioned}
        times = behaviour.enlarged or 1.0
        return measured if times <= 1 else {**measured, "enlarged": times}

    def judge(self, measured: Mapping[str, float]) -> Judgement:
        return Judgement.HEALTHY if measured["as_given"] >= _ALIKE else self.metric("rescaled").judge(measured["rescaled"])

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        other = f"at {measured['enlarged']:.3g} times their size" if "enlarged" in measured else "at unit scale"
        return (
            f"with the conditions given, samples and targets are alike by {measured['as_given']:.2f} (1 would be the same), and"
            f" by {measured['rescaled']:.2f} with these conditions {other}: they have another scale than in training"
        )

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        return (catalogue.conditions_as_trained(),)
