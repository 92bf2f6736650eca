"""Render a gate's decision as workflow commands for GitHub's runner, which shows them as annotations beside lines.

The syntax of the commands follows the runner's ActionCommand.cs and the toolkit's command.ts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from humouse_doctor.core.gating import Entry, Gate, JudgedFinding
from humouse_doctor.core.probe import Severity
from humouse_doctor.core.report import Report
from humouse_doctor.core.text import harmless, spelled_line
from humouse_doctor.core.view import GateView, RunView
from humouse_doctor.reporting import markdown
from humouse_doctor.reporting.findings import anchor_of
from humouse_doctor.reporting.layout import Layout
from humouse_doctor.reporting.paths import display_path
from humouse_doctor.reporting.text import change

#: The bytes a step may append to the file named by GITHUB_STEP_SUMMARY (`CreateStepSummaryCommand` of the runner).
#: If the file is longer, the runner shows none of it.
SUMMARY_LIMIT = 1024 * 1024
#: The annotations of each level that GitHub accepts from a step; it silently drops the rest.
MOST_PER_LEVEL = 10

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Annotation:
    severity: Severity
    title: str
    message: str
    file: str | None
    line: int | None
    column: int | None


def render_view(view: RunView | GateView, _: Layout) -> str:
    """Return the view's decision as workflow commands."""
    return render(view.gate, root=view.root)


def step_summary(view: RunView | GateView) -> str:
    """Return the summary of a job: the Markdown, within the limit of one step."""
    return markdown.render_within(view, limit=SUMMARY_LIMIT)


def render(gate: Gate, *, root: str = "") -> str:
    """Return the failing findings as workflow commands, worst first, then a line with the verdict and what is left out.

    Paths below the absolute folder `root` are relative to it.
    """
    annotations = [annotation for entry in gate.entries for annotation in _annotations(entry, root)]
    annotations.sort(key=lambda annotation: -annotation.severity.rank)
    printed: Counter[Severity] = Counter()
    lines, left = [], Counter[Severity]()
    for annotation in annotations:
        if printed[annotation.severity] == MOST_PER_LEVEL:
            left[annotation.severity] += 1
            continue
        printed[annotation.severity] += 1
        lines.append(_command(annotation))
    return "".join(f"{line}\n" for line in [*lines, _last(gate, left)])


def escape_data(text: str) -> str:
    """Escape `text` as a command's message."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """Escape `text` as the value of a command's property."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")


def _command(annotation: _Annotation) -> str:
    properties = {
        "file": annotation.file,
        "line": annotation.line,
        "col": annotation.column,
        "title": spelled_line(annotation.title),
    }
    given = ",".join(
        f"{name}={escape_property(harmless(str(value)))}" for name, value in properties.items() if value is not None
    )
    return f"::{_LEVELS[annotation.severity]} {given}::{escape_data(harmless(annotation.message))}"


def _annotations(entry: Entry, root: str) -> Iterator[_Annotation]:
    name = display_path(entry.name, root)
    for judged in entry.failing:
        finding = judged.finding
        anchor = anchor_of(finding, entry)
        file = display_path(anchor.file, root)
        yield _Annotation(
            severity=finding.severity,
            title=f"{finding.code} {finding.name}",
            message="\n".join(_message(judged, entry.report, None if name == file else name)),
            file=file,
            line=anchor.line,
            column=anchor.column,
        )
    if not entry.passed and not entry.failing:  # nothing wrong was seen, but too little was measured
        message = f"{entry.sentence}\nseen in {name}"
        yield _Annotation(severity=Severity.ERROR, title=entry.verdict, message=message, file=None, line=None, column=None)


def _message(judged: JudgedFinding, report: Report | None, name: str | None) -> Iterator[str]:
    finding = judged.finding
    yield finding.message
    if judged.reason is not None:
        yield f"worse than in the baseline: {judged.reason}"
    for remedy in () if report is None else report.chosen_remedies:
        if remedy.id in finding.remedies and report is not None:
            yield from (f"patch: {change(edit, report.config_prefix)}" for edit in remedy.edits)
            if remedy.code_hint is not None:
                yield f"in the code: {remedy.code_hint}"
    if name is not None:
        yield f"seen in {name}"


def _last(gate: Gate, left: Counter[Severity]) -> str:
    """Return the verdict in fixed words alone: text from a file could start a command at the beginning of a line."""
    passed = sum(entry.passed for entry in gate.entries)
    if len(gate.entries) == 1:
        said = f"{gate.entries[0].verdict}, {'passes' if passed else 'does not pass'}"
    else:
        said = f"{passed} of {len(gate.entries)} pass"
    more = [f"{left[level]} more {_LEVELS[level]}{'s' if left[level] > 1 else ''}" for level in _LEVELS if left[level]]
    hidden = f"; not shown: {', '.join(more)}" if more else ""
    return f"humouse-doctor: {said} (exit code {int(gate.exit_code)}){hidden}"
