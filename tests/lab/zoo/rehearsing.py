"""Ask `preflight --rehearse` about runs, from their config and gestures alone.

The rehearsal has a seed of its own. Gates that were started slow are told by the key that the tool's own patch adds to a
trainer: without it no config says so.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from humouse_doctor.service.commands import report_on
from tests.lab.zoo.contexts import Kind
from tests.lab.zoo.crew import each
from tests.lab.zoo.genome import Drive
from tests.lab.zoo.judge import write_run
from tests.lab.zoo.networks import is_humouse
from tests.lab.zoo.selection import Run
from tests.lab.zoo.training import Cache, has_gestures, job_of, write_whole

#: Raise this with every change of how a rehearsal is asked for.
REHEARSE_VERSION = 1
#: The rehearsal's own seed, which no context uses.
_SEED = 101
#: The seconds of a rehearsal if none are given.
SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The answer of one rehearsal: verdict and causes, steps trained and the run's own, and seconds of wall time."""

    verdict: str
    confidence: str
    causes: tuple[str, ...]
    sentence: str
    steps: int
    own_steps: int
    seconds: float


def can_be_rehearsed(run: Run) -> bool:
    """Return True if the tool can train this run: humouse's own generator, with a config and a warm-up of its own."""
    return is_humouse(run.context, run.genome) and run.context.kind is not Kind.TABLE


def rehearse_all(
    runs: Iterable[Run], cache: Cache, real: Path | None, workers: int, seconds: float, say: Callable[[str], None]
) -> None:
    """Rehearse each run that has no answer yet, `workers` at a time."""
    tasks = [
        (run, cache.folder, real, seconds)
        for run in runs
        if can_be_rehearsed(run) and has_gestures(run.context, real) and found(run, cache, real, seconds) is None
    ]
    say(f"rehearsals to do: {len(tasks)}, {seconds:g} s each")
    each(tasks, _rehearse, workers, say)


def found(run: Run, cache: Cache, real: Path | None, seconds: float = SECONDS) -> Answered | None:
    """Return the answer about this run, None if it was not rehearsed."""
    path = _path(run, cache, real, seconds)
    if not path.exists():
        return None
    stored: dict[str, Any] = json.loads(path.read_text())
    return Answered(**{**stored, "causes": tuple(stored["causes"])})


def _path(run: Run, cache: Cache, real: Path | None, seconds: float) -> Path:
    key = job_of(run.context, run.genome, real).key
    return cache.folder / f"rehearsed-{REHEARSE_VERSION}-{seconds:g}s" / f"{key}-{run.genome.steps.value}.json"


def _rehearse(task: tuple[Run, Path, Path | None, float]) -> str:
    run, folder, real, seconds = task
    job = job_of(run.context, run.genome, real)
    with tempfile.TemporaryDirectory(prefix="zoo-") as place:
        request = write_run(Path(place), job, run.genome, weights={})
        gates = ("training.warmup_gates=slow",) if run.genome.drive is Drive.SLOW else ()
        start = time.perf_counter()
        report = report_on(replace(request, checkpoint=None, overrides=gates, seed=_SEED, rehearse_s=seconds))
        taken = time.perf_counter() - start
    assert report.rehearsed is not None
    answered = Answered(
        verdict=report.verdict.value,
        confidence=report.confidence.value,
        causes=tuple(cause.code for cause in report.causes),
        sentence=report.sentence,
        steps=report.rehearsed.steps,
        own_steps=report.rehearsed.own_steps,
        seconds=round(taken, 1),
    )
    path = _path(run, Cache(folder), real, seconds)
    path.parent.mkdir(exist_ok=True)
    write_whole(path, json.dumps({name: getattr(answered, name) for name in Answered.__slots__}).encode())
    share = f"{answered.steps:,} of {answered.own_steps:,} steps, {answered.seconds:.0f} s"
    return f"{run.name}: {run.label.value}, rehearsed {answered.verdict} ({share})"
