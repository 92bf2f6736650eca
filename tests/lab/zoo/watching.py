"""Watch trainings of the zoo: `python -m tests.lab.zoo.watching` records what a watch sees, step by step.

Each training is one of the lattice at its full length, whose outcome is known. A healthy one is watched to its end, a sick one
for the first part of its steps. `--report` plays the outlook over what was recorded, and writes the results and their table.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
from torch import nn

from humouse_doctor.cases.from_module import Bound, bind, bind_run
from humouse_doctor.cases.request import Request
from humouse_doctor.core.cost import Look
from humouse_doctor.core.probe import Judgement, ProbeResult, Status
from humouse_doctor.core.verdict import Verdict
from humouse_doctor.diagnosis.outlook import Outlook, margins_of
from humouse_doctor.inputs.config.trainer_keys import BY_NAME
from humouse_doctor.live.glance import glance
from tests.lab.zoo import watched
from tests.lab.zoo.contexts import CONTEXTS, Context, Kind
from tests.lab.zoo.crew import each
from tests.lab.zoo.genome import Genome, Steps
from tests.lab.zoo.judge import config_text, settings_of
from tests.lab.zoo.networks import generator, is_humouse
from tests.lab.zoo.targets import targets_of
from tests.lab.zoo.training import Cache, Job, jobs_of, tell, write_whole
from tests.lab.zoo.truth import Label
from tests.lab.zoo.warmup import train

#: Raise this with every change of what is recorded.
VERSION = 1
#: Glances over a whole training.
GLANCES = 100
SAMPLES = 64
#: The share of its steps that a sick training is watched for.
SICK_SHARE = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A training to be watched, and its outcome."""

    job: Job
    label: Label
    folder: Path

    @property
    def path(self) -> Path:
        """The file of what was seen."""
        return self.folder / "watched" / f"{VERSION}-{self.job.key}.json"


def bound_to(context: Context, genome: Genome, raw: np.ndarray, network: nn.Module, folder: Path) -> Bound:
    """Bind a generator of the zoo as its user would: by its run's config and data, or by its targets in memory."""
    targets = targets_of(context, genome, raw)
    look = Look(samples=SAMPLES, quick=True)
    settings = settings_of(context, genome)
    if is_humouse(context, genome) and context.kind is not Kind.TABLE:
        data, config = folder / f"gestures_seq{context.length}_feat-none.npz", folder / "config.yaml"
        np.savez(data, sequences=targets.written, features=np.zeros((len(targets.written), 0), dtype=np.float32))
        flat = targets.written.reshape(-1, 3).astype(np.float64)
        statistics = {"sequence_mean": flat.mean(0).tolist(), "sequence_std": flat.std(0).tolist()}
        data.with_name(data.name + ".meta.json").write_text(json.dumps({**statistics, "feature_mean": [], "feature_std": []}))
        config.write_text(config_text(settings))
        return bind_run(network, Request(config=config, data=data), look=look)
    told = {key: value for key, value in settings.items() if key in BY_NAME and key != "model.architecture"}
    return bind(network, told, targets.values, None, latent_dim=context.latent_size(genome), look=look)


def watch(run: Watched) -> str:
    """Train one run again, glance at it, and store what was seen; return a line for progress."""
    job, context = run.job, run.job.context
    raw, total = job.raw(), context.full_steps
    every = max(1, total // GLANCES)
    last = total if run.label is not Label.COLLAPSED else int(SICK_SHARE * total)
    seen: list[dict[str, object]] = []
    spent = 0.0
    with tempfile.TemporaryDirectory() as folder:
        # The training's own generator, of the same initial weights, takes its place at each step.
        bound: list[Bound] = []

        def on_step(step: int, network: nn.Module, loss: float) -> bool:
            nonlocal spent
            if step == 1 or step % every == 0:
                start = time.perf_counter()
                if not bound:
                    bound.append(bound_to(context, job.genome, raw, network, Path(folder)))
                found = glance(bound[0], step, samples=SAMPLES, seed=0)
                spent += time.perf_counter() - start
                seen.append(
                    {
                        "step": step,
                        "loss": loss,
                        "verdict": found.verdict.value,
                        "causes": [cause.code for cause in found.causes],
                        "found": [code for code, result in found.results.items() if result.status.value == "found"],
                        "measures": {code: dict(result.measurements) for code, result in found.results.items()},
                    }
                )
            return step < last

        start = time.perf_counter()
        train(context, job.genome, raw, on_step)
    whole = time.perf_counter() - start
    row = {
        "name": job.name,
        "context": context.name,
        "part": context.part.value,
        "label": run.label.value,
        "steps": total,
        "seen": seen,
    }
    run.path.parent.mkdir(exist_ok=True)
    write_whole(run.path, json.dumps(row).encode())
    return f"{job.name}: {run.label.value}, {len(seen)} glances in {spent:.1f} of {whole:.1f} s"


def played(path: Path, job: Job) -> watched.Row:
    """Play the outlook over a recorded training: from which share of its steps on it is said to collapse, and stays so."""
    recorded = json.loads(path.read_text())
    total = recorded["steps"]
    with tempfile.TemporaryDirectory() as folder:
        network = generator(job.context, job.genome)
        outlook = Outlook.of(bound_to(job.context, job.genome, job.raw(), network, Path(folder)).case, total)
    said = list[tuple[float, Verdict]]()
    for seen in recorded["seen"]:
        results = {
            code: ProbeResult(code=code, status=Status.HEALTHY, judgement=Judgement.HEALTHY, measurements=numbers)
            for code, numbers in seen["measures"].items()
        }
        said.append(
            (seen["step"] / total, outlook.after(seen["step"], Verdict(seen["verdict"]), margins_of(results), seen["causes"]))
        )
    first = None
    for share, verdict in reversed(said):
        if verdict is not Verdict.COLLAPSED:
            break
        first = share
    return {
        "name": recorded["name"],
        "context": recorded["context"],
        "part": recorded["part"],
        "label": recorded["label"],
        "stays_from": None if first is None else round(first, 4),
        "ever": any(verdict is Verdict.COLLAPSED for _, verdict in said),
        "cause": next((seen["causes"][0] for seen in reversed(recorded["seen"]) if seen["causes"]), None),
    }


def chosen(contexts: Iterable[Context], cache: Cache, real: Path | None, sick: int) -> list[Watched]:
    """Return the trainings to watch, in turns of the contexts: all healthy ones, and some sick ones of each."""
    by_context = []
    for context in contexts:
        random = np.random.default_rng((0, context.seed))
        jobs = jobs_of([context], real)
        labels = []
        for job in jobs:
            numbers = cache.numbers(job.key)
            if numbers is not None and (job.genome.width is not None):
                labels.append((job, numbers[Steps.FULL].label))
        healthy = [Watched(job=job, label=label, folder=cache.folder) for job, label in labels if label is Label.HEALTHY]
        ill = [Watched(job=job, label=label, folder=cache.folder) for job, label in labels if label is Label.COLLAPSED]
        ill = [ill[at] for at in random.permutation(len(ill))[:sick]]
        by_context.append([one for pair in zip_longest(healthy, ill) for one in pair if one is not None])
    return [one for turn in zip_longest(*by_context) for one in turn if one is not None]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.zoo.watching", description=__doc__)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--real", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--sick", type=int, default=4, help="sick trainings of each context")
    parser.add_argument("--first", type=int, help="at most so many trainings, in order")
    parser.add_argument("--report", action="store_true", help="write the results of what is recorded, and watch nothing")
    given = parser.parse_args()
    if given.report:
        every = chosen(CONTEXTS, Cache(given.cache), given.real, given.sick)
        rows = sorted((played(run.path, run.job) for run in every if run.path.exists()), key=lambda row: str(row["name"]))
        watched.write(rows)
        sys.stdout.write(watched.table(rows))
        return
    runs: Sequence[Watched] = chosen(CONTEXTS, Cache(given.cache), given.real, given.sick)
    left = [run for run in runs if not run.path.exists()][: given.first]
    tell(f"trainings to watch: {len(left)} of {len(runs)}")
    each(left, watch, given.jobs, tell)


if __name__ == "__main__":
    main()
