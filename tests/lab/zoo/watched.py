"""The results of watched trainings: a file of rows, and the table in docs/accuracy.md that is made from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.lab.blocks import replaced
from tests.lab.zoo.figures import share

Row = Mapping[str, Any]
PATH = Path(__file__).with_name("watched.json")
PAGE = Path(__file__).parents[3] / "docs" / "accuracy.md"
_BEGIN, _END = "<!-- watch: made by python -m tests.lab.zoo.watching --report -->", "<!-- watch ends -->"
_PARTS = ("calibration", "held-out", "summed")


def write(rows: Sequence[Row]) -> None:
    """Write the rows, one a line, and the table made from them."""
    PATH.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n", encoding="utf-8")
    PAGE.write_text(page(rows), encoding="utf-8")


def read() -> list[Row]:
    """Return the stored rows."""
    rows: list[Row] = json.loads(PATH.read_text(encoding="utf-8"))
    return rows


def page(rows: Sequence[Row]) -> str:
    """Return docs/accuracy.md with the table of the rows."""
    return replaced(PAGE.read_text(encoding="utf-8"), _BEGIN, _END, table(rows))


def table(rows: Sequence[Row]) -> str:
    """Return shares of the trainings, with Wilson's intervals, by part of the corpus."""
    lines = [f"| | {' | '.join(_PARTS)} |", f"|---|{'---|' * len(_PARTS)}"]

    def line(words: str, of: Callable[[Row], bool], hit: Callable[[Row], bool]) -> None:
        cells = [str(share((row for row in rows if row["part"] == part and of(row)), hit)) for part in _PARTS]
        lines.append(f"| {words} | {' | '.join(cells)} |")

    def sick(row: Row) -> bool:
        return bool(row["label"] == "collapsed")

    def seen(row: Row) -> bool:
        """Return True if samples can show the collapse: a VAE's empty code shows in its reconstructions alone."""
        return sick(row) and "seq2seq" not in row["context"]

    for percent in (10, 20, 33):
        line(
            f"collapsed ones named by {percent} % of their steps",
            sick,
            lambda row, at=percent / 100: row["stays_from"] is not None and row["stays_from"] <= at,  # type: ignore[misc]
        )
    line(
        "the same by 33 %, without seq2seq",
        seen,
        lambda row: row["stays_from"] is not None and row["stays_from"] <= 0.33,
    )
    line("healthy ones ever told to stop", lambda row: bool(row["label"] == "healthy"), lambda row: bool(row["ever"]))
    return "\n".join(lines) + "\n"
