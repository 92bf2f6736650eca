"""Select the corpus from the lattice: runs chosen by their truth and a seed, before the tool has seen any."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import numpy as np

from tests.lab.zoo.contexts import Context
from tests.lab.zoo.genome import Factor, Genome
from tests.lab.zoo.training import Cache, Job
from tests.lab.zoo.truth import Label, Numbers, minimal_cures

#: The most runs of each kind from one context.
_HEALTHY, _BORDERLINE, _SICK, _INCURABLE = 6, 1, 7, 3
#: Contexts of humouse's own length are few, so each gives more sick runs.
_LONG, _SICK_LONG = 200, 8


class Ailment(str, Enum):
    """The smallest number of factors that must change for a run to be healthy."""

    HEALTHY = "healthy"
    BORDERLINE = "borderline"
    ONE = "one factor"
    TWO = "two factors"
    MORE = "more factors"
    INCURABLE = "incurable here"


@dataclass(frozen=True, kw_only=True)
class Lattice:
    """All runs of one context with their outcomes."""

    context: Context
    outcomes: Mapping[Genome, Numbers]

    @cached_property
    def labels(self) -> Mapping[Genome, Label]:
        """Return the label of each run."""
        return {genome: found.label for genome, found in self.outcomes.items()}

    def run(self, genome: Genome) -> Run:
        """Return one run with its truth."""
        found = self.outcomes[genome]
        cures = minimal_cures(self.labels, genome) if found.label is Label.COLLAPSED else ()
        return Run(context=self.context, genome=genome, numbers=found, cures=cures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A trained run with its truth: `cures` are the minimal sets of factors that make it healthy."""

    context: Context
    genome: Genome
    numbers: Numbers
    cures: tuple[frozenset[Factor], ...]

    @property
    def name(self) -> str:
        """The name in rows and progress lines."""
        return f"{self.context.name}/{self.genome.name}"

    @property
    def label(self) -> Label:
        """The run's label."""
        return self.numbers.label

    @property
    def ailment(self) -> Ailment:
        """The smallest number of factors that must change."""
        if self.label is Label.HEALTHY:
            return Ailment.HEALTHY
        if self.label is Label.BORDERLINE:
            return Ailment.BORDERLINE
        if not self.cures:
            return Ailment.INCURABLE
        return {1: Ailment.ONE, 2: Ailment.TWO}.get(len(self.cures[0]), Ailment.MORE)


def lattice_of(jobs: Sequence[Job], cache: Cache) -> Lattice | None:
    """Return the lattice of one context's jobs, None unless all of them are trained."""
    outcomes: dict[Genome, Numbers] = {}
    for job in jobs:
        found = cache.numbers(job.key)
        if found is None:
            return None
        outcomes.update({job.genome.moved({Factor.STEPS: steps}): numbers for steps, numbers in found.items()})
    return Lattice(context=jobs[0].context, outcomes=outcomes)


def select(lattice: Lattice, seed: int = 0) -> tuple[Run, ...]:
    """Select the runs of one context that the tool is asked about: of every ailment, far apart in the lattice.

    One of the healthy runs is the one closest to a limit.
    """
    random = np.random.default_rng((seed, lattice.context.seed))
    by_ailment: dict[Ailment, list[Run]] = {ailment: [] for ailment in Ailment}
    for genome in lattice.outcomes:
        run = lattice.run(genome)
        by_ailment[run.ailment].append(run)
    chosen: list[Run] = []
    healthy = by_ailment[Ailment.HEALTHY]
    if healthy:
        chosen.append(min(healthy, key=lambda run: min(run.numbers.margins)))
        healthy.remove(chosen[0])
    sick = _SICK_LONG if lattice.context.length >= _LONG else _SICK
    for ailment in _turns({ailment: len(runs) for ailment, runs in by_ailment.items()}, sick):
        runs = by_ailment[ailment]
        scores = [(_distance(run, chosen), random.random()) for run in runs]
        chosen.append(runs.pop(scores.index(max(scores))))
    return tuple(sorted(chosen, key=lambda run: (tuple(Ailment).index(run.ailment), run.name)))


def _turns(available: Mapping[Ailment, int], most: int) -> Iterable[Ailment]:
    """Return the kind for each pick: at most `most` sick ones, alternating, then healthy, then borderline ones."""
    left = dict(available)
    left[Ailment.INCURABLE] = min(left[Ailment.INCURABLE], _INCURABLE)
    turns: list[Ailment] = []
    sick = (Ailment.ONE, Ailment.TWO, Ailment.MORE, Ailment.INCURABLE)
    while len(turns) < most and any(left[ailment] for ailment in sick):
        for ailment in sick:
            if left[ailment] and len(turns) < most:
                left[ailment] -= 1
                turns.append(ailment)
    turns += [Ailment.HEALTHY] * min(left[Ailment.HEALTHY], _HEALTHY - 1)
    turns += [Ailment.BORDERLINE] * min(left[Ailment.BORDERLINE], _BORDERLINE)
    return turns


def _distance(run: Run, others: Iterable[Run]) -> int:
    """Return the number of factors in which a run differs from the nearest of the others."""
    return min((len(run.genome.changes_to(other.genome)) for other in others), default=len(Factor))
