"""Run `verify --search` on sick runs, and train its answer in the zoo's own trainer.

The search makes its own trials, with a seed of its own, from the config and the gestures alone. The zoo then trains its
answer like any other run and judges it by the same truth.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from humouse_doctor.cases.load import load_case
from humouse_doctor.core.outcome import AS_IT_IS, Arm, Trial
from humouse_doctor.core.remedy import CodeChange
from humouse_doctor.core.settings import Value
from humouse_doctor.inputs.config import reader
from humouse_doctor.inputs.gestures.sources import read_gestures
from humouse_doctor.remedies.candidates import bundle, candidates
from humouse_doctor.training.plan import own_steps
from humouse_doctor.verify.bench import Bench
from humouse_doctor.verify.search import Search
from tests.lab.zoo.contexts import Context, Kind
from tests.lab.zoo.crew import each
from tests.lab.zoo.genome import Drive, Genome, HeadKind, Kl, Latent, Rate, Space, Steps, Width
from tests.lab.zoo.judge import write_run
from tests.lab.zoo.networks import is_humouse, trainable
from tests.lab.zoo.selection import Run
from tests.lab.zoo.training import Cache, Job, has_gestures, job_of, run_job, write_whole
from tests.lab.zoo.truth import Label

#: Raise this with every change of how a search is made.
SEARCH_VERSION = 3
#: The search's own seed, which no context uses.
_SEED = 101
_MAX_ARMS = 24
_BECAME = {Label.HEALTHY: "cured", Label.BORDERLINE: "borderline", Label.COLLAPSED: "not cured"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """A finished search: its result, arm, number of arms tried, and seconds.

    `became` is "cured", "borderline", "not cured" or "nothing found".
    """

    became: str
    arm: str
    arms: int
    seconds: float


def can_be_searched(run: Run) -> bool:
    """Return True if `verify` can train this run: humouse's own generator, with a config and a warm-up of its own."""
    return run.label is Label.COLLAPSED and is_humouse(run.context, run.genome) and run.context.kind is not Kind.TABLE


def of_this_version(row: Mapping[str, Any]) -> str | None:
    """Return what became of a row's search; None if there was none, or by another version of searches."""
    found: str | None = row["search"] if row.get("search_version") == SEARCH_VERSION else None
    return found


def search_all(
    runs: Iterable[Run], cache: Cache, real: Path | None, workers: int, say: Callable[[str], None], most: int | None = None
) -> None:
    """Search a cure for at most `most` runs that have not been searched yet, those of every context in turn."""
    of_context: dict[str, list[Run]] = {}
    for run in runs:
        if can_be_searched(run) and has_gestures(run.context, real) and found(run, cache, real) is None:
            of_context.setdefault(run.context.name, []).append(run)
    cheapest_first = sorted(of_context.values(), key=lambda some: some[0].context.full_steps * some[0].context.length)
    in_turn = [run for turn in zip_longest(*cheapest_first) for run in turn if run is not None]
    tasks = [(run, cache.folder, real) for run in in_turn[:most]]
    say(f"searches to do: {len(tasks)}")
    each(tasks, _search, workers, say)


def found(run: Run, cache: Cache, real: Path | None) -> Searched | None:
    """Return the result of this run's search, None if there was none."""
    path = _path(run, cache, real)
    return Searched(**json.loads(path.read_text())) if path.exists() else None


def _path(run: Run, cache: Cache, real: Path | None) -> Path:
    key = job_of(run.context, run.genome, real).key
    return cache.folder / f"search-{SEARCH_VERSION}" / f"{key}-{run.genome.steps.value}.json"


def _search(task: tuple[Run, Path, Path | None]) -> str:
    run, folder, real = task
    cache, start = Cache(folder), time.perf_counter()
    job = job_of(run.context, run.genome, real)
    with tempfile.TemporaryDirectory(prefix="zoo-") as place:
        chosen, arms = _chosen(job, run.genome, Path(place))
    became = "nothing found"
    if chosen is not None:
        became = _BECAME[_truth_of(run, chosen, cache, real)]
    ended = Searched(
        became=became, arm=chosen.title if chosen else "", arms=arms, seconds=round(time.perf_counter() - start, 1)
    )
    path = _path(run, cache, real)
    path.parent.mkdir(exist_ok=True)
    write_whole(path, json.dumps({name: getattr(ended, name) for name in Searched.__slots__}).encode())
    return f"{run.name}: {ended.became} ({ended.arm or '-'}; {ended.arms} arms, {ended.seconds:.0f} s)"


def _chosen(job: Job, genome: Genome, place: Path) -> tuple[Arm | None, int]:
    """Return the search's answer to the run's config and gestures, and the number of arms it tried."""
    request = replace(write_run(place, job, genome, weights={}), checkpoint=None)
    assert request.config is not None
    assert request.data is not None
    config = reader.read(request.config)
    gestures = read_gestures(request.data, config.settings, request.max_sequences, 0)
    steps = own_steps(config.settings, gestures) or 1
    bench = Bench(config=request.config, overrides=(), read=config, gestures=gestures, base_steps=steps)
    made: dict[tuple[str, int], Trial] = {}

    def attempt(arms: Sequence[Arm], seeds: Sequence[int]) -> list[list[Trial]]:
        for arm in arms:
            for seed in seeds:
                if (arm.key, seed) not in made:
                    made[arm.key, seed] = bench.run(bench.job(arm, seed))
        return [[made[arm.key, seed] for seed in seeds] for arm in arms]

    case = load_case(request).case
    offered = candidates(case)
    base = attempt([AS_IT_IS], (_SEED,))[0][0]
    search = Search(
        attempt=attempt,
        remedies=offered,
        bundle=bundle(case),
        patch=[offered[name] for name in base.patch if name in offered],
        seeds=(_SEED,),
        max_arms=_MAX_ARMS,
    )
    return search.run().chosen, len(made)


def _truth_of(run: Run, arm: Arm, cache: Cache, real: Path | None) -> Label:
    """Return the label of the run with the arm's changes, trained by the zoo."""
    context, genome = moved(run.context, run.genome, arm)
    if not trainable(context, genome):
        return Label.COLLAPSED
    job = job_of(context, genome, real)
    if cache.numbers(job.key) is None:
        run_job(job, cache.folder)
    numbers = cache.numbers(job.key)
    assert numbers is not None
    return numbers[genome.steps].label


def moved(context: Context, genome: Genome, arm: Arm) -> tuple[Context, Genome]:
    """Return the run with an arm's edits and changes as a context and a genome of the zoo; its length becomes the full one."""
    new: dict[str, Value] = {edit.key: edit.new for edit in arm.edits}
    absolute = new.get("training.absolute_coordinates", genome.space not in (Space.DPX, Space.DZ))
    z_scored = new.get("data.normalize_sequences", genome.space in (Space.DZ, Space.AZ))
    space = {(True, False): Space.PX, (True, True): Space.AZ, (False, False): Space.DPX, (False, True): Space.DZ}[
        (absolute is True, z_scored is True)
    ]
    other = new.get("model.architecture") == "seq2seq"
    if space is Space.PX and genome.space in (Space.Z, Space.READ):
        space = genome.space  # no key tells these from pixels
    if CodeChange.NORMALISED_POSITIONS in arm.code_changes or other:
        space = Space.Z
    if CodeChange.LOSS_AS_READ in arm.code_changes or new.get("training.warmup_space") == "read":
        space = Space.READ
    whitens = new.get("training.warmup_latent_normalize", genome.latent.whitens) is True
    noises = bool(new.get("training.warmup_noise_std", genome.latent.noise_std))
    drive = genome.drive
    if CodeChange.SLOW_GATES in arm.code_changes or new.get("training.warmup_gates") == "slow":
        drive = Drive.SLOW
    if CodeChange.TIME_INPUT in arm.code_changes:
        drive = Drive.TIME
    epochs = new.get("training.reconstruction_epochs", context.steps(genome.steps) // context.epoch)
    rate = new.get("training.lr.generator", context.learning_rate(genome))
    width = new.get("model.generator.latent_dim", context.latent_size(genome))
    kl = new.get("training.warmup_kl_weight", 10.0 if genome.kl is Kl.HEAVY else 0.1)
    assert isinstance(epochs, int)
    assert isinstance(width, int)
    assert isinstance(rate, float)
    head = HeadKind(str(new.get("model.generator.activation_xy", genome.head.value)))
    latent = {(True, True): Latent.BOTH, (True, False): Latent.WHITEN, (False, True): Latent.NOISE}.get(
        (whitens, noises), Latent.CLEAN
    )
    changed = replace(
        context,
        rate=rate,
        full_steps=epochs * context.epoch,
        latent_dim=width,
        kind=Kind.SEQ2SEQ if other else context.kind,
    )
    if other:
        head, latent, drive = HeadKind.LINEAR, Latent.CLEAN, Drive.PLAIN
    return changed, replace(
        genome,
        space=space,
        head=head,
        latent=latent,
        drive=drive,
        steps=Steps.FULL,
        rate=Rate.GOOD,
        width=Width.OWN,
        kl=Kl.HEAVY if context.kind is Kind.SEQ2SEQ and kl == 10.0 else Kl.DEFAULT,
    )
