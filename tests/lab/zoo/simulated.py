"""Simulate searches over the trained lattice: `python -m tests.lab.zoo.simulated --cache DIR`.

The search of `verify` runs as it is, but a trial is looked up among the zoo's trainings instead of being made. Thus all
sick runs of the lattice can be searched in minutes, and compared with other searches at the same number of trainings. A run
that is trained longer than its whole length, or in a way that the lattice lacks, counts as one that could not be trained.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, quantiles
from types import MappingProxyType
from typing import Any

import numpy as np

from humouse_doctor.cases.load import load_case
from humouse_doctor.core.case import Case
from humouse_doctor.core.outcome import Arm, Trial
from humouse_doctor.core.remedy import Remedy
from humouse_doctor.remedies.arms import part_names, together
from humouse_doctor.remedies.candidates import bundle, candidates, goes_with
from humouse_doctor.verify.search import Search, by_need
from tests.lab.zoo import results
from tests.lab.zoo.contexts import CONTEXTS, TOO_HIGH_RATE, Context, Kind
from tests.lab.zoo.corpus import lattices
from tests.lab.zoo.figures import Row, Share
from tests.lab.zoo.genome import Factor, Genome, Latent, Rate, Steps, Width
from tests.lab.zoo.judge import write_run
from tests.lab.zoo.networks import generator, is_humouse
from tests.lab.zoo.searching import moved
from tests.lab.zoo.selection import Lattice, Run
from tests.lab.zoo.training import Cache, job_of, tell
from tests.lab.zoo.truth import Label, Numbers

_MAX_ARMS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """One search: the label of its answer (None without one), the trainings it took, and the changes in its answer."""

    part: str
    label: Label | None
    trainings: int
    changes: int


@dataclass(frozen=True, slots=True)
class _Table:
    """Trials looked up in a lattice, and how many different ones were asked for."""

    run: Run
    lattice: Lattice
    patch: tuple[str, ...]
    asked: dict[str, Label | None]

    def __call__(self, arms: Sequence[Arm], seeds: Sequence[int]) -> list[list[Trial]]:
        return [[self._trial(arm, seed) for seed in seeds] for arm in arms]

    def _trial(self, arm: Arm, seed: int) -> Trial:
        found = self.numbers(arm)
        self.asked[arm.key] = None if found is None else found.label
        if found is None:
            return Trial(arm=arm.key, seed=seed, planned=1, failed="the lattice has no such run")
        measured = _measured(found)
        return Trial(
            arm=arm.key,
            seed=seed,
            planned=1,
            steps=1,
            measurements=MappingProxyType(measured),
            healthy=bool(min(found.margins) >= 1),
            patch=self.patch,
        )

    def numbers(self, arm: Arm) -> Numbers | None:
        """Return the numbers of the run with the arm's changes, None if the lattice has none."""
        genome = in_lattice(self.run.context, self.run.genome, arm)
        return None if genome is None else self.lattice.outcomes.get(genome)


def in_lattice(context: Context, genome: Genome, arm: Arm) -> Genome | None:
    """Return the genome of a run with an arm's changes, None if it is of another kind."""
    changed, new = moved(context, genome, arm)
    if changed.kind is not context.kind:
        return None
    levels = [level for level in Steps if context.steps(level) <= changed.full_steps] or [Steps.FEW]
    one = changed.latent_dim == 1 and context.latent_dim != 1
    rate = {context.rate: Rate.GOOD, TOO_HIGH_RATE: Rate.TOO_HIGH, 1e-3: Rate.GOOD}.get(changed.rate)
    if rate is None:
        return None
    return replace(new, steps=levels[-1], width=Width.ONE if one else Width.OWN, rate=rate)


def _measured(found: Numbers) -> dict[str, float]:
    """Return a run's numbers by the names of the metrics that decide; NaN and infinity are left out."""
    spread, moves, skill = found.varies, found.moves, 2 * found.skill
    named = {
        "HD101.spread_ratio": spread,
        "HD103.time_std_ratio": moves,
        "HD103.velocity_std_ratio": moves,
        "HD104.latent_std_ratio": spread,
        "HD105.prior_fit_spread": max(spread, 1.2 * spread),
        "HD105.skill": skill,
    }
    return {name: float(value) for name, value in named.items() if np.isfinite(value)}


Searcher = Callable[[_Table, Case, Mapping[str, Remedy]], Arm | None]


class _QuickXplain(Search):
    """The same search with a part of the bundle that QuickXplain finds (Junker, AAAI 2004), then left out part by part."""

    def _shrunk(self, whole: Any) -> Any:
        names = sorted(part_names(whole.arm), key=by_need)
        left = self._explained(whole, (), names, grown=False)
        smallest = self._seen.get(self._of(whole, left).key, whole)
        return super()._shrunk(smallest)

    def _explained(self, whole: Any, beside: Sequence[str], parts: Sequence[str], *, grown: bool) -> list[str]:
        """Return the smallest subset of `parts` that cures together with those `beside`; `grown` if these are new."""
        if grown and self._tried(whole, beside):
            return []
        if len(parts) == 1:
            return list(parts)
        first, second = parts[: len(parts) // 2], parts[len(parts) // 2 :]
        of_second = self._explained(whole, (*beside, *first), second, grown=True)
        return [*self._explained(whole, (*beside, *of_second), first, grown=bool(of_second)), *of_second]

    def _tried(self, whole: Any, names: Sequence[str]) -> bool:
        self._try([self._of(whole, names)])
        return self._cures(whole, names)


def ours(table: _Table, case: Case, offered: Mapping[str, Remedy]) -> Arm | None:
    """Search as `verify` does."""
    return _with(Search, table, case, offered)


def by_explanation(table: _Table, case: Case, offered: Mapping[str, Remedy]) -> Arm | None:
    """Search as `verify` does, with QuickXplain first."""
    return _with(_QuickXplain, table, case, offered)


def _with(kind: type[Search], table: _Table, case: Case, offered: Mapping[str, Remedy]) -> Arm | None:
    search = kind(
        attempt=table,
        remedies=offered,
        bundle=bundle(case),
        patch=[offered[name] for name in table.patch if name in offered],
        seeds=(0,),
        max_arms=_MAX_ARMS,
    )
    return search.run().chosen


def sets(offered: Mapping[str, Remedy]) -> Iterator[Arm]:
    """Yield the remedies one by one, in pairs, and in threes."""
    for size in (1, 2, 3):
        for names in itertools.combinations(offered, size):
            if all(goes_with(name, names[:at]) for at, name in enumerate(names)):
                yield together([offered[name] for name in names])


def by_size(table: _Table, _: Case, offered: Mapping[str, Remedy]) -> Arm | None:
    """Try single remedies, then pairs, then threes."""
    return _first_healthy(table, sets(offered))


def at_random(table: _Table, _: Case, offered: Mapping[str, Remedy]) -> Arm | None:
    """Try the same sets, and those of four and more, in random order."""
    arms = [*sets(offered), *_larger(offered)]
    order = np.random.default_rng(len(table.run.name)).permutation(len(arms))
    return _first_healthy(table, (arms[at] for at in order))


def _larger(offered: Mapping[str, Remedy]) -> Iterator[Arm]:
    for size in (4, 5):
        for names in itertools.combinations(offered, size):
            if all(goes_with(name, names[:at]) for at, name in enumerate(names)):
                yield together([offered[name] for name in names])


def _first_healthy(table: _Table, arms: Iterator[Arm]) -> Arm | None:
    for arm in itertools.islice(arms, _MAX_ARMS):
        if all(trial.healthy for trial in table([arm], (0,))[0]):
            return arm
    return None


SEARCHERS: Mapping[str, Searcher] = MappingProxyType(
    {
        "everything, then less": ours,
        "the same with QuickXplain": by_explanation,
        "singles, pairs, threes": by_size,
        "random": at_random,
    }
)


def runs_of(lattice: Lattice) -> Iterator[Run]:
    """Yield the sick runs of a lattice that something in it cures and that `verify` can train."""
    for genome, label in lattice.labels.items():
        run = lattice.run(genome)
        own = is_humouse(lattice.context, genome) and lattice.context.kind is not Kind.TABLE
        if label is Label.COLLAPSED and run.cures and own:
            yield run


def simulate(run: Run, lattice: Lattice, row: Row | None, real: Path | None, searcher: Searcher) -> Simulated:
    """Return the result of one search of one run."""
    case = _case(run, real)
    offered = candidates(case)
    patch = () if row is None else tuple(row["trained"]["remedies"])
    table = _Table(run, lattice, patch, {})
    chosen = searcher(table, case, offered)
    found = None if chosen is None else table.numbers(chosen)
    return Simulated(
        part=run.context.part.value,
        label=None if found is None else found.label,
        trainings=len(table.asked),
        changes=0 if chosen is None else len({*chosen.edits, *chosen.code_changes}),
    )


def _case(run: Run, real: Path | None) -> Case:
    with tempfile.TemporaryDirectory(prefix="zoo-") as folder:
        job = job_of(run.context, run.genome, real)
        weights = generator(run.context, run.genome).state_dict()  # only the config and the gestures are used
        return load_case(replace(write_run(Path(folder), job, run.genome, weights), checkpoint=None, max_sequences=64)).case


def monotone(lattice: Lattice) -> Share:
    """Return how often a healthy run stays healthy with one more of its factors at the level that is best alone.

    Best is the linear head, the undistorted latent, slow gates, the longest warm-up, the good rate and the wide latent.
    """
    best = Genome(latent=Latent.CLEAN)
    pairs = []
    for genome, label in lattice.labels.items():
        if label is Label.HEALTHY:
            for factor in (Factor.HEAD, Factor.LATENT, Factor.STEPS, Factor.RATE, Factor.WIDTH):
                better = genome.moved({factor: best.level(factor)})
                if better != genome and better in lattice.labels:
                    pairs.append(lattice.labels[better])
    return Share(hits=sum(label is not Label.COLLAPSED for label in pairs), total=len(pairs))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.zoo.simulated", description=__doc__)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--real", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take every so manieth run of a lattice")
    given = parser.parse_args()
    real = None if given.real is None else given.real.resolve()
    rows = {(row["context"], row["genome"]): row for row in results.read(results.PATH)}
    found: dict[str, list[Simulated]] = {name: [] for name in SEARCHERS}
    stays = Share(hits=0, total=0)
    for lattice in lattices(CONTEXTS, Cache(given.cache), real, tell):
        one = monotone(lattice)
        stays = Share(hits=stays.hits + one.hits, total=stays.total + one.total)
        for run in itertools.islice(runs_of(lattice), 0, None, given.every):
            row = rows.get((run.context.name, run.genome.name))
            for name, searcher in SEARCHERS.items():
                found[name].append(simulate(run, lattice, row, real, searcher))
    sys.stdout.write(f"a healthy run stays so with one more factor at its best: {stays}\n")
    for name, searched in found.items():
        for part in sorted({one.part for one in searched}):
            sys.stdout.write(f"{name}, {part}: {_line([one for one in searched if one.part == part])}\n")


def _line(searched: Sequence[Simulated]) -> str:
    cured = Share(hits=sum(one.label is Label.HEALTHY for one in searched), total=len(searched))
    not_sick = Share(hits=sum(one.label in (Label.HEALTHY, Label.BORDERLINE) for one in searched), total=len(searched))
    many = [one.trainings for one in searched]
    p95 = quantiles(many, n=20)[-1] if len(many) > 1 else many[0]
    changes = [one.changes for one in searched if one.label is Label.HEALTHY]
    return (
        f"cured {cured}, cured or borderline {not_sick}, trainings mean {mean(many):.1f}, p95 {p95:.0f},"
        f" changes mean {mean(changes) if changes else 0:.1f}"
    )


if __name__ == "__main__":
    main()
