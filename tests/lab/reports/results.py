"""The answers as one JSON file, a line for each report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tests.lab.reports.asking import Row
from tests.lab.reports.catalogue import REPORTS

PATH = Path(__file__).with_name("results.json")


def write(rows: Sequence[Row], tool: str) -> None:
    """Write `rows` beside those of other reports there are, with the digest of the tool that was asked."""
    new = {row["name"]: {**row, "tool": tool} for row in rows}
    kept = {row["name"]: row for row in (read() if PATH.exists() else [])}
    merged = {**kept, **new}
    lines = [json.dumps(merged[report.name]) for report in REPORTS if report.name in merged]
    PATH.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def read() -> list[Row]:
    rows: list[Row] = json.loads(PATH.read_text(encoding="utf-8"))
    return rows
