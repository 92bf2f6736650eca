"""Checkpoint files for tests: honest ones, and ones that no honest program would write."""

from __future__ import annotations

import functools
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from humouse_doctor.core.spec import Activation, Architecture, GeneratorSpec
from humouse_doctor.networks.architectures import build


def spec(architecture: Architecture = Architecture.LSTM) -> GeneratorSpec:
    return GeneratorSpec(
        architecture=architecture,
        latent_dim=3,
        condition_dim=2,
        hidden_dim=4,
        num_layers=2,
        output_dim=2,
        target_len=6,
        activation_xy=Activation.TANH,
        activation_dt=Activation.SOFTPLUS,
    )


def network(architecture: Architecture = Architecture.LSTM, seed: int = 0) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(spec(architecture))


def weights(architecture: Architecture = Architecture.LSTM, seed: int = 0) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in _weights(architecture, seed).items()}


@functools.cache
def _weights(architecture: Architecture, seed: int) -> dict[str, Tensor]:
    return dict(network(architecture, seed).state_dict())


def prefixed(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def save(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


class Reduced:
    """An object that pickles as a given call, followed by a given state."""

    def __init__(self, *call: Any) -> None:
        self._call = call

    def __reduce__(self) -> tuple[Any, ...]:
        return self._call


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> Path:
    """Change the pickle inside an archive of `torch.save`, leaving its tensors."""
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, change(data) if name.endswith("/data.pkl") else data)
    return path


def archive_of(path: Path, pickled: bytes) -> Path:
    """Return an archive with the layout of `torch.save`, around any pickle."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (("data.pkl", pickled), ("byteorder", b"little"), ("version", b"3\n")):
            archive.writestr(f"archive/{name}", data)
    return path
