"""A small trainer of our own in a checkout, with all that the patch of a trainer needs; it can be run."""

from __future__ import annotations

from pathlib import Path

from humouse_doctor.inputs.source import trainer

FIELDS = """\
import dataclasses

@dataclasses.dataclass
class Training:
    reconstruction_epochs: int = 1
    absolute_coordinates: bool = True
    warmup_latent_normalize: bool = True
    generator_init_path: str = ""
"""
TRAINER = '''\
import torch
from torch import nn


def _config(section):
    return dict(
        reconstruction_epochs=section["epochs"],
        warmup_latent_normalize=section.get("warmup_latent_normalize", True),
    )


def _sums(sequences):
    return torch.cumsum(sequences[..., :2], dim=1)


def _differences(positions):
    return torch.cat([positions[:, :1], positions[:, 1:] - positions[:, :-1]], dim=1)


def _reconstruction_warmup(config, generator, batches, dataset, device, *, seen=None):
    """Warm up."""
    use_absolute = config.training.absolute_coordinates
    criterion = nn.L1Loss()
    optimizer = torch.optim.SGD(generator.parameters(), lr=0.1)

    def targets_of(real):
        target = real
        if use_absolute:
            target = _sums(target)
        return target

    for _ in range(config.training.reconstruction_epochs):
        for real in batches:
            target = targets_of(real)
            made = generator(target)
            loss = criterion(made, target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.append(loss.item())

    with torch.no_grad():
        recon = generator(targets_of(batches[0]))
    return _differences(recon) if use_absolute else recon


def _run_sigma_evaluation(generator, config, z):
    use_absolute = config.training.absolute_coordinates
    output = generator(z)
    if use_absolute:
        output = READ(output)
    return output
'''


def checkout(folder: Path, read: str = "_sums", text: str = TRAINER) -> Path:
    """Write the trainer into a checkout that reads its output by `read`; return its path."""
    path = folder / trainer.TRAINER
    path.parent.mkdir(parents=True)
    path.write_text(text.replace("READ", read), encoding="utf-8")
    path.with_name("config_schemas.py").write_text(FIELDS, encoding="utf-8")
    return path
