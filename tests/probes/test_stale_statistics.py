from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case, WeightFacts
from humouse_doctor.core.probe import Judgement
from humouse_doctor.core.space import Reading
from humouse_doctor.core.spec import Activation, MeasuredHead
from tests import builders

_PROBE = builders.probe("HD215")


def _of(norms: int, stale: int) -> Case:
    weights = WeightFacts(non_finite=0, total=100, excess_over_start=3.0, norms=norms, stale_norms=stale)
    return builders.case(builders.collapsed_samples(1.0), weights=weights)


@pytest.mark.parametrize(("stale", "judgement"), [(0, Judgement.HEALTHY), (1, Judgement.FOUND), (4, Judgement.FOUND)])
def test_one_stale_layer_is_enough(stale: int, judgement: Judgement) -> None:
    result = builders.run("HD215", _of(4, stale))
    assert result.judgement is judgement
    assert result.measurements == {"stale_share": stale / 4, "norms": 4.0}


def test_a_network_without_either_is_skipped() -> None:
    reason = "the network has no batch norm with running statistics, and its head scales nothing"
    assert builders.run("HD215", _of(0, 0)).reason == reason
    plain = replace(_of(0, 0), network=builders.network())
    assert builders.run("HD215", plain).reason == reason


def _scaled(*gains: float, bounds: tuple[float, float] = (-math.inf, math.inf)) -> Case:
    heads = tuple(MeasuredHead(bounds=bounds, gain=gain, centre=5.0) for gain in gains)
    values = np.random.default_rng(0).normal(0, 4, (64, 20, len(gains)))
    drawn = builders.samples(values, values)
    return replace(builders.case(drawn, weights=builders.TRAINED), network=replace(builders.network(), heads=heads))


@pytest.mark.parametrize(
    ("gain", "judgement"),
    [
        (4.0, Judgement.HEALTHY),
        (0.8, Judgement.HEALTHY),
        (0.2, Judgement.BORDERLINE),
        (0.004, Judgement.FOUND),
        (-4000.0, Judgement.FOUND),
    ],
)
def test_the_scale_of_the_output_is_that_of_the_targets(gain: float, judgement: Judgement) -> None:
    result = builders.run("HD215", _scaled(4.0, gain))
    assert result.judgement is judgement
    assert result.measurements["output_scale"] == pytest.approx(1.0 if gain == 4.0 else abs(gain) / 4, rel=0.05)


def test_a_head_with_bounds_is_judged_by_its_reach_and_not_by_its_scale() -> None:
    assert builders.run("HD215", _scaled(0.004, 0.004, bounds=(-1.0, 1.0))).judgement is None


def test_the_message_on_a_scale_has_the_ratio_and_the_remedy_the_data() -> None:
    case = _scaled(0.004, 0.004)
    measured = _PROBE.measure(case)
    assert "by 0.00099 times the std of the targets" in _PROBE.message(case, measured)
    assert [remedy.id for remedy in _PROBE.remedies(case, measured)] == ["statistics-of-the-data"]


def test_the_message_counts_the_layers_and_the_remedy_needs_no_training() -> None:
    case = _of(4, 3)
    measured = _PROBE.measure(case)
    assert _PROBE.message(case, measured).startswith("3 of 4 batch norms were trained, but their running mean and variance")
    (remedy,) = _PROBE.remedies(case, measured)
    assert "update_bn" in (remedy.code_hint or "")
    assert not remedy.edits


def _shaped(
    drawn: FloatArray, *, reached: float = 0.1, epochs: int = 2000, head: Activation = Activation.LINEAR, size: float = 1.0
) -> Case:
    """Samples beside strokes, which fitted latents make by the share `reached`."""
    targets = size * builders.strokes(0)
    samples = builders.samples(targets, drawn, latent_fit=builders.fit(targets, reached * targets))
    known = builders.settings({**builders.SOUND, "training.reconstruction_epochs": epochs})
    facts = builders.network(head, architecture=None)
    return builders.case(samples, known=known, facts=facts, data=builders.summary(), weights=builders.TRAINED)


_OTHERS = builders.strokes(1)


@pytest.mark.parametrize("scale", [0.03, 0.3, 5.0])
def test_one_scale_by_every_measure_is_that_of_other_data(scale: float) -> None:
    case = _shaped(scale * _OTHERS + 7.0)
    result = builders.run("HD215", case)
    assert result.judgement is Judgement.FOUND
    assert result.measurements["shape_scale"] == pytest.approx(scale, rel=0.2)
    assert "nothing scales the output back" in _PROBE.message(case, result.measurements)
    assert [remedy.id for remedy in _PROBE.remedies(case, result.measurements)] == ["statistics-of-the-data"]


@pytest.mark.parametrize(
    "case",
    [
        _shaped(0.8 * _OTHERS),
        _shaped(0.1 * _OTHERS.mean(axis=1, keepdims=True) + 0.02 * _OTHERS),  # they hardly move
        _shaped(0.1 * _OTHERS[:, :, :1] * [1.0, 1.0]),  # in fewer directions
        _shaped(0.1 * _OTHERS, reached=0.9),  # other latents reach the targets
        _shaped(0.1 * _OTHERS, epochs=1),  # HD202
        _shaped(0.1 * _OTHERS, head=Activation.TANH, size=100.0),  # HD201
        replace(_shaped(0.1 * _OTHERS), settings=builders.settings({})),  # neither rate nor steps are known
    ],
    ids=["alike", "still", "poor", "reached", "few steps", "out of reach", "not known"],
)
def test_a_scale_that_something_else_sets_is_not_told(case: Case) -> None:
    assert "shape_scale" not in builders.run("HD215", case).measurements


def test_the_scale_of_what_a_program_reads_otherwise_is_that_of_its_reading() -> None:
    case = _shaped(np.diff(5 * _OTHERS, axis=1, prepend=0.0))
    raw = np.diff(builders.strokes(0), axis=1, prepend=0.0)
    case = replace(case, samples=replace(case.samples, sequences=raw))
    summed = replace(case, reading=Reading(space=builders.DELTAS, because="the trainer sums it"))
    assert "shape_scale" not in builders.run("HD215", summed).measurements  # HD211
