"""The truth about a run, from its reconstructions and samples alone, and the changes that would have cured it.

The numbers are plain means and deviations of arrays, and the causes come from looking up trained runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np

from tests.lab.zoo.genome import Factor, Genome
from tests.lab.zoo.gestures import Floats

#: A number below its limit is a collapse.
SKILL_LIMIT = 0.1
MOVES_LIMIT = 0.5
VARIES_LIMIT = 0.5
BENDS_LIMIT = 0.1
#: Above it where wild samples are one.
EXCESS_LIMIT = 4.0
#: A number within this share of its limit is borderline.
MARGIN = 0.2


class Label(str, Enum):
    """Outcomes of a run."""

    HEALTHY = "healthy"
    BORDERLINE = "borderline"
    COLLAPSED = "collapsed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """The numbers of a run, NaN where something was not finite.

    `skill` is 1 - L1 of the reconstructions over that of the best constant. `moves` and `varies` are the std over time and
    across sequences of generated positions over that of the targets, the lower axis of the two. `bends` is the share of their
    length that paths do not get away, generated over real; it is infinite where it was not looked at. `excess` is the larger of
    `moves` and `varies` where too much is a collapse as well, and else 0.
    """

    skill: float
    moves: float
    varies: float
    bends: float = float("inf")
    excess: float = 0.0

    @property
    def margins(self) -> tuple[float, ...]:
        """Each number over its limit; below 1 is a collapse."""
        found = (self.skill / SKILL_LIMIT, self.moves / MOVES_LIMIT, self.varies / VARIES_LIMIT)
        bent = () if self.bends == float("inf") else (self.bends / BENDS_LIMIT,)
        tame = () if self.excess == 0.0 else (EXCESS_LIMIT / self.excess,)
        return (*found, *bent, *tame)

    @property
    def label(self) -> Label:
        """The label of these numbers: one clear failure is a collapse, else one near its limit is borderline."""
        lowest = min(self.margins) if all(np.isfinite(self.margins)) else 0.0
        if lowest < 1 - MARGIN:
            return Label.COLLAPSED
        return Label.BORDERLINE if lowest < 1 + MARGIN else Label.HEALTHY


def skill(reconstructions: Floats, targets: Floats) -> float:
    """Return 1 - L1 over that of the best constant per channel, x and y alone: both (N, T, D)."""
    plane = targets[..., :2]
    constant = np.median(plane.reshape(-1, 2), axis=0)
    return float(1 - np.abs(reconstructions[..., :2] - plane).mean() / np.abs(plane - constant).mean())


def moves(generated: Floats, real: Floats) -> float:
    """Return the mean over sequences of the std over time, generated over real positions (N, T, 2), the lower axis."""
    return float((generated.std(axis=1).mean(axis=0) / real.std(axis=1).mean(axis=0)).min())


def varies(generated: Floats, real: Floats) -> float:
    """Return the mean over steps of the std across sequences, generated over real positions (N, T, 2), the lower axis."""
    return float((generated.std(axis=0).mean(axis=0) / real.std(axis=0).mean(axis=0)).min())


def bends(generated: Floats, real: Floats) -> float:
    """Return 1 - distance from start to end over length, the mean over sequences, generated over real (N, T, 2)."""
    return _detour(generated) / _detour(real)


def _detour(paths: Floats) -> float:
    length = np.linalg.norm(np.diff(paths, axis=1), axis=-1).sum(axis=1)
    away = np.linalg.norm(paths[:, -1] - paths[:, 0], axis=-1)
    return float((1 - away[length > 0] / length[length > 0]).mean()) if (length > 0).any() else 0.0


def numbers(
    *,
    reconstructions: Floats,
    targets: Floats,
    generated_paths: Floats,
    real_paths: Floats,
    straight_is_sick: bool = False,
    wild_is_sick: bool = False,
) -> Numbers:
    """Return a run's numbers; reconstructions and targets are in one space, paths in pixels.

    With `straight_is_sick`, paths that hardly bend are a collapse: what a program sums moves even if the state has settled. So
    are, with `wild_is_sick`, those that move or vary far too much.
    """
    if not (np.isfinite(reconstructions).all() and np.isfinite(generated_paths).all()):
        return Numbers(skill=float("nan"), moves=float("nan"), varies=float("nan"))
    moved, varied = moves(generated_paths, real_paths), varies(generated_paths, real_paths)
    return Numbers(
        skill=skill(reconstructions, targets),
        moves=moved,
        varies=varied,
        bends=bends(generated_paths, real_paths) if straight_is_sick else float("inf"),
        excess=max(moved, varied) if wild_is_sick else 0.0,
    )


def minimal_cures(lattice: Mapping[Genome, Label], genome: Genome) -> tuple[frozenset[Factor], ...]:
    """Return the minimal sets of factors in which some healthy run of the lattice differs; steps may only increase.

    The result is empty if nothing in the lattice cures the run.
    """
    sets = {
        genome.changes_to(other)
        for other, label in lattice.items()
        if label is Label.HEALTHY and other.steps.rank >= genome.steps.rank
    }
    smallest = [one for one in sets if not any(other < one for other in sets)]
    return tuple(sorted(smallest, key=lambda one: (len(one), sorted(factor.value for factor in one))))
