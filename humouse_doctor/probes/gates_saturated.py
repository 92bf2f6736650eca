"""HD217: the input alone drives the gates of the first recurrent layer to their ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval, Remedy
from humouse_doctor.probes.rate_too_high import is_too_high
from humouse_doctor.remedies import catalogue


class GatesSaturated(Probe):
    code = "HD217"
    name = "gates-saturated"
    kind = Kind.CAUSE
    summary = "Share of gates of the first recurrent layer that its input alone drives to their ends."
    briefs = ("{saturated_inputs:.0%} of gates are driven to an end",)
    needs = (Need.RECURRENCE,)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="saturated_inputs",
            unit="share",
            meaning="output gates and candidate values within a hundredth of an end of their range, by input and biases alone",
            healthy=Interval(high=0.5),
            tolerable=Interval(high=0.7),
        ),
    )
    explains = ("HD103",)
    sometimes = ("HD101", "HD104", "HD105", "HD106", "HD107")

    def measure(self, case: Case) -> dict[str, float]:
        behaviour = case.samples.behaviour
        if behaviour is None or behaviour.saturated_inputs is None:
            raise NotMeasurable("the network has no recurrent layer of torch's")
        if is_too_high(case):
            raise NotMeasurable("the learning rate has driven the weights far from their start, see HD212")
        return {"saturated_inputs": behaviour.saturated_inputs}

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        return (
            f"the input alone drives {measured['saturated_inputs']:.0%} of the first recurrent layer's gates to an end of their"
            " range, where they have no gradient: its inputs are not scaled, or its weights are too large"
        )

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        return (catalogue.scaled_inputs(),)
