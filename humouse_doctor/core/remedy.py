"""Remedies of a cause: a config patch, a hint for the code, or both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from humouse_doctor.core.settings import Value


class Safety(str, Enum):
    """The safety of a remedy: a safe one does not change the meaning of the training."""

    SAFE = "safe"
    UNSAFE = "unsafe"


class RemedyStatus(str, Enum):
    """The known effect of a remedy on this run; only a paired trial changes it from unverified.

    A confirmed remedy cures by itself or belongs to the smallest set that does. A helpful one improves the run without
    curing it. A refuted one has no effect or makes the run worse.
    """

    UNVERIFIED = "unverified"
    REFUSED = "refused"
    CONFIRMED = "confirmed"
    HELPFUL = "helpful"
    REFUTED = "refuted"


class CodeChange(str, Enum):
    """A change to the trainer's code for which there is no config key, and which a trial can make by itself."""

    NORMALISED_POSITIONS = "normalised-positions"
    LOSS_AS_READ = "loss-as-read"
    TIME_INPUT = "time-input"
    SLOW_GATES = "slow-gates"


#: What a change of the code makes, in words.
CODE_IN_WORDS: Mapping[CodeChange, str] = MappingProxyType(
    {
        CodeChange.NORMALISED_POSITIONS: "a loss on normalised positions",
        CodeChange.LOSS_AS_READ: "a loss on what the program reads",
        CodeChange.SLOW_GATES: "gates that start slow",
        CodeChange.TIME_INPUT: "the time as an input of the first LSTM",
    }
)


class Lever(str, Enum):
    """A side of a warm-up that a remedy changes and a cause is about.

    The changes of one lever hang together: a trial makes all of them or none.
    """

    SPACE = "space"
    HEAD = "head"
    LATENT = "latent"
    DRIVE = "drive"
    STEPS = "steps"
    RATE = "rate"
    WIDTH = "width"
    KL = "kl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A change of one key: `old` is the run's present value, and `absent` is True if the key is not in the file."""

    key: str
    old: Value
    new: Value
    absent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A closed interval of healthy values, open ended where a bound is infinite."""

    low: float = float("-inf")
    high: float = float("inf")

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def __str__(self) -> str:
        if self.low == float("-inf"):
            return "any" if self.high == float("inf") else f"<= {self.high:g}"
        if self.high == float("inf"):
            return f">= {self.low:g}"
        return f"{self.low:g} to {self.high:g}"


#: The interval of a metric that judges nothing.
ANY = Interval()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """The expected effect of a remedy: a metric, e.g. `HD101.spread_ratio`, moves into `interval`. Trials check this."""

    metric: str
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """A named change with its reason.

    `edits` is a config patch (keys without any `experiment.` prefix). `code_hint` describes the changes for which there is
    no key, and `code_changes` those of them that a trial can make by itself. A refused remedy is often proposed elsewhere;
    its `why` gives the reason, with the number, against it here. `trial` is the result of a trial of this run.
    """

    id: str
    title: str
    why: str
    safety: Safety = Safety.UNSAFE
    status: RemedyStatus = RemedyStatus.UNVERIFIED
    edits: tuple[Edit, ...] = ()
    code_hint: str | None = None
    code_changes: tuple[CodeChange, ...] = ()
    trial: str | None = None
    expects: tuple[Expectation, ...] = ()
