"""What is varied: the factors, their levels, and a genome, one level of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from itertools import product


class Factor(str, Enum):
    """Something a warm-up can be cured or spoilt by; the value is the genome's field."""

    SPACE = "space"
    HEAD = "head"
    LATENT = "latent"
    DRIVE = "drive"
    STEPS = "steps"
    RATE = "rate"
    WIDTH = "width"
    KL = "kl"


class Space(str, Enum):
    """What the loss compares: positions or deltas, in pixels or z-scored; AZ sums z-scored deltas."""

    PX = "px"
    Z = "z"
    DPX = "dpx"
    DZ = "dz"
    AZ = "az"


class HeadKind(str, Enum):
    """The activation of the x and y channels."""

    TANH = "tanh"
    LINEAR = "linear"


class Latent(str, Enum):
    """What happens to the latent between encoder and generator."""

    CLEAN = "clean"
    WHITEN = "whiten"
    NOISE = "noise"
    BOTH = "both"

    @property
    def whitens(self) -> bool:
        """Whether the batch's own mean and std are taken out."""
        return self in (Latent.WHITEN, Latent.BOTH)

    @property
    def noise_std(self) -> float:
        """The std of the noise added, in units of the latent."""
        return 1.0 if self in (Latent.NOISE, Latent.BOTH) else 0.0


class Drive(str, Enum):
    """What makes a recurrent layer move under a repeated latent: nothing, slow gates, or the time as an input."""

    PLAIN = "plain"
    SLOW = "slow"
    TIME = "time"


class Steps(str, Enum):
    """How long the warm-up was: a tenth, a third, or all of the context's steps."""

    FEW = "few"
    SOME = "some"
    FULL = "full"

    @property
    def rank(self) -> int:
        """Longer is higher."""
        return tuple(Steps).index(self)


class Rate(str, Enum):
    """Adam's learning rate: the context's own, or one no warm-up survives."""

    GOOD = "good"
    TOO_HIGH = "too-high"


class Width(str, Enum):
    """The latent's size: the context's own, or a single number."""

    OWN = "16"
    ONE = "1"


class Kl(str, Enum):
    """The weight of seq2seq's KL term: the trainer's default, or a hundred times as much."""

    DEFAULT = "0.1"
    HEAVY = "10"


Level = Space | HeadKind | Latent | Drive | Steps | Rate | Width | Kl


@dataclass(frozen=True, slots=True, kw_only=True)
class Genome:
    """One level of each factor."""

    space: Space = Space.Z
    head: HeadKind = HeadKind.LINEAR
    latent: Latent = Latent.CLEAN
    drive: Drive = Drive.PLAIN
    steps: Steps = Steps.FULL
    rate: Rate = Rate.GOOD
    width: Width = Width.OWN
    kl: Kl = Kl.DEFAULT

    def level(self, factor: Factor) -> Level:
        """This genome's level of one factor."""
        level: Level = getattr(self, factor.value)
        return level

    def moved(self, levels: Mapping[Factor, Level]) -> Genome:
        """The same with other levels of some factors."""
        return replace(self, **{factor.value: level for factor, level in levels.items()})  # type: ignore[arg-type]

    def changes_to(self, other: Genome) -> frozenset[Factor]:
        """The factors in which `other` differs."""
        return frozenset(factor for factor in Factor if self.level(factor) is not other.level(factor))

    @property
    def name(self) -> str:
        """The levels in the factors' order, e.g. `px-tanh-whiten-plain-few`; the special ones only where not the usual."""
        parts = [self.space.value, self.head.value, self.latent.value, self.drive.value, self.steps.value]
        usual = Genome()
        special = (factor for factor in (Factor.RATE, Factor.WIDTH, Factor.KL) if factor in self.changes_to(usual))
        return "-".join([*parts, *(f"{factor.value}:{self.level(factor).value}" for factor in special)])


def lattice(base: Genome, levels: Mapping[Factor, tuple[Level, ...]]) -> Iterator[Genome]:
    """The full product of `levels` with all three lengths, `base` elsewhere; the genomes of one training are neighbours."""
    varied = [factor for factor in Factor if factor in levels and factor is not Factor.STEPS]
    for chosen in product(*(levels[factor] for factor in varied)):
        for steps in Steps:
            yield base.moved({**dict(zip(varied, chosen, strict=True)), Factor.STEPS: steps})
