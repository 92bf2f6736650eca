from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case
from humouse_doctor.core.probe import Judgement, Status
from tests import builders, reference

_RATIO = builders.probe("HD101").metric("spread_ratio")


def _scaled(factor: float) -> Case:
    targets = builders.strokes(0)
    return builders.case(builders.samples(targets, targets * factor))


@pytest.mark.parametrize("factor", [1.0, _RATIO.healthy.low + 0.01, _RATIO.healthy.high - 0.01])
def test_predictions_that_spread_like_their_targets_are_healthy(factor: float) -> None:
    result = builders.run("HD101", _scaled(factor))
    assert result.status is Status.HEALTHY
    assert result.measurements["spread_ratio"] == pytest.approx(factor, rel=1e-5)


@pytest.mark.parametrize("factor", [0.0, 0.002, _RATIO.tolerable.low - 0.01])
def test_predictions_that_hardly_spread_are_found(factor: float) -> None:
    assert builders.run("HD101", _scaled(factor)).judgement is Judgement.FOUND


def test_predictions_that_spread_wildly_overshoot_and_are_borderline_at_most() -> None:
    probe, case = builders.probe("HD101"), _scaled(_RATIO.tolerable.high + 0.1)
    assert builders.run("HD101", case).judgement is Judgement.BORDERLINE
    assert probe.overshoots(probe.measure(case))
    assert not probe.overshoots(probe.measure(_scaled(0.1)))


@pytest.mark.parametrize("factor", [builders.borderline_low(_RATIO), builders.borderline_high(_RATIO)])
def test_between_the_two_intervals_is_borderline(factor: float) -> None:
    result = builders.run("HD101", _scaled(factor))
    assert (result.status, result.judgement) == (Status.FOUND, Judgement.BORDERLINE)


def test_an_axis_that_spreads_too_far_does_not_hide_one_that_hardly_spreads() -> None:
    targets = builders.strokes(0)
    result = builders.run("HD101", builders.case(builders.samples(targets, targets * np.array([50.0, 0.1]))))
    assert result.measurements["spread_ratio"] == pytest.approx(0.1, rel=1e-5)
    assert result.judgement is Judgement.FOUND


def test_one_dead_axis_is_enough() -> None:
    targets = builders.strokes(0)
    case = builders.case(builders.samples(targets, targets * np.array([1.0, 0.0])))
    assert builders.run("HD101", case).measurements["spread_ratio"] == 0


def test_an_axis_on_which_the_targets_stand_still_is_left_out() -> None:
    targets = builders.strokes(0) * np.array([1.0, 0.0]) + np.array([0.0, 0.1])
    result = builders.run("HD101", builders.case(builders.samples(targets, builders.strokes(0))))
    assert result.measurements["spread_ratio"] == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.1])
def test_constant_targets_are_skipped(value: float) -> None:
    case = builders.case(builders.samples(builders.constant(value), builders.constant(0.1)))
    result = builders.run("HD101", case)
    assert (result.status, result.reason) == (
        Status.SKIPPED,
        "the targets do not vary, so there is nothing to compare with",
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_predictions_that_are_not_finite_are_skipped(bad: float) -> None:
    drawn = np.array(builders.strokes(1))
    drawn[3, 4, 1] = bad
    result = builders.run("HD101", builders.case(builders.samples(builders.strokes(0), drawn)))
    assert (result.status, result.reason) == (Status.SKIPPED, "the generated sequences hold NaN or infinite values")


def test_channels_after_the_position_do_not_count() -> None:
    targets = builders.strokes(0)
    wide = np.concatenate([targets, 1e6 * targets[..., :1]], axis=2)
    result = builders.run("HD101", builders.case(builders.samples(targets, wide)))
    assert result.measurements["spread_ratio"] == 1


def test_the_message_names_the_space_and_both_deviations() -> None:
    probe, case = builders.probe("HD101"), _scaled(0.01)
    assert probe.message(case, probe.measure(case)) == (
        "generated values have a std of 0.01 where the targets (absolute positions) have 1: 0.010 of the spread on both axes"
    )
    spaceless = builders.case(case.samples, space=None)
    assert "the targets (the loss's space) have" in probe.message(spaceless, probe.measure(spaceless))


@given(targets=builders.enough_arrays(), drawn=builders.enough_arrays())
def test_it_agrees_with_its_slow_twin(targets: FloatArray, drawn: FloatArray) -> None:
    case = builders.case(builders.samples(targets, drawn))
    builders.assert_agrees("HD101", case, reference.spread_ratio(drawn.tolist(), targets.tolist()))


@pytest.mark.parametrize("seed", range(3))
def test_it_agrees_with_its_slow_twin_on_strokes(seed: int) -> None:
    targets, drawn = builders.strokes(seed) * 300, builders.strokes(seed + 9, rows=17, steps=24)
    case = builders.case(builders.samples(targets, drawn))
    builders.assert_agrees("HD101", case, reference.spread_ratio(drawn.tolist(), targets.tolist()))
