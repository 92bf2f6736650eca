"""Write the zoo's tables into docs/accuracy.md and the probes' pages, between two comments each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from humouse_doctor.core.probe import Kind, Probe
from humouse_doctor.core.remedy import ANY
from humouse_doctor.probes.pages import pages
from humouse_doctor.probes.registry import PROBES
from tests.lab.blocks import replaced
from tests.lab.zoo.figures import EXPLAINED, SICK, Row, cause_is_right, share, table
from tests.lab.zoo.genome import LATER
from tests.lab.zoo.judge import CAUSE_FACTORS

ROOT = Path(__file__).parents[3]
_BEGIN, _END = "<!-- zoo: made by python -m tests.lab.zoo --tables -->", "<!-- zoo ends -->"
_PARTS = ("calibration", "held-out", "summed", "later causes")
#: Parts without a column on the pages of probes to which none of their runs belongs.
_NOT_ON_ALL = ("summed", "later causes")


def files() -> dict[Path, str]:
    """Return every file with a table, each with its probe's code ('' for docs/accuracy.md)."""
    return {ROOT / "docs" / "accuracy.md": "", **{path: code for code, path in pages().items()}}


def made(rows: Sequence[Row]) -> dict[Path, str]:
    """Return each file's text with the results; a page without the two comments gets them before its last section."""
    found = {}
    for path, code in files().items():
        text = path.read_text(encoding="utf-8")
        block = table(rows) if not code else of_probe(next(probe for probe in PROBES if probe.code == code), rows)
        if _BEGIN not in text and code:
            before, heading, after = text.rpartition("\n## What to do")
            text = f"{before}\n## In the zoo\n\n{_BEGIN}\n{_END}\n{heading}{after}" if heading else text
        found[path] = replaced(text, _BEGIN, _END, block) if _BEGIN in text else text
    return found


def of_probe(probe: Probe, rows: Sequence[Row]) -> str:
    """Return one probe's results on the corpus: how often it fired, and the quantiles of its numbers."""
    clear = [row for row in rows if row["truth"] in (*SICK, "healthy") and probe.code in row["trained"]["measurements"]]
    later = not CAUSE_FACTORS.get(probe.code, frozenset()).isdisjoint(LATER)
    of_part = {part: [row for row in clear if row["part"] == part] for part in _PARTS if later or part != "later causes"}
    by_part = {part: some for part, some in of_part.items() if some or part not in _NOT_ON_ALL}
    if not clear:
        return "No run of the zoo has what this probe needs.\n"
    lines = [f"| | {' | '.join(by_part)} |", f"|---|{'---|' * len(by_part)}"]
    rate = _named if probe.kind is Kind.CAUSE else _found
    for label, cells in rate(probe, by_part).items():
        lines.append(f"| {label} | {' | '.join(cells)} |")
    for metric in probe.metrics:
        if metric.healthy == ANY:
            continue
        for label, truths in (("healthy", ("healthy",)), ("collapsed", SICK)):
            cells = [_spread(probe.code, metric.name, some, truths) for some in by_part.values()]
            lines.append(f"| `{metric.name}`, {label} runs: 5 %, median, 95 % | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _found(probe: Probe, by_part: Mapping[str, Sequence[Row]]) -> dict[str, list[str]]:
    def cells(truths: Sequence[str]) -> list[str]:
        return [
            str(share((row for row in some if row["truth"] in truths), lambda row: probe.code in row["trained"]["symptoms"]))
            for some in by_part.values()
        ]

    return {"found in collapsed runs": cells(SICK), "found in healthy runs": cells(("healthy",))}


def _named(probe: Probe, by_part: Mapping[str, Sequence[Row]]) -> dict[str, list[str]]:
    def named(row: Row) -> bool:
        return probe.code in row["trained"]["causes"]

    def cells(of: str) -> list[str]:
        found = []
        for some in by_part.values():
            explained = [row for row in some if row["truth"] in EXPLAINED]
            right = [row for row in explained if cause_is_right(probe.code, row["cures"])]
            wrong = [row for row in explained if not cause_is_right(probe.code, row["cures"])]
            healthy = [row for row in some if row["truth"] == "healthy"]
            found.append(str(share({"right": right, "wrong": wrong, "healthy": healthy}[of], named)))
        return found

    return {
        "named where changing it is part of a smallest cure": cells("right"),
        "named in collapsed runs where it is not": cells("wrong"),
        "named in healthy runs": cells("healthy"),
    }


def _spread(code: str, name: str, rows: Sequence[Row], truths: Sequence[str]) -> str:
    found = [
        row["trained"]["measurements"][code][name]
        for row in rows
        if row["truth"] in truths and name in row["trained"]["measurements"][code]
    ]
    if not found:
        return "-"
    low, middle, high = np.percentile(np.asarray(found, dtype=np.float64), [5, 50, 95])
    return f"{low:.3g}, {middle:.3g}, {high:.3g} ({len(found)})"
