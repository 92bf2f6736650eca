"""A unified diff of one file as replacements in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """Text that takes the place of what lies from `start` up to `end`: lines and columns from 1, in characters."""

    start: tuple[int, int]
    end: tuple[int, int]
    text: str


def replacements(diff: str) -> tuple[Replacement, ...]:
    """Each group of lines that `diff` changes, in order; none where it is no diff, or its text cannot be written as UTF-8."""
    try:
        diff.encode("utf-8")
        return tuple(_grouped(_rows(diff)))
    except ValueError:
        return ()


def _rows(diff: str) -> Iterator[tuple[int, str, str]]:
    """Every row of the hunks: the old line it stands at, its sign, and its text with the line end it really has."""
    rows = re.findall(r"[^\n]*\n|[^\n]+\Z", diff)
    line, old, new = 0, 0, 0
    for number, row in enumerate(rows):
        if old == 0 and new == 0:
            hunk = _HUNK.match(row)
            if hunk is not None:
                old, new = (1 if count is None else int(count) for count in (hunk[2], hunk[3]))
                line = int(hunk[1]) + (old == 0)  # an empty range names the line before it
            elif line and not row.startswith("\\"):
                raise ValueError(f"not a hunk: {row!r}")
            continue
        sign, text = row[:1], row[1:]
        if sign == "\\":
            continue
        if sign not in (" ", "-", "+"):
            raise ValueError(f"not a row of a hunk: {row!r}")
        last = number + 1 < len(rows) and rows[number + 1].startswith("\\")
        yield line, sign, text.removesuffix("\n") if last else text
        old -= sign != "+"
        new -= sign != "-"
        line += sign != "+"
    if old or new:
        raise ValueError("a hunk is cut short")


def _grouped(rows: Iterator[tuple[int, str, str]]) -> Iterator[Replacement]:
    start, deleted, added = 0, list[str](), list[str]()
    for line, sign, text in rows:
        apart = sign == " " or line != start + len(deleted)
        if apart and (deleted or added):
            yield _replacement(start, deleted, added)
            deleted, added = [], []
        if sign == " ":
            continue
        if not (deleted or added):
            start = line
        (deleted if sign == "-" else added).append(text)
    if deleted or added:
        yield _replacement(start, deleted, added)


def _replacement(start: int, deleted: list[str], added: list[str]) -> Replacement:
    """Whole lines with their ends; a BOM is no part of the first line's text."""
    text = "".join(added)
    if start == 1:
        text = text.removeprefix(_BOM)
    if not deleted or deleted[-1].endswith("\n"):
        return Replacement(start=(start, 1), end=(start + len(deleted), 1), text=text)
    last = deleted[-1].removeprefix(_BOM) if start + len(deleted) == 2 else deleted[-1]
    return Replacement(start=(start, 1), end=(start + len(deleted) - 1, len(last) + 1), text=text)
