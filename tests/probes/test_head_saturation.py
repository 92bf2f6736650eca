from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case, NetworkFacts
from humouse_doctor.core.probe import Judgement, Status
from humouse_doctor.core.spec import Activation
from tests import builders, reference

_SHARE = builders.probe("HD102").metric("saturated_share")


def _of(drawn: FloatArray, head: Activation | None = Activation.TANH) -> Case:
    return builders.case(builders.samples(builders.strokes(0), drawn), facts=builders.network(head))


def _saturated(share: float) -> FloatArray:
    drawn = np.zeros((1, 1000, 2))
    drawn[:, : round(share * 1000)] = 1.0
    return drawn


def test_small_outputs_of_a_tanh_are_healthy() -> None:
    result = builders.run("HD102", _of(np.tanh(builders.strokes(1) * 0.1)))
    assert result.status is Status.HEALTHY
    assert result.measurements["saturated_share"] == 0


def test_the_offset_face_of_the_collapse_is_found_though_pre_activations_are_small() -> None:
    pre = np.random.default_rng(0).normal(3.0, 0.2, (16, 20, 2))
    result = builders.run("HD102", _of(np.tanh(pre)))
    assert result.judgement is Judgement.FOUND
    assert result.measurements["saturated_share"] > 0.9
    assert result.measurements["mean_slope"] < 0.02


def test_the_centred_face_of_the_collapse_is_not_saturated() -> None:
    assert builders.run("HD102", builders.collapsed_case()).status is Status.HEALTHY


def test_between_the_two_intervals_is_borderline() -> None:
    result = builders.run("HD102", _of(_saturated(builders.borderline_high(_SHARE))))
    assert result.judgement is Judgement.BORDERLINE


def test_a_low_slope_is_found_without_one_output_at_the_bound() -> None:
    result = builders.run("HD102", _of(builders.constant(0.97)))
    assert result.measurements["saturated_share"] == 0
    assert result.judgement is Judgement.FOUND


def test_a_sigmoid_saturates_at_zero_and_at_one() -> None:
    drawn = np.zeros((2, 4, 2))
    drawn[1] = 1
    result = builders.run("HD102", _of(drawn, Activation.SIGMOID))
    assert result.measurements == {"saturated_share": 1.0, "mean_slope": 0.0}


@pytest.mark.parametrize(
    ("head", "word"), [(Activation.LINEAR, "linear"), (Activation.SOFTPLUS, "softplus"), (None, "unknown")]
)
def test_a_head_without_two_bounds_is_skipped(head: Activation | None, word: str) -> None:
    result = builders.run("HD102", _of(builders.constant(0.5), head))
    assert (result.status, result.reason) == (Status.SKIPPED, f"the head has no bound to saturate at ({word})")


def test_only_the_bounded_axis_counts() -> None:
    facts = NetworkFacts(label="x", output_dim=2, target_len=4, hidden_dim=8, heads=(Activation.LINEAR, Activation.TANH))
    drawn = np.zeros((2, 4, 2))
    drawn[..., 0] = 50
    case = builders.case(builders.samples(drawn, drawn), facts=facts)
    assert builders.run("HD102", case).measurements == {"saturated_share": 0.0, "mean_slope": 1.0}


def test_an_unknown_generator_is_skipped() -> None:
    case = builders.case(builders.samples(builders.strokes(0), builders.strokes(1)))
    assert builders.run("HD102", case).reason == "no heads"


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_predictions_that_are_not_finite_are_skipped(bad: float) -> None:
    result = builders.run("HD102", _of(builders.constant(bad)))
    assert (result.status, result.reason) == (Status.SKIPPED, "the generated sequences hold NaN or infinite values")


def test_the_message_carries_both_numbers() -> None:
    probe, case = builders.probe("HD102"), _of(_saturated(0.75))
    assert probe.message(case, probe.measure(case)) == (
        "75% of the outputs are at the head's bound, which lets 25.0% of a gradient through on average"
    )


@given(drawn=builders.small_arrays())
@pytest.mark.parametrize("head", list(Activation))
def test_it_agrees_with_its_slow_twin(head: Activation, drawn: FloatArray) -> None:
    outputs = np.tanh(drawn) if head is Activation.TANH else np.abs(np.tanh(drawn))
    builders.assert_agrees("HD102", _of(outputs, head), reference.head_saturation(outputs.tolist(), head.value))
