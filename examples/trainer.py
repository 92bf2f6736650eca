"""A small stand-in for humouse's trainer, to read, to copy, and to try `humouse-doctor verify --trainer` with.

python examples/trainer.py --config RUN.yaml --data GESTURES --checkpoint OUT.pt [--seed N] [KEY=VALUE ...]

It warms a generator up by the config, with Hydra-like overrides on top of it, and writes the generator's weights. All
that verify asks of a trainer is here: it takes overrides as words of their own, draws from the seed it is given alone,
leaves one checkpoint where it was told to, and ends with a code other than 0 where it could not:

humouse-doctor verify RUN.yaml --data GESTURES --trainer-checkpoint 'out/{arm}.pt' --trainer 'python examples/trainer.py
    --config RUN.yaml --data GESTURES --checkpoint out/{arm}.pt --seed {seed} {overrides}'
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from humouse_doctor.core.errors import DoctorError, UsageError
from humouse_doctor.core.settings import Settings
from humouse_doctor.inputs.config import reader
from humouse_doctor.inputs.gestures.sources import read_gestures
from humouse_doctor.training.plan import own_steps, rehearse
from humouse_doctor.training.warm_up import Trained, train

#: How often the loss is printed.
_LINES = 10


def settings_of(config: Path, words: Sequence[str]) -> Settings:
    """The config with overrides such as `training.absolute_coordinates=false`; `++` and `experiment.` may stand first."""
    return reader.read(config, [word.lstrip("+") for word in words]).settings


def telling(steps: int) -> Callable[[int, float], None]:
    """A function to call after every step, which prints the loss now and then."""

    def tell(step: int, loss: float) -> None:
        if step == 1 or step % max(1, steps // _LINES) == 0:
            print(f"step {step} of {steps}: loss {loss:.5g}", flush=True)

    return tell


def warm_up(settings: Settings, data: Path, seed: int, max_sequences: int) -> Trained:
    """Train the generator as the config says, for as many epochs as it says."""
    gestures = read_gestures(data, settings, max_sequences, 0)  # every seed sees the same gestures
    steps = own_steps(settings, gestures)
    if not steps:
        raise UsageError("the config asks for no warm-up; give training.reconstruction_epochs")
    rehearsal = rehearse(settings, gestures, steps=steps, seed=seed)
    for remark in rehearsal.remarks:
        print(remark)
    return train(rehearsal.warm_up, rehearsal.targets, rehearsal.conditions, telling(steps))


def write(trained: Trained, checkpoint: Path) -> None:
    """Write the weights beside the file and rename them there, so that no half of a file is ever taken for one."""
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    unfinished = checkpoint.with_name(checkpoint.name + ".tmp")
    torch.save(trained.network.state_dict(), unfinished)
    unfinished.replace(checkpoint)


def options_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Warm a generator up as humouse's trainer does.")
    parser.add_argument("--config", type=Path, required=True, help="a humouse config (YAML)")
    parser.add_argument("--data", type=Path, required=True, help="gestures, as humouse-doctor reads them")
    parser.add_argument("--checkpoint", type=Path, required=True, help="where the weights are written")
    parser.add_argument("--seed", type=int, default=0, help="of the weights, the batches and the noise")
    parser.add_argument("--max-sequences", type=int, default=2048, help="gestures to keep")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="other values for this training")
    return parser.parse_intermixed_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options = options_of(arguments)
    try:
        settings = settings_of(options.config, options.overrides)
        trained = warm_up(settings, options.data, options.seed, options.max_sequences)
    except DoctorError as error:
        print(f"trainer: {error}", file=sys.stderr)
        return int(error.exit_code)
    write(trained, options.checkpoint)
    print(f"wrote {options.checkpoint}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
