"""A gate's decision as JSON, with the full report of every input."""

from __future__ import annotations

from typing import Any

from humouse_doctor.core.gating import GATE_KIND, GATE_VERSION, Entry, Gate, JudgedFinding, Policy
from humouse_doctor.core.remedy import Interval
from humouse_doctor.core.report import Report
from humouse_doctor.stored import report as json_report


def render(gate: Gate) -> str:
    """Return the decision as JSON text that ends in a newline."""
    content = {
        "kind": GATE_KIND,
        "schema_version": GATE_VERSION,
        "tool_version": gate.tool_version,
        "exit_code": int(gate.exit_code),
        "policy": _policy(gate.policy),
        "baseline": gate.baseline,
        "notes": list(gate.notes),
    }
    inputs = ",\n".join(f"    {_indented(_entry(entry), 4)}" for entry in gate.entries)
    return json_report.joined(content, "inputs", f"[\n{inputs}\n  ]")


def _policy(policy: Policy) -> dict[str, Any]:
    return {
        "source": policy.source,
        "fail_on": None if policy.fail_on is None else policy.fail_on.value,
        "select": list(policy.select),
        "require_data": policy.require_data,
        "verdicts": [verdict.value for verdict in policy.verdicts],
        "thresholds": {name: _bounds(interval) for name, interval in policy.thresholds.items()},
        "ignore": [
            {
                "code": ignore.code,
                "path": ignore.path,
                "reason": ignore.reason,
                "expires": None if ignore.expires is None else ignore.expires.isoformat(),
            }
            for ignore in policy.ignores
        ],
    }


def _bounds(interval: Interval) -> dict[str, float | None]:
    low, high = interval.low, interval.high
    return {"low": None if low == float("-inf") else low, "high": None if high == float("inf") else high}


def _entry(entry: Entry) -> str:
    content = {
        "name": entry.name,
        "exit_code": int(entry.exit_code),
        "verdict": entry.verdict,
        "sentence": entry.sentence,
        "findings": [_judged(judged) for judged in entry.findings],
        "healed": list(entry.healed),
        "notes": list(entry.notes),
    }
    report = "null" if entry.report is None else json_report.render(entry.report, _following(entry.report))
    return json_report.joined(content, "report", _indented(report, 2)).rstrip("\n")


def _indented(text: str, columns: int) -> str:
    """Return JSON text with its lines after the first moved to the right; no string of it contains a line's end."""
    return text.rstrip("\n").replace("\n", "\n" + " " * columns)


def _following(report: Report) -> tuple[str, ...]:
    """Return the command that prints the patch, where there is one."""
    return () if report.suggest is None else (report.suggest,)


def _judged(judged: JudgedFinding) -> dict[str, Any]:
    return {
        "finding": json_report.finding_to_dict(judged.finding),
        "standing": judged.standing.value,
        "reason": judged.reason,
        "age": None if judged.age is None else judged.age.value,
    }


def schema(name: str) -> str:
    """Return the published JSON Schema of `report`, `gate`, `outcome` or `baseline`, as text."""
    from importlib.resources import files

    return files("humouse_doctor.stored").joinpath("schemas").joinpath(f"{name}.json").read_text(encoding="utf-8")
