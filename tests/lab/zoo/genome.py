"""The factors that vary, their levels, and genomes: one level of each factor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
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
    DECAY = "decay"
    PADDING = "padding"
    CONDITION = "condition"
    STATISTICS = "statistics"
    BATCH = "batch"
    CODES = "codes"


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


class Decay(str, Enum):
    """Weight decays of generator and encoder: none, three that are added to the gradient (Adam's), one beside it (AdamW's)."""

    NONE = "0"
    MILD = "0.001"
    STRONG = "0.1"
    DECOUPLED = "30"


class Padding(str, Enum):
    """Padded steps: seen and compared like the others, or left out of loss and encoder, and cut off what is generated."""

    COMPARED = "compared"
    MASKED = "masked"


class Condition(str, Enum):
    """Conditions, the place where a gesture ends: none; z-scored in training and use; in pixels in use, or in both."""

    NONE = "none"
    SCALED = "scaled"
    OTHER_SCALE = "other-scale"
    RAW = "raw"

    @property
    def channels(self) -> int:
        """The numbers of a condition."""
        return 0 if self is Condition.NONE else 2


class Statistics(str, Enum):
    """Running statistics that batch norms are saved with: their own, or 0 and 1, as of weights averaged without buffers."""

    RUNNING = "running"
    STALE = "stale"


class Batch(str, Enum):
    """Axes that recurrent layers run over: the time of each sequence, or the sequences of a batch, as without batch_first."""

    APART = "apart"
    MIXED = "mixed"


class Codes(str, Enum):
    """Codes of the encoder: its own, or many times those, with a term that brings them to N(0, I), or without."""

    OWN = "own"
    PRIOR = "prior"
    WIDE = "wide"


Level = Space | HeadKind | Latent | Drive | Steps | Rate | Width | Kl | Decay | Padding | Condition | Statistics | Batch | Codes

#: Factors that came after the first trainings: a name or a key tells them only where they are not the usual.
LATER = (Factor.DECAY, Factor.PADDING, Factor.CONDITION, Factor.STATISTICS, Factor.BATCH, Factor.CODES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Genome:
    """One level of each factor; the later ones are no part of its representation, by which the drawn contexts are fixed."""

    space: Space = Space.Z
    head: HeadKind = HeadKind.LINEAR
    latent: Latent = Latent.CLEAN
    drive: Drive = Drive.PLAIN
    steps: Steps = Steps.FULL
    rate: Rate = Rate.GOOD
    width: Width = Width.OWN
    kl: Kl = Kl.DEFAULT
    decay: Decay = field(default=Decay.NONE, repr=False)
    padding: Padding = field(default=Padding.COMPARED, repr=False)
    condition: Condition = field(default=Condition.NONE, repr=False)
    statistics: Statistics = field(default=Statistics.RUNNING, repr=False)
    batch: Batch = field(default=Batch.APART, repr=False)
    codes: Codes = field(default=Codes.OWN, repr=False)

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
        return "-".join([*parts, *self.special((Factor.RATE, Factor.WIDTH, Factor.KL, *LATER), ":")])

    def special(self, factors: Iterable[Factor], sign: str) -> tuple[str, ...]:
        """Return the names and levels of those factors that are not the usual, with a sign between."""
        unusual = self.changes_to(Genome())
        return tuple(f"{factor.value}{sign}{self.level(factor).value}" for factor in factors if factor in unusual)


def lattice(base: Genome, levels: Mapping[Factor, tuple[Level, ...]]) -> Iterator[Genome]:
    """Return the product of `levels` with all three lengths, `base` elsewhere; one training's genomes are adjacent."""
    varied = [factor for factor in Factor if factor in levels and factor is not Factor.STEPS]
    for chosen in product(*(levels[factor] for factor in varied)):
        for steps in Steps:
            yield base.moved({**dict(zip(varied, chosen, strict=True)), Factor.STEPS: steps})
