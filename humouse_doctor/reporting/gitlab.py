"""Render a gate's findings as a GitLab Code Quality report.

GitLab compares the reports of two branches by fingerprint, so that ignored and known findings must stay in the report. A
finding that does not fail the gate has the severity `info`.
"""

from __future__ import annotations

import json
from typing import Any

from humouse_doctor.core.gating import Gate, Standing
from humouse_doctor.core.probe import Severity
from humouse_doctor.core.text import harmless, no_command_in_json
from humouse_doctor.core.view import GateView, RunView
from humouse_doctor.reporting.findings import Placed, one_line, placed, standing_words
from humouse_doctor.reporting.layout import Layout
from humouse_doctor.reporting.paths import display_path

_SEVERITY = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.NOTE: "minor"}


def render_view(view: RunView | GateView, _: Layout) -> str:
    """Return the view's decision as a code quality report."""
    return render(view.gate, root=view.root)


def render(gate: Gate, *, root: str = "") -> str:
    """Return the report as JSON text, ending in a newline; paths below the absolute folder `root` are relative to it."""
    text = json.dumps([_violation(found, root) for found in placed(gate, root)], indent=2, allow_nan=False)
    return no_command_in_json(text) + "\n"


def _path(file: str, root: str) -> str:
    """Return the file's path with its blanks, which are part of its name."""
    return harmless(display_path(file, root)).replace("\n", "\\n").replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")


def _violation(found: Placed, root: str) -> dict[str, Any]:
    finding, standing = found.finding, standing_words(found.judged)
    said = [
        f"{finding.code} {finding.name}: {finding.message}",
        f"in {display_path(found.entry.name, root)} ({found.entry.verdict})",
    ]
    fails = found.judged.standing is Standing.FAILS
    return {
        "description": "; ".join(one_line(text) for text in (*said, standing) if text is not None),
        "check_name": one_line(finding.code),
        "fingerprint": found.identity,
        "severity": _SEVERITY[finding.severity] if fails else "info",
        "location": {
            "path": _path(found.anchor.file, root),
            "lines": {"begin": found.anchor.line or 1},
        },
    }
