from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import pytest

from humouse_doctor.core.case import Case
from humouse_doctor.core.probe import Judgement
from humouse_doctor.core.settings import Value
from humouse_doctor.core.spec import Architecture
from tests import builders

_PROBE = builders.probe("HD220")


def _of(
    std: float,
    *,
    drawn: float = 0.4,
    skill: float = 1.0,
    architecture: Architecture | None = None,
    more: Mapping[str, Value] = MappingProxyType({}),
) -> Case:
    """Samples that spread `drawn` as far as the targets, which latents of `std` fit with `skill`."""
    targets = builders.strokes(0)
    fit = builders.fit(targets, skill * targets, std)
    known = builders.settings({**builders.SOUND, **more})
    samples = builders.samples(targets, drawn * skill * targets, latent_fit=fit)
    return builders.case(samples, known=known, facts=builders.network(architecture=architecture))


@pytest.mark.parametrize(
    ("std", "drawn", "judgement"),
    [
        (1.0, 0.4, Judgement.HEALTHY),
        (1.7, 0.4, Judgement.BORDERLINE),
        (2.8, 0.4, Judgement.FOUND),
        (2.8, 0.6, Judgement.HEALTHY),
    ],
)
def test_codes_wider_than_the_prior_whose_samples_spread_less_are_found(std: float, drawn: float, judgement: Judgement) -> None:
    result = builders.run("HD220", _of(std, drawn=drawn))
    assert result.judgement is judgement
    assert result.measurements["drawn_spread"] == pytest.approx(drawn)


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (_of(2.8, skill=0.5), "by it; if the network was trained on codes of its own, hand them in"),
        (_of(1.8, skill=0.5), "the fit takes only"),
        (_of(2.8, architecture=Architecture.LSTM), "is judged by HD204 and HD205"),
        (_of(2.8, more={"training.warmup_noise_std": 0.5}), "HD204 and HD205 judge that"),
        (_of(2.8, more={"training.warmup_latent_normalize": True}), "HD204 and HD205 judge that"),
    ],
    ids=["poor fit, wide", "poor fit", "humouse", "noise", "whitening"],
)
def test_what_the_fit_does_not_tell_or_another_probe_judges_is_skipped(case: Case, reason: str) -> None:
    assert reason in (builders.run("HD220", case).reason or "")


def test_it_agrees_with_its_slow_twin() -> None:
    case = _of(2.8)
    assert case.samples.fit is not None
    twin = {"code_std": statistics.pstdev(case.samples.fit.latents.ravel().tolist()), "drawn_spread": 0.4}
    builders.assert_agrees("HD220", case, twin)


def test_the_message_has_both_numbers_and_the_remedy_names_the_codes() -> None:
    case = _of(2.8)
    measured = _PROBE.measure(case)
    assert "have a std of 2.8 where 1 is drawn, and samples spread 0.40 as far" in _PROBE.message(case, measured)
    (remedy,) = _PROBE.remedies(replace(case, samples=builders.healthy_samples()), measured)
    assert "codes=" in (remedy.code_hint or "")
