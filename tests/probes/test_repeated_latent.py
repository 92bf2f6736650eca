from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.probe import Judgement, Status
from humouse_doctor.core.settings import Value
from humouse_doctor.core.space import Reading
from humouse_doctor.core.spec import Activation
from humouse_doctor.probes.repeated_latent import time_share
from tests import builders, reference

_PROBE = builders.probe("HD203")


def _trained(rnn_input: FloatArray | None, hidden: FloatArray | None) -> Case:
    found = builders.samples(builders.strokes(0), builders.strokes(1), rnn_input=rnn_input, hidden=hidden)
    return builders.case(found, known=builders.settings(), facts=builders.network(), weights=builders.TRAINED)


def _planned(epochs: int, *, repeats: bool | None = True, rate: Value = 1e-3, length: int | None = 20) -> Case:
    values = {**builders.SOUND, "training.reconstruction_epochs": epochs, "training.lr.generator": rate}
    facts = builders.network(repeats_latent=repeats, target_len=length)
    return builders.case(known=builders.settings(values), facts=facts, data=builders.summary(16))


def test_an_input_that_changes_over_time_is_healthy_even_where_the_state_settles() -> None:
    result = builders.run("HD203", _trained(builders.moving_states(), builders.settling_states(2)))
    assert result.status is Status.HEALTHY


def test_a_repeated_input_under_which_the_state_goes_on_is_healthy() -> None:
    assert builders.run("HD203", _trained(builders.repeated(), builders.moving_states())).status is Status.HEALTHY


def test_a_repeated_input_under_which_the_state_settles_is_found() -> None:
    case = _trained(builders.repeated(), builders.settling_states(4))
    result = builders.run("HD203", case)
    assert result.judgement is Judgement.FOUND
    assert result.measurements["input_time_share"] == 0
    assert _PROBE.message(case, result.measurements) == (
        "the recurrent layer sees the same input at every one of 20 steps and settles on one state after 21% of them: what"
        " follows is one point"
    )
    summed = replace(case, reading=Reading(space=builders.DELTAS, because="the trainer sums it"))
    assert _PROBE.message(summed, result.measurements).endswith("what follows is a straight line at one speed")
    assert _PROBE.message(replace(case, space=None), result.measurements).endswith("what follows is one value")


def test_a_state_that_settles_late_is_borderline() -> None:
    result = builders.run("HD203", _trained(builders.repeated(), builders.settling_states(13)))
    assert result.judgement is Judgement.BORDERLINE


@pytest.mark.parametrize("rows", [1, 4])
def test_one_vector_repeated_for_all_is_no_input_that_changes_whatever_its_rounding(rows: int) -> None:
    case = _trained(builders.constant(0.1, rows=rows), builders.settling_states(3))
    assert builders.run("HD203", case).judgement is Judgement.FOUND


def test_a_checkpoint_without_recurrent_states_is_skipped() -> None:
    absent = {Need.RECURRENCE: "the network has no recurrent layer (RNN, GRU, LSTM) that runs over the steps"}
    case = builders.case(facts=builders.network(), weights=builders.TRAINED, absent=absent)
    assert builders.run("HD203", case).reason == absent[Need.RECURRENCE]


def test_states_without_the_input_they_came_from_are_skipped() -> None:
    result = builders.run("HD203", _trained(None, builders.moving_states()))
    assert (result.status, result.reason) == (Status.SKIPPED, "no recurrent states")


@pytest.mark.parametrize("steps", [1, 3])
def test_too_few_steps_to_settle_in_are_skipped(steps: int) -> None:
    case = _trained(builders.repeated(steps=steps), builders.moving_states(steps=steps))
    assert builders.run("HD203", case).reason == "over fewer than 4 steps no state can be seen to settle"


@pytest.mark.parametrize(
    ("rnn_input", "hidden"),
    [(builders.constant(np.nan), builders.moving_states()), (builders.repeated(), builders.constant(np.nan))],
    ids=["input", "state"],
)
def test_states_that_are_not_finite_are_skipped(rnn_input: FloatArray, hidden: FloatArray) -> None:
    assert builders.run("HD203", _trained(rnn_input, hidden)).status is Status.SKIPPED


@pytest.mark.parametrize(
    ("epochs", "judgement"),
    [(3000, Judgement.HEALTHY), (200, Judgement.BORDERLINE), (100, Judgement.BORDERLINE), (0, Judgement.BORDERLINE)],
)
def test_before_training_the_steps_gates_need_make_a_warning_at_most(epochs: int, judgement: Judgement) -> None:
    case = _planned(epochs)
    result = builders.run("HD203", case)
    assert result.judgement is judgement
    assert result.measurements["gate_steps_needed"] == pytest.approx(math.log(19) / 1e-3, rel=1e-5)
    assert result.measurements["gate_steps_share"] == pytest.approx(epochs * 1e-3 / math.log(19), rel=1e-5)


def test_before_training_the_message_says_how_many_steps_are_missing() -> None:
    case = _planned(100)
    assert _PROBE.message(case, _PROBE.measure(case)).endswith(
        "take about 2,944 training steps at this lr, and the warm-up has 0.03 times as many"
        " (counted on the 16 sequences of these data) (in calibration no plain LSTM run below 0.09 clearly moved)"
    )


def test_before_training_steps_that_are_not_known_are_borderline_and_said_so() -> None:
    case = replace(_planned(100), data=None)
    result = builders.run("HD203", case)
    assert result.judgement is Judgement.BORDERLINE
    assert _PROBE.message(case, result.measurements).endswith(
        "estimated: how many steps the warm-up has is not known, without data"
    )


@pytest.mark.parametrize(
    ("rate", "length", "reason"),
    [
        (0, 20, "at a learning rate of 0 nothing is trained"),
        (1.0, 20, "at a learning rate of 1 one step moves every weight further than its whole random start"),
        (1e-3, None, "the number of steps of a sequence is not known"),
        (1e-3, 2, "a sequence has only 2 steps"),
        (1e-3, 1, "a sequence has only 1 step"),
    ],
)
def test_without_rate_or_length_gates_have_no_estimate_for_that_reason(rate: float, length: int | None, reason: str) -> None:
    case = _planned(100, rate=rate, length=length)
    measured = _PROBE.measure(case)
    assert measured == {"input_time_share": 0.0}
    assert _PROBE.message(case, measured).endswith(f"cannot be estimated: {reason}")


def test_where_the_state_is_the_output_no_remedy_is_offered_and_the_reason_is_said() -> None:
    states = builders.settling_states(4, rows=16)[..., :2]
    found = builders.samples(
        builders.strokes(0), np.concatenate([states, states]), rnn_input=builders.repeated(16), hidden=states
    )
    case = builders.case(found, known=builders.settings(), facts=builders.network(), weights=builders.TRAINED)
    result = builders.run("HD203", case)
    assert result.judgement is Judgement.FOUND
    assert _PROBE.remedies(case, result.measurements) == ()
    assert "the state itself is the output" in _PROBE.message(case, result.measurements)

    layered = replace(case, samples=replace(found, predictions=builders.strokes(1)))
    assert len(_PROBE.remedies(layered, result.measurements)) == 2
    assert "the state itself" not in _PROBE.message(layered, result.measurements)


def test_before_training_an_architecture_that_does_not_repeat_is_healthy() -> None:
    result = builders.run("HD203", _planned(1, repeats=False))
    assert (result.status, result.measurements["input_time_share"]) == (Status.HEALTHY, 1)


def test_before_training_a_network_of_unknown_habits_is_skipped() -> None:
    result = builders.run("HD203", _planned(1, repeats=None))
    assert result.reason == "whether the latent is repeated shows only in a checkpoint"


def test_a_message_without_a_network_names_no_number_of_steps() -> None:
    message = _PROBE.message(builders.case(), {"input_time_share": 0.0, "settled_at": 0.5})
    assert message.startswith("the recurrent layer sees the same input at every one of the steps")


def test_slow_gates_are_offered_before_a_time_input() -> None:
    case = builders.case(facts=builders.network(Activation.TANH))
    assert [remedy.id for remedy in _PROBE.remedies(case, {})] == ["slow-gates", "time-input"]


@given(values=builders.small_arrays())
def test_the_share_over_time_agrees_with_its_slow_twin(values: FloatArray) -> None:
    assert time_share(values) == pytest.approx(reference.time_share(values.tolist()))


@pytest.mark.parametrize("seed", range(3))
def test_it_agrees_with_its_slow_twin_on_random_states(seed: int) -> None:
    random = np.random.default_rng(seed)
    rnn_input, hidden = random.normal(size=(5, 12, 4)), np.cumsum(random.normal(size=(5, 12, 4)), axis=1)
    case = builders.case(
        builders.samples(builders.strokes(0), builders.strokes(1), rnn_input=rnn_input, hidden=hidden),
        facts=builders.network(),
        weights=builders.TRAINED,
    )
    twin = {
        "input_time_share": reference.time_share(rnn_input.tolist()),
        "settled_at": reference.settled_at(hidden.tolist()),
    }
    builders.assert_agrees("HD203", case, twin)
