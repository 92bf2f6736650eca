from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.core.case import Case
from humouse_doctor.core.probe import Judgement, Status
from tests import builders, reference

_PROBE = builders.probe("HD106")


def _of(rms: Sequence[float]) -> Case:
    layers = {f"layer{number}": value for number, value in enumerate(rms)}
    return builders.case(builders.samples(builders.strokes(0), builders.strokes(1), gradients=layers))


@pytest.mark.parametrize(
    ("rms", "judgement"),
    [
        ([0.5, 0.1, 1.0], Judgement.HEALTHY),
        ([1e-5, 0.0, 1.0], Judgement.BORDERLINE),
        ([1e-9, 1.0], Judgement.FOUND),
        ([1.0, 0.0], Judgement.FOUND),
    ],
)
def test_the_first_layer_is_judged_against_the_last(rms: list[float], judgement: Judgement) -> None:
    assert builders.run("HD106", _of(rms)).judgement is judgement


@pytest.mark.parametrize("rms", [[], [1.0]])
def test_a_network_of_one_layer_is_skipped(rms: list[float]) -> None:
    assert builders.run("HD106", _of(rms)).reason == "fewer than two layers received a gradient"


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_gradient_that_is_not_finite_is_skipped(bad: float) -> None:
    result = builders.run("HD106", _of([1.0, bad, 1.0]))
    assert (result.status, result.reason) == (Status.SKIPPED, "the gradient holds NaN or infinite values")


def test_a_ratio_beyond_all_numbers_is_skipped() -> None:
    result = builders.run("HD106", _of([1e300, 1e-300]))
    assert (result.status, result.reason) == (Status.SKIPPED, "first_last_ratio came out NaN or infinite")


def test_without_gradients_it_is_skipped() -> None:
    assert builders.run("HD106", builders.case()).reason == "no gradients"


def test_where_the_last_layer_gets_none_either_nothing_is_said_of_the_first_ones_share() -> None:
    case = _of([0.0, 0.0])
    result = builders.run("HD106", case)
    assert (result.judgement, dict(result.measurements)) == (Judgement.FOUND, {"last_rms": 0})
    assert _PROBE.message(case, result.measurements).startswith("the loss's gradient at the last layer is 0 already")


def test_the_message_carries_the_ratio() -> None:
    message = _PROBE.message(builders.case(), {"first_last_ratio": 2e-7, "last_rms": 1.0})
    assert message.startswith("the first layer receives 2.0e-07 of the gradient that the last one does")


@given(rms=st.lists(st.floats(0, 1e6), max_size=4))
def test_it_agrees_with_its_slow_twin(rms: list[float]) -> None:
    twin = reference.vanishing_gradient(rms)
    if twin is None or math.isfinite(twin.get("first_last_ratio", 0.0)):
        builders.assert_agrees("HD106", _of(rms), twin)
