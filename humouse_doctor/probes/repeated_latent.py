"""HD203: the recurrent layer gets the same input at every step, and settles on one output."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.cases import budget
from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Judgement, Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval, Lever, Remedy
from humouse_doctor.probes.flat_output import settled_at
from humouse_doctor.probes.shared import measures
from humouse_doctor.remedies import catalogue

#: An input whose share of variance over time is below this is constant up to rounding.
_CONSTANT = 1e-8
_NO_ADVICE = (
    "the state itself is the output, and on such a network slow gates and a time input were tried and did not cure: give it an"
    " output layer first"
)
#: Gates need not learn to remember this many steps.
_FEWEST = 2


class RepeatedLatent(Probe):
    code = "HD203"
    name = "repeated-latent"
    kind = Kind.CAUSE
    summary = "Variance over time of the recurrent layer's input, and whether its state settles under it."
    briefs = (
        "stands still after {settled_at:.0%} of the steps",
        "only {gate_steps_share:.2g} of the steps that gates need",
        "every step has the same input",
    )
    needs = (Need.HEADS,)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(name="input_time_share", unit="share", meaning="share of the input's variance that is over time"),
        Metric(
            name="settled_at",
            unit="share of T",
            meaning="when the last recurrent state has gone 98 % of its way",
            healthy=Interval(low=0.8),
            tolerable=Interval(low=0.5),
        ),
        Metric(
            name="gate_steps_needed",
            unit="steps",
            meaning="log(T - 1) / lr: training steps until the gates can remember T time steps; 0 if they can at the start",
        ),
        Metric(
            name="gate_steps_share",
            unit="ratio",
            meaning="steps available over gate_steps_needed; judged only before training",
            healthy=Interval(low=0.1),
            tolerable=Interval(low=0.05),
        ),
    )
    explains = ("HD103", "HD105")
    sometimes = ("HD109",)
    key = "model.architecture"
    levers = (Lever.DRIVE,)

    def measure(self, case: Case) -> dict[str, float]:
        assert case.network is not None
        measured = {}
        if case.samples.rnn_input is not None and case.samples.hidden is not None:
            measures.require_numbers(case.samples.rnn_input, "the recurrent layer's inputs")
            measured["input_time_share"] = time_share(case.samples.rnn_input)
            measured["settled_at"] = settled_at(case.samples.hidden)
        elif case.has_checkpoint:
            raise NotMeasurable(case.lacks(Need.RECURRENCE) or "no recurrent states")
        elif case.network.repeats_latent is None:
            raise NotMeasurable("whether the latent is repeated shows only in a checkpoint")
        else:
            measured["input_time_share"] = 0.0 if case.network.repeats_latent else 1.0
        length = case.network.target_len
        if catalogue.gates_start_slow(case):
            measured["gate_steps_needed"] = 0.0
        elif length is not None and length > _FEWEST and budget.rate_trouble(case) is None:
            needed = math.log(length - 1) / budget.learning_rate(case)
            available = budget.steps_available(case)
            if math.isfinite(needed):
                measured["gate_steps_needed"] = needed
                if available is not None:
                    measured["gate_steps_share"] = available / needed
        return measured

    def judge(self, measured: Mapping[str, float]) -> Judgement:
        if measured["input_time_share"] > _CONSTANT:
            return Judgement.HEALTHY
        if "settled_at" not in measured and measured.get("gate_steps_needed") == 0:
            return Judgement.HEALTHY
        name = "settled_at" if "settled_at" in measured else "gate_steps_share"
        if name not in measured:
            return Judgement.BORDERLINE
        judgement = self.metric(name).judge(measured[name])
        early = name != "settled_at" and judgement is Judgement.FOUND
        return Judgement.BORDERLINE if early else judgement  # before training the steps are only an estimate

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        length = case.network.target_len if case.network else None
        said = f"the recurrent layer sees the same input at every one of {length or 'the'} steps"
        if "settled_at" in measured:
            said += f" and settles on one state after {measured['settled_at']:.0%} of them"
            said += f": what follows is {_of_one_state(case)}"
            return f"{said}; {_NO_ADVICE}" if _state_is_output(case) else said
        if "gate_steps_share" in measured:
            return (
                f"{said}; gates that remember all of them take about {budget.in_words(measured['gate_steps_needed'])}"
                f" training steps at this lr, and the warm-up has {measured['gate_steps_share']:.2f} times as many"
                f"{budget.counted_on(case)} (in calibration no plain LSTM run below 0.09 clearly moved)"
            )
        return f"{said}; whether its gates can learn to keep moving cannot be estimated: {_no_estimate(case)}"

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        if _state_is_output(case):
            return ()
        slow = () if catalogue.gates_start_slow(case) else (catalogue.slow_gates(case),)
        return (*slow, catalogue.time_input(case))


def _of_one_state(case: Case) -> str:
    """Return the output of a state that does not change, as the program reads it."""
    space = case.space if case.reading is None else case.reading.space
    if space is None or space.as_is:
        return "one value"
    return "one point" if space.absolute else "a straight line at one speed"


def _state_is_output(case: Case) -> bool:
    """Return True if the last recurrent state is the output itself, with no layer between the two."""
    states, drawn = case.samples.hidden, case.samples.predictions
    if states is None or drawn is None or len(states) > len(drawn):
        return False
    drawn = drawn[: len(states)]
    return states.size > 0 and states.shape == drawn.shape and bool(np.allclose(states, drawn, rtol=1e-4, atol=1e-6))


def _no_estimate(case: Case) -> str:
    """Return why the steps that slow gates take cannot be compared with those of the warm-up."""
    trouble = budget.rate_trouble(case)
    if trouble is not None:
        return trouble
    length = case.network.target_len if case.network else None
    if length is None:
        return "the number of steps of a sequence is not known"
    if length <= _FEWEST:
        return f"a sequence has only {length} step{'' if length == 1 else 's'}"
    return budget.steps_trouble(case)


def time_share(values: FloatArray) -> float:
    """Return variance over time within a sequence over all variance: (N, T, H) -> [0, 1]; 0 if nothing varies."""
    if bool((values == values[:, :1]).all()):
        return 0.0
    exact = np.asarray(values, dtype=np.float64)
    over_time = float((exact - exact[:, :1]).var(axis=1).mean())  # a constant is then exactly 0
    whole = over_time + float(exact.mean(axis=1).var(axis=0).mean())
    return over_time / whole if whole != 0 else 0.0
