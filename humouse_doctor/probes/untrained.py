"""HD108: weights are not finite, or have never been trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Judgement, Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval
from humouse_doctor.probes.shrunk_weights import are_shrunk

#: The largest of 100 numbers drawn from the bounds of a start lies below this share of these once in 38,000 times.
NEAR_START = 0.9
#: The largest weight of a network of zeros, as far as rounding lets it be one.
_NOTHING = 1e-6


class NonFiniteOrUntrained(Probe):
    code = "HD108"
    name = "non-finite-or-untrained"
    kind = Kind.SYMPTOM
    summary = "NaN or infinite weights, and weights that all lie within the bounds of their random start."
    briefs = (
        "{non_finite_weights:.0f} weights not finite, largest {excess_over_start:.2g} of its start",
        "{non_finite_weights:.0f} weights not finite",
    )
    needs = (Need.WEIGHTS,)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="non_finite_weights",
            unit="count",
            meaning="weights that are NaN or infinite",
            healthy=Interval(high=0),
            tolerable=Interval(high=0),
        ),
        Metric(
            name="excess_over_start",
            unit="ratio",
            meaning="largest |weight| over the bound of PyTorch's uniform start; at most 1 if never trained",
            healthy=Interval(low=1 + 1e-6),
            tolerable=Interval(low=1 + 1e-6),
        ),
    )

    def measure(self, case: Case) -> dict[str, float]:
        assert case.weights is not None
        if case.weights.total == 0:
            raise NotMeasurable("the network has no weights")
        measured = {"non_finite_weights": float(case.weights.non_finite)}
        excess = case.weights.excess_over_start
        behaviour = case.samples.behaviour
        # Weights that nothing passes stay where they started, however long they are trained: HD201 says so.
        held = behaviour is not None and behaviour.passes_nothing
        # A largest weight between the two is no sign of PyTorch's start, and of shrunk weights HD221 speaks.
        start = excess is not None and not _NOTHING < excess < NEAR_START and not are_shrunk(case)
        if excess is not None and start and not held:
            measured["excess_over_start"] = excess
        return measured

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        if measured["non_finite_weights"] > 0:
            total = case.weights.total if case.weights else 0
            return f"{measured['non_finite_weights']:.0f} of {total} weights are NaN or infinite"
        return (
            f"every weight lies within the bounds of its random start (largest {measured['excess_over_start']:.4f} of the"
            " bound): this generator looks untrained, unless its random start had narrower bounds"
        )


def is_at_start(case: Case) -> bool:
    """Return True if no weight of `case` is beyond its random start, as far as is known."""
    excess = None if case.weights is None else case.weights.excess_over_start
    if excess is None or are_shrunk(case):
        return False
    return NonFiniteOrUntrained.metrics[1].judge(excess) is not Judgement.HEALTHY


def looks_untrained(measured: Mapping[str, float]) -> bool:
    """Return True if HD108's numbers say that the weights are finite and still at their random start."""
    excess = NonFiniteOrUntrained.metrics[1].judge(measured.get("excess_over_start", float("inf")))
    return measured.get("non_finite_weights", 0.0) == 0 and excess is not Judgement.HEALTHY
