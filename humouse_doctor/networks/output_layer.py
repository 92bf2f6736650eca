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


def scale_output(network: nn.Module, std: FloatArray, mean: FloatArray | None = None) -> None:
    """Let the output layer multiply the two position channels by `std` (2,) and add `mean` (2,), in place.

    The head must be linear. Raises `ValueError` for a network that is not one of humouse's, and for an output layer under
    spectral normalisation, which undoes any scale.
    """
    layer = output_layer(network)
    parameters = {} if layer is None else dict(layer.named_parameters())
    if not isinstance(layer, nn.Linear | nn.Conv1d) or not {"weight", "bias"} <= set(parameters) or len(parameters["bias"]) < 2:
        raise ValueError("the network has no output layer that can be scaled")
    factor = _row(std)
    with torch.no_grad():
        weight, bias = (parameters[name].detach().clone() for name in ("weight", "bias"))
        weight[:2] *= factor.reshape(2, *[1] * (weight.dim() - 1))
        bias[:2] *= factor
        if mean is not None:
            bias[:2] += _row(mean)
    layer.weight, layer.bias = nn.Parameter(weight), nn.Parameter(bias)


def unscale_output(network: nn.Module, std: FloatArray, mean: FloatArray) -> None:
    """Undo `scale_output` with the same `std` and `mean`, in place; raises `ValueError` as it does."""
    inverse = 1 / np.asarray(std, dtype=np.float64)
    scale_output(network, inverse, -np.asarray(mean, dtype=np.float64) * inverse)


def _row(numbers: FloatArray) -> Tensor:
    return torch.from_numpy(np.asarray(numbers[:2], dtype=np.float32))
