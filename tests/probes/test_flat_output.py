from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Judgement, Status
from humouse_doctor.core.space import Space
from humouse_doctor.probes.flat_output import settled_at
from tests import builders, reference

_PROBE = builders.probe("HD103")
_TIME = _PROBE.metric("time_std_ratio")
_VELOCITY = _PROBE.metric("velocity_std_ratio")


def _lines(like: FloatArray) -> FloatArray:
    """Return straight paths from each start to its end at a constant speed."""
    share = np.linspace(0, 1, like.shape[1])[None, :, None]
    return np.asarray(like[:, :1] + share * (like[:, -1:] - like[:, :1]))


def test_paths_that_move_like_their_targets_are_healthy() -> None:
    result = builders.run("HD103", builders.healthy_case())
    assert result.status is Status.HEALTHY
    assert result.measurements["settled_at"] == 1


def test_motionless_paths_are_found() -> None:
    result = builders.run("HD103", builders.collapsed_case())
    assert result.judgement is Judgement.FOUND
    assert result.measurements["time_std_ratio"] == 0


@pytest.mark.parametrize("factor", [builders.borderline_low(_TIME)])
def test_between_the_two_intervals_is_borderline(factor: float) -> None:
    targets = builders.strokes(0)
    result = builders.run("HD103", builders.case(builders.samples(targets, targets * factor)))
    assert result.judgement is Judgement.BORDERLINE


def test_deltas_summed_to_a_constant_velocity_are_found_by_the_velocity_though_positions_vary_more() -> None:
    deltas = np.diff(builders.strokes(0), axis=1, prepend=0.0)
    drawn = np.zeros_like(deltas) + deltas.mean(axis=1, keepdims=True) * 2
    case = builders.case(builders.samples(deltas, drawn), space=builders.DELTAS)
    result = builders.run("HD103", case)
    assert result.measurements["time_std_ratio"] > _TIME.healthy.low
    assert result.measurements["velocity_std_ratio"] < 1e-6
    assert result.judgement is Judgement.FOUND
    said = "change speed 0.000 as much as real ones on both axes: they run nearly straight"
    assert said in _PROBE.message(case, result.measurements)


def test_z_scored_deltas_are_summed_in_the_datas_own_unit() -> None:
    raw = np.diff(builders.strokes(0), axis=1, prepend=0.0)
    mean, std = np.array([0.1, 0.0]), np.array([2.0, 0.5])
    space = Space(absolute=False, sequence_mean=mean, sequence_std=std)
    scored = (raw - mean) / std
    of_scored = builders.run("HD103", builders.case(builders.samples(scored, scored[::-1]), space=space))
    of_raw = builders.run("HD103", builders.case(builders.samples(raw, raw[::-1]), space=builders.DELTAS))
    assert of_scored.measurements == pytest.approx(of_raw.measurements, rel=1e-5)


def test_an_axis_that_moves_too_far_does_not_hide_a_flat_one() -> None:
    targets = builders.strokes(0)
    drawn = targets * np.array([30.0, 0.2])
    assert builders.run("HD103", builders.case(builders.samples(targets, drawn))).judgement is Judgement.FOUND


@pytest.mark.parametrize("factor", [5.0, 30.0])
def test_too_much_movement_is_borderline_at_most_and_said_as_such(factor: float) -> None:
    targets = builders.strokes(0)
    case = builders.case(builders.samples(targets, targets * np.array([1.0, factor])))
    result = builders.run("HD103", case)
    assert result.judgement is Judgement.BORDERLINE
    assert _PROBE.message(case, result.measurements) == (
        f"paths change speed {factor:.1f} times as much as real ones in y and 1.0 in x: they shake"
    )
    assert _PROBE.overshoots(result.measurements)


def test_what_moves_too_far_but_hardly_changes_speed_does_not_overshoot() -> None:
    assert not _PROBE.overshoots({"time_std_ratio": 6.0, "velocity_std_ratio": 0.05})


@pytest.mark.parametrize(("of_targets", "drawn"), [(15, 48), (48, 15)])
def test_too_few_sequences_are_skipped(of_targets: int, drawn: int) -> None:
    found = builders.samples(builders.strokes(0, rows=of_targets), builders.strokes(1, rows=drawn))
    assert builders.run("HD103", builders.case(found)).reason == "only 15 sequences: too few to tell"


def _stopped(paths: FloatArray, share: float) -> FloatArray:
    """Paths that stay where they are after this share of their steps."""
    steps = paths.shape[1]
    return builders.frozen(paths[:, np.minimum(np.arange(steps), round(share * steps))])


def test_paths_that_stop_where_real_ones_go_on_are_found_though_they_vary_enough() -> None:
    targets = builders.strokes(0, rows=64, steps=60)
    case = builders.case(builders.samples(targets, _stopped(builders.strokes(1, rows=64, steps=60), 0.55)))
    result = builders.run("HD103", case)
    assert result.measurements["time_std_ratio"] > 0.5
    assert result.measurements["late_std_ratio"] == 0.0
    assert result.judgement is Judgement.FOUND
    assert builders.probe("HD103").message(case, result.measurements) == (
        "in the last third of a path the position varies 0.000 as much as in a real one: paths stop where real ones go on"
    )


def test_targets_that_rest_at_their_end_ask_for_no_movement_there() -> None:
    targets, drawn = (_stopped(builders.strokes(seed, rows=64, steps=60), 0.5) for seed in (0, 1))
    result = builders.run("HD103", builders.case(builders.samples(targets, drawn)))
    assert "late_std_ratio" not in result.measurements
    assert result.judgement is Judgement.HEALTHY


def test_the_last_third_is_that_before_the_padding() -> None:
    targets = builders.strokes(0, rows=64, steps=60)
    padded = builders.frozen(np.concatenate([targets, np.repeat(targets[:, -1:], 60, axis=1)], axis=1))
    lengths = builders.frozen(np.full(64, 60.0))
    result = builders.run("HD103", builders.case(builders.samples(padded, _stopped(padded, 0.28), lengths=lengths)))
    assert result.measurements["late_std_ratio"] == 0.0


def test_padding_and_transient_do_not_count_as_movement() -> None:
    targets = np.array(builders.strokes(0))
    drawn = np.zeros_like(targets)
    drawn[:, :1] = 50.0
    drawn[:, 10:] = 50.0
    lengths = np.full(len(targets), 10.0)
    result = builders.run("HD103", builders.case(builders.samples(targets, drawn, lengths=lengths)))
    assert result.measurements["time_std_ratio"] == 0


def test_nothing_left_after_the_padding_is_skipped() -> None:
    found = builders.samples(builders.strokes(0), builders.strokes(1), lengths=np.full(48, 3.0))
    result = builders.run("HD103", builders.case(found))
    assert (result.status, result.reason) == (
        Status.SKIPPED,
        "no sequence has 4 steps between the initial transient and the padding",
    )


@pytest.mark.parametrize("steps", [1, 2, 4, 5])
def test_too_few_steps_are_skipped(steps: int) -> None:
    case = builders.case(builders.samples(builders.strokes(0, steps=20)[:, :steps], builders.strokes(1)))
    assert builders.run("HD103", case).status is Status.SKIPPED


def test_targets_without_movement_to_compare_with_are_skipped() -> None:
    constant = builders.constant(0.1)
    assert builders.run("HD103", builders.case(builders.samples(constant, builders.strokes(1)))).status is Status.SKIPPED


@pytest.mark.parametrize(("size", "judgement"), [(1.0, Judgement.HEALTHY), (0.1, Judgement.FOUND)])
def test_targets_at_one_speed_are_compared_by_their_movement(size: float, judgement: Judgement) -> None:
    targets = _lines(builders.strokes(0))
    assert builders.run("HD103", builders.case(builders.samples(targets, size * targets))).judgement is judgement


def test_a_constant_target_axis_is_left_out() -> None:
    targets = builders.strokes(0) * np.array([1.0, 0.0])
    result = builders.run("HD103", builders.case(builders.samples(targets, builders.strokes(0) * np.array([1.0, 7.0]))))
    assert result.status is Status.HEALTHY


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_predictions_that_are_not_finite_are_skipped(bad: float) -> None:
    drawn = np.array(builders.strokes(1))
    drawn[0, 0, 0] = bad
    result = builders.run("HD103", builders.case(builders.samples(builders.strokes(0), drawn)))
    assert result.status is Status.SKIPPED


def test_an_unknown_space_is_skipped() -> None:
    case = builders.case(builders.samples(builders.strokes(0), builders.strokes(1)), space=None)
    assert builders.run("HD103", case).reason == "no loss space"


def test_the_message_says_which_axis_is_meant_and_gives_the_other() -> None:
    targets = builders.strokes(0)
    case = builders.case(builders.samples(targets, targets * np.array([1.06, 0.246])))
    assert _PROBE.message(case, builders.run("HD103", case).measurements) == (
        "within a path the position varies 0.246 as much as in a real one in y and 1.060 in x"
    )


def test_an_axis_that_is_left_out_is_said() -> None:
    targets = builders.strokes(0) * np.array([1.0, 0.0])
    case = builders.case(builders.samples(targets, builders.strokes(0) * 0.25))
    assert _PROBE.message(case, builders.run("HD103", case).measurements) == (
        "within a path the position varies 0.250 as much as in a real one in x (y does not vary in the data and is left out)"
    )


def test_one_speed_on_one_axis_alone_is_no_straight_line() -> None:
    measured = {"time_std_ratio": 1.0, "velocity_std_ratio": 0.01, "velocity_std_ratio_x": 0.01, "velocity_std_ratio_y": 0.9}
    said = _PROBE.message(builders.healthy_case(), measured)
    assert said == "paths change speed 0.010 as much as real ones in x and 0.900 in y"


def _jittery_lines(jitter: float, seed: int, rows: int = 64) -> FloatArray:
    """Return straight paths of unit scale in all directions at one speed, shaken by `jitter`."""
    random = np.random.default_rng(seed)
    angles, sizes = random.uniform(0, 2 * np.pi, rows), random.uniform(0.5, 1.5, rows)
    ends = sizes[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    lines = np.linspace(0, 1, 50)[None, :, None] * ends[:, None]
    return np.asarray(lines + random.normal(0, jitter, lines.shape))


@pytest.mark.parametrize("jitter", [0.01, 0.02])
def test_jitter_on_straight_targets_is_nothing_that_paths_have_to_learn(jitter: float) -> None:
    case = builders.case(builders.samples(_jittery_lines(jitter, 0), _jittery_lines(0.001, 1)))
    result = builders.run("HD103", case)
    assert result.judgement is Judgement.HEALTHY
    assert "velocity_std_ratio" not in result.measurements


def test_paths_that_shake_more_than_straight_targets_are_still_found_to() -> None:
    shaking = _jittery_lines(0.01, 1) + np.random.default_rng(2).normal(0, 1, (64, 50, 2)) * np.array([0.0, 0.4])
    case = builders.case(builders.samples(_jittery_lines(0.01, 0), shaking))
    result = builders.run("HD103", case)
    assert result.judgement is Judgement.BORDERLINE
    assert _PROBE.message(case, result.measurements).endswith("in y and 0.7 in x: they shake")


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_ramps_without_jitter_are_shaken_by_more_than_their_rounding_only(channels: int) -> None:
    slopes = np.random.default_rng(0).normal(size=(64, 1, channels)).astype(np.float32)
    ramps = np.linspace(0, 1, 50, dtype=np.float32)[None, :, None] * slopes  # the speed is 0.02 of the slope
    jitter = np.random.default_rng(1).normal(size=ramps.shape)
    space = Space(absolute=True, channels=None, as_is=True)
    judged, measured = [], []
    for size in (0.001, 0.2):
        found = builders.run("HD103", builders.case(builders.samples(ramps, ramps + size * jitter), space=space))
        judged.append(found.judgement)
        measured.append(found.measurements.get("velocity_std_ratio"))
    assert judged == [Judgement.HEALTHY, Judgement.BORDERLINE]
    assert measured[0] is None
    assert measured[1] == pytest.approx(0.2 * 2**0.5 / 0.02, rel=0.3)


def test_straight_targets_whose_speed_varies_still_ask_for_that() -> None:
    targets = builders.strokes(0)
    result = builders.run("HD103", builders.case(builders.samples(targets, _lines(targets))))
    assert result.judgement is Judgement.FOUND
    assert result.measurements["velocity_std_ratio"] == 0


def test_paths_without_movement_that_are_well_where_velocity_means_nothing_are_found_by_their_movement() -> None:
    case = builders.case(builders.samples(_jittery_lines(0.01, 0), _jittery_lines(0.001, 1) * 0.1))
    result = builders.run("HD103", case)
    assert result.judgement is Judgement.FOUND
    assert _PROBE.message(case, result.measurements).startswith("within a path the position varies 0.089 as much")


def test_padding_of_any_length_leaves_the_movement_before_it_measurable() -> None:
    targets, drawn = builders.strokes(0), builders.strokes(1)
    padded = [np.concatenate([each, np.zeros((48, 380, 2))], axis=1) for each in (targets, drawn)]
    found = builders.run("HD103", builders.case(builders.samples(padded[0], padded[1], lengths=np.full(48, 20.0))))
    plain = builders.run("HD103", builders.case(builders.samples(targets, drawn)))
    assert found.measurements == plain.measurements


def _message(time: float, velocity: float, settled: float | None = None) -> str:
    measured = {"time_std_ratio": time, "velocity_std_ratio": velocity}
    if settled is not None:
        measured["settled_at"] = settled
    return _PROBE.message(builders.healthy_case(), measured)


def test_the_message_speaks_of_what_is_worse() -> None:
    assert _message(0.0, 0.0) == "within a path the position varies 0.000 as much as in a real one"
    assert _message(1.0, 0.01).startswith("paths change speed 0.010 as much as real ones")
    borderline = builders.borderline_low(_TIME)
    assert _message(borderline, 1.0).startswith("within a path the position varies")
    assert _message(borderline, builders.borderline_low(_VELOCITY)).startswith("within a path the position varies")
    assert _message(borderline, 0.0).startswith("paths change speed 0.000")
    assert _message(9.0, 0.1).startswith("paths change speed 0.100 as much")
    assert _message(9.0, 1.0) == "paths move 9.0 times as much as real ones"
    assert _message(9.0, 20.0) == "paths change speed 20.0 times as much as real ones: they shake"


def test_the_message_says_when_the_state_stops_only_where_it_stops_early() -> None:
    assert _message(0.0, 0.0, 0.25).endswith("; the recurrent state stops moving after 25% of the steps")
    assert "stops moving" not in _message(0.0, 0.0, 1.0)


def test_a_state_that_never_moved_settled_at_once() -> None:
    assert settled_at(builders.constant(0.3)) == 0


def test_a_state_settles_where_it_stops() -> None:
    assert settled_at(builders.settling_states(4)) == pytest.approx(4 / 19)


def test_states_too_few_or_not_finite_tell_nothing_about_settling() -> None:
    with pytest.raises(NotMeasurable, match="fewer than 4 steps"):
        settled_at(builders.moving_states(steps=3))
    with pytest.raises(NotMeasurable, match="NaN"):
        settled_at(builders.constant(np.nan))


@given(states=builders.small_arrays(steps=(4, 9)))
def test_settling_agrees_with_its_slow_twin(states: FloatArray) -> None:
    assert settled_at(states) == pytest.approx(reference.settled_at(states.tolist()))


def _assert_agrees(targets: FloatArray, drawn: FloatArray, lengths: list[float] | None, *, absolute: bool) -> None:
    found = builders.samples(targets, drawn, lengths=None if lengths is None else np.array(lengths))
    case: Case = builders.case(found, space=Space(absolute=absolute))
    paths = [drawn.tolist(), targets.tolist()]
    if not absolute:
        paths = [reference.summed(each) for each in paths]
    builders.assert_agrees("HD103", case, reference.flat_output(paths[0], paths[1], lengths))


@given(
    targets=builders.enough_arrays(steps=(4, 9)),
    drawn=builders.enough_arrays(steps=(4, 9)),
    lengths=st.none() | st.lists(st.integers(3, 9).map(float), min_size=1, max_size=4),
    absolute=st.booleans(),
)
def test_it_agrees_with_its_slow_twin(
    targets: FloatArray, drawn: FloatArray, lengths: list[float] | None, absolute: bool
) -> None:
    _assert_agrees(targets, drawn, None if lengths is None else (lengths * 16)[: len(targets)], absolute=absolute)


@pytest.mark.parametrize("absolute", [True, False])
def test_it_agrees_with_its_slow_twin_on_strokes(absolute: bool) -> None:
    lengths = [float(5 + row % 16) for row in range(48)]
    _assert_agrees(builders.strokes(5) * 200, builders.strokes(6, rows=19, steps=24), lengths, absolute=absolute)


def test_a_ratio_too_small_for_its_digits_is_not_said_to_be_zero() -> None:
    from humouse_doctor.probes.shared.measures import in_words

    assert [in_words(value, 3) for value in (2e-05, 0.0004, 0.0006, 0.0, 0.25)] == [
        "less than 0.001", "less than 0.001", "0.001", "0.000", "0.250",
    ]  # fmt: skip
