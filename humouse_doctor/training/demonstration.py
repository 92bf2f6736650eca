"""Small runs on synthetic gestures for the demo and the examples, some of which collapse."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.errors import InputError
from humouse_doctor.core.remedy import CodeChange
from humouse_doctor.core.text import reason
from humouse_doctor.inputs.config import reader
from humouse_doctor.inputs.files import replace_file
from humouse_doctor.inputs.gestures.sources import read_gestures
from humouse_doctor.inputs.gestures.synthetic import strokes

#: A progress bar: `bar(total, label)` is a context that gives a function to call with (step, loss).
Bar = Callable[[int, str], AbstractContextManager[Callable[[int, float], None]]]


class Units(Enum):
    """The unit of a run's gestures."""

    PIXELS = "pixels"
    SCREEN_FRACTIONS = "screen fractions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A run to train: its config, its gestures, and slow gates, for which there is no config key."""

    name: str
    config: str
    sequences: int
    length: int
    units: Units = Units.PIXELS
    start_px: float = 0.0
    slow_gates: bool = False


_COMMENT = "# A small run in humouse's shape: "
#: The program of these runs draws what its loss compares; humouse's newest code would sum it.
_READS_POSITIONS = "    output_space: positions\n"
_CONFIG = """\
{comment}{name}
experiment:
  experiment_name: {name}
  seed: {seed}
  data:
    dataset_id: synthetic
    cache_dir: data/processed
    sequence_length: {length}
    batch_size: 32
    normalize_sequences: false
    normalize_features: false
  model:
    architecture: lstm
    generator:
      latent_dim: 16
      condition_dim: 0
      hidden_dim: 32
      target_len: {length}
      num_layers: 1
      output_dim: 2
      activation_xy: {head}
      activation_dt: linear
  training:
    lr:
      generator: {rate}
    betas: [0.5, 0.999]
    reconstruction_epochs: {epochs}
    absolute_coordinates: {absolute}
{reads}{more}  logging:
    checkpoint_dir: checkpoints
"""


def config_text(
    name: str, *, length: int, head: str, rate: str, epochs: int, absolute: bool, seed: int = 0, more: str = ""
) -> str:
    """Return a resolved config for a small run; `more` holds further lines of the training section, indented by four."""
    return _CONFIG.format(
        comment=_COMMENT,
        name=name,
        length=length,
        head=head,
        rate=rate,
        epochs=epochs,
        absolute=str(absolute).lower(),
        reads=_READS_POSITIONS if absolute else "",
        seed=seed,
        more=more,
    )


#: Gestures in the demo.
SEQUENCES = 512


def collapsing(seed: int) -> Recipe:
    """Return the demo's run: absolute pixels, a tanh head, and a latent that is whitened by default."""
    text = config_text("demo", length=64, head="tanh", rate="2.0e-4", epochs=8, absolute=True, seed=seed)
    return Recipe(name="demo", config=text, sequences=SEQUENCES, length=64)


def train_demo(directory: Path, seed: int, bar: Bar) -> None:
    """Train the demo's run into `directory`; raises `InputError` where a run that is not the demo's own is there already."""
    is_demo(directory)
    train_run(collapsing(seed), directory, seed, bar)


def is_demo(directory: Path) -> bool:
    """Return True if the demo's run is in a folder, False if none is; raise `InputError` if it is another one."""
    config = directory / ".hydra" / "config.yaml"
    try:
        own = config.read_bytes().startswith(f"{_COMMENT}demo\n".encode())
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise InputError(f"{config}: cannot read: {reason(error)}; give demo another folder") from None
    if not own:
        raise InputError(f"{config}: a run that is not the demo's is here; give demo another folder")
    return True


def train_run(recipe: Recipe, directory: Path, seed: int, bar: Bar) -> None:
    """Write the recipe's gestures and config into `directory`, warm its generator up and write the checkpoint.

    Raises `InputError` if the folder cannot be written.
    """
    import torch  # which a folder that is refused does not wait for

    from humouse_doctor.training.plan import own_steps, rehearse
    from humouse_doctor.training.warm_up import train

    sequences = strokes(recipe.sequences, recipe.length, seed, start_px=recipe.start_px)
    if recipe.units is Units.SCREEN_FRACTIONS:
        sequences[..., :2] /= np.cumsum(sequences[..., :2], axis=1).std(axis=(0, 1))
    config_path = directory / ".hydra" / "config.yaml"
    cache = directory / "data" / "processed" / "synthetic" / f"gestures_seq{recipe.length}_feat-none.npz"
    checkpoints = directory / "checkpoints"
    try:
        for folder in (config_path.parent, cache.parent, checkpoints):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{directory}: cannot write a run there: {reason(error)}") from None
    replace_file(config_path, recipe.config.encode())
    packed = io.BytesIO()
    np.savez_compressed(packed, sequences=sequences, features=np.zeros((len(sequences), 0), dtype=np.float32))
    replace_file(cache, packed.getvalue())
    flat = sequences.reshape(-1, 3).astype(np.float64)
    meta = {
        "sequence_mean": flat.mean(0).tolist(),
        "sequence_std": flat.std(0).tolist(),
        "feature_mean": [],
        "feature_std": [],
    }
    replace_file(cache.with_name(cache.name + ".meta.json"), json.dumps(meta).encode())
    settings = reader.read(config_path).settings
    gestures = read_gestures(cache, settings, recipe.sequences, seed)
    changes = (CodeChange.SLOW_GATES,) if recipe.slow_gates else ()
    rehearsal = rehearse(settings, gestures, steps=own_steps(settings, gestures) or 0, seed=seed, changes=changes)
    with bar(rehearsal.warm_up.steps, f"training {recipe.name}") as tick:
        trained = train(rehearsal.warm_up, rehearsal.targets, rehearsal.conditions, tick)
    saved = io.BytesIO()
    torch.save(trained.network.state_dict(), saved)
    replace_file(checkpoints / f"generator_{recipe.name}.pt", saved.getvalue())
