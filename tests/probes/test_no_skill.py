from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.probe import Judgement, Status
from tests import builders, reference

_PROBE = builders.probe("HD105")
_RATIO = _PROBE.metric("prior_fit_spread")


def _of(targets: FloatArray, fitted: FloatArray, prior: FloatArray, latent_std: float = 1.0) -> Case:
    return builders.case(builders.samples(targets, prior, latent_fit=builders.fit(targets, fitted, latent_std)))


def _between(targets: FloatArray, skill: float) -> FloatArray:
    """Return a fit at the share `skill` of the way from each sequence's own median to the targets."""
    own = np.median(targets, axis=1, keepdims=True)
    return np.asarray(own + skill * (targets - own))


def test_a_close_fit_that_the_prior_spreads_like_is_healthy() -> None:
    result = builders.run("HD105", builders.healthy_case())
    assert result.status is Status.HEALTHY
    assert result.measurements["skill"] > 0.8


def test_a_fit_no_better_than_a_constant_is_found_and_says_nothing_about_the_prior() -> None:
    result = builders.run("HD105", builders.collapsed_case())
    assert result.judgement is Judgement.FOUND
    assert result.measurements["skill"] < 0.05
    assert "prior_fit_spread" not in result.measurements


def test_a_fit_that_finds_the_place_but_not_the_movement_has_skill_and_no_motion_skill() -> None:
    targets = builders.strokes(0) + np.random.default_rng(0).normal(0, 5, (48, 1, 2))
    result = builders.run("HD105", _of(targets, _between(targets, 0.0), targets))
    assert result.measurements["skill"] > 0.5
    assert result.measurements["motion_skill"] == pytest.approx(0, abs=1e-9)
    assert result.judgement is Judgement.HEALTHY


def test_a_prior_far_wider_than_the_fit_overshoots_and_is_borderline_at_most() -> None:
    targets = builders.strokes(0)
    result = builders.run("HD105", _of(targets, targets, targets * (_RATIO.tolerable.high + 1)))
    assert result.judgement is Judgement.BORDERLINE
    assert _PROBE.overshoots(result.measurements)
    assert not _PROBE.overshoots({**result.measurements, "skill": 0.0})


@pytest.mark.parametrize("factor", [0.05, _RATIO.tolerable.low - 0.05])
def test_a_good_fit_that_the_prior_misses_is_found(factor: float) -> None:
    targets = builders.strokes(0)
    result = builders.run("HD105", _of(targets, targets, targets * factor, latent_std=2.6))
    assert result.measurements["prior_fit_spread"] == pytest.approx(factor, rel=1e-5)
    assert result.measurements["fitted_latent_std"] == 2.6
    assert result.judgement is Judgement.FOUND


@pytest.mark.parametrize("factor", [builders.borderline_low(_RATIO), builders.borderline_high(_RATIO)])
def test_a_prior_between_the_two_intervals_is_borderline(factor: float) -> None:
    targets = builders.strokes(0)
    assert builders.run("HD105", _of(targets, targets, targets * factor)).judgement is Judgement.BORDERLINE


@pytest.mark.parametrize("value", [0.0, 0.1])
def test_motionless_targets_are_skipped(value: float) -> None:
    targets = builders.constant(value)
    result = builders.run("HD105", _of(targets, targets, builders.strokes(1)))
    assert (result.status, result.reason) == (Status.SKIPPED, "the targets do not move, so skill is not defined")


def test_one_step_is_skipped() -> None:
    targets = builders.strokes(0)[:, :1]
    assert builders.run("HD105", _of(targets, targets, targets)).status is Status.SKIPPED


@pytest.mark.parametrize(("fitted", "drawn"), [(15, 48), (48, 15)])
def test_too_few_sequences_are_skipped(fitted: int, drawn: int) -> None:
    targets = builders.strokes(0, rows=fitted)
    result = builders.run("HD105", _of(targets, targets, builders.strokes(1, rows=drawn)))
    assert (result.status, result.reason) == (Status.SKIPPED, "only 15 sequences: too few to tell")


def test_where_the_loss_compares_deltas_a_sequences_own_constant_is_a_cursor_at_one_speed() -> None:
    measured = {"skill": 0.25, "motion_skill": 0.5}
    deltas = builders.case(space=builders.DELTAS)
    assert _PROBE.message(deltas, measured).endswith("and 50% below a cursor at one speed's")
    assert _PROBE.message(builders.case(space=None), measured).endswith("and 50% below a motionless cursor's")


def test_noise_on_an_axis_without_targets_does_not_count_as_the_priors_spread() -> None:
    targets = builders.strokes(0) * np.array([1.0, 0.0])
    noise = np.array([0.0, 1e-6]) * np.sin(np.arange(20))[None, :, None]
    result = builders.run("HD105", _of(targets, targets + noise, targets + 1e4 * noise))
    assert result.measurements["prior_fit_spread"] == pytest.approx(1)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_fit_or_a_prior_that_is_not_finite_is_skipped(bad: float) -> None:
    targets, broken = builders.strokes(0), np.array(builders.strokes(0))
    broken[1, 1, 1] = bad
    of_fit = builders.run("HD105", _of(targets, broken, targets))
    of_prior = builders.run("HD105", _of(targets, targets, broken))
    assert of_fit.reason == "the fitted sequences hold NaN or infinite values"
    assert of_prior.reason == "the generated sequences hold NaN or infinite values"


def test_without_a_fit_it_is_skipped_with_the_cases_reason() -> None:
    case = builders.case(builders.samples(builders.strokes(0), builders.strokes(1)), absent={Need.FIT: "left out by --quick"})
    assert builders.run("HD105", case).reason == "left out by --quick"


def test_the_message_says_below_or_above_and_names_the_prior_where_it_is_off() -> None:
    case = builders.healthy_case()
    assert _PROBE.message(case, {"skill": 0.25, "motion_skill": -0.5}) == (
        "with latents fitted to real sequences the loss is 25% below the best constant's and 50% above a motionless cursor's"
    )
    measured = {"skill": 0.75, "motion_skill": 0.5, "prior_fit_spread": 0.1}
    assert _PROBE.message(case, {**measured, "skill": 0.15}).endswith("; prior samples spread 0.10 as far as the fits")
    assert _PROBE.message(case, measured).startswith(
        "prior samples miss the generator's skill: they spread 0.10 as far as the fits, though with latents fitted"
        " to real sequences the loss is 75% below the best constant's"
    )
    assert "prior" not in _PROBE.message(case, {**measured, "prior_fit_spread": 1.0})


@pytest.mark.parametrize("std", [1.9, 4.3])
def test_the_codes_of_an_own_network_are_asked_for_where_the_fit_is_wider_than_the_prior(std: float) -> None:
    own = replace(builders.healthy_case(), network=builders.network(architecture=None))
    measured = {"skill": 0.75, "motion_skill": 0.5, "prior_fit_spread": 0.2, "fitted_latent_std": std}
    hint = "if the codes it was trained on are as wide, hand them in"
    assert (hint in _PROBE.message(own, measured)) == (std > 2)
    assert hint not in _PROBE.message(builders.healthy_case(), measured)


def test_the_message_says_how_many_times_a_loss_is_that_is_far_above() -> None:
    assert _PROBE.message(builders.healthy_case(), {"skill": -399.0, "motion_skill": -999.4}) == (
        "with latents fitted to real sequences the loss is 400 times the best constant's and 1e+03 times a motionless cursor's"
    )


@given(data=st.data(), targets=builders.enough_arrays(steps=(1, 5)), prior=builders.enough_arrays(steps=(1, 5)))
def test_it_agrees_with_its_slow_twin(data: st.DataObject, targets: FloatArray, prior: FloatArray) -> None:
    steps = targets.shape[1]
    fitted = data.draw(builders.enough_arrays(steps=(steps, steps)))
    twin = reference.no_skill(prior.tolist(), fitted.tolist(), targets.tolist(), [-1.0, 1.0])
    builders.assert_agrees("HD105", _of(targets, fitted, prior), twin)


def test_it_agrees_with_its_slow_twin_on_strokes() -> None:
    targets, prior = builders.strokes(0) * 260, builders.strokes(1, rows=16)
    fitted = targets + builders.strokes(2) * 90
    twin = reference.no_skill(prior.tolist(), fitted.tolist(), targets.tolist(), [-2.0, 2.0])
    builders.assert_agrees("HD105", _of(targets, fitted, prior, latent_std=2.0), twin)


def test_padding_that_was_left_out_of_the_fit_is_left_out_of_its_skill() -> None:
    ends = np.linspace(5, 20, 48).round()
    going = (np.arange(20) < ends[:, None])[..., None]
    targets = np.where(going, builders.strokes(0), 0.0)
    fitted = np.where(going, 0.9 * targets, 7.0)  # a masked loss asks for nothing in the padding
    everywhere = _of(targets, fitted, targets)
    masked = replace(builders.fit(targets, fitted), lengths=ends)
    inside = replace(everywhere, samples=replace(everywhere.samples, fit=masked, lengths=ends))
    assert builders.run("HD105", everywhere).judgement is Judgement.FOUND
    result = builders.run("HD105", inside)
    kept = targets[going[..., 0]]
    assert result.judgement is Judgement.HEALTHY
    assert result.measurements["skill"] == pytest.approx(
        1 - np.abs(0.1 * kept).mean() / np.abs(kept - np.median(kept, axis=0)).mean()
    )
    own = np.concatenate([row[: int(end)] - np.median(row[: int(end)], axis=0) for row, end in zip(targets, ends, strict=True)])
    assert result.measurements["motion_skill"] == pytest.approx(1 - np.abs(0.1 * kept).mean() / np.abs(own).mean())
    assert result.measurements["prior_fit_spread"] == pytest.approx(1 / 0.9, abs=1e-4)
