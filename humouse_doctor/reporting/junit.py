"""Render a gate's decision as JUnit XML: a suite per input, a test case per probe and per finding of the tool itself.

A finding that fails the gate is a failure. A finding that is ignored, in the baseline, within the policy's threshold or not
selected is skipped with that reason. A finding below fail-on passes, with its text as output. A crashed probe, an
unreadable input and an undetermined verdict are errors. So a suite passes if and only if its input does.

The document is built with ElementTree. junitparser 5.0 would save about ten lines here, but it would be a new dependency of
the core, imports in 70 ms instead of 6, and writes a `time="0"` that was not measured; the tests read the document with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from humouse_doctor.core.gating import Entry, Gate, JudgedFinding, Standing
from humouse_doctor.core.probe import ProbeResult, Status
from humouse_doctor.core.report import Report
from humouse_doctor.core.text import no_command_in_markup
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.core.view import GateView, RunView
from humouse_doctor.probes.registry import current
from humouse_doctor.reporting.findings import one_line, standing_words
from humouse_doctor.reporting.layout import Layout
from humouse_doctor.reporting.text import change


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A test case; `tag` is its child element (failure, error, skipped, system-out), None if it simply passes."""

    name: str
    tag: str | None = None
    message: str = ""
    type: str = ""
    lines: tuple[str, ...] = ()


def render_view(view: RunView | GateView, _: Layout) -> str:
    """Return the view's decision as JUnit's XML."""
    return render(view.gate)


def render(gate: Gate) -> str:
    """Return the decision as XML text, ending in a newline."""
    root = ElementTree.Element("testsuites", {"name": "humouse-doctor"})
    suites = [_suite(root, entry, gate.tool_version) for entry in gate.entries]
    _count(root, sum(suites, Counter()))
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{no_command_in_markup(ElementTree.tostring(root, encoding="unicode"))}\n'


def _suite(root: ElementTree.Element, entry: Entry, tool_version: str) -> Counter[str]:
    suite = ElementTree.SubElement(root, "testsuite", {"name": one_line(entry.name)})
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (("tool_version", tool_version), ("verdict", entry.verdict), ("sentence", entry.sentence)):
        ElementTree.SubElement(properties, "property", {"name": name, "value": one_line(value)})
    counts: Counter[str] = Counter()
    names: Counter[str] = Counter()
    for case in _cases(entry):
        names[case.name] += 1
        again = f" ({names[case.name]})" if names[case.name] > 1 else ""
        counts[case.tag or ""] += 1
        _add(suite, case, f"{one_line(case.name)}{again}", entry.name)
    notes = [f"healed: {fingerprint.rstrip(':')}" for fingerprint in entry.healed] + [f"note: {note}" for note in entry.notes]
    if notes:
        ElementTree.SubElement(suite, "system-out").text = _block(notes)
    _count(suite, counts)
    return counts


def _count(element: ElementTree.Element, counts: Counter[str]) -> None:
    element.set("tests", str(counts.total()))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(attribute, str(counts[tag]))


def _add(suite: ElementTree.Element, case: _Case, name: str, classname: str) -> None:
    element = ElementTree.SubElement(suite, "testcase", {"classname": one_line(classname), "name": name})
    if case.tag is None:
        return
    attributes = {"message": one_line(case.message)} if case.message else {}
    if case.type:
        attributes["type"] = one_line(case.type)
    inner = ElementTree.SubElement(element, case.tag, attributes)
    if case.lines:
        inner.text = _block(case.lines)


def _cases(entry: Entry) -> Iterator[_Case]:
    report = entry.report
    if report is None:
        for judged in entry.findings:
            yield _broken(_name(judged), judged, None)
        return
    left = list(entry.findings)
    wrong = False
    for case in _report_cases(report, left):
        wrong = wrong or case.tag in ("failure", "error")
        yield case
    if not entry.passed and not wrong:
        yield _Case(name="verdict", tag="error", message=report.sentence, type=report.verdict.value)


def _report_cases(report: Report, left: list[JudgedFinding]) -> Iterator[_Case]:
    """Yield a case for each probe, removing its finding from `left`, then one for each remaining finding."""
    for result in report.probes:
        name = f"{result.code} {current().by_code[result.code].name}" if result.code in current().by_code else result.code
        judged = next((judged for judged in left if _is_about(judged, result)), None)
        if judged is not None:
            left.remove(judged)
        if result.status is Status.CRASHED:
            yield _broken(name, judged, report, result)
        elif judged is not None:
            yield _judged(name, judged, report)
        elif result.status is Status.SKIPPED:
            yield _Case(name=name, tag="skipped", message=result.reason or "not measured")
        else:
            yield _Case(name=name)
    for judged in left:
        yield _judged(_name(judged), judged, report)


def _is_about(judged: JudgedFinding, result: ProbeResult) -> bool:
    finding = judged.finding
    if result.status is Status.CRASHED:
        return finding.code == ToolCode.PROBE_CRASHED.code and finding.location.key == result.code
    return finding.code == result.code


def _name(judged: JudgedFinding) -> str:
    finding = judged.finding
    return " ".join(part for part in (finding.code, finding.name, finding.location.key) if part)


def _broken(name: str, judged: JudgedFinding | None, report: Report | None, result: ProbeResult | None = None) -> _Case:
    reason = "" if result is None else result.reason or "crashed"
    if judged is None:
        return _Case(name=name, tag="error", message=reason, type=ToolCode.PROBE_CRASHED.code)
    message = reason or judged.finding.message
    return _Case(name=name, tag="error", message=message, type=judged.finding.code, lines=tuple(_finding_lines(judged, report)))


def _judged(name: str, judged: JudgedFinding, report: Report) -> _Case:
    finding, lines = judged.finding, tuple(_finding_lines(judged, report))
    match judged.standing:
        case Standing.FAILS:
            return _Case(name=name, tag="failure", message=finding.message, type=finding.code, lines=lines)
        case Standing.BELOW:
            return _Case(name=name, tag="system-out", lines=lines)
        case Standing.IGNORED | Standing.KNOWN | Standing.ACCEPTED | Standing.NOT_SELECTED:
            return _Case(name=name, tag="skipped", message=standing_words(judged) or "", lines=lines)


def _finding_lines(judged: JudgedFinding, report: Report | None) -> Iterator[str]:
    """Yield the finding in lines: its message, place and numbers, and the config's patch if it fails."""
    finding = judged.finding
    age = "" if judged.age is None else f" ({judged.age.value})"
    yield f"{finding.severity.value} {finding.code} {finding.name}{age}: {finding.message}"
    standing = standing_words(judged)
    if standing is not None:
        yield standing
    if finding.location.file is not None:
        yield f"at {finding.location.file}" + ("" if finding.location.line is None else f":{finding.location.line}")
    for metric, value in finding.evidence.items():
        yield f"evidence: {metric} = {value:.6g}"
    if report is not None and judged.standing is Standing.FAILS:
        for edit in report.patch:
            yield f"patch: {change(edit, report.config_prefix)}"


def _block(lines: list[str] | tuple[str, ...]) -> str:
    """Join lines that each begin with a fixed word: a runner would run a line of a log that begins with `::`."""
    return "\n".join(one_line(line) for line in lines)
