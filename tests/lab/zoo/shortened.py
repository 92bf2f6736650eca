"""Check that a shortened trial ranks arms like the whole one: `python -m tests.lab.zoo.shortened`.

Five sick runs with six arms each are trained with their own steps and all sequences, with half of the steps, and with a
quarter of the sequences. Pairs of arms whose distances from health are clearly apart in the whole trial must not swap.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import torch

from humouse_doctor.cases.load import load_case
from humouse_doctor.core.outcome import AS_IT_IS, Arm
from humouse_doctor.inputs.config import reader
from humouse_doctor.inputs.gestures.sources import read_gestures
from humouse_doctor.remedies.arms import together
from humouse_doctor.remedies.candidates import candidates
from humouse_doctor.training.plan import own_steps
from humouse_doctor.verify.bench import Bench
from humouse_doctor.verify.effects import distance
from tests.lab.zoo.contexts import CONTEXTS
from tests.lab.zoo.genome import Genome, HeadKind, Latent, Space, Steps
from tests.lab.zoo.judge import write_run
from tests.lab.zoo.networks import generator
from tests.lab.zoo.training import job_of, tell

#: The runs: absolute pixels, a tanh head, a whitened latent, and a third of their steps.
_RUNS = ("lstm-strokes-48", "lstm-jerk-64", "lstm-wander-40-offset", "lstm2-jerk-40", "tcn-strokes-48")
_SETS: tuple[tuple[str, ...], ...] = (
    ("undistorted-latent",),
    ("slow-gates",),
    ("normalised-positions",),
    ("normalised-positions", "slow-gates"),
    ("delta-space",),
    ("seq2seq",),
)
#: Distances from health must differ by more than this to rank two arms; otherwise they are a tie.
_CLEAR = 0.1


def main() -> None:
    torch.set_num_threads(1)
    told = swapped = 0
    for name in _RUNS:
        whole, *short = _ranked(name)
        for label, off in zip(("half of the steps", "a quarter of the sequences"), short, strict=True):
            clear = [(a, b) for a, b in combinations(whole, 2) if abs(whole[a] - whole[b]) > _CLEAR]
            wrong = [(a, b) for a, b in clear if (whole[a] - whole[b]) * (off[a] - off[b]) < 0]
            told, swapped = told + len(clear), swapped + len(wrong)
            shown = "; ".join(f"{key or 'as it is'} {whole[key]:.2f}/{off[key]:.2f}" for key in whole)
            sys.stdout.write(f"{name}, {label}: {len(wrong)} of {len(clear)} clear pairs swap ({shown})\n")
    sys.stdout.write(f"all: {swapped} of {told} clear pairs swap\n")


def _ranked(name: str) -> Sequence[dict[str, float]]:
    """Return each arm's distance from health: whole, with half of the steps, with a quarter of the sequences."""
    context = next(one for one in CONTEXTS if one.name == name)
    genome = Genome(space=Space.PX, head=HeadKind.TANH, latent=Latent.WHITEN, steps=Steps.SOME)
    with tempfile.TemporaryDirectory(prefix="zoo-") as folder:
        job = job_of(context, genome, None)
        weights = generator(context, genome).state_dict()  # untrained, since only the config and the gestures are used
        request = replace(write_run(Path(folder), job, genome, weights), checkpoint=None)
        assert request.config is not None
        assert request.data is not None
        config = reader.read(request.config)
        on_hand = candidates(load_case(request).case)
        arms = [AS_IT_IS, *(together([on_hand[one] for one in some]) for some in _SETS if all(one in on_hand for one in some))]
        found = []
        for sequences, share in ((context.count, 1), (context.count, 2), (context.count // 4, 1)):
            gestures = read_gestures(request.data, config.settings, sequences, 0)
            steps = (own_steps(config.settings, gestures) or 1) // share
            bench = Bench(config=request.config, overrides=(), read=config, gestures=gestures, base_steps=steps)
            found.append({arm.title: _off(bench, arm) for arm in arms})
            tell(f"{name}: {sequences} sequences, {steps} steps")
    return found


def _off(bench: Bench, arm: Arm) -> float:
    return distance(bench.run(bench.job(arm, 0)).measurements)


if __name__ == "__main__":
    main()
