"""HD210: the weights are near their random start, for too few steps or whatever else kept them there."""

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
from humouse_doctor.probes.shared import measures
from humouse_doctor.probes.shrunk_weights import are_shrunk
from humouse_doctor.probes.untrained import NEAR_START, is_at_start
from humouse_doctor.remedies import catalogue

#: The reach that a longer warm-up aims at: at 3.6 and more, most calibration runs that were sound otherwise moved.
_AIM = 4.0
#: The same of a network without recurrent layers: all calibration runs of 1.08 and more were sound.
_AIM_PLAIN = 1.1
#: The largest factor by which a longer warm-up is proposed.
_MOST = 64
#: The smallest largest weight, over its start, of calibration runs with a third of their steps or more that were healthy.
_ENOUGH = 1.85
#: Where the reach is healthy, every recurrent layer of 382 calibration trainings, sound or not, was at 1.44 or more.
_MOVED = 1.2
#: The factors of a longer warm-up where rate or steps are not known: calibration runs below the tolerable bound had a tenth of
#: their steps.
_MANY, _MORE = 10, 4
#: Weights that are larger than a start and this many times the reach can make them were not drawn from it before these steps.
_BEYOND = 2.0


class ShortWarmUp(Probe):
    code = "HD210"
    name = "short-warm-up"
    kind = Kind.CAUSE
    summary = "How far the optimiser can move, or has moved, a weight in the steps there are, against its random start."
    briefs = (
        "a layer is {recurrent_excess:.2f} of its start",
        "weights can move {weight_reach:.2g} of their start",
        "weights can move {plain_reach:.2g} of their start",
        "weights are {excess_over_start:.2g} of their start",
    )
    needs = (Need.HEADS,)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="weight_reach",
            unit="ratio",
            meaning="lr x steps over 1 / sqrt(H), the bound of a weight's random start",
            healthy=Interval(low=1.15),
            tolerable=Interval(low=0.3),
        ),
        Metric(
            name="plain_reach",
            unit="ratio",
            meaning="lr x steps over the bound of the random start, of a network of your own without recurrent layers",
            healthy=Interval(low=0.4),
            tolerable=Interval(low=0.2),
        ),
        Metric(name="steps_available", unit="steps", meaning="epochs x sequences / batch size"),
        Metric(
            name="excess_over_start",
            unit="ratio",
            meaning="largest |weight| over the bound of its random start, where rate or steps are not known",
            healthy=Interval(low=_ENOUGH),
            tolerable=Interval(low=1.5),
        ),
        Metric(
            name="recurrent_excess",
            unit="ratio",
            meaning="excess_over_start of the recurrent layer that has moved least, where the steps would have moved it",
            healthy=Interval(low=_MOVED),
            tolerable=Interval(low=_MOVED),
        ),
    )
    explains = ("HD101", "HD103", "HD104", "HD105")
    key = "training.reconstruction_epochs"
    levers = (Lever.STEPS,)

    def measure(self, case: Case) -> dict[str, float]:
        assert case.network is not None
        if case.network.architecture is None and case.network.hidden_dim is None:
            return _plain_reach(case)
        if case.network.architecture is Architecture.TCN or case.network.hidden_dim is None:
            raise NotMeasurable("its estimate is not for a TCN, nor for recurrent layers of unknown width")
        available = budget.steps_available(case)
        if available == 0:
            raise NotMeasurable("there is no warm-up")
        trouble = budget.rate_trouble(case) or (None if available else budget.steps_trouble(case))
        if trouble is None and available is not None:
            reach = budget.learning_rate(case) * available * math.sqrt(case.network.hidden_dim)
            return {"weight_reach": reach, "steps_available": available, **self._unmoved(case, reach)}
        rate = case.settings.number("training.lr.generator")
        moved = None if case.weights is None or (rate or 0.0) > 1 else case.weights.excess_over_start
        if moved is None:
            raise NotMeasurable(trouble or budget.steps_trouble(case))
        if are_shrunk(case):
            raise NotMeasurable("the weights are smaller than any random start, see HD221")
        return {"excess_over_start": moved}

    def _unmoved(self, case: Case, reach: float) -> dict[str, float]:
        """Return how far the least moved recurrent layer is from its start, nothing if steps or another cause explain it.

        Nothing is said of a generator that is drawn anew after its warm-up (HD208), that nothing passes (HD201), or whose
        weights are all at their start (HD108), nor of weights that are smaller than any start (HD221).
        """
        least = None if case.weights is None else case.weights.least_recurrent
        if least is None or reach not in self.metric("weight_reach").healthy or not NEAR_START <= least < _MOVED:
            return {}
        behaviour = case.samples.behaviour
        anew = case.settings.flag("training.reset_generator_after_warmup") is True
        if anew or (behaviour is not None and behaviour.passes_nothing) or is_at_start(case) or are_shrunk(case):
            return {}
        return {"recurrent_excess": least}

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        if "recurrent_excess" in measured:
            return (
                f"in a recurrent layer the largest weight is {measured['recurrent_excess']:.2f} times as large as any was at"
                f" the random start, though {budget.in_words(measured['steps_available'])} steps{budget.counted_on(case)} at lr"
                f" {budget.learning_rate(case):g} could move it by {measured['weight_reach']:.1f} times that: these weights"
                " were not in the optimiser, not loaded for their names, or are averages that lag"
            )
        if "excess_over_start" in measured:
            return (
                f"the largest weight is only {measured['excess_over_start']:.2f} times as large as any was at the random start;"
                f" in calibration it was {_ENOUGH} times or more after enough steps"
            )
        reach, which = (
            (measured["plain_reach"], "weight") if "plain_reach" in measured else (measured["weight_reach"], "recurrent weight")
        )
        return (
            f"in {budget.in_words(measured['steps_available'])} steps{budget.counted_on(case)} at lr"
            f" {budget.learning_rate(case):g} Adam can move a {which} by {measures.in_words(reach, 2)} of the bound"
            " it was drawn from: it may stay close to its random start"
        )

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        if "recurrent_excess" in measured:
            return (catalogue.moved_weights(),)
        if "plain_reach" in measured:
            return _more_movement(case, measured["plain_reach"])
        if "weight_reach" not in measured:
            found = self.judge(measured) is Judgement.FOUND
            return (catalogue.longer(case, _MANY if found else _MORE),)
        reach = max(measured["weight_reach"], _AIM / _MOST)
        factor = max(2, math.ceil(_AIM / reach))
        return (catalogue.longer(case, factor),)


def _plain_reach(case: Case) -> dict[str, float]:
    """Measure the reach of a caller's own network without recurrent layers; raise `NotMeasurable` of any other."""
    weights = case.weights
    if weights is None or weights.start_bound is None:
        raise NotMeasurable("the random start of the weights is not known")
    if case.samples.hidden is not None or weights.least_recurrent is not None:
        raise NotMeasurable("its estimate is not for a TCN, nor for recurrent layers of unknown width")
    available = budget.steps_available(case)
    trouble = budget.rate_trouble(case) or (None if available else budget.steps_trouble(case))
    if trouble is not None or available is None:
        raise NotMeasurable(trouble or budget.steps_trouble(case))
    reach = budget.learning_rate(case) * available / weights.start_bound
    if are_shrunk(case):
        raise NotMeasurable("the weights are smaller than any random start, see HD221")
    if (weights.size_over_start or 0.0) > 1 + _BEYOND * reach:
        raise NotMeasurable("these steps cannot have made the weights so large: they had another start")
    return {"plain_reach": reach, "steps_available": available}


def _more_movement(case: Case, reach: float) -> tuple[Remedy, ...]:
    """Return more steps, and before them the usual rate where it takes the weights at least as far."""
    factor = max(2, math.ceil(_AIM_PLAIN / max(reach, _AIM_PLAIN / _MOST)))
    quicker = factor * budget.learning_rate(case) <= catalogue.USUAL_RATE
    return (*((catalogue.usual_rate(case),) if quicker else ()), catalogue.longer(case, factor))
