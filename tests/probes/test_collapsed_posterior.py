from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Behaviour, Case
from humouse_doctor.core.probe import Judgement
from humouse_doctor.core.spec import Architecture
from tests import builders, reference

_PROBE = builders.probe("HD214")
_KEY = "training.warmup_kl_weight"


def _of(
    weight: float | None,
    targets: FloatArray | None = None,
    *,
    architecture: Architecture | None = Architecture.SEQ2SEQ,
    varies: float = 0.1,
) -> Case:
    known = builders.settings(builders.SOUND if weight is None else {**builders.SOUND, _KEY: weight})
    drawn = builders.strokes(0) if targets is None else targets
    return builders.case(
        builders.samples(drawn, varies * drawn), known=known, facts=builders.network(architecture=architecture)
    )


def _plane(spread: float, rows: int = 64, steps: int = 6) -> FloatArray:
    """Sequences of one constant number each, so that the first axis has all of the variance, steps * 2 * spread²."""
    values = spread * np.tile([-1.0, 1.0], rows // 2)
    return builders.frozen(np.broadcast_to(values[:, None, None], (rows, steps, 2)))


@pytest.mark.parametrize(
    ("weight", "judgement"),
    [(0.1, Judgement.HEALTHY), (0.5, Judgement.HEALTHY), (1.0, Judgement.BORDERLINE), (2.0, Judgement.FOUND)],
)
def test_a_mean_square_leaves_a_code_of_worth_up_to_twice_the_variance(weight: float, judgement: Judgement) -> None:
    # 2 * (12 * s²) / 12 = 2 for s = 1
    case = _of(weight, _plane(1.0), architecture=None)
    result = builders.run("HD214", case)
    assert result.judgement is judgement
    assert result.measurements["kl_share"] == pytest.approx(weight / 2)


def test_the_limit_of_a_square_grows_with_the_variance_and_that_of_an_absolute_error_with_the_deviation() -> None:
    for architecture, times in ((None, 9.0), (Architecture.SEQ2SEQ, 3.0)):
        one, three = (_PROBE.measure(_of(1.0, _plane(s), architecture=architecture))["kl_share"] for s in (1.0, 3.0))
        assert one / three == pytest.approx(times)


@pytest.mark.parametrize("architecture", [None, Architecture.SEQ2SEQ])
def test_it_agrees_with_its_slow_twin(architecture: Architecture | None) -> None:
    targets = builders.strokes(4)[:20, :7]
    limit = reference.heaviest_kl(targets.tolist(), absolute=architecture is not None)
    builders.assert_agrees("HD214", _of(0.3, targets, architecture=architecture), {"kl_share": 0.3 / limit, "kl_weight": 0.3})


def test_samples_of_a_code_that_speaks_belie_the_weight_of_another_program() -> None:
    reason = builders.run("HD214", _of(2.0, _plane(1.0), architecture=None, varies=0.5)).reason
    assert reason == (
        "samples vary 0.50 times as much as the targets, so the code is not empty: a weight of 2 is not on a KL term beside a"
        " mean error"
    )
    assert builders.run("HD214", _of(2.0, _plane(1.0), architecture=None, varies=0.4)).judgement is Judgement.FOUND
    assert builders.run("HD214", _of(2.0, _plane(1.0), varies=1.0)).judgement is Judgement.FOUND  # humouse's own loss is known


def test_a_default_is_the_weight_of_a_seq2seq_alone() -> None:
    assert builders.run("HD214", _of(None)).measurements["kl_weight"] == 0.1
    for architecture in (None, Architecture.LSTM):
        reason = builders.run("HD214", _of(None, architecture=architecture)).reason
        assert reason == f"no KL term is known to be in the loss; if it has one, give --set {_KEY}=WEIGHT"


def test_a_weight_in_the_config_of_another_generator_of_humouse_is_not_used() -> None:
    assert builders.run("HD214", _of(5.0, architecture=Architecture.LSTM)).judgement is None


def test_targets_that_are_all_the_same_and_too_few_say_nothing() -> None:
    assert builders.run("HD214", _of(1.0, builders.constant(2.0))).reason == "all targets are the same"
    assert "too few" in (builders.run("HD214", _of(1.0, builders.strokes(0, rows=3))).reason or "")


def test_the_message_names_the_loss_and_the_remedy_goes_well_below_the_limit() -> None:
    case = _of(8.0, _plane(1.0), architecture=None)
    measured = _PROBE.measure(case)
    assert _PROBE.message(case, measured) == (
        "with a weight of 8 the KL term costs 4 times the most that a latent code can save, if the rest of the loss is the mean"
        " squared error: codes then hold nothing of the sequence"
    )
    (remedy,) = _PROBE.remedies(case, measured)
    assert [(edit.key, edit.new) for edit in remedy.edits] == [(_KEY, 0.1)]
    tiny = replace(case, samples=builders.samples(_plane(0.1), _plane(0.01)))
    (remedy,) = _PROBE.remedies(tiny, _PROBE.measure(tiny))
    assert [(edit.key, edit.new) for edit in remedy.edits] == [(_KEY, 0.002)]


@pytest.mark.parametrize("weight", [None, 0.1])
@pytest.mark.parametrize(
    ("share", "judgement"), [(0.8, Judgement.HEALTHY), (0.3, Judgement.BORDERLINE), (0.1, Judgement.FOUND)]
)
def test_a_decoder_that_needs_its_past_alone_is_found(weight: float | None, share: float, judgement: Judgement) -> None:
    case = _of(weight, architecture=None)
    case = replace(case, samples=replace(case.samples, behaviour=Behaviour(taught_code_share=share)))
    result = builders.run("HD214", case)
    if judgement is Judgement.HEALTHY:
        assert "taught_code_share" not in result.measurements
        return
    assert result.judgement is judgement
    assert f"changes its output by {share:.2g} of a step" in _PROBE.message(case, result.measurements)
    assert [remedy.id for remedy in _PROBE.remedies(case, result.measurements)] == ["less-teaching"]
