from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from humouse_doctor.core.case import Case, WeightFacts
from humouse_doctor.core.history import Stage, StageKind
from humouse_doctor.core.probe import Judgement
from humouse_doctor.networks.identify import weight_facts
from tests import builders, reference

_PROBE = builders.probe("HD221")


def _of(size: float | None, *, norms: int = 0, non_finite: int = 0, epochs: int | None = None) -> Case:
    weights = WeightFacts(non_finite=non_finite, total=100, size_over_start=size, start_bound=0.2, norms=norms)
    known = builders.settings({**builders.SOUND, "training.lr.generator": 1e-3, "training.reconstruction_epochs": epochs or 1})
    return builders.case(known=known, weights=weights, data=None if epochs is None else builders.summary())


@pytest.mark.parametrize(
    ("size", "judgement"),
    [(1.0, Judgement.HEALTHY), (0.65, Judgement.HEALTHY), (0.5, Judgement.BORDERLINE), (0.2, Judgement.FOUND)],
)
def test_weights_smaller_than_their_start_are_found(size: float, judgement: Judgement) -> None:
    result = builders.run("HD221", _of(size, epochs=100))
    assert result.judgement is judgement
    assert result.measurements == {"size_over_start": size}


def test_without_known_steps_a_smaller_start_may_be_why() -> None:
    adversarial = Stage(kind=StageKind.ADVERSARIAL, epoch=3)
    for case in (_of(0.2), replace(_of(0.2, epochs=1), stage=adversarial)):
        assert "not known without its rate and steps" in (builders.run("HD221", case).reason or "")


@pytest.mark.parametrize("shrunk", [1.0, 0.3])
def test_it_agrees_with_its_slow_twin(shrunk: float) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(30, 40), nn.Linear(40, 7))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(shrunk)
    case = replace(_of(shrunk, epochs=1_000), weights=weight_facts(network, network.state_dict()))
    tables = [(layer.weight.tolist(), layer.in_features) for layer in network if isinstance(layer, nn.Linear)]
    expected = reference.size_over_start(tables)
    builders.assert_agrees("HD221", case, {"size_over_start": expected})
    assert expected == pytest.approx(shrunk, rel=0.05)


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (_of(None), "no layers whose random start is known"),
        (_of(0.2, norms=2), "batch norms make up for the size"),
        (_of(0.2, non_finite=1), "NaN or infinite"),
        (_of(0.0), "all weights are 0"),
        (_of(0.2, epochs=1), "smaller than PyTorch's, or a decay beside the gradient (AdamW's)"),
    ],
    ids=["unknown layers", "batch norms", "no numbers", "zeros", "a small start and few steps"],
)
def test_what_tells_of_no_decay_is_skipped_with_its_reason(case: Case, reason: str) -> None:
    assert reason in (builders.run("HD221", case).reason or "")


def test_the_message_has_both_readings_and_the_remedy_claims_no_trial() -> None:
    case = _of(0.2, epochs=100)
    message = _PROBE.message(case, _PROBE.measure(case))
    assert "0.2 times as large as PyTorch's random start" in message
    assert "or they started smaller" in message
    (remedy,) = _PROBE.remedies(case, {})
    assert (remedy.id, remedy.edits, remedy.code_changes) == ("no-decay", (), ())
    assert "nothing was tried" in remedy.why
