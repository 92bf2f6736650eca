from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from humouse_doctor.core.spec import Activation, Architecture, GeneratorSpec
from humouse_doctor.networks.architectures import build, with_time_input
from humouse_doctor.networks.output_layer import output_layer, scale_output, unscale_output
from tests.inputs.checkpoints.files import spec


def _of(architecture: Architecture, *, spectral_norm: bool = False) -> GeneratorSpec:
    linear = Activation.LINEAR
    plain = spec(architecture)
    return replace(
        plain, condition_dim=0, output_dim=3, activation_xy=linear, activation_dt=linear, spectral_norm=spectral_norm
    )


@pytest.mark.parametrize("architecture", list(Architecture))
def test_the_output_layer_of_a_rebuilt_generator_is_known_by_name(architecture: Architecture) -> None:
    network = build(_of(architecture))
    name = "proj" if architecture is Architecture.TCN else "output"
    assert output_layer(network) is network.get_submodule(name)


def test_the_output_layer_of_another_network_is_not_guessed() -> None:
    assert output_layer(nn.Sequential(nn.Linear(2, 2))) is None


@pytest.mark.parametrize("architecture", [Architecture.LSTM, Architecture.TCN])
def test_a_scaled_output_is_the_scale_times_what_it_was_and_back(architecture: Architecture) -> None:
    network = build(_of(architecture)).eval()
    latent, std, mean = torch.randn(2, 3), np.array([20.0, 30.0]), np.array([5.0, -5.0])
    before = network(latent, torch.zeros(2, 0)).detach()

    scale_output(network, std, mean)

    after = network(latent, torch.zeros(2, 0)).detach()
    torch.testing.assert_close(after[..., :2], before[..., :2] * torch.tensor(std).float() + torch.tensor(mean).float())
    torch.testing.assert_close(after[..., 2], before[..., 2])
    unscale_output(network, std, mean)
    torch.testing.assert_close(network(latent, torch.zeros(2, 0)).detach(), before)


def test_an_output_layer_with_spectral_norm_and_an_unknown_one_take_no_scale() -> None:
    for network in (build(_of(Architecture.TCN, spectral_norm=True)), nn.Sequential(nn.Linear(2, 2))):
        with pytest.raises(ValueError, match="no output layer that can be scaled"):
            scale_output(network, np.ones(2))


def test_a_generator_with_the_time_as_an_input_has_the_same_output_layer() -> None:
    network = with_time_input(build(_of(Architecture.LSTM)), torch.Generator())
    assert output_layer(network) is network.output
