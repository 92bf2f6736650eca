from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Metric
from humouse_doctor.core.remedy import Interval
from humouse_doctor.core.space import Reading
from humouse_doctor.probes.shared import measures
from tests import builders, reference


def test_a_tenth_of_the_steps_and_the_padding_do_not_count() -> None:
    mask = measures.counted_steps(np.array([5.0, 20.0]), 3, 20)
    assert mask.sum(axis=1).tolist() == [4, 18, 4]
    assert not mask[0, 0]
    assert not mask[1, :2].any()


def test_the_transient_is_a_share_of_a_sequences_own_length_however_long_its_padding() -> None:
    mask = measures.counted_steps(np.array([20.0]), 1, 400)
    assert np.flatnonzero(mask[0]).tolist() == list(range(2, 20))


def test_spreads_are_those_before_the_padding() -> None:
    values = np.array(builders.strokes(0, rows=16))
    padded = np.concatenate([values, np.full((16, 30, 2), 7.0)], axis=1)
    lengths = np.full(16, 20.0)
    assert measures.spread(padded, lengths) == pytest.approx(measures.spread(values))
    assert measures.spread_across(padded, lengths) == pytest.approx(measures.spread_across(values))
    some = np.where(np.arange(16) % 2 == 0, 20.0, 50.0)
    by_step = [padded[: (16 if step < 20 else 0), step].std(axis=0) * 16 for step in range(20)]
    assert measures.spread_across(padded, some) == pytest.approx(np.sum(by_step, axis=0) / (16 * 20 + 8 * 30))
    for each in (measures.spread, measures.spread_across):
        with pytest.raises(NotMeasurable, match="every step is padding"):
            each(padded, np.zeros(16))


def test_without_lengths_every_step_past_the_transient_counts() -> None:
    assert measures.counted_steps(None, 2, 11).sum(axis=1).tolist() == [9, 9]


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, -1e3, 1e-7])
def test_a_constant_has_no_spread_whatever_its_rounding(value: float) -> None:
    values = builders.constant(value, rows=7, steps=11)
    counted = np.ones((7, 11), dtype=bool)
    assert measures.spread(values).tolist() == [0, 0]
    assert measures.spread_across(values).tolist() == [0, 0]
    assert measures.std_over_time(values, counted).tolist() == [0, 0]


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_what_varies_has_its_spread_at_any_scale_and_whatever_stands_in_the_padding(scale: float) -> None:
    values, counted = np.array(builders.strokes(0)), np.ones((48, 20), dtype=bool)
    counted[:, 15:] = False
    of_unit = measures.std_over_time(values, counted)
    values[:, 15:] = 1e30
    assert measures.std_over_time(scale * values, counted) == pytest.approx(scale * of_unit, rel=1e-9)


def test_a_straight_line_far_from_zero_has_no_spread_of_velocity() -> None:
    line = 1000 + 0.1 * np.arange(20.0)[None, :, None] + np.zeros((3, 1, 2))
    assert measures.std_over_time(np.diff(line, axis=1), np.ones((3, 19), dtype=bool)).tolist() == [0, 0]


def test_an_axis_whose_target_does_not_vary_is_left_out() -> None:
    assert measures.lowest_axis_ratio(np.array([0.0, 1.0]), np.array([0.0, 2.0])) == 0.5


def test_targets_that_vary_on_no_axis_cannot_be_compared_with() -> None:
    with pytest.raises(NotMeasurable, match="do not vary"):
        measures.lowest_axis_ratio(np.ones(2), np.zeros(2))
    with pytest.raises(NotMeasurable, match="do not vary"):
        measures.two_sided_axis_ratio(np.ones(2), np.zeros(2), 0.5)


@pytest.mark.parametrize(
    ("first", "second", "overshoots"),
    [(5.0, 1.0, True), (5.0, 0.4, False), (1.0, 1.0, False), (0.4, 0.4, False), (5.0, 9.0, True)],
)
def test_only_what_is_nowhere_too_little_and_somewhere_too_much_overshoots(
    first: float, second: float, overshoots: bool
) -> None:
    metrics = [Metric(name=name, unit="ratio", meaning="", healthy=Interval(low=0.5, high=4.0)) for name in ("a", "b")]
    assert measures.overshoot(metrics, {"a": first, "b": second}) is overshoots
    assert measures.overshoot(metrics, {"a": first}) is (first > 4)


def test_an_axis_that_varies_too_much_does_not_hide_one_that_hardly_varies() -> None:
    assert measures.lowest_axis_ratio(np.array([9.0, 0.5]), np.ones(2)) == 0.5


def test_the_lowest_axis_is_told_where_it_is_low_and_the_highest_otherwise() -> None:
    assert measures.two_sided_axis_ratio(np.array([9.0, 0.4]), np.ones(2), 0.5) == 0.4
    assert measures.two_sided_axis_ratio(np.array([9.0, 0.5]), np.ones(2), 0.5) == 9.0


def test_sixteen_sequences_on_every_side_are_enough() -> None:
    measures.require_sequences(builders.strokes(0, rows=16), builders.strokes(0, rows=16))
    with pytest.raises(NotMeasurable, match=r"^only 15 sequences: too few to tell$"):
        measures.require_sequences(builders.strokes(0, rows=16), builders.strokes(0, rows=15))


def test_sequences_that_are_all_too_short_have_no_spread_over_time() -> None:
    mask = measures.counted_steps(np.array([4.0]), 2, 10)
    with pytest.raises(NotMeasurable, match="no sequence has 4 steps"):
        measures.std_over_time(builders.strokes(0, rows=2, steps=10), mask)


@given(values=builders.small_arrays())
def test_losses_of_constants_agree_with_their_slow_twin(values: FloatArray) -> None:
    twin = reference.no_skill(values.tolist(), (0 * values).tolist(), values.tolist(), [0.0])
    best, still = measures.best_constant_loss(values), measures.motionless_loss(values)
    assert best >= still - 1e-12
    if twin is None:
        assert still == 0
    else:
        loss = float(np.abs(values).mean())
        assert 1 - loss / best == pytest.approx(twin["skill"])
        assert 1 - loss / still == pytest.approx(twin["motion_skill"])


def test_the_space_is_named_by_what_the_program_reads_only_where_it_differs() -> None:
    plain = builders.case(space=builders.DELTAS)
    assert measures.space_name(plain) == "deltas"
    assert measures.space_name(builders.case(space=None)) == "the loss's space"
    alike, other = (Reading(space=space, because="it does") for space in (builders.DELTAS, builders.POSITIONS))
    assert measures.space_name(replace(plain, reading=alike)) == "deltas"
    assert measures.space_name(replace(plain, reading=other)) == "positions, with the output read as absolute positions"
