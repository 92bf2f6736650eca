"""Render a report as text for people: the answer first, then causes, changes, and measurements."""

from __future__ import annotations

import io

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from humouse_doctor.core.history import StageKind
from humouse_doctor.core.probe import Judgement, Kind, Severity
from humouse_doctor.core.remedy import Edit
from humouse_doctor.core.report import Finding, Report, Verdict
from humouse_doctor.core.text import harmless_line
from humouse_doctor.inputs.config.reader import spell
from humouse_doctor.reporting.rows import by_hand, measured, missing, steps_of_patch, support_of, without_cause
from humouse_doctor.reporting.terminal import bars, console_for, say, title, trimmed

VERDICT_STYLES = {
    Verdict.HEALTHY: "bold green",
    Verdict.AT_RISK: "bold yellow",
    Verdict.COLLAPSED: "bold red",
    Verdict.UNDETERMINED: "bold magenta",
}
_SEVERITY_STYLE = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
#: A plot needs at least two groups to compare. Its width in columns, and the width of its labels.
_FEWEST_CURVES, _WIDEST_PLOT, _BESIDE_PLOT = 2, 80, 34


def render(report: Report, *, width: int = 80, colour: bool = False) -> str:
    """Return the report as text of at most `width` columns, with terminal colours if asked."""
    stream = io.StringIO()
    console = console_for(stream, width=width, colour=colour)
    _head(console, report)
    _causes(console, report)
    _symptoms(console, report)
    _history(console, report)
    _plot(console, report)
    _patch(console, report)
    _remedies(console, report)
    _probes(console, report)
    remarks(console, report)
    return trimmed(stream.getvalue())


def headline(report: Report, width: int, more: str) -> Text:
    """Return the verdict, the subject's name, whose beginning is left out if it is too long, and `more` on one line."""
    line = Text(report.verdict.value.upper(), style=VERDICT_STYLES[report.verdict])
    end = f"  {harmless_line(more)}" if more else ""
    name, room = harmless_line(report.subject.name), width - len(line) - len(end) - 2
    if len(name) > room:
        name = f"...{name[3 - room :]}"
    line.append(f"  {name}{end}", style="")
    return line


def _head(console: Console, report: Report) -> None:
    console.print(headline(report, console.width, f"(confidence {report.confidence.value})"))
    say(console, report.sentence)
    if report.basis:
        say(console, report.basis, style="dim")
    if report.stage is not None and not stage_is_unknown(report):
        say(console, f"stage: {report.stage}", style="dim")


def stage_is_unknown(report: Report) -> bool:
    """Return True if the stage is not known; the reason is then printed with the files, not at the top."""
    return report.stage is not None and report.stage.kind is StageKind.UNKNOWN


def _causes(console: Console, report: Report) -> None:
    if not report.causes:
        lines = without_cause(report)
        if lines:
            title(console, "No cause was found")
        for line in lines:
            say(console, line, indent=2)
        return
    title(console, "Causes" if report.before_training else "Causes, the likeliest first")
    places = {finding.code: finding.location for finding in report.findings}
    for number, cause in enumerate(report.causes, start=1):
        place = places[cause.code]
        say(
            console,
            f"{number}. {cause.code} {cause.name}  ({support_of(cause, measured=not report.before_training)})",
            indent=2,
            style="bold",
        )
        say(console, cause.message, indent=5)
        say(console, f"at {place}", indent=5, style="dim")


def _symptoms(console: Console, report: Report) -> None:
    shown = [finding for finding in report.findings if finding.kind is not Kind.CAUSE]
    notes = [f for f in report.findings if f.kind is Kind.CAUSE and f.severity is Severity.NOTE]
    if shown:
        title(console, "What is seen")
    for finding in shown:
        unexplained = "  (no cause found for it)" if finding.code in report.unexplained else ""
        _finding(console, finding, unexplained)
    if notes:
        unclear = report.verdict is Verdict.UNDETERMINED
        title(console, "True of the config" if unclear else "True of the config, but not a cause of what was measured here")
    for finding in notes:
        _finding(console, finding, "")


def _history(console: Console, report: Report) -> None:
    if report.history is None or not report.history.observations:
        return
    title(console, "What its own files say")
    for observation in report.history.observations:
        say(console, f"- {observation}", indent=2)


def _plot(console: Console, report: Report) -> None:
    """Plot the distance of paths from their start over the steps, all groups on the scale of the largest."""
    curves = () if report.pictures is None else report.pictures.curves
    if len(curves) < _FEWEST_CURVES:
        return
    assert report.pictures is not None
    title(console, f"Distance from the start over {report.pictures.steps[-1] + 1} steps ({report.pictures.space}, rms)")
    top = max(value for curve in curves for value in curve.movement)
    for curve in curves:
        drawn = bars(curve.movement, top, min(console.width, _WIDEST_PLOT) - _BESIDE_PLOT)
        say(console, f"{harmless_line(curve.name)[:14]:14}  {drawn}  to {max(curve.movement):.3g}", indent=2)


def _finding(console: Console, finding: Finding, more: str) -> None:
    line = Text("  ")
    line.append(finding.severity.value, style=_SEVERITY_STYLE[finding.severity])
    line.append(harmless_line(f" {finding.code} {finding.name}{more}"))
    console.print(line)
    place = str(finding.location) if finding.kind is Kind.TOOL else ""
    say(console, finding.message + (f" ({place})" if place else ""), indent=5)


def change(edit: Edit, prefix: str) -> str:
    """Describe one edit of a config."""
    if edit.absent:
        return f"{prefix}{edit.key}: insert {spell(edit.new)} (now {spell(edit.old)} by default)"
    return f"{prefix}{edit.key}: {spell(edit.old)} -> {spell(edit.new)}"


def _patch(console: Console, report: Report) -> None:
    chosen, hands = report.chosen_remedies, by_hand(report)
    if not (report.patch or hands or any(remedy.code_hint for remedy in chosen)):
        return
    if report.cure is not None:
        title(console, f"Patch confirmed by trials: {report.cure.title}")
        say(console, report.cure.why, indent=2)
    elif report.patch:
        title(console, "Suggested patch (not tried yet)")
    else:
        title(console, "Suggested changes (not tried yet)")
    for edit in report.patch:
        say(console, change(edit, report.config_prefix), indent=2, style="green")
    if steps_of_patch(report):
        say(console, steps_of_patch(report), indent=2, style="dim")
    for words in hands:
        say(console, words, indent=2)
    for remedy in chosen:
        if remedy.code_hint is not None:
            say(console, f"in the code: {remedy.title}. {remedy.code_hint}", indent=2)
    if report.patch:
        command = report.suggest or "humouse-doctor suggest-config"
        said = "as overrides" if "--emit" in command else "as a diff, of the code too where it can be made, or as overrides"
        say(console, f"{said}: {command}", indent=2, style="dim")
    if report.patch and report.cure is None and report.search is not None:
        say(console, f"tried in short trainings: {report.search}", indent=2, style="dim")


def _remedies(console: Console, report: Report) -> None:
    if not report.remedies:
        return
    title(console, "All remedies")
    for remedy in report.remedies:
        say(console, f"- {remedy.id}: {remedy.title} [{remedy.safety.value}, {remedy.status.value}]", indent=2)
        say(console, remedy.why, indent=4, style="dim")
        if remedy.trial is not None:
            say(console, f"by trials: {remedy.trial}", indent=4)


def _probes(console: Console, report: Report) -> None:
    title(console, "Probes")
    table = Table(box=None, padding=(0, 1), pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("", no_wrap=True)
    table.add_column("metric", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("healthy", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for row in measured(report):
        style = "" if row.status in ("", Judgement.HEALTHY.value) else "red"
        table.add_row(harmless_line(row.code), harmless_line(row.metric), row.value, row.healthy, Text(row.status, style=style))
    if table.row_count:
        console.print(Padding(table, (0, 0, 0, 2)))
    for codes, reason in missing(report.probes):
        say(console, f"{codes}: {reason}", indent=2, style="dim")


def remarks(console: Console, report: Report) -> None:
    """Print the files that were looked at, and all remarks on them."""
    subject = report.subject
    title(console, "Looked at")
    for label, path in (("checkpoint", subject.checkpoint), ("config", subject.config), ("data", subject.data)):
        say(console, f"{label}: {path or 'none'}", indent=2)
    if stage_is_unknown(report):
        say(console, f"stage: {report.stage}", indent=2)
    if subject.sha256 is not None:
        say(console, f"sha256: {subject.sha256}", indent=2, style="dim")
    if report.data is not None:
        data = report.data
        say(console, f"{data.taken} of {data.total} sequences of {data.length} steps; seed {subject.seed}", indent=2)
    for remark in subject.remarks:
        say(console, f"- {remark}", indent=2, style="dim")
