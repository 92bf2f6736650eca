"""What a probe is: a stateless measure, a judgement of its numbers, and the words and remedies that follow."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.remedy import ANY, Interval, Remedy


class Kind(str, Enum):
    """What a probe speaks of: what is seen, what brings it about, or the tool's own trouble."""

    SYMPTOM = "symptom"
    CAUSE = "cause"
    TOOL = "tool"


class Severity(str, Enum):
    """How much a finding matters."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """Higher is worse."""
        return {"note": 1, "warning": 2, "error": 3}[self.value]


class Judgement(Enum):
    """What a probe's numbers mean by themselves."""

    HEALTHY = "healthy"
    BORDERLINE = "borderline"
    FOUND = "found"


class Decides(Enum):
    """When a probe must have measured before a run may be called healthy."""

    ALWAYS = "of every checkpoint"
    #: Latents are fitted there, which `--quick` leaves out of an inspection.
    IN_TRIALS = "of a checkpoint that a trial has trained"
    BEFORE_TRAINING = "of a config"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A number a probe measures.

    Inside `healthy` it is well; outside `tolerable` it is found; between the two it is borderline. A metric that
    carries no interval is reported as evidence and judges nothing. `label` is the word for it in tables of trials, empty
    for a metric that is in none; the `deciding` ones measure how far from health a trial ended.
    """

    name: str
    unit: str
    meaning: str
    healthy: Interval = ANY
    tolerable: Interval = ANY
    label: str = ""
    deciding: bool = False

    def judge(self, value: float) -> Judgement:
        """Judge one finite value; NaN is never healthy."""
        if value in self.healthy:
            return Judgement.HEALTHY
        return Judgement.BORDERLINE if value in self.tolerable else Judgement.FOUND


_ORDER = (Judgement.HEALTHY, Judgement.BORDERLINE, Judgement.FOUND)


class Probe(ABC):
    """Base of all probes: subclasses are stateless and set the class attributes.

    `explains` lists the symptoms' codes a cause would always bring about and `sometimes` those it may; `key` names the
    setting the finding points at. A `secondary` symptom never makes a collapse by itself; a `lasting` cause matters to
    the next run even where this checkpoint shows none of its symptoms. `decides` says when no run is healthy without it.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    kind: ClassVar[Kind]
    summary: ClassVar[str]
    needs: ClassVar[tuple[Need, ...]]
    metrics: ClassVar[tuple[Metric, ...]]
    explains: ClassVar[tuple[str, ...]] = ()
    sometimes: ClassVar[tuple[str, ...]] = ()
    key: ClassVar[str | None] = None
    secondary: ClassVar[bool] = False
    lasting: ClassVar[bool] = False
    decides: ClassVar[Decides | None] = None

    @abstractmethod
    def measure(self, case: Case) -> dict[str, float]:
        """Measure `case`, whose `needs` are met: metric name -> finite value.

        Raises `NotMeasurable` with a reason where these numbers would mean nothing.
        """

    def judge(self, measured: Mapping[str, float]) -> Judgement:
        """Judge measured numbers: the worst metric decides."""
        judgements = [metric.judge(measured[metric.name]) for metric in self.metrics if metric.name in measured]
        return max(judgements, key=_ORDER.index, default=Judgement.HEALTHY)

    @abstractmethod
    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        """One sentence for a finding: fact, number, consequence."""

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        """What could be done, the first choice first; none by default."""
        return ()

    def overshoots(self, measured: Mapping[str, float]) -> bool:
        """Whether all that is wrong with these numbers is too much rather than too little: that is no collapse."""
        return False

    def metric(self, name: str) -> Metric:
        """The metric called `name`."""
        return next(metric for metric in self.metrics if metric.name == name)


class Status(str, Enum):
    """How a probe ended."""

    HEALTHY = "healthy"
    FOUND = "found"
    SKIPPED = "skipped"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """One probe's outcome: its numbers where it measured, its reason where it did not.

    `judgement` is None unless it measured.
    """

    code: str
    status: Status
    judgement: Judgement | None = None
    measurements: Mapping[str, float]
    reason: str | None = None

    def __post_init__(self) -> None:
        if any(not math.isfinite(value) for value in self.measurements.values()):
            raise ValueError(f"{self.code} measured a number that is not finite")
