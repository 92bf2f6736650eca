"""Words, symbols and colours of the page."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from humouse_doctor.core.errors import ExitCode
from humouse_doctor.core.outcome import Effect
from humouse_doctor.core.probe import Judgement, Severity
from humouse_doctor.core.remedy import Interval, RemedyStatus
from humouse_doctor.core.report import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """A word with its symbol and colour, each of which is enough by itself."""

    word: str
    symbol: str
    style: str


VERDICTS = MappingProxyType(
    {
        Verdict.HEALTHY.value: Badge(word="healthy", symbol="✓", style="good"),
        Verdict.AT_RISK.value: Badge(word="at risk", symbol="▲", style="warn"),
        Verdict.COLLAPSED.value: Badge(word="collapsed", symbol="✕", style="bad"),
        Verdict.UNDETERMINED.value: Badge(word="undetermined", symbol="?", style="unsure"),
        "unreadable": Badge(word="unreadable", symbol="?", style="unsure"),
    }
)
GATES = MappingProxyType(
    {
        ExitCode.CLEAN: Badge(word="pass", symbol="✓", style="good"),
        ExitCode.FINDINGS: Badge(word="fail", symbol="✕", style="bad"),
        ExitCode.USAGE: Badge(word="bad config", symbol="✕", style="bad"),
        ExitCode.INPUT: Badge(word="unknown", symbol="?", style="unsure"),
        ExitCode.INTERNAL: Badge(word="crashed", symbol="✕", style="bad"),
    }
)
SEVERITIES = MappingProxyType(
    {
        Severity.ERROR: Badge(word="error", symbol="✕", style="bad"),
        Severity.WARNING: Badge(word="warning", symbol="▲", style="warn"),
        Severity.NOTE: Badge(word="note", symbol="●", style="quiet"),
    }
)
REMEDIES = MappingProxyType(
    {
        RemedyStatus.UNVERIFIED: Badge(word="unverified", symbol="○", style="quiet"),
        RemedyStatus.REFUSED: Badge(word="refused", symbol="✕", style="bad"),
        RemedyStatus.CONFIRMED: Badge(word="confirmed", symbol="✓", style="good"),
        RemedyStatus.HELPFUL: Badge(word="helpful", symbol="▲", style="good"),
        RemedyStatus.REFUTED: Badge(word="refuted", symbol="✕", style="bad"),
    }
)
EFFECTS = MappingProxyType(
    {
        Effect.CURED: Badge(word="cured", symbol="✓", style="good"),
        Effect.BETTER: Badge(word="better", symbol="▲", style="good"),
        Effect.NO_EFFECT: Badge(word="no effect", symbol="○", style="warn"),
        Effect.WORSE: Badge(word="worse", symbol="✕", style="bad"),
        None: Badge(word="-", symbol="", style="quiet"),
    }
)
_HEALTHY, _FOUND = Badge(word="healthy", symbol="✓", style="good"), Badge(word="found", symbol="✕", style="bad")


def judged(judgement: Judgement, severity: Severity | None) -> Badge:
    """Return the badge of a number: healthy, or the severity of what it makes."""
    if judgement is Judgement.HEALTHY:
        return _HEALTHY
    return _FOUND if severity is None else SEVERITIES[severity]


def interval(interval: Interval) -> str:
    """Return an interval with the signs of mathematics."""
    return str(interval).replace("<=", "≤").replace(">=", "≥")
