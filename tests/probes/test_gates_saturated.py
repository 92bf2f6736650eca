from __future__ import annotations

from dataclasses import replace

import pytest

from humouse_doctor.core.case import Behaviour, Case
from humouse_doctor.core.probe import Judgement
from tests import builders

_PROBE = builders.probe("HD217")


def _of(share: float | None, *, rate: float = 1e-3) -> Case:
    known = builders.settings({**builders.SOUND, "training.lr.generator": rate})
    case = replace(builders.healthy_case(), settings=known)
    return replace(case, samples=replace(case.samples, behaviour=Behaviour(saturated_inputs=share)))


@pytest.mark.parametrize(
    ("share", "judgement"),
    [(0.0, Judgement.HEALTHY), (0.42, Judgement.HEALTHY), (0.6, Judgement.BORDERLINE), (0.99, Judgement.FOUND)],
)
def test_the_saturated_share_decides(share: float, judgement: Judgement) -> None:
    assert builders.run("HD217", _of(share)).judgement is judgement


def test_a_learning_rate_that_is_too_high_is_named_instead() -> None:
    result = builders.run("HD217", _of(0.99, rate=1.0))
    assert result.reason == "the learning rate has driven the weights far from their start, see HD212"


def test_another_recurrent_layer_than_torchs_is_skipped() -> None:
    for case in (_of(None), builders.healthy_case()):
        assert builders.run("HD217", case).reason == "the network has no recurrent layer of torch's"


def test_the_message_has_the_share_and_the_remedy_scales() -> None:
    case = _of(0.987)
    measured = _PROBE.measure(case)
    assert "drives 99% of the first recurrent layer's gates" in _PROBE.message(case, measured)
    assert "LayerNorm" in (_PROBE.remedies(case, measured)[0].code_hint or "")
