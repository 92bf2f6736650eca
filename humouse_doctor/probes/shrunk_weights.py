"""HD221: the weights are smaller than PyTorch's random start, as a decay makes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.cases import budget
from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.history import StageKind
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
        size = _size(case)
        suffice = _steps_suffice(case, size)
        if suffice is None and self.metrics[0].judge(size) is not Judgement.HEALTHY:
            raise NotMeasurable(
                f"the weights are {size:.2g} of PyTorch's start, but whether they have shrunk is not known without its rate and"
                " steps: they may have started smaller, or have wide inputs"
            )
        if suffice is False:
            raise NotMeasurable(
                "in its steps Adam moves no weight so far: the random start was smaller than PyTorch's, or a decay beside the"
                " gradient (AdamW's) has shrunk it"
            )
        return {"size_over_start": size}

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        return (
            f"the weights are {measured['size_over_start']:.2g} times as large as PyTorch's random start, and without a decay"
            " no calibration run from such a start was below 0.99: a weight decay has shrunk them, or they started smaller"
        )

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        return (catalogue.no_decay(),)


def _size(case: Case) -> float:
    """Return the size of the weights over that of PyTorch's start; raise `NotMeasurable` where it tells of no decay."""
    assert case.weights is not None
    size = case.weights.size_over_start
    if size is None:
        raise NotMeasurable("the network has no layers whose random start is known")
    if case.weights.non_finite:
        raise NotMeasurable("the weights hold NaN or infinite values")
    if case.weights.norms:
        raise NotMeasurable("its batch norms make up for the size of weights")
    if size == 0:
        raise NotMeasurable("all weights are 0")
    return size


def _steps_suffice(case: Case, size: float) -> bool | None:
    """Return True if Adam could have shrunk PyTorch's start to this size in the steps of the warm-up; None if unknown.

    It is unknown as well of weights that adversarial epochs have moved.
    """
    steps, bound = budget.steps_available(case), case.weights.start_bound if case.weights else None
    later = case.stage is not None and case.stage.kind is StageKind.ADVERSARIAL
    if bound is None or steps is None or later or budget.rate_trouble(case) is not None:
        return None
    return budget.learning_rate(case) * steps >= (1 - size) * bound / math.sqrt(3)


def are_shrunk(case: Case) -> bool:
    """Return True if the weights of `case` are smaller than PyTorch's random start, whatever has made them so."""
    try:
        return case.weights is not None and ShrunkWeights.metrics[0].judge(_size(case)) is not Judgement.HEALTHY
    except NotMeasurable:
        return False
