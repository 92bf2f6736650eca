"""Make many small runs: a handful is trained, and each of the others has the weights of one of those, a little moved.

`python -m tests.lab.fleet.runs FOLDER COUNT` makes COUNT runs, three of ten of them sick, each of another cause.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import torch

from humouse_doctor.training.demonstration import Units
from tests.conftest import small_run

#: Every weight is multiplied by 1 + this times a normal number.
MOVED = 0.002
_WELL: dict[str, object] = {
    "head": "linear",
    "rate": "5.0e-3",
    "epochs": 150,
    "more": "    warmup_latent_normalize: false\n",
    "units": Units.SCREEN_FRACTIONS,
    "slow_gates": True,
}
#: Three of ten are sick: out-of-reach targets, a short warm-up, a latent with noise.
BASES: dict[str, dict[str, object]] = {
    "well": _WELL,
    "reach": {"head": "tanh"},
    "short": {**_WELL, "epochs": 1},
    "noise": {**_WELL, "more": "    warmup_latent_normalize: false\n    warmup_noise_std: 3.0\n"},
}
TURNS = ("well", "well", "reach", "well", "well", "short", "well", "well", "noise", "well")


def make(folder: Path, count: int) -> list[Path]:
    """Return the folders of `count` runs below `folder`; those that are there already stay."""
    bases = folder.parent / "bases"
    for name, changes in BASES.items():
        if not (bases / name).exists():
            small_run(name, bases / name, **changes)
    made = []
    for number in range(count):
        name = TURNS[number % len(TURNS)]
        run = folder / f"run-{number:05d}"
        made.append(run)
        if run.exists():
            continue
        begun = run.with_suffix(".begun")
        shutil.copytree(bases / name, begun)
        (weights,) = begun.rglob("generator_*.pt")
        state = torch.load(weights, weights_only=True)
        chance = torch.Generator().manual_seed(number)
        moved = {key: one * (1 + MOVED * torch.randn(one.shape, generator=chance)) for key, one in state.items()}
        torch.save(moved, weights)
        begun.rename(run)
    return made


if __name__ == "__main__":
    print(len(make(Path(sys.argv[1]), int(sys.argv[2]))), "runs")
