"""Differences between two reports."""

from __future__ import annotations

from dataclasses import dataclass

from humouse_doctor.core.remedy import Interval
from humouse_doctor.core.report import Finding, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedMetric:
    """A metric, as `code.metric`, whose value has changed; a value is None if it was not measured.

    `closer` says whether it lies nearer to its healthy interval, None if that is unknown or has not changed.
    """

    name: str
    before: float | None
    after: float | None
    healthy: Interval
    closer: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two reports, the older first.

    `gone` are findings of the older report whose probe has measured again and found nothing. `unmeasured` are those whose
    probe has not measured again. `new` are those that the older report lacks. `moved` are the judging metrics that have
    changed.
    """

    before: Report
    after: Report
    gone: tuple[Finding, ...]
    unmeasured: tuple[Finding, ...]
    new: tuple[Finding, ...]
    moved: tuple[MovedMetric, ...]
