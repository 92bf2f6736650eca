"""What has changed between two reports."""

from __future__ import annotations

from dataclasses import dataclass

from humouse_doctor.core.remedy import Interval
from humouse_doctor.core.report import Finding, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedMetric:
    """A number that is another one now, as `code.metric`; None where it was not measured.

    `closer` says whether it lies nearer to its healthy interval, None where that cannot be told or has not changed.
    """

    name: str
    before: float | None
    after: float | None
    healthy: Interval
    closer: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two reports, the older first.

    `gone` are findings of the older one whose probe has measured again and found nothing; `unmeasured` those whose probe
    has not measured, `new` those the older one did not have, `moved` the metrics that judge and have changed.
    """

    before: Report
    after: Report
    gone: tuple[Finding, ...]
    unmeasured: tuple[Finding, ...]
    new: tuple[Finding, ...]
    moved: tuple[MovedMetric, ...]
