from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case, Need, PretrainerContract
from humouse_doctor.core.probe import Judgement, Status
from humouse_doctor.core.settings import Settings, Value
from humouse_doctor.core.spec import Architecture
from tests import builders, reference

_CODE, _KEY = "HD205", "training.warmup_noise_std"
_PROBE = builders.probe(_CODE)
_RATIO = _PROBE.metric("prior_fit_spread")
_ON: Mapping[str, Value] = {**builders.SOUND, _KEY: 1.5}
_OFF: Mapping[str, Value] = {**builders.SOUND, _KEY: 0.0}
_SILENT: Mapping[str, Value] = {key: value for key, value in builders.SOUND.items() if key != _KEY}


def _planned(values: Mapping[str, Value]) -> Case:
    return builders.case(known=builders.settings(values), facts=builders.network())


def _trained(factor: float, known: Settings | None = None) -> Case:
    targets = builders.strokes(0)
    found = builders.samples(targets, targets * factor, latent_fit=builders.fit(targets, targets, latent_std=2.6))
    return builders.case(found, known=known or builders.settings(_ON), facts=builders.network(), weights=builders.TRAINED)


def test_switched_off_it_is_healthy_without_looking_at_the_checkpoint() -> None:
    result = builders.run(_CODE, _trained(0.1, builders.settings(_OFF)))
    assert (result.status, dict(result.measurements)) == (Status.HEALTHY, {"noise_std": 0})


def test_before_training_a_setting_that_is_on_is_borderline() -> None:
    result = builders.run(_CODE, _planned(_ON))
    assert (result.judgement, dict(result.measurements)) == (Judgement.BORDERLINE, {"noise_std": 1.5})


@pytest.mark.parametrize(
    ("factor", "judgement"),
    [
        (1.0, Judgement.HEALTHY),
        (builders.borderline_low(_RATIO), Judgement.BORDERLINE),
        (builders.borderline_high(_RATIO), Judgement.BORDERLINE),
        (0.1, Judgement.FOUND),
    ],
)
def test_on_a_checkpoint_its_effect_decides(factor: float, judgement: Judgement) -> None:
    result = builders.run(_CODE, _trained(factor))
    assert result.judgement is judgement
    assert result.measurements["prior_fit_spread"] == pytest.approx(factor, rel=1e-5)


def test_the_message_carries_the_effect() -> None:
    case = _trained(0.1)
    assert _PROBE.message(case, _PROBE.measure(case)).endswith(
        "what the prior draws spreads 0.10 as far as what fitted latents (std 2.6) give"
    )


def test_a_value_the_trainer_does_not_take_is_skipped_rather_than_guessed() -> None:
    case = builders.case(known=builders.settings(_SILENT, unknown=(_KEY,)), facts=builders.network())
    result = builders.run(_CODE, case)
    assert (result.status, result.reason) == (Status.SKIPPED, f"{_KEY} is not known")


def test_without_a_config_it_is_skipped() -> None:
    absent = {Need.CONFIG: "no config given; add --config"}
    assert builders.run(_CODE, builders.case(absent=absent)).reason == "no config given; add --config"


def test_seq2seq_does_not_distort_its_latent() -> None:
    case = builders.case(known=builders.settings(_ON), facts=builders.network(architecture=Architecture.SEQ2SEQ))
    assert "neither whitens nor noises" in str(builders.run(_CODE, case).reason)


def test_a_pretrainers_checkpoint_has_latents_of_its_own() -> None:
    contract = PretrainerContract(file="p.pt", has_statistics=True)
    case = builders.case(known=builders.settings(_ON), contract=contract, weights=builders.TRAINED)
    assert "its own table of latents" in str(builders.run(_CODE, case).reason)


@pytest.mark.parametrize("need", [Need.FIT, Need.PREDICTIONS])
def test_a_checkpoint_without_fit_or_samples_is_skipped_with_the_reason(need: Need) -> None:
    targets = builders.strokes(0)
    found = builders.samples(targets, targets)
    if need is Need.PREDICTIONS:
        found = builders.Samples(fit=builders.fit(targets, targets))
    case = builders.case(found, known=builders.settings(_ON), weights=builders.TRAINED, absent={need: "left out"})
    assert builders.run(_CODE, case).reason == "left out"


def test_a_fit_that_hardly_spreads_is_skipped() -> None:
    targets = builders.strokes(0)
    found = builders.samples(targets, targets, latent_fit=builders.fit(targets, targets * 0.1))
    case = builders.case(found, known=builders.settings(_ON), weights=builders.TRAINED)
    assert "hardly spread either" in str(builders.run(_CODE, case).reason)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_fit_that_is_not_finite_is_skipped(bad: float) -> None:
    targets = builders.constant(bad)
    found = builders.samples(builders.strokes(0), builders.strokes(0), latent_fit=builders.fit(builders.strokes(0), targets))
    case = builders.case(found, known=builders.settings(_ON), weights=builders.TRAINED)
    assert builders.run(_CODE, case).reason == "the fitted sequences hold NaN or infinite values"


def test_constant_targets_are_skipped() -> None:
    still = builders.constant(0.1)
    found = builders.samples(still, still, latent_fit=builders.fit(still, still))
    case = builders.case(found, known=builders.settings(_ON), weights=builders.TRAINED)
    assert builders.run(_CODE, case).status is Status.SKIPPED


def test_its_remedy_is_the_undistorted_latent() -> None:
    (remedy,) = _PROBE.remedies(_planned(_ON), {})
    assert remedy.id == "undistorted-latent"


@given(data=st.data(), targets=builders.small_arrays(), prior=builders.small_arrays())
def test_it_agrees_with_its_slow_twin(data: st.DataObject, targets: FloatArray, prior: FloatArray) -> None:
    rows, steps = targets.shape[:2]
    fitted = data.draw(builders.small_arrays(rows=(rows, rows), steps=(steps, steps)))
    ratio = reference.prior_fit_spread(prior.tolist(), fitted.tolist(), targets.tolist())
    found = builders.samples(targets, prior, latent_fit=builders.fit(targets, fitted, latent_std=2.0))
    case = builders.case(found, known=builders.settings(_ON), weights=builders.TRAINED)
    twin = None if ratio is None else {"noise_std": 1.5, "prior_fit_spread": ratio, "fitted_latent_std": 2.0}
    builders.assert_agrees(_CODE, case, twin)


def test_where_the_file_is_silent_there_is_no_noise() -> None:
    assert builders.run(_CODE, _planned(_SILENT)).status is Status.HEALTHY


def test_before_training_the_message_carries_the_noise() -> None:
    case = _planned(_ON)
    assert _PROBE.message(case, _PROBE.measure(case)).startswith("the warm-up adds noise of std 1.5 to the latent; in measured")


def test_negative_noise_is_none() -> None:
    assert builders.run(_CODE, _planned({**builders.SOUND, _KEY: -1.0})).status is Status.HEALTHY
