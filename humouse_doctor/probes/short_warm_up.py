"""HD210: the warm-up has too few steps for the weights to leave their random start."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval, Lever, Remedy
from humouse_doctor.core.spec import Architecture
from humouse_doctor.probes.shared import budget
from humouse_doctor.remedies import catalogue

#: The reach that a longer warm-up aims at: twice the healthy bound.
_AIM = 2.0
#: The largest factor by which a longer warm-up is proposed.
_MOST = 64


class ShortWarmUp(Probe):
    code = "HD210"
    name = "short-warm-up"
    kind = Kind.CAUSE
    summary = "How far the optimiser can move a recurrent layer's weight in the steps there are, against its random start."
    needs = (Need.HEADS,)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="weight_reach",
            unit="ratio",
            meaning="lr x steps over 1 / sqrt(H), the bound of a weight's random start",
            healthy=Interval(low=1.0),
            tolerable=Interval(low=0.3),
        ),
        Metric(name="steps_available", unit="steps", meaning="epochs x sequences / batch size"),
    )
    explains = ("HD101", "HD103", "HD104", "HD105")
    key = "training.reconstruction_epochs"
    levers = (Lever.STEPS,)

    def measure(self, case: Case) -> dict[str, float]:
        assert case.network is not None
        if case.network.architecture is Architecture.TCN or case.network.hidden_dim is None:
            raise NotMeasurable("the estimate holds only for recurrent layers")
        rate = budget.learning_rate(case)
        available = budget.steps_available(case)
        if available is None:
            raise NotMeasurable("how many steps the warm-up has is not known")
        if available == 0:
            raise NotMeasurable("there is no warm-up")
        return {"weight_reach": rate * available * math.sqrt(case.network.hidden_dim), "steps_available": available}

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        return (
            f"in {budget.in_words(measured['steps_available'])} steps{budget.counted_on(case)} at lr"
            f" {budget.learning_rate(case):g} Adam can move a recurrent weight by {measured['weight_reach']:.2f} of the bound"
            " it was drawn from: it may stay close to its random start"
        )

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        reach = max(measured["weight_reach"], _AIM / _MOST)
        factor = max(2, math.ceil(_AIM / reach))
        return (catalogue.longer(case, factor),)
