"""Differences between two reports."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from humouse_doctor.core.remedy import Interval
from humouse_doctor.core.report import Finding, Report

_MAX_LISTED = 4


class Group(Enum):
    """The meaning of a group of findings for the run."""

    NEW = "new"
    UNSURE = "unsure"
    GONE = "gone"


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

    `gone` are findings of the older report whose probe has measured again and found nothing. `unmeasured` are those whose probe
    has not measured again. `not_gone` are those that are missing only because the config or another input has changed: the
    weights are the same. `new` are those that the older report lacks. `moved` are the judging metrics that have changed.
    `settings` says what differs between two reports on the same weights: settings, the data, the version of this program.
    """

    before: Report
    after: Report
    gone: tuple[Finding, ...]
    unmeasured: tuple[Finding, ...]
    not_gone: tuple[Finding, ...]
    new: tuple[Finding, ...]
    moved: tuple[MovedMetric, ...]
    settings: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[tuple[Group, str, tuple[Finding, ...]], ...]:
        """The findings that have come or gone, by group, each with its heading."""
        return (
            (Group.NEW, "New", self.new),
            (Group.UNSURE, "Not measured any more, so not known to be gone", self.unmeasured),
            (Group.UNSURE, f"Not gone: the weights are the same, and only this differs: {self._changed}", self.not_gone),
            (Group.GONE, "Gone", self.gone),
        )

    @property
    def _changed(self) -> str:
        more = len(self.settings) - _MAX_LISTED
        return "; ".join(self.settings[:_MAX_LISTED]) + (f"; {more} more" if more > 0 else "")
