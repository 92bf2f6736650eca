"""The factors that vary, their levels, and genomes: one level of each factor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from itertools import product


class Factor(str, Enum):
    """Properties of a warm-up that can cure or spoil it; the value is the genome's field."""

    SPACE = "space"
    HEAD = "head"
    LATENT = "latent"
    DRIVE = "drive"
    STEPS = "steps"
    RATE = "rate"
    WIDTH = "width"
    KL = "kl"


class Space(str, Enum):
    """Spaces of the loss: positions or deltas, in pixels or z-scored; AZ sums z-scored deltas.

    READ compares z-scored positions with the sum of the output; at the end the output layer takes their scale over.
    """

    PX = "px"
    Z = "z"
    DPX = "dpx"
    DZ = "dz"
    AZ = "az"
    READ = "read"


class HeadKind(str, Enum):
    """Activations of the x and y channels."""

    TANH = "tanh"
    LINEAR = "linear"


class Latent(str, Enum):
    """Distortions of the latent between encoder and generator."""

    CLEAN = "clean"
    WHITEN = "whiten"
    NOISE = "noise"
    BOTH = "both"

    @property
    def whitens(self) -> bool:
        """True if the batch's own mean and std are removed."""
        return self in (Latent.WHITEN, Latent.BOTH)

    @property
    def noise_std(self) -> float:
        """The std of the added noise, in units of the latent."""
        return 1.0 if self in (Latent.NOISE, Latent.BOTH) else 0.0


class Drive(str, Enum):
    """Sources of movement for a recurrent layer under a repeated latent: none, slow gates, or time as an input."""

    PLAIN = "plain"
    SLOW = "slow"
    TIME = "time"


class Steps(str, Enum):
    """Lengths of the warm-up: a tenth, a third, or all of the context's steps."""

    FEW = "few"
    SOME = "some"
    FULL = "full"

    @property
    def rank(self) -> int:
        """The rank by length; longer is higher."""
        return tuple(Steps).index(self)


class Rate(str, Enum):
    """Adam's learning rates: the context's own, or one at which every warm-up fails."""

    GOOD = "good"
    TOO_HIGH = "too-high"


class Width(str, Enum):
    """Sizes of the latent: the context's own, or a single number."""

    OWN = "16"
    ONE = "1"


class Kl(str, Enum):
    """Weights of seq2seq's KL term: the trainer's default, or a hundred times as much."""

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
        """Return this genome's level of one factor."""
        level: Level = getattr(self, factor.value)
        return level

    def moved(self, levels: Mapping[Factor, Level]) -> Genome:
        """Return the genome with other levels of some factors."""
        return replace(self, **{factor.value: level for factor, level in levels.items()})  # type: ignore[arg-type]

    def changes_to(self, other: Genome) -> frozenset[Factor]:
        """Return the factors in which `other` differs."""
        return frozenset(factor for factor in Factor if self.level(factor) is not other.level(factor))

    @property
    def name(self) -> str:
        """The levels in the factors' order, e.g. `px-tanh-whiten-plain-few`; special ones only if they are not the usual."""
        parts = [self.space.value, self.head.value, self.latent.value, self.drive.value, self.steps.value]
        usual = Genome()
        special = (factor for factor in (Factor.RATE, Factor.WIDTH, Factor.KL) if factor in self.changes_to(usual))
        return "-".join([*parts, *(f"{factor.value}:{self.level(factor).value}" for factor in special)])


def lattice(base: Genome, levels: Mapping[Factor, tuple[Level, ...]]) -> Iterator[Genome]:
    """Return the product of `levels` with all three lengths, `base` elsewhere; one training's genomes are adjacent."""
    varied = [factor for factor in Factor if factor in levels and factor is not Factor.STEPS]
    for chosen in product(*(levels[factor] for factor in varied)):
        for steps in Steps:
            yield base.moved({**dict(zip(varied, chosen, strict=True)), Factor.STEPS: steps})
