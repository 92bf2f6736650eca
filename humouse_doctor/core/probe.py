"""The base of all probes: a stateless measure, a judgement of its numbers, a message and remedies."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from string import Formatter
from typing import ClassVar

from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.remedy import ANY, Interval, Lever, Remedy


class Kind(str, Enum):
    """The subject of a probe: a symptom, a cause, or trouble of the tool's own."""

    SYMPTOM = "symptom"
    CAUSE = "cause"
    TOOL = "tool"


class Severity(str, Enum):
    """The importance of a finding."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """A number that is higher for a worse severity."""
        return {"note": 1, "warning": 2, "error": 3}[self.value]


class Judgement(Enum):
    """The judgement of a probe's numbers by themselves."""

    HEALTHY = "healthy"
    BORDERLINE = "borderline"
    FOUND = "found"


class Decides(Enum):
    """The cases in which a probe must have measured before a run may be called healthy."""

    ALWAYS = "of every checkpoint"
    #: In trials latents are always fitted; `--quick` leaves that out of an inspection.
    IN_TRIALS = "of a checkpoint that a trial has trained"
    BEFORE_TRAINING = "of a config"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A number a probe measures.

    A value inside `healthy` is healthy, one outside `tolerable` is found, and one between the two is borderline. A metric
    without an interval is reported as evidence and judges nothing. `label` is its name in tables of trials, empty for a
    metric that is in none. The `deciding` metrics measure the distance from health at a trial's end; one that is `optional`
    says nothing where its probe leaves it out.
    """

    name: str
    unit: str
    meaning: str
    healthy: Interval = ANY
    tolerable: Interval = ANY
    label: str = ""
    deciding: bool = False
    optional: bool = False

    def judge(self, value: float) -> Judgement:
        """Judge one value; NaN is never healthy."""
        if value in self.healthy:
            return Judgement.HEALTHY
        return Judgement.BORDERLINE if value in self.tolerable else Judgement.FOUND


_ORDER = (Judgement.HEALTHY, Judgement.BORDERLINE, Judgement.FOUND)


class Probe(ABC):
    """Base of all probes: subclasses are stateless and set the class attributes.

    `explains` lists the codes of the symptoms that a cause always produces and `sometimes` those it may produce. `key`
    names the setting that the finding points to, and `levers` are the sides of a warm-up that a cause is about. A
    `secondary` symptom alone is never a collapse. A `lasting` cause matters to the next run even if this checkpoint has none
    of its symptoms. `decides` says in which cases a healthy verdict needs this probe. `briefs` say a finding in a few words
    for a screen, as templates of the measured numbers; of those whose numbers were all measured the first counts, but before it
    one that begins with an unhealthy number, and then one that names any. An `either_side` cause explains too much of a symptom
    as well as too little.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    kind: ClassVar[Kind]
    summary: ClassVar[str]
    briefs: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[tuple[Need, ...]]
    metrics: ClassVar[tuple[Metric, ...]]
    explains: ClassVar[tuple[str, ...]] = ()
    sometimes: ClassVar[tuple[str, ...]] = ()
    key: ClassVar[str | None] = None
    levers: ClassVar[tuple[Lever, ...]] = ()
    secondary: ClassVar[bool] = False
    lasting: ClassVar[bool] = False
    either_side: ClassVar[bool] = False
    decides: ClassVar[Decides | None] = None

    @abstractmethod
    def measure(self, case: Case) -> dict[str, float]:
        """Measure `case`, whose `needs` are met: metric name -> finite value.

        Raises `NotMeasurable` with a reason if the numbers would mean nothing.
        """

    def judge(self, measured: Mapping[str, float]) -> Judgement:
        """Judge measured numbers: the worst metric decides."""
        judgements = [metric.judge(measured[metric.name]) for metric in self.metrics if metric.name in measured]
        return max(judgements, key=_ORDER.index, default=Judgement.HEALTHY)

    @abstractmethod
    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        """Return the finding in one sentence: fact, number, consequence."""

    def brief(self, measured: Mapping[str, float]) -> str:
        """Return the finding in a few words, empty if no template of `briefs` has all its numbers."""
        return self._brief(measured)[0]

    def brief_bound(self, measured: Mapping[str, float]) -> str:
        """Return where the unhealthy numbers of `brief` would be healthy, e.g. `from 0.35`; empty if none of them is unhealthy.

        One of several numbers is named by the word before it (`speed to 4`), unless all of them lie on the same side.
        """
        numbers = self._numbers_of(self._brief(measured)[1])
        bounds = [(word, *_bound(metric, measured[metric.name], form)) for word, metric, form in numbers]
        ill = [(word, side, bound) for word, side, bound in bounds if side]
        if len({side for _, side, _ in ill}) == 1 and len(ill) == len(numbers):
            return f"{ill[0][1]} {' and '.join(dict.fromkeys(bound for *_, bound in ill))}"
        return ", ".join(f"{word} {side} {bound}" for word, side, bound in ill)

    def word(self, name: str) -> str:
        """Return the word for a metric: its label, else the one before it in `briefs`, else its name."""
        words = (word for template in self.briefs for word, metric, _ in self._numbers_of(template) if metric.name == name)
        return self.metric(name).label or next(words, name)

    def _brief(self, measured: Mapping[str, float]) -> tuple[str, str]:
        """Return the finding in a few words, and the template they are made by."""
        made = []
        for template in self.briefs:
            with suppress(LookupError, ValueError):  # a template of an installed package may be wrong
                made.append((template.format_map(measured), template))
        ill = [
            [measured[metric.name] not in metric.healthy for _, metric, _ in self._numbers_of(template)] for _, template in made
        ]
        begins, names = (next((at for at, found in enumerate(ill) if any(found[:most])), None) for most in (1, None))
        return made[begins if begins is not None else names or 0] if made else ("", "")

    def _numbers_of(self, template: str) -> list[tuple[str, Metric, str]]:
        """Return the metrics that a template names, each after the word before it and with its format."""
        found = []
        for before, name, form, _ in Formatter().parse(template):
            metric = next((metric for metric in self.metrics if metric.name == name), None)
            words = before.split()
            if metric is not None:
                found.append((words[-1] if words and words[-1].isalpha() else metric.name, metric, form or ""))
        return found

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        """Return possible remedies, the first choice first; none by default."""
        return ()

    def overshoots(self, measured: Mapping[str, float]) -> bool:
        """Return True if every unhealthy number is too large rather than too small, which is not a collapse."""
        return False

    def metric(self, name: str) -> Metric:
        """Return the metric called `name`."""
        return next(metric for metric in self.metrics if metric.name == name)


def _bound(metric: Metric, value: float, form: str) -> tuple[str, str]:
    """Return the side of its healthy interval that a number would have to reach, and the bound; empty if it is healthy."""
    if value in metric.healthy:
        return "", ""
    side, bound = ("from", metric.healthy.low) if value < metric.healthy.low else ("to", metric.healthy.high)
    return side, f"{bound:{'.0%' if form.endswith('%') else 'g'}}"


class Status(str, Enum):
    """The way a probe ended."""

    HEALTHY = "healthy"
    FOUND = "found"
    SKIPPED = "skipped"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """The outcome of one probe: its numbers if it measured, else the reason why it did not.

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
