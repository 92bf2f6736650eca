from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case
from humouse_doctor.core.probe import Judgement, Status
from humouse_doctor.probes.latent_insensitive import effective_rank
from tests import builders, reference

_PROBE = builders.probe("HD104")


def _of(targets: FloatArray, drawn: FloatArray) -> Case:
    return builders.case(builders.samples(targets, drawn))


def test_sequences_that_differ_like_their_targets_are_healthy() -> None:
    result = builders.run("HD104", builders.healthy_case())
    assert result.status is Status.HEALTHY
    assert result.measurements["effective_rank"] > 1


def test_one_sequence_for_every_latent_is_found_however_it_moves() -> None:
    targets = builders.strokes(0)
    same = np.repeat(targets[:1], 16, axis=0)
    result = builders.run("HD104", _of(targets, same))
    assert result.judgement is Judgement.FOUND
    assert (result.measurements["latent_std_ratio"], result.measurements["effective_rank"]) == (0, 0)


def test_between_the_two_intervals_is_borderline() -> None:
    targets = builders.strokes(0)
    factor = builders.borderline_low(_PROBE.metric("latent_std_ratio"))
    assert builders.run("HD104", _of(targets, targets * factor)).judgement is Judgement.BORDERLINE


def test_an_axis_that_varies_too_much_does_not_hide_a_dead_one() -> None:
    targets = builders.strokes(0)
    assert builders.run("HD104", _of(targets, targets * np.array([50.0, 0.1]))).judgement is Judgement.FOUND


@pytest.mark.parametrize("factor", [5.0, 50.0])
def test_sequences_that_differ_too_much_are_borderline_at_most(factor: float) -> None:
    targets = builders.strokes(0)
    result = builders.run("HD104", _of(targets, targets * np.array([1.0, factor])))
    assert result.measurements["latent_std_ratio"] == pytest.approx(factor, rel=1e-5)
    assert result.judgement is Judgement.BORDERLINE
    assert _PROBE.overshoots(result.measurements)


@pytest.mark.parametrize("factor", [0.1, 1.0])
def test_sequences_that_differ_too_little_or_enough_do_not_overshoot(factor: float) -> None:
    targets = builders.strokes(0)
    assert not _PROBE.overshoots(builders.run("HD104", _of(targets, targets * factor)).measurements)


@pytest.mark.parametrize(("of_targets", "drawn"), [(15, 48), (48, 15)])
def test_too_few_sequences_are_skipped(of_targets: int, drawn: int) -> None:
    result = builders.run("HD104", _of(builders.strokes(0, rows=of_targets), builders.strokes(1, rows=drawn)))
    assert (result.status, result.reason) == (Status.SKIPPED, "only 15 sequences: too few to tell")


def test_a_single_step_can_still_be_compared() -> None:
    result = builders.run("HD104", _of(builders.strokes(0)[:, 5:6], builders.strokes(0)[:, 5:6]))
    assert result.status is Status.HEALTHY
    assert result.measurements["latent_std_ratio"] == 1


def test_constant_targets_are_skipped() -> None:
    assert builders.run("HD104", _of(builders.constant(0.1), builders.strokes(1))).status is Status.SKIPPED


def test_a_constant_target_axis_is_left_out() -> None:
    targets = builders.strokes(0) * np.array([0.0, 1.0]) + 0.1
    assert builders.run("HD104", _of(targets, builders.strokes(0))).measurements["latent_std_ratio"] == pytest.approx(1)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_predictions_that_are_not_finite_are_skipped(bad: float) -> None:
    assert builders.run("HD104", _of(builders.strokes(0), builders.constant(bad))).status is Status.SKIPPED


def test_the_message_says_which_axis_is_meant_and_gives_the_other() -> None:
    targets = builders.strokes(0)
    case = _of(targets, targets * np.array([0.1, 0.9]))
    said = _PROBE.message(case, builders.run("HD104", case).measurements)
    assert "vary 0.100 as much as real ones in x and 0.900 in y (effective rank" in said


def test_the_message_carries_its_three_numbers() -> None:
    measured = {"latent_std_ratio": 0.0125, "effective_rank": 1.04, "target_effective_rank": 3.5}
    assert _PROBE.message(builders.healthy_case(), measured) == (
        "at a given step the sequences of different latents vary 0.013 as much as real ones (effective rank 1.0 against 3.5)"
    )


def test_the_effective_rank_counts_equal_directions() -> None:
    corners = np.array([[[1.0, 0.0]], [[-1.0, 0.0]], [[0.0, 1.0]], [[0.0, -1.0]]])
    assert effective_rank(corners) == pytest.approx(2)
    assert effective_rank(corners[:2]) == pytest.approx(1)
    assert effective_rank(builders.constant(0.1)) == 0


def test_the_effective_rank_looks_at_no_more_than_512_sequences() -> None:
    values = builders.strokes(0, rows=600, steps=4)
    assert effective_rank(values) == effective_rank(values[:512])


@given(targets=builders.enough_arrays(steps=(1, 4)), drawn=builders.enough_arrays(steps=(1, 4)))
def test_it_agrees_with_its_slow_twin(targets: FloatArray, drawn: FloatArray) -> None:
    twin = reference.latent_insensitive(drawn.tolist(), targets.tolist())
    builders.assert_agrees("HD104", _of(targets, drawn), twin)


def test_it_agrees_with_its_slow_twin_on_strokes() -> None:
    targets, drawn = builders.strokes(0, rows=18, steps=8) * 99, builders.strokes(1, rows=16, steps=6)
    twin = reference.latent_insensitive(drawn.tolist(), targets.tolist())
    builders.assert_agrees("HD104", _of(targets, drawn), twin)
