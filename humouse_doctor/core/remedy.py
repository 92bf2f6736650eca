"""A remedy: what could be done about a cause, as a config patch, a hint for the code, or both."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from humouse_doctor.core.settings import Value


class Safety(str, Enum):
    """Whether a remedy can be applied without changing what the training means."""

    SAFE = "safe"
    UNSAFE = "unsafe"


class RemedyStatus(str, Enum):
    """What is known of a remedy's effect on this run; only a paired trial moves it from unverified.

    It is confirmed where it cures by itself or belongs to the smallest set that does, helpful where it makes the run
    better without curing it, and refuted where it has no effect or makes it worse.
    """

    UNVERIFIED = "unverified"
    REFUSED = "refused"
    CONFIRMED = "confirmed"
    HELPFUL = "helpful"
    REFUTED = "refuted"


class CodeChange(str, Enum):
    """What a remedy needs that no config key can bring about, and that a trial can make by itself."""

    NORMALISED_POSITIONS = "normalised-positions"
    TIME_INPUT = "time-input"
    SLOW_GATES = "slow-gates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One key's change: `old` is the value the run has now, `absent` whether the file does not spell it out."""

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


#: What a metric that judges nothing has.
ANY = Interval()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a remedy should do to a metric, e.g. `HD101.spread_ratio` into `interval`: a trial checks this."""

    metric: str
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """A named change with its reason.

    `edits` is a config patch (keys without any `experiment.` prefix); `code_hint` says what no key can do, and
    `code_changes` what of that a trial can make by itself. A refused one is often proposed elsewhere; its `why` then
    says, with the number, why it is not proposed here. `trial` says what a trial of this run has shown of it.
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
