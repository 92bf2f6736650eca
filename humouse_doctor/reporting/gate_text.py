"""Render a gate's decision as text: one table, worst first, then what each failing input needs."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from humouse_doctor.core.errors import ExitCode
from humouse_doctor.core.gating import Entry, Gate, JudgedFinding, Standing
from humouse_doctor.core.report import RULES_ALONE, RULES_WITHOUT_DATA, Report
from humouse_doctor.core.text import harmless_line
from humouse_doctor.reporting.rows import by_hand, code_title, failing_words, next_of_gate
from humouse_doctor.reporting.terminal import console_for, say, title, trimmed
from humouse_doctor.reporting.text import change

_WORDS = {
    ExitCode.CLEAN: "pass",
    ExitCode.FINDINGS: "FAIL",
    ExitCode.USAGE: "BAD CONFIG",
    ExitCode.INPUT: "UNKNOWN",
    ExitCode.INTERNAL: "CRASHED",
}

#: Standings that are listed even for an input that passes.
_SHOWN = (Standing.IGNORED, Standing.KNOWN, Standing.ACCEPTED)


def render(
    gate: Gate,
    *,
    following: Sequence[str] = (),
    about: str = "",
    changes: str | None = None,
    width: int = 80,
    colour: bool = False,
) -> str:
    """Return the decision as text of at most `width` columns, with terminal colours if asked.

    `changes` is the text of a comparison, and `following` are the commands to type next about the input of the name
    `about`, the last lines; neither is broken.
    """
    stream = io.StringIO()
    console = console_for(stream, width=width, colour=colour)
    _table(console, gate)
    for entry in gate.entries:
        _entry(console, entry)
    for note in gate.notes:
        say(console, f"note: {note}", style="dim")
    said = {entry.report.basis for entry in gate.entries if entry.report is not None}
    basis = next((basis for basis in (RULES_ALONE, RULES_WITHOUT_DATA) if basis in said), None)
    if basis is not None:
        say(console, f"configs {basis[:1].lower()}{basis[1:]}", style="dim")
    _last(console, gate)
    if changes is not None:
        stream.write(f"\n{changes}")
    if following:
        title(console, next_of_gate(gate, following, about))
    return trimmed(stream.getvalue() + "".join(f"{command}\n" for command in following))


def _table(console: Console, gate: Gate) -> None:
    table = Table(box=None, padding=(0, 1), pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("gate", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("first to look at", overflow="fold", min_width=16)
    table.add_column("input", overflow="fold", min_width=16)
    for entry in gate.entries:
        style = "green" if entry.passed else "red"
        said, name = harmless_line(failing_words(entry) or "-"), harmless_line(entry.name)
        table.add_row(Text(_WORDS[entry.exit_code], style=style), entry.verdict, Text(said), Text(name))
    console.print(table)


def _entry(console: Console, entry: Entry) -> None:
    shown = [judged for judged in entry.findings if judged.standing in _SHOWN]
    rehearsed = None if entry.report is None else entry.report.rehearsed
    if entry.passed and not (entry.notes or entry.healed or shown or rehearsed):
        return
    title(console, entry.name)
    if entry.report is None:
        say(console, entry.sentence, indent=2)
        return
    failing = [judged.finding.message for judged in entry.failing]
    if not any(_same(entry.report.sentence, message) for message in failing):
        say(console, entry.report.sentence, indent=2)
    if rehearsed is not None:
        say(console, str(rehearsed), indent=2, style="dim")
    order = {cause.code: place for place, cause in enumerate(entry.report.causes)}
    for judged in sorted(entry.failing, key=lambda one: order.get(one.finding.code, len(order))):
        _failing(console, judged, entry.report)
    for judged in shown:
        finding = judged.finding
        reason = "" if judged.standing is Standing.KNOWN else f": {judged.reason}"
        say(console, f"{judged.standing.value} {finding.code} {finding.name}{reason}", indent=2, style="dim")
    for fingerprint in entry.healed:
        say(console, f"healed {fingerprint.rstrip(':')}: in the baseline, and not found any more", indent=2, style="green")
    for note in entry.notes:
        say(console, f"note: {note}", indent=2, style="dim")
    _patch(console, entry)


def _same(sentence: str, message: str) -> bool:
    """Return True if a report's sentence is the message of a finding."""
    return sentence.rstrip(".").casefold() == message.casefold()


def _failing(console: Console, judged: JudgedFinding, report: Report) -> None:
    finding = judged.finding
    age = f" ({judged.age.value})" if judged.age is not None else ""
    say(console, f"{finding.severity.value} {finding.code} {finding.name}{age}", indent=2, style="red")
    say(console, finding.message, indent=4)
    if judged.reason is not None:
        say(console, f"worse than in the baseline: {judged.reason}", indent=4)
    place = str(finding.location)
    if place and finding.location.file != report.subject.checkpoint:
        say(console, f"at {place}", indent=4, style="dim")


def _patch(console: Console, entry: Entry) -> None:
    report = entry.report
    if report is None or entry.passed:
        return
    sure = "confirmed by trials" if report.cure is not None else "not tried yet"
    changes = [change(edit, report.config_prefix) for edit in report.patch]
    hints = [f"in the code: {code_title(remedy)}" for remedy in report.chosen_remedies if remedy.code_hint is not None]
    if said := [*changes, *by_hand(report), *hints]:
        say(console, f"{'patch' if changes else 'to change'} ({sure}): {'; '.join(said)}", indent=2, style="green")


def _last(console: Console, gate: Gate) -> None:
    passed = sum(entry.passed for entry in gate.entries)
    said = f"{passed} of {len(gate.entries)} pass" if len(gate.entries) != 1 else ("passes" if passed else "does not pass")
    by = f", policy {gate.policy.source}" if gate.policy.source else ""
    known = f", baseline {gate.baseline}" if gate.baseline else ""
    console.print()
    say(console, f"{said} (exit code {int(gate.exit_code)}{by}{known})", style="bold")
