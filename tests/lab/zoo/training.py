"""The finished trainings on disk: two files each, written completely or not at all."""

from __future__ import annotations

import hashlib
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from tests.lab.zoo.contexts import Context
from tests.lab.zoo.crew import each
from tests.lab.zoo.genome import LATER, Factor, Genome, Steps
from tests.lab.zoo.gestures import Floats, Source, gestures
from tests.lab.zoo.truth import Numbers
from tests.lab.zoo.warmup import TRAINER_VERSION, Snapshot, train


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One training: a context and the genome of its longest run."""

    context: Context
    genome: Genome
    real: Path | None = None

    @property
    def name(self) -> str:
        """The name in progress lines."""
        return f"{self.context.name}/{self.genome.name}"

    def raw(self) -> Floats:
        """The gestures trained on, (N, T, 3)."""
        return raw_gestures(self.context, self.real)

    @property
    def key(self) -> str:
        """A digest of everything that determines the outcome, including the gestures' own numbers."""
        context = self.context
        parts = [
            f"trainer {TRAINER_VERSION}",
            context.kind.value,
            *(context.length, context.count, context.batch, context.hidden, context.encoder_hidden),
            *(context.latent_size(self.genome), context.learning_rate(self.genome), context.seed),
            *(context.steps(steps) for steps in Steps),
            *(f"{factor.value}={self.genome.level(factor).value}" for factor in Factor if factor not in LATER),
            *self.genome.special(LATER, "="),
            *(("sums",) if context.sums else ()),
            _digest(context, self.real),
        ]
        return hashlib.sha256("\n".join(str(part) for part in parts).encode()).hexdigest()[:24]


@lru_cache(maxsize=64)
def raw_gestures(context: Context, real: Path | None) -> Floats:
    """Return the gestures of a context, (N, T, 3)."""
    return gestures(
        context.source,
        context.count,
        context.length,
        context.seed,
        offset_px=context.offset_px,
        padding=context.padding,
        tail=context.tail,
        real=real,
    )


@lru_cache(maxsize=64)
def _digest(context: Context, real: Path | None) -> str:
    return hashlib.sha256(raw_gestures(context, real).tobytes()).hexdigest()


class Cache:
    """Trainings by key in one folder, which git ignores."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            write_whole(ignore, b"*\n")

    def numbers(self, key: str) -> Mapping[Steps, Numbers] | None:
        """Return the numbers of each length of a training, None if it is not finished."""
        try:
            stored = json.loads((self.folder / f"{key}.json").read_text())
        except FileNotFoundError:
            return None
        return {
            Steps(steps): Numbers(**{name: math.nan if value is None else value for name, value in found.items()})
            for steps, found in stored["numbers"].items()
        }

    def weights(self, key: str, steps: Steps) -> dict[str, Tensor]:
        """Return the generator's weights at one length."""
        stored = torch.load(self.folder / f"{key}.pt", weights_only=True)
        found: dict[str, Tensor] = stored[steps.value]["weights"]
        return found

    def store(self, key: str, name: str, snapshots: Iterable[Snapshot], seconds: float) -> None:
        """Store a training: its weights first, so that numbers never exist without weights."""
        snapshots = tuple(snapshots)
        contents = {shot.steps.value: {"weights": shot.weights, "source": shot.source} for shot in snapshots}
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".part", delete=False) as stream:
            torch.save(contents, stream)
        Path(stream.name).replace(self.folder / f"{key}.pt")
        found = {
            shot.steps.value: {
                field: value if math.isfinite(value) else None
                for field, value in (
                    ("skill", shot.numbers.skill),
                    ("moves", shot.numbers.moves),
                    ("varies", shot.numbers.varies),
                    *((("bends", shot.numbers.bends),) if shot.numbers.bends != math.inf else ()),
                    *((("excess", shot.numbers.excess),) if shot.numbers.excess else ()),
                )
            }
            for shot in snapshots
        }
        text = json.dumps({"name": name, "seconds": round(seconds, 2), "numbers": found})
        write_whole(self.folder / f"{key}.json", text.encode())


def write_whole(path: Path, content: bytes) -> None:
    """Write a file completely, or leave it unchanged."""
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as stream:
        stream.write(content)
    Path(stream.name).replace(path)


def job_of(context: Context, genome: Genome, real: Path | None) -> Job:
    """Return the training of which a genome is a snapshot."""
    longest = genome.moved({Factor.STEPS: Steps.FULL})
    return Job(context=context, genome=longest, real=real if context.source is Source.REAL else None)


def has_gestures(context: Context, real: Path | None) -> bool:
    """Return False if a context needs the file of real gestures, and there is none."""
    return real is not None or context.source is not Source.REAL


def jobs_of(contexts: Iterable[Context], real: Path | None) -> tuple[Job, ...]:
    """Return all trainings of some contexts, in order; without a file, those of real gestures are left out."""
    return tuple(
        job_of(context, genome, real) for context in contexts if has_gestures(context, real) for genome in context.trainings
    )


def run_job(job: Job, folder: Path) -> str:
    """Train one job and store it; return a line that describes the result."""
    start = time.perf_counter()
    snapshots = train(job.context, job.genome, job.raw())
    seconds = time.perf_counter() - start
    Cache(folder).store(job.key, job.name, snapshots, seconds)
    labels = " ".join(f"{shot.steps.value}={shot.numbers.label.value}" for shot in snapshots)
    last = snapshots[-1].numbers
    return f"{job.name}: {labels} (skill {last.skill:.2f}, moves {last.moves:.2f}, varies {last.varies:.2f}; {seconds:.1f} s)"


def train_all(jobs: Iterable[Job], cache: Cache, workers: int, say: Callable[[str], None]) -> None:
    """Train everything that is not in the cache yet, in order, with `workers` processes (1: in this process)."""
    left = [job for job in jobs if cache.numbers(job.key) is None]
    say(f"trainings to do: {len(left)}")
    each([(job, cache.folder) for job in left], _run, min(workers, max(1, len(left))), say)


def _run(task: tuple[Job, Path]) -> str:
    return run_job(*task)


def tell(line: str) -> None:
    """Print a progress line."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stderr.flush()
