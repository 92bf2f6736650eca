from __future__ import annotations

import math

import pytest

from humouse_doctor.core.spec import ACTIVATION_NAMES, Activation, Architecture, GeneratorSpec


def spec(architecture: Architecture, output_dim: int) -> GeneratorSpec:
    return GeneratorSpec(
        architecture=architecture,
        latent_dim=4,
        condition_dim=0,
        hidden_dim=8,
        num_layers=1,
        output_dim=output_dim,
        target_len=6,
        activation_xy=Activation.SIGMOID,
        activation_dt=Activation.TANH,
    )


@pytest.mark.parametrize(
    ("output_dim", "heads"),
    [
        (1, (Activation.SIGMOID,)),
        (2, (Activation.SIGMOID, Activation.SIGMOID)),
        (3, (Activation.SIGMOID, Activation.SIGMOID, Activation.TANH)),
        (4, (Activation.SIGMOID, Activation.SIGMOID, Activation.TANH, Activation.TANH)),
    ],
)
@pytest.mark.parametrize("architecture", [Architecture.LSTM, Architecture.TCN])
def test_x_and_y_come_before_time(architecture: Architecture, output_dim: int, heads: tuple[Activation, ...]) -> None:
    assert spec(architecture, output_dim).heads == heads


def test_seq2seq_has_no_head_activation_whatever_its_config_says() -> None:
    assert spec(Architecture.SEQ2SEQ, 3).heads == (Activation.LINEAR,) * 3


@pytest.mark.parametrize(
    ("activation", "bounds"),
    [
        (Activation.TANH, (-1.0, 1.0)),
        (Activation.SIGMOID, (0.0, 1.0)),
        (Activation.SOFTPLUS, (0.0, math.inf)),
        (Activation.LINEAR, (-math.inf, math.inf)),
    ],
)
def test_an_activation_knows_what_it_can_reach(activation: Activation, bounds: tuple[float, float]) -> None:
    assert activation.bounds == bounds


def test_every_activation_has_its_own_name_and_three_more_mean_linear() -> None:
    assert {name for name, meant in ACTIVATION_NAMES.items() if name == meant.value} == {each.value for each in Activation}
    assert {name for name, meant in ACTIVATION_NAMES.items() if name != meant.value} == {"none", "identity", "null"}
    assert all(ACTIVATION_NAMES[name] is Activation.LINEAR for name in ("none", "identity", "null"))
