"""The summary of the answers in docs/accuracy.md, between two comments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from humouse_doctor.core.verdict import Verdict
from tests.lab.blocks import replaced
from tests.lab.reports.asking import Row, named
from tests.lab.reports.report import Part

PAGE = Path(__file__).parents[3] / "docs" / "accuracy.md"
BEGIN, END = "<!-- reports: made by python -m tests.lab.reports -->", "<!-- reports end -->"
_ANSWERS = ("right", "partly", "wrong", "silent")


def page(rows: Sequence[Row]) -> str:
    """Return docs/accuracy.md with the tables of `rows`."""
    return replaced(PAGE.read_text(encoding="utf-8"), BEGIN, END, f"{_counts(rows)}\n\n{_list(rows)}")


def _counts(rows: Sequence[Row]) -> str:
    lines = ["| | " + " | ".join(part.value for part in Part) + " |", "|---" * (len(Part) + 1) + "|"]
    parts = [[row for row in rows if row["part"] == part.value] for part in Part]
    lines.append("| reports | " + " | ".join(str(len(some)) for some in parts) + " |")
    for answer in _ANSWERS:
        counts = [Counter(row["answer"] for row in some)[answer] for some in parts]
        lines.append(f"| {answer} | " + " | ".join(map(str, counts)) + " |")
    sick = [sum(row["sick"]["verdict"] != Verdict.HEALTHY.value for row in some) for some in parts]
    healthy = [sum(row["healed"]["verdict"] == Verdict.HEALTHY.value for row in some) for some in parts]
    lines.append("| sick twins not called healthy | " + " | ".join(map(str, sick)) + " |")
    lines.append("| healed twins called healthy | " + " | ".join(map(str, healthy)) + " |")
    return "\n".join(lines)


def _list(rows: Sequence[Row]) -> str:
    lines = ["| report | part | expected | answer | sick twin | healed twin |", "|---|---|---|---|---|---|"]
    for row in rows:
        place = row["source"].removeprefix("https://github.com/")
        expected = "cannot be seen" if row["expected"] is None else " or ".join(row["expected"]) or "no probe yet"
        told = [f"{row[twin]['verdict']}{_codes(row[twin])}" for twin in ("sick", "healed")]
        cells = (f"[{row['name']}]({row['source']} '{place}')", row["part"], expected, row["answer"], *told)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _codes(twin: Row) -> str:
    codes = named(twin)
    return f": {', '.join(codes)}" if codes else ""
