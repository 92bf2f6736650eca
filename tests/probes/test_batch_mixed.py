from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from humouse_doctor.core.case import Behaviour, Case, NetworkFacts
from humouse_doctor.core.probe import Judgement
from humouse_doctor.core.spec import Activation, Architecture, GeneratorSpec
from humouse_doctor.networks.architectures import build
from humouse_doctor.networks.behaviour import neighbour_effect
from humouse_doctor.networks.observe import sampler_of
from tests import builders

_PROBE = builders.probe("HD216")
_TWO_LAYERS = GeneratorSpec(
    architecture=Architecture.SEQ2SEQ,
    latent_dim=4,
    condition_dim=0,
    hidden_dim=8,
    num_layers=2,
    output_dim=2,
    target_len=8,
    activation_xy=Activation.LINEAR,
    activation_dt=Activation.LINEAR,
)


def _of(effect: float | None) -> Case:
    return builders.case(replace(builders.healthy_samples(), behaviour=Behaviour(neighbour_effect=effect)))


@pytest.mark.parametrize(
    ("effect", "judgement"),
    [(0.0, Judgement.HEALTHY), (1e-6, Judgement.HEALTHY), (0.005, Judgement.BORDERLINE), (0.06, Judgement.FOUND)],
)
def test_the_change_by_neighbours_decides(effect: float, judgement: Judgement) -> None:
    assert builders.run("HD216", _of(effect)).judgement is judgement


def test_without_a_generator_or_a_spread_it_is_skipped() -> None:
    assert builders.run("HD216", _of(None)).reason == "all its sequences are the same, or not finite"
    assert builders.run("HD216", builders.healthy_case()).reason == "no generator was run"


def test_the_message_has_the_number_and_the_remedy_names_batch_first() -> None:
    case = _of(0.0625)
    measured = _PROBE.measure(case)
    assert "changes by 0.062 of the spread across sequences" in _PROBE.message(case, measured)
    assert "batch_first=True" in (_PROBE.remedies(case, measured)[0].code_hint or "")


def test_of_humouses_seq2seq_it_is_known_where_the_sequences_mix() -> None:
    torch.manual_seed(0)
    sampled = sampler_of(build(_TWO_LAYERS), _TWO_LAYERS)
    effect = neighbour_effect(sampled, None, seed=0)
    one = replace(_TWO_LAYERS, num_layers=1)
    network = NetworkFacts(
        label="seq2seq", output_dim=2, target_len=8, hidden_dim=8, heads=(), architecture=Architecture.SEQ2SEQ
    )
    case = replace(_of(effect), network=network)

    assert builders.run("HD216", case).judgement is Judgement.FOUND
    assert "reads its decoder's start" in _PROBE.message(case, _PROBE.measure(case))
    assert "src/models/seq2seq.py" in (_PROBE.remedies(case, {})[0].code_hint or "")
    assert neighbour_effect(sampler_of(build(one), one), None, seed=0) == 0
