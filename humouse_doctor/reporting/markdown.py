"""Render a gate's decision as Markdown for GitHub: first the answer, then causes and changes; the numbers are folded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby

from humouse_doctor.core.comparison import Comparison
from humouse_doctor.core.gating import Age, Entry, Gate, JudgedFinding, Standing
from humouse_doctor.core.history import History
from humouse_doctor.core.report import Finding, Report
from humouse_doctor.core.view import GateView, RunView
from humouse_doctor.reporting import comparison_text
from humouse_doctor.reporting.layout import Layout
from humouse_doctor.reporting.markdown_text import bullets, code, fenced, folded, html_code, prose, table
from humouse_doctor.reporting.rows import (
    by_hand,
    failing_words,
    format_number,
    measured,
    missing,
    steps_of_patch,
    support_of,
    without_cause,
)
from humouse_doctor.reporting.text import change

#: The number of inputs in a table, the worst first.
_MOST_ROWS = 100
#: Standings listed one by one with their reasons; of the others only the codes are listed.
_LISTED = (Standing.IGNORED, Standing.KNOWN, Standing.ACCEPTED)


class _Part(Enum):
    """Parts of a section, the most important first."""

    ANSWER = "the sentence"
    INPUTS = "the table of inputs"
    CAUSES = "causes"
    FAILING = "failing findings"
    PATCH = "patch"
    HISTORY = "what its own files say"
    STANDINGS = "what does not fail"
    GATE = "notes on the policy"
    SUBJECT = "what was looked at"
    PROBES = "probes"


_IMPORTANCE = tuple(_Part)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """Markdown that is included as a whole or not at all.

    `entry` is the index of the input whose folded block it belongs to.
    """

    part: _Part
    text: str
    entry: int | None = None


def render_view(view: RunView | GateView, _: Layout) -> str:
    """Return the view's decision as Markdown, with the changes since an older report below."""
    return render(view.gate) + _changes(view)


def render_within(view: RunView | GateView, *, limit: int) -> str:
    """Return the Markdown of `render_view` cut to `limit` bytes of UTF-8, at most half of them for the changes."""
    changed = _changes(view)
    if _size(changed) > limit // 2:
        changed = "\nWhat has changed is too long to be shown here.\n"
    return render(view.gate, limit=limit - _size(changed)) + changed


def _changes(view: RunView | GateView) -> str:
    return "" if view.comparison is None else f"\n{comparison(view.comparison)}"


def render(gate: Gate, *, limit: int | None = None) -> str:
    """Return the decision as Markdown of at most `limit` bytes of UTF-8.

    To stay within it, whole sections are left out, the least important ones of all inputs first, and named at the end. The
    heading and that line are always included; they take less than 1,000 bytes.
    """
    heading = f"### humouse-doctor: {_verdict(gate)}\n"
    sections = _sections(gate)
    whole = _joined(gate, heading, sections)
    if limit is None or _size(whole) <= limit:
        return whole
    room = limit - _size(heading) - _size(_left_out(sections, limit)) - 1
    kept = _kept(gate, sections, room)
    shown = [section for place, section in enumerate(sections) if place in kept]
    left = [section for place, section in enumerate(sections) if place not in kept]
    return f"{_joined(gate, heading, shown)}\n{_left_out(left, limit)}"


def _size(text: str) -> int:
    return len(text.encode())


def _kept(gate: Gate, sections: Sequence[_Section], room: int) -> set[int]:
    """Return the indices of the sections that fit, the most important first; shorter ones may replace a long one."""
    kept: set[int] = set()
    opened: set[int | None] = {None}
    for place in sorted(range(len(sections)), key=lambda place: _IMPORTANCE.index(sections[place].part)):
        section = sections[place]
        cost = _size(section.text) + 1
        if section.entry is not None and section.entry not in opened:
            cost += _size(folded(_summary(gate.entries[section.entry]), "")) + 1
        if cost <= room:
            room -= cost
            kept.add(place)
            opened.add(section.entry)
    return kept


def _left_out(sections: Iterable[_Section], limit: int) -> str:
    count = Counter(section.part for section in sections)
    named = [f"{part.value} ({count[part]})" if count[part] > 1 else part.value for part in _IMPORTANCE if count[part]]
    return f"*Left out, to keep within {limit:,} bytes: {', '.join(named)}. The JSON report has everything.*\n"


def _joined(gate: Gate, heading: str, sections: Iterable[_Section]) -> str:
    blocks = [heading]
    for entry, of_entry in groupby(sections, key=lambda section: section.entry):
        text = "\n".join(section.text for section in of_entry)
        blocks.append(text if entry is None else folded(_summary(gate.entries[entry]), text))
    return "\n".join(blocks)


def _verdict(gate: Gate) -> str:
    passed = sum(entry.passed for entry in gate.entries)
    if len(gate.entries) != 1:
        return f"{passed} of {len(gate.entries)} pass"
    return f"{gate.entries[0].verdict}, {'passes' if passed else 'does not pass'}"


def _sections(gate: Gate) -> list[_Section]:
    if len(gate.entries) == 1:
        return [*(_Section(part=part, text=text) for part, text in _parts(gate.entries[0])), _about(gate)]
    sections = [_Section(part=_Part.INPUTS, text=_inputs(gate))] if gate.entries else []
    for place, entry in enumerate(gate.entries):
        if not entry.passed:
            sections.extend(_Section(part=part, text=text, entry=place) for part, text in _parts(entry))
    let_through = [(entry, list(_standings(entry))) for entry in gate.entries if entry.passed]
    lines = [f"{code(entry.name)}: {line}" for entry, lines in let_through for line in lines]
    if lines:
        sections.append(_Section(part=_Part.STANDINGS, text=f"**What passes, and why**\n\n{bullets(lines)}"))
    return [*sections, _about(gate)]


def _inputs(gate: Gate) -> str:
    rows = []
    for entry in gate.entries[:_MOST_ROWS]:
        failing = prose(failing_words(entry)) or "none"
        rows.append(("passes" if entry.passed else "**does not pass**", entry.verdict, failing, code(entry.name)))
    more = gate.entries[_MOST_ROWS:]
    rest = f"\nAnd {len(more)} more, of which {sum(entry.passed for entry in more)} pass.\n" if more else ""
    return table(("gate", "verdict", "first to look at", "input"), rows) + rest


def _codes(entry: Entry) -> tuple[str, ...]:
    return tuple(dict.fromkeys(judged.finding.code for judged in entry.failing))


def _summary(entry: Entry) -> str:
    failing = f": {', '.join(html_code(name) for name in _codes(entry))}" if entry.failing else ""
    return f"{html_code(entry.name)} is {entry.verdict}{failing}"


def _about(gate: Gate) -> _Section:
    by = f", policy {code(gate.policy.source)}" if gate.policy.source else ""
    known = f", baseline {code(gate.baseline)}" if gate.baseline else ""
    notes = f"{bullets(prose(note) for note in gate.notes)}\n" if gate.notes else ""
    last = f"humouse-doctor {prose(gate.tool_version)}, exit code {int(gate.exit_code)}{by}{known}\n"
    return _Section(part=_Part.GATE, text=notes + last)


def _parts(entry: Entry) -> Iterator[tuple[_Part, str]]:
    """Yield the parts of one input, in reading order."""
    report = entry.report
    more = _label(entry.findings[0].finding) if report is None else f"confidence {report.confidence.value}"
    stage = "" if report is None or report.stage is None else f"\n\nStage: {prose(str(report.stage))}"
    basis = "" if report is None or not report.basis else f"\n\n{prose(report.basis)}"
    yield _Part.ANSWER, f"{prose(entry.sentence)}\n\n{code(entry.name)}, {more}{stage}{basis}\n"
    if report is not None:
        if report.causes:
            yield _Part.CAUSES, _causes(entry, report)
        elif lines := without_cause(report):
            yield _Part.CAUSES, f"**No cause was found**\n\n{bullets(map(prose, lines))}"
        causes = {cause.code for cause in report.causes}
        failing = [judged for judged in entry.failing if judged.finding.code not in causes]
        if failing:
            yield _Part.FAILING, f"**What fails**\n\n{bullets(_failing(judged, report) for judged in failing)}"
        if report.patch or by_hand(report) or any(remedy.code_hint for remedy in report.chosen_remedies):
            yield _Part.PATCH, _patch(report)
    if report is not None and report.history is not None and (said := _history(report.history)):
        yield _Part.HISTORY, said
    standings = list(_standings(entry))
    if standings:
        yield _Part.STANDINGS, f"**What does not fail, and why**\n\n{bullets(standings)}"
    if report is not None:
        if report.probes:
            yield _Part.PROBES, folded("What was measured", _probes(report))
        yield _Part.SUBJECT, folded("What was looked at", bullets(_looked_at(report)))


def _causes(entry: Entry, report: Report) -> str:
    measured_run = not report.before_training
    judged = {found.finding.code: found for found in entry.findings}
    heading = "**Causes, the likeliest first**" if measured_run else "**Causes**"
    lines = []
    for number, cause in enumerate(report.causes, start=1):
        found = judged[cause.code]
        standing = _age(found) if found.standing is Standing.FAILS else f" *({found.standing.value})*"
        support = prose(support_of(cause, measured=measured_run))
        said = f"{number}. **{prose(cause.code)} {prose(cause.name)}**{standing}, {support}"
        lines.append(f"{said}: {prose(cause.message)}{_worse(found)}{_place(found.finding)}\n")
    return f"{heading}\n\n{''.join(lines)}"


def _age(judged: JudgedFinding) -> str:
    return "" if judged.age in (None, Age.UNCHANGED) else f" ({judged.age.value})"


def _worse(judged: JudgedFinding) -> str:
    worsened = judged.standing is Standing.FAILS and judged.reason is not None
    return f"; worse than in the baseline: {prose(judged.reason or '')}" if worsened else ""


def _place(finding: Finding) -> str:
    """Return a place in a config, empty for the checkpoint, which the whole section is about."""
    location = finding.location
    if location.file is None:
        return ""
    before, key, after = location.remark.partition(location.key or "\n")
    remark = f" ({before}{code(key)}{after})" if key else ""
    if location.line is not None:
        return f", at {code(f'{location.file}:{location.line}')}{remark}"
    return f", at {code(location.file)}{remark}" if remark else ""


def _failing(judged: JudgedFinding, report: Report) -> str:
    finding = judged.finding
    unexplained = ", no cause found for it" if finding.code in report.unexplained else ""
    said = f"{finding.severity.value} {_label(finding)}{_age(judged)}{unexplained}"
    return f"{said}: {prose(finding.message)}{_worse(judged)}{_place(finding)}"


def _label(finding: Finding) -> str:
    return f"{prose(finding.code)} {prose(finding.name)}"


def _patch(report: Report) -> str:
    lines = []
    if report.cure is None:
        tries = f": {code(report.search)} tries it" if report.patch and report.search is not None else ""
        lines.append(f"**Suggested {'patch' if report.patch else 'changes'}** (not tried yet{tries})\n")
    else:
        lines.append(f"**Patch confirmed by trials: {prose(report.cure.title)}** ({prose(report.cure.why)})\n")
    if report.diff:
        lines.append(fenced(report.diff, "diff"))
    elif report.patch:
        lines.append(bullets(code(change(edit, report.config_prefix)) for edit in report.patch))
    hints = [f"in the code: {prose(r.title)}. {prose(r.code_hint)}" for r in report.chosen_remedies if r.code_hint]
    steps = [steps_of_patch(report)] if steps_of_patch(report) else []
    if said := [*steps, *map(prose, by_hand(report)), *hints]:
        lines.append(bullets(said))
    return "\n".join(lines)


def _history(history: History) -> str:
    said = bullets(prose(observation) for observation in history.observations)
    parts = [f"**What its own files say**\n\n{said}"] if history.observations else []
    words = history.measured
    if words:
        rows = [
            (
                prose(snapshot.label),
                "" if snapshot.verdict is None else snapshot.verdict.value,
                *(format_number(snapshot.measures[word], "") if word in snapshot.measures else "" for word in words),
            )
            for snapshot in history.snapshots
        ]
        parts.append(folded("What it drew itself, over the data", table(("drawn at", "verdict", *map(prose, words)), rows)))
    return "\n".join(parts)


def _standings(entry: Entry) -> Iterator[str]:
    """Yield what the gate lets pass, what has healed, and what has expired."""
    for judged in entry.findings:
        if judged.standing in _LISTED:
            reason = "" if judged.standing is Standing.KNOWN or not judged.reason else f": {prose(judged.reason)}"
            yield f"{judged.standing.value}: {_label(judged.finding)}{reason}"
    for standing in (Standing.NOT_SELECTED, Standing.BELOW):
        labels = [_label(judged.finding) for judged in entry.findings if judged.standing is standing]
        if labels:
            yield f"{standing.value}: {', '.join(labels)}"
    for fingerprint in entry.healed:
        yield f"healed: {code(fingerprint.rstrip(':'))}, in the baseline and not found any more"
    for note in entry.notes:
        yield prose(note)


def _probes(report: Report) -> str:
    rows = [(prose(row.code), code(row.metric), prose(row.value), prose(row.healthy), row.status) for row in measured(report)]
    lines = [f"{prose(what)}: {prose(reason)}" for what, reason in missing(report.probes)]
    parts = [table(("probe", "metric", "value", "healthy", "status"), rows)] if rows else []
    return "\n".join([*parts, bullets(lines)] if lines else parts)


def _looked_at(report: Report) -> Iterator[str]:
    subject = report.subject
    for label, path in (("checkpoint", subject.checkpoint), ("config", subject.config), ("data", subject.data)):
        yield f"{label}: {'none' if path is None else code(path)}"
    if subject.sha256 is not None:
        yield f"sha256: {code(subject.sha256)}"
    if report.data is not None:
        data = report.data
        yield f"{data.taken} of {data.total} sequences of {data.length} steps; seed {subject.seed}"
    for remark in subject.remarks:
        yield prose(remark)


def comparison(comparison: Comparison) -> str:
    """Return the changes between two reports as a section of Markdown."""
    before, after = comparison.before, comparison.after
    parts = [
        f"### What has changed: {before.verdict.value} before, {after.verdict.value} now\n",
        bullets(
            f"{label}: {code(report.subject.name)}: {prose(report.sentence)}"
            for label, report in (("before", before), ("now", after))
        ),
    ]
    for _, heading, findings in comparison.groups:
        if findings:
            lines = (f"{found.severity.value} {_label(found)}: {prose(found.message)}" for found in findings)
            parts.append(f"**{prose(heading)}**\n\n{bullets(lines)}")
    if comparison.moved:
        rows = [
            (
                code(metric.name),
                comparison_text.value(metric.before, metric),
                comparison_text.value(metric.after, metric),
                prose(str(metric.healthy)),
                comparison_text.direction(metric),
            )
            for metric in comparison.moved
        ]
        parts.append(f"**Numbers that have changed**\n\n{table(('metric', 'before', 'now', 'healthy', 'which is'), rows)}")
    if comparison_text.is_empty(comparison):
        parts.append(f"{comparison_text.NOTHING}\n")
    return "\n".join(parts)
