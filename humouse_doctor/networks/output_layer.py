"""The layer before a generator's head, and scaling of the output by it, as a pretrainer does at its end."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.networks.architectures import LstmGenerator, Seq2SeqGenerator, TcnGenerator, TimedLstmGenerator


def output_layer(network: nn.Module) -> nn.Module | None:
    """Return the layer before the head of a rebuilt generator, None for any other network."""
    match network:
        case LstmGenerator() | TimedLstmGenerator() | Seq2SeqGenerator():
            return network.output
        case TcnGenerator():
            return network.proj
        case _:
            return None


def can_scale_output(network: nn.Module) -> bool:
    """Return True if the output layer can take a scale over: it is one of humouse's, without spectral normalisation."""
    layer = output_layer(network)
    named = {} if layer is None else dict(layer.named_parameters())
    return isinstance(layer, nn.Linear | nn.Conv1d) and {"weight", "bias"} <= set(named) and len(named["bias"]) >= 2


def scale_output(network: nn.Module, std: FloatArray, mean: FloatArray | None = None) -> None:
    """Let the output layer multiply the two position channels by `std` (2,) and add `mean` (2,), in place.

    The head must be linear. Raises `ValueError` for a network that is none of humouse's, and for an output layer under
    spectral normalisation, which undoes any scale.
    """
    weight, bias = _parameters(network)
    weight[:2] *= _row(std).reshape(2, *[1] * (weight.dim() - 1))
    bias[:2] *= _row(std)
    if mean is not None:
        bias[:2] += _row(mean)
    _replace(network, weight, bias)


def unscale_output(network: nn.Module, std: FloatArray, mean: FloatArray) -> None:
    """Undo `scale_output` with the same `std` and `mean`, in place; raises `ValueError` as it does."""
    weight, bias = _parameters(network)
    weight[:2] /= _row(std).reshape(2, *[1] * (weight.dim() - 1))
    bias[:2] = (bias[:2] - _row(mean)) / _row(std)
    _replace(network, weight, bias)


def _parameters(network: nn.Module) -> tuple[Tensor, Tensor]:
    """Return copies of the output layer's weight and bias."""
    layer = output_layer(network)
    if layer is None or not can_scale_output(network):
        raise ValueError("the network has no output layer that can be scaled")
    return layer.get_parameter("weight").detach().clone(), layer.get_parameter("bias").detach().clone()


def _replace(network: nn.Module, weight: Tensor, bias: Tensor) -> None:
    layer = output_layer(network)
    assert isinstance(layer, nn.Linear | nn.Conv1d)
    layer.weight, layer.bias = nn.Parameter(weight), nn.Parameter(bias)


def _row(numbers: FloatArray) -> Tensor:
    return torch.from_numpy(np.asarray(numbers[:2], dtype=np.float64)).float()
