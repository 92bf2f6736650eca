"""Render the changes between two reports as text for people."""

from __future__ import annotations

import io
from collections.abc import Iterable

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from humouse_doctor.core.comparison import Comparison, Group, MovedMetric
from humouse_doctor.core.report import Finding
from humouse_doctor.core.text import harmless_line
from humouse_doctor.reporting.rows import format_number, unit_of
from humouse_doctor.reporting.terminal import console_for, say, title, trimmed

_STYLE = {Group.NEW: "red", Group.UNSURE: "yellow", Group.GONE: "green"}
NOTHING = "Nothing that is judged has changed."


def render(comparison: Comparison, *, width: int = 80, colour: bool = False) -> str:
    """Return the changes as text of at most `width` columns, with terminal colours if asked."""
    stream = io.StringIO()
    console = console_for(stream, width=width, colour=colour)
    before, after = comparison.before, comparison.after
    say(console, f"{before.verdict.value.upper()} -> {after.verdict.value.upper()}", style="bold")
    say(console, f"before: {_line(before.subject.name)}: {before.sentence}", indent=2, style="dim")
    say(console, f"after: {_line(after.subject.name)}: {after.sentence}", indent=2)
    for group, heading, findings in comparison.groups:
        _findings(console, heading, findings, _STYLE[group])
    if comparison.moved:
        _moved(console, comparison.moved)
    if is_empty(comparison):
        console.print()
        say(console, NOTHING)
    return trimmed(stream.getvalue())


def is_empty(comparison: Comparison) -> bool:
    """Return True if there are no findings and no numbers to report."""
    return not comparison.moved and not any(findings for _, _, findings in comparison.groups)


def _line(text: str) -> str:
    return " ".join(text.split())


def _findings(console: Console, heading: str, findings: Iterable[Finding], style: str) -> None:
    for place, finding in enumerate(findings):
        if not place:
            title(console, heading)
        say(console, f"{finding.severity.value} {finding.code} {finding.name}", indent=2, style=style)
        say(console, finding.message, indent=4)


def _moved(console: Console, moved: Iterable[MovedMetric]) -> None:
    title(console, "Numbers that have changed")
    table = Table(box=None, padding=(0, 1), pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("metric", overflow="fold")
    for heading in ("before", "after"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("healthy", no_wrap=True)
    table.add_column("", no_wrap=True)
    for metric in moved:
        style = "" if metric.closer is None else "green" if metric.closer else "red"
        name = harmless_line(metric.name)
        healthy, now = str(metric.healthy), Text(direction(metric), style=style)
        table.add_row(Text(name), value(metric.before, metric), value(metric.after, metric), healthy, now)
    console.print(Padding(table, (0, 0, 0, 2)))


def value(measured: float | None, metric: MovedMetric) -> str:
    """Format one of a metric's two numbers, a dash if it was not measured."""
    return "-" if measured is None else format_number(measured, unit_of(metric.name))


def direction(metric: MovedMetric) -> str:
    """Describe how a number moved relative to its healthy interval."""
    if metric.before is None:
        return "measured now"
    if metric.after is None:
        return "not measured now"
    if metric.closer is None:
        return "healthy as before" if metric.after in metric.healthy else "as far off"
    if metric.closer:
        return "healthy now" if metric.after in metric.healthy else "closer"
    return "no longer healthy" if metric.before in metric.healthy else "further off"
