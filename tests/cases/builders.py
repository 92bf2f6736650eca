"""Small configs, data and checkpoints, written into a test's folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.spec import Activation, Architecture, GeneratorSpec
from humouse_doctor.inputs.gestures.synthetic import strokes
from humouse_doctor.networks.architectures import build

LENGTH = 16

CONFIG = """\
data: {{dataset_id: x, sequence_length: {length}, batch_size: 8, normalize_sequences: {normalise}}}
model:
  architecture: {architecture}
  generator: {{latent_dim: 4, condition_dim: {conditions}, hidden_dim: 6, target_len: {length}, num_layers: 1,
    output_dim: {channels}, activation_xy: {head}, activation_dt: linear}}
training: {{lr: {{generator: 1e-3}}, betas: [0.5, 0.9], reconstruction_epochs: 2,
  absolute_coordinates: {absolute}{reads}{more}}}
"""


def write_config(folder: Path, **changes: object) -> Path:
    values = {"length": LENGTH, "normalise": "false", "architecture": "lstm", "conditions": 0, "channels": 2,
              "head": "linear", "absolute": "true", "reads": ", output_space: positions", "more": "", **changes}  # fmt: skip
    path = folder / "config.yaml"
    path.write_text(CONFIG.format(**values))
    return path


def write_data(folder: Path, count: int = 12, features: FloatArray | None = None) -> Path:
    path = folder / "gestures.npz"
    if features is None:
        np.savez(path, sequences=strokes(count, LENGTH, 0))
    else:
        np.savez(path, sequences=strokes(count, LENGTH, 0), features=features)
    return path


def write_checkpoint(folder: Path, conditions: int = 0, channels: int = 2, architecture: str = "lstm") -> Path:
    spec = GeneratorSpec(
        architecture=Architecture(architecture), latent_dim=4, condition_dim=conditions, hidden_dim=6, num_layers=1,
        output_dim=channels, target_len=LENGTH, activation_xy=Activation.LINEAR, activation_dt=Activation.LINEAR,
    )  # fmt: skip
    torch.manual_seed(0)
    path = folder / "generator_x.pt"
    torch.save(build(spec).state_dict(), path)
    return path


def write_pretrainer(folder: Path, head: str = "linear") -> Path:
    state = torch.load(write_checkpoint(folder), weights_only=True)
    std, mean = np.array([20.0, 30.0], dtype=np.float32), np.array([1.0, -2.0], dtype=np.float32)
    state["output.weight"] *= torch.tensor(std)[:, None]
    state["output.bias"] = state["output.bias"] * torch.tensor(std) + torch.tensor(mean)
    fields = {"latent_dim": 4, "condition_dim": 0, "hidden_dim": 6, "target_len": LENGTH, "num_layers": 1,
              "output_dim": 2, "activation_xy": head, "activation_dt": "none", "use_spectral_norm": False}  # fmt: skip
    path = folder / "lstm_generator.pt"
    torch.save({"state_dict": state, "config": fields, "position_mean": mean, "position_std": std}, path)
    return path


SESSION = "record timestamp,client timestamp,button,state,x,y\n" + "".join(
    f"{i * 0.02},{i * 0.02},NoButton,Move,{100 + i * i},{200 + 3 * i}\n" for i in range(40)
)
