"""Render a gate's decision as one run of SARIF 2.1.0, within the stricter limits of GitHub's code scanning.

A result is anchored at the config, which is usually in the repository; the checkpoint is in the message and a related
location. A finding that fails, is ignored (`suppressions`) or is in the baseline (`baselineState`) has the level of its
severity. One that is below fail-on, not selected or within the policy's threshold is a note, since SARIF has no other word
for that; the properties have its own severity and its standing. A healed finding of the baseline is an absent result that
passes.

Sources: OASIS SARIF 2.1.0 (errata 01); GitHub, "SARIF support for code scanning".
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from humouse_doctor.core.errors import ExitCode, UsageError
from humouse_doctor.core.gating import Age, Entry, Gate, Standing
from humouse_doctor.core.probe import Status
from humouse_doctor.core.report import Report
from humouse_doctor.core.text import no_command_in_json
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.core.view import GateView, RunView
from humouse_doctor.inputs.config.diffs import Replacement, replacements
from humouse_doctor.probes.pages import address, page
from humouse_doctor.reporting.findings import (
    Anchor,
    Placed,
    anchor_of_key,
    contributes,
    identity,
    one_line,
    placed,
    standing_words,
)
from humouse_doctor.reporting.layout import Layout
from humouse_doctor.reporting.paths import display_path, uri

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

#: Our key beside `primaryLocationLineHash`, which GitHub's upload computes from the source.
FINGERPRINT = "humouseDoctor/v1"

#: The length to which GitHub cuts a rule's descriptions.
_LONGEST = 1024
_STATE = MappingProxyType({Age.NEW: "new", Age.WORSENED: "updated", Age.UNCHANGED: "unchanged"})
_AS_NOTE = (Standing.BELOW, Standing.NOT_SELECTED, Standing.ACCEPTED)
_COULD_NOT_LOOK = (ExitCode.USAGE, ExitCode.INPUT, ExitCode.INTERNAL)
_LINK = re.compile(r"\[[^\]]*\]\([^)]*\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """Data that every part of the run needs: the gate, the folder paths are relative to, and each rule's index."""

    gate: Gate
    root: str
    index: Mapping[str, int]

    def rule(self, code: str) -> dict[str, Any]:
        """Return a reference to a rule."""
        return {"id": one_line(code), "index": self.index[code]}


def render_view(view: RunView | GateView, _: Layout) -> str:
    """Return the view's decision as SARIF."""
    return render(view.gate, root=view.root)


def render(gate: Gate, *, root: str = "") -> str:
    """Return the run as JSON text, ending in a newline; URIs below the absolute folder `root` are relative to it."""
    names = _names(gate)
    run = _Run(gate=gate, root=root, index=MappingProxyType({code: number for number, code in enumerate(names)}))
    results = [_result(run, found) for found in placed(gate, root)]
    for entry in gate.entries:
        results += [_healed(run, entry, fingerprint) for fingerprint in entry.healed]
    driver = {
        "name": "humouse-doctor",
        "version": one_line(gate.tool_version),
        "rules": [_rule(code, name) for code, name in names.items()],
    }
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "automationDetails": {"id": "humouse-doctor/"},
                "columnKind": "unicodeCodePoints",
                "invocations": [_invocation(run)],
                "results": results,
                "properties": {"inputs": [_input(entry, root) for entry in gate.entries]},
            }
        ],
    }
    return no_command_in_json(json.dumps(log, indent=2, ensure_ascii=True, allow_nan=False) + "\n")


def _names(gate: Gate) -> dict[str, str]:
    """Return every code in the run, in order, with its name if a finding gives it."""
    found = {judged.finding.code: judged.finding.name for entry in gate.entries for judged in entry.findings}
    others = [fingerprint.partition(":")[0] for entry in gate.entries for fingerprint in entry.healed]
    others += [code for entry in gate.entries for code, _ in _crashes(entry)]
    return dict(sorted({**dict.fromkeys(others, ""), **found}.items()))


def _crashes(entry: Entry) -> Iterator[tuple[str, str]]:
    for result in () if entry.report is None else entry.report.probes:
        if result.status is Status.CRASHED:
            yield result.code, result.reason or "crashed"


def _rule(code: str, name: str) -> dict[str, Any]:
    try:
        text = page(code).strip()
    except UsageError:  # of another version, in a saved report or a baseline
        text = f"# {one_line(code)} {one_line(name)}\n\nThis version has no page on it."
    heading, _, body = text.partition("\n\n")
    marked = re.match(r"\*(\w+)\*: ", body)
    kind = marked[1] if marked else "tool"
    first, _, rest = body[marked.end() if marked else 0 :].partition("\n\n")
    short = first if marked else first.partition(". ")[0].rstrip(".") + "."
    link = address(code)
    more = next((part for part in rest.split("\n\n") if part and not part.startswith("#")), "")
    return {
        "id": one_line(code),
        "name": heading.split()[-1],
        "shortDescription": {"text": _cut(short)},
        "fullDescription": {"text": _cut(f"{first} {more}")},
        "help": {"text": text, "markdown": text},
        **({} if link is None else {"helpUri": link}),
        "defaultConfiguration": {"level": "warning"},
        "properties": {"tags": ["training", kind], "problem.severity": "warning", "precision": "high"},
    }


def _cut(text: str) -> str:
    """Return `text` on one line, cut to the limit of a rule's descriptions."""
    line = one_line(text)
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3].rpartition(" ")[0] + "..."


def _result(run: _Run, found: Placed) -> dict[str, Any]:
    finding, judged, report = found.finding, found.judged, found.entry.report
    words = standing_words(judged)
    checkpoint = None if report is None else report.subject.checkpoint
    said = (
        finding.message,
        None if checkpoint is None else f"Checkpoint: {display_path(checkpoint, run.root)}",
        None if words is None else f"{words[:1].upper()}{words[1:]}",
    )
    result: dict[str, Any] = {
        "ruleId": one_line(finding.code),
        "ruleIndex": run.index[finding.code],
        "level": "note" if judged.standing in _AS_NOTE else finding.severity.value,
        "message": _message(*said),
        "locations": [_location(found.anchor, run.root)],
        "partialFingerprints": {FINGERPRINT: found.identity},
    }
    if checkpoint is not None and checkpoint != found.anchor.file:
        result["relatedLocations"] = [
            {
                "physicalLocation": {"artifactLocation": {"uri": uri(checkpoint, run.root)}},
                "message": {"text": "The checkpoint."},
            }
        ]
    if judged.standing is Standing.IGNORED:
        why = _message(judged.reason or judged.standing.value)["text"]
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": why}]
    if run.gate.baseline is not None:
        result["baselineState"] = _STATE[judged.age or Age.NEW]
    if report is not None and contributes(finding, report):
        result.update(_fixes(report, run.root))
    properties = {
        "input": display_path(found.entry.name, run.root),
        "verdict": found.entry.verdict,
        "severity": finding.severity.value,
        "standing": judged.standing.value,
        "reason": judged.reason,
        "key": finding.location.key,
    }
    result["properties"] = {name: one_line(value) for name, value in properties.items() if value is not None}
    if finding.evidence:
        result["properties"]["evidence"] = {one_line(name): _number(value) for name, value in finding.evidence.items()}
    return result


def _healed(run: _Run, entry: Entry, fingerprint: str) -> dict[str, Any]:
    code, _, key = fingerprint.partition(":")
    return {
        "ruleId": one_line(code),
        "ruleIndex": run.index[code],
        "kind": "pass",
        "level": "none",
        "message": _message(
            f"{fingerprint.rstrip(':')} is in the baseline, and not found any more",
            f"Input: {display_path(entry.name, run.root)}",
        ),
        "locations": [_location(anchor_of_key(key, entry), run.root)],
        "partialFingerprints": {FINGERPRINT: identity(fingerprint, entry.name, run.root)},
        "baselineState": "absent",
        "properties": {"input": one_line(display_path(entry.name, run.root)), "verdict": entry.verdict},
    }


def _location(anchor: Anchor, root: str) -> dict[str, Any]:
    """Return the anchor as a region: the line up to its value, since no more of it is known."""
    line = anchor.line or 1
    region = {"startLine": line, "startColumn": 1, "endLine": line, "endColumn": anchor.column or 1}
    return {"physicalLocation": {"artifactLocation": {"uri": uri(anchor.file, root)}, "region": region}}


def _message(*parts: str | None) -> dict[str, str]:
    """Join sentences, escaping the braces and brackets that SARIF uses for placeholders and links."""
    text = " ".join(_sentence(one_line(part)) for part in parts if part is not None)
    text = text.replace("{", "{{").replace("}", "}}")
    return {"text": _LINK.sub(lambda link: link[0].replace("[", r"\[").replace("]", r"\]"), text)}


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _fixes(report: Report, root: str) -> dict[str, Any]:
    """Return the whole patch of the config, if it is known as a diff."""
    changes = replacements(report.diff)
    if report.subject.config is None or not changes:
        return {}
    known = "not verified by trials yet" if report.cure is None else f"confirmed by trials: {report.cure.title}"
    change = {
        "artifactLocation": {"uri": uri(report.subject.config, root)},
        "replacements": [_replacement(change) for change in changes],
    }
    return {"fixes": [{"description": _message(f"The suggested patch of the config, {known}"), "artifactChanges": [change]}]}


def _replacement(change: Replacement) -> dict[str, Any]:
    (line, column), (end_line, end_column) = change.start, change.end
    region = {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}
    inserted = {"insertedContent": {"text": change.text}} if change.text else {}
    return {"deletedRegion": region, **inserted}


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _input(entry: Entry, root: str) -> dict[str, Any]:
    return {
        "name": one_line(display_path(entry.name, root)),
        "verdict": entry.verdict,
        "sentence": one_line(entry.sentence),
        "exitCode": int(entry.exit_code),
    }


def _invocation(run: _Run) -> dict[str, Any]:
    gate = run.gate
    failures = [notice for entry in gate.entries for notice in _failures(run, entry)]
    notes = [*gate.notes, *(f"{display_path(entry.name, run.root)}: {note}" for entry in gate.entries for note in entry.notes)]
    invocation: dict[str, Any] = {
        "executionSuccessful": gate.exit_code not in _COULD_NOT_LOOK,
        "exitCode": int(gate.exit_code),
        "exitCodeDescription": gate.exit_code.name.lower(),
    }
    if failures:
        invocation["toolExecutionNotifications"] = failures
    if notes:
        invocation["toolConfigurationNotifications"] = [{"level": "note", "message": _message(note)} for note in notes]
    return invocation


def _failures(run: _Run, entry: Entry) -> Iterable[dict[str, Any]]:
    """Yield the reasons an input was not fully examined: unreadable, a crashed probe, or too little measured."""
    name = display_path(entry.name, run.root)
    where = [{"physicalLocation": {"artifactLocation": {"uri": uri(entry.name, run.root)}}}]
    crashes = list(_crashes(entry))
    for code, reason in crashes:
        yield {
            "level": "error",
            "message": _message(f"{code} crashed on {name}, nothing is known from it: {reason}"),
            "associatedRule": run.rule(code),
            "locations": where,
        }
    if entry.exit_code in _COULD_NOT_LOOK and not crashes:
        refused = ToolCode.REFUSED.code
        yield {
            "level": "error",
            "message": _message(entry.sentence, None if entry.report is None else f"Input: {name}"),
            **({"associatedRule": run.rule(refused)} if entry.report is None and refused in run.index else {}),
            "locations": where,
        }
