"""HD221: the weights are smaller than any random start: a decay has shrunk them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.cases import budget
from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Judgement, Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval, Remedy
from humouse_doctor.remedies import catalogue


class ShrunkWeights(Probe):
    code = "HD221"
    name = "shrunk-weights"
    kind = Kind.CAUSE
    summary = "Weights that are smaller than their random start, as a weight decay makes them."
    briefs = ("weights are {size_over_start:.2g} of their start's size",)
    needs = (Need.WEIGHTS,)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="size_over_start",
            unit="ratio",
            meaning="root mean square of the weights over that of PyTorch's uniform start",
            healthy=Interval(low=0.6),
            tolerable=Interval(low=0.4),
        ),
    )
    explains = ("HD103", "HD105")
    sometimes = ("HD101", "HD104", "HD107")

    def measure(self, case: Case) -> dict[str, float]:
        assert case.weights is not None
        size = case.weights.size_over_start
        if size is None:
            raise NotMeasurable("the network has no layers whose random start is known")
        if case.weights.non_finite:
            raise NotMeasurable("the weights hold NaN or infinite values")
        if case.weights.norms:
            raise NotMeasurable("its batch norms make up for the size of weights")
        if size == 0:
            raise NotMeasurable("all weights are 0, which no decay makes them")
        self._require_steps(case, size)
        return {"size_over_start": size}

    def _require_steps(self, case: Case, size: float) -> None:
        """Raise `NotMeasurable` if the steps are known, and too few to shrink weights from PyTorch's start to this size."""
        steps, bound = budget.steps_available(case), case.weights.start_bound if case.weights else None
        if bound is None or steps is None or budget.rate_trouble(case) is not None:
            return
        if budget.learning_rate(case) * steps < (1 - size) * bound / math.sqrt(3):
            raise NotMeasurable("its steps are too few to shrink any weight so far: the random start was smaller")

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        return (
            f"the weights are {measured['size_over_start']:.2g} times as large as PyTorch's random start, and without a decay"
            " no calibration run was below 0.99: a weight decay has shrunk them, or they started smaller and hardly moved"
        )

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        return (catalogue.no_decay(),)


def are_shrunk(case: Case) -> bool:
    """Return True if HD221 finds the weights of `case` smaller than a random start, more than borderline or not."""
    probe = ShrunkWeights()
    try:
        return case.weights is not None and probe.judge(probe.measure(case)) is not Judgement.HEALTHY
    except NotMeasurable:
        return False
