from __future__ import annotations

import pytest

from humouse_doctor.core.case import WeightFacts
from humouse_doctor.core.probe import Judgement, ProbeResult
from humouse_doctor.probes.untrained import looks_untrained
from tests import builders

_PROBE = builders.probe("HD108")


def _of(non_finite: int, excess: float | None) -> ProbeResult:
    weights = WeightFacts(non_finite=non_finite, total=40, excess_over_start=excess)
    return builders.run("HD108", builders.case(weights=weights))


def test_finite_weights_beyond_their_start_are_healthy() -> None:
    assert _of(0, 1.5).judgement is Judgement.HEALTHY


@pytest.mark.parametrize("excess", [0.001, 0.035, 0.89])
def test_weights_far_within_their_start_are_no_start(excess: float) -> None:
    result = _of(0, excess)
    assert result.judgement is Judgement.HEALTHY
    assert "excess_over_start" not in result.measurements


@pytest.mark.parametrize(("size", "judgement"), [(0.2, Judgement.HEALTHY), (0.5, Judgement.HEALTHY), (0.98, Judgement.FOUND)])
def test_weights_that_a_decay_has_shrunk_are_no_start_however_large_the_largest(size: float, judgement: Judgement) -> None:
    weights = WeightFacts(non_finite=0, total=40, excess_over_start=0.97, size_over_start=size)
    assert builders.run("HD108", builders.case(weights=weights)).judgement is judgement


@pytest.mark.parametrize("excess", [0.0, 0.9, 0.97, 1.0])
def test_weights_within_their_start_are_found(excess: float) -> None:
    result = _of(0, excess)
    assert result.judgement is Judgement.FOUND
    assert looks_untrained(result.measurements)
    assert "looks untrained, unless its random start had narrower bounds" in _PROBE.message(
        builders.case(weights=builders.UNTRAINED), result.measurements
    )


def test_one_weight_that_is_not_finite_is_found_and_is_no_sign_of_an_untrained_network() -> None:
    result = _of(1, 0.5)
    assert result.judgement is Judgement.FOUND
    assert not looks_untrained(result.measurements)
    case = builders.case(weights=WeightFacts(non_finite=1, total=40))
    assert _PROBE.message(case, result.measurements) == "1 of 40 weights are NaN or infinite"


def test_weights_whose_start_is_not_known_are_judged_by_being_finite() -> None:
    result = _of(0, None)
    assert result.judgement is Judgement.HEALTHY
    assert "excess_over_start" not in result.measurements
    assert not looks_untrained(result.measurements)


def test_without_weights_it_is_skipped() -> None:
    assert builders.run("HD108", builders.case()).reason == "no weights"
    none, one = (builders.case(weights=WeightFacts(non_finite=0, total=total)) for total in (0, 1))
    assert builders.run("HD108", none).reason == "the network has no weights"
    assert builders.run("HD108", one).judgement is Judgement.HEALTHY
