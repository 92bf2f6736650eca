from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case, LatentFit, Need, PretrainerContract, Samples
from humouse_doctor.core.probe import Judgement, Status
from humouse_doctor.core.settings import Settings, Value
from humouse_doctor.core.spec import Architecture
from tests import builders, reference


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """One of the two probes: its setting, on and off, and the metric that shows it."""

    code: str
    key: str
    on: Value
    off: Value
    metric: str
    size: float

    def settings(self, value: Value) -> Settings:
        return builders.settings({**builders.SOUND, self.key: value})


_WHITENING = _Kind(code="HD204", key="training.warmup_latent_normalize", on=True, off=False, metric="whitening", size=1)
_NOISE = _Kind(code="HD205", key="training.warmup_noise_std", on=1.5, off=0.0, metric="noise_std", size=1.5)
_RATIO = builders.probe("HD204").metric("least_prior_fit_spread")

for_both = pytest.mark.parametrize("kind", [_WHITENING, _NOISE], ids=["whitening", "noise"])


def _trained(kind: _Kind, prior: FloatArray, fit: LatentFit, *, on: bool = True) -> Case:
    return builders.case(
        builders.samples(fit.targets, prior, latent_fit=fit),
        known=kind.settings(kind.on if on else kind.off),
        facts=builders.network(),
        weights=builders.TRAINED,
    )


def _assert_untold(kind: _Kind, case: Case) -> None:
    """Assert that the effect is not measured, and that the setting alone gives a warning."""
    result = builders.run(kind.code, case)
    assert (result.judgement, dict(result.measurements)) == (Judgement.BORDERLINE, {kind.metric: kind.size})


def _shrunk(kind: _Kind, factor: float, *, on: bool = True) -> Case:
    targets = builders.strokes(0)
    return _trained(kind, targets * factor, builders.fit(targets, targets, latent_std=2.6), on=on)


def test_both_probes_judge_the_effect_alike_and_before_it_is_a_symptom() -> None:
    causes = [builders.probe(code).metric("least_prior_fit_spread") for code in ("HD204", "HD205")]
    symptom = builders.probe("HD105").metric("prior_fit_spread")
    assert {(metric.healthy.low, metric.tolerable.low) for metric in causes} == {(_RATIO.healthy.low, _RATIO.tolerable.low)}
    assert [metric.healthy.high for metric in causes] == [math.inf, math.inf]
    assert symptom.healthy.low < _RATIO.healthy.low


@for_both
def test_an_axis_that_spreads_too_far_does_not_hide_one_that_shrank(kind: _Kind) -> None:
    targets = builders.strokes(0)
    prior = targets * np.array([30.0, 0.2])
    assert builders.run(kind.code, _trained(kind, prior, builders.fit(targets, targets))).judgement is Judgement.FOUND


@for_both
def test_switched_off_it_is_healthy_without_looking_at_the_checkpoint(kind: _Kind) -> None:
    result = builders.run(kind.code, _shrunk(kind, 0.1, on=False))
    assert (result.status, dict(result.measurements)) == (Status.HEALTHY, {kind.metric: 0})


@for_both
def test_before_training_a_setting_that_is_on_is_borderline(kind: _Kind) -> None:
    result = builders.run(kind.code, builders.case(known=kind.settings(kind.on), facts=builders.network()))
    assert (result.judgement, dict(result.measurements)) == (Judgement.BORDERLINE, {kind.metric: kind.size})


@for_both
@pytest.mark.parametrize(
    ("factor", "judgement"),
    [
        (1.0, Judgement.HEALTHY),
        (builders.borderline_low(_RATIO), Judgement.BORDERLINE),
        (30.0, Judgement.HEALTHY),
        (0.1, Judgement.FOUND),
    ],
)
def test_on_a_checkpoint_its_effect_decides(kind: _Kind, factor: float, judgement: Judgement) -> None:
    result = builders.run(kind.code, _shrunk(kind, factor))
    assert result.judgement is judgement
    assert result.measurements["least_prior_fit_spread"] == pytest.approx(factor, rel=1e-5)


@for_both
def test_two_numbers_of_one_report_that_differ_have_two_names(kind: _Kind) -> None:
    targets = builders.strokes(0)
    case = _trained(kind, targets * np.array([0.668, 0.612]), builders.fit(targets, targets))
    cause, symptom = (builders.run(code, case).measurements for code in (kind.code, "HD105"))
    shared = set(cause) & set(symptom)
    assert shared == {"prior_fit_spread_x", "prior_fit_spread_y", "fitted_latent_std"}
    assert {name: cause[name] for name in shared} == {name: symptom[name] for name in shared}
    assert (cause["least_prior_fit_spread"], symptom["prior_fit_spread"]) == pytest.approx((0.612, 0.668))
    assert "spread 0.61 as far as fits to real sequences (latents of std 1.0) in y and 0.67 in x" in builders.probe(
        kind.code
    ).message(case, cause)


@for_both
def test_the_message_carries_the_effect(kind: _Kind) -> None:
    case, probe = _shrunk(kind, 0.1), builders.probe(kind.code)
    assert probe.message(case, probe.measure(case)).endswith(
        "prior samples spread 0.10 as far as fits to real sequences (latents of std 2.6) on both axes"
    )


@for_both
def test_a_value_the_trainer_does_not_take_is_skipped_rather_than_guessed(kind: _Kind) -> None:
    case = builders.case(known=builders.settings(unknown=(kind.key,)), facts=builders.network())
    result = builders.run(kind.code, case)
    assert (result.status, result.reason) == (Status.SKIPPED, f"{kind.key} is not known")


@for_both
def test_where_nobody_states_the_setting_it_is_skipped(kind: _Kind) -> None:
    nothing = builders.case(known=builders.settings({}, source=None))
    assert builders.run(kind.code, nothing).reason == f"{kind.key} is not known"


@for_both
def test_a_caller_states_the_setting_as_well_as_a_config(kind: _Kind) -> None:
    stated = builders.settings({kind.key: kind.on}, source=None)
    result = builders.run(kind.code, builders.case(known=stated, facts=builders.network()))
    assert result.judgement is Judgement.BORDERLINE


@for_both
def test_seq2seq_does_not_distort_its_latent(kind: _Kind) -> None:
    facts = builders.network(architecture=Architecture.SEQ2SEQ)
    case = builders.case(known=kind.settings(kind.on), facts=facts)
    assert builders.run(kind.code, case).reason == "seq2seq samples its latent and neither whitens nor noises it"


@for_both
def test_a_pretrainers_checkpoint_has_latents_of_its_own(kind: _Kind) -> None:
    contract = PretrainerContract(file="p.pt")
    case = builders.case(known=kind.settings(kind.on), contract=contract, weights=builders.TRAINED, subject_is_pretrainer=True)
    assert "learns a latent for each sequence" in str(builders.run(kind.code, case).reason)


@for_both
@pytest.mark.parametrize("need", [Need.FIT, Need.PREDICTIONS])
def test_without_fit_or_samples_the_setting_alone_is_borderline(kind: _Kind, need: Need) -> None:
    targets = builders.strokes(0)
    only = {Need.FIT: Samples(predictions=targets), Need.PREDICTIONS: Samples(fit=builders.fit(targets, targets))}
    case = builders.case(only[need], known=kind.settings(kind.on), weights=builders.TRAINED, absent={need: "left out"})
    _assert_untold(kind, case)


@for_both
def test_a_fit_that_hardly_spreads_says_nothing_about_the_prior(kind: _Kind) -> None:
    targets = builders.strokes(0)
    _assert_untold(kind, _trained(kind, targets, builders.fit(targets, targets * 0.1)))


@for_both
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_fit_or_a_prior_that_is_not_finite_says_nothing(kind: _Kind, bad: float) -> None:
    targets, broken = builders.strokes(0), builders.constant(bad, rows=48)
    _assert_untold(kind, _trained(kind, targets, builders.fit(targets, broken)))
    _assert_untold(kind, _trained(kind, broken, builders.fit(targets, targets)))


@for_both
def test_constant_targets_say_nothing(kind: _Kind) -> None:
    still = builders.constant(0.1)
    _assert_untold(kind, _trained(kind, still, builders.fit(still, still)))


@for_both
def test_its_remedy_is_the_undistorted_latent(kind: _Kind) -> None:
    (remedy,) = builders.probe(kind.code).remedies(_shrunk(kind, 0.1), {})
    assert remedy.id == "undistorted-latent"


@for_both
@given(data=st.data(), targets=builders.small_arrays(), prior=builders.small_arrays())
def test_it_agrees_with_its_slow_twin(kind: _Kind, data: st.DataObject, targets: FloatArray, prior: FloatArray) -> None:
    rows, steps = targets.shape[:2]
    fitted = data.draw(builders.small_arrays(rows=(rows, rows), steps=(steps, steps)))
    ratio = reference.prior_fit_spread(prior.tolist(), fitted.tolist(), targets.tolist(), reference.lowest)
    told = {} if ratio is None else {"least_prior_fit_spread": ratio[0], **ratio[1], "fitted_latent_std": 2.0}
    twin = {kind.metric: kind.size, **told}
    builders.assert_agrees(kind.code, _trained(kind, prior, builders.fit(targets, fitted, latent_std=2.0)), twin)
