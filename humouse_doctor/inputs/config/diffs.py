"""Parsing of a unified diff of one file into rows, and into replacements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@")
_BOM = "\ufeff"
#: The start of a line outside of hunks with which git creates, moves or removes a file, or marks a binary one.
_NO_EDIT = re.compile(
    r"(?:new|deleted) file mode |(?:rename|copy) (?:from|to|old|new) |(?:---|\+\+\+) \"?/dev/null\b"
    r"|GIT binary patch|Binary files "
)
#: The starts of lines that name a file; a diff of one file has each at most once.
_NAMING = ("diff ", "Index: ", "--- ", "+++ ", "*** ")
#: The end of a mail from `git format-patch`.
_SIGNATURE = re.compile(r"-- $|\d+(?:\.\w+)*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """A text that replaces the range from `start` up to `end`; lines and columns count from 1, in characters."""

    start: tuple[int, int]
    end: tuple[int, int]
    text: str


def replacements(diff: str) -> tuple[Replacement, ...]:
    """Return each group of lines that `diff` changes, in order; none if it is not a diff of one file in UTF-8."""
    try:
        diff.encode("utf-8")
        return tuple(_grouped(rows(diff)))
    except ValueError:
        return ()


def rows(diff: str) -> Iterator[tuple[int, str, str]]:
    """Yield every row of the hunks: its old line number, from 1, its sign, and its text with the real line end.

    Rows are counted as the hunk headers say, as in git and patch, so no text within a hunk can begin another. An empty row
    stands for an empty line of both files. Raises `ValueError` for a malformed diff, or for one that changes more than the
    lines of one file.
    """
    given = re.findall(r"[^\n]*\n|[^\n]+\Z", diff)
    named = dict.fromkeys(_NAMING, 0)
    line, old, new = 0, 0, 0
    for number, row in enumerate(given):
        if old == 0 and new == 0:
            hunk = HUNK.match(row)
            if hunk is not None:
                old, new = (1 if count is None else int(count) for count in (hunk[2], hunk[3]))
                line = int(hunk[1]) + (old == 0)  # an empty range names the line before it
                continue
            kind = next((kind for kind in _NAMING if row.startswith(kind)), None)
            if kind is not None:
                named[kind] += 1
            if named.get(kind or "", 0) > 1 or (kind is not None and line):
                raise ValueError(f"line {number + 1} of the diff names another file; expected a diff of a single file")
            if _NO_EDIT.match(row):
                raise ValueError(f"line {number + 1} of the diff does more than change lines of a file")
            if line and not row.startswith("\\") and row.strip() and not _SIGNATURE.match(row.rstrip("\r\n")):
                raise ValueError(f"line {number + 1} of the diff belongs to no hunk")
            continue
        sign, text = row[:1], row[1:]
        if sign == "\\":
            continue
        if row in ("\n", "\r\n"):
            sign, text = " ", row
        if sign not in (" ", "-", "+"):
            raise ValueError(f"line {number + 1} of the diff belongs to no hunk")
        last = number + 1 < len(given) and given[number + 1].startswith("\\")
        yield line, sign, text.removesuffix("\n") if last else text
        old -= sign != "+"
        new -= sign != "-"
        line += sign != "+"
    if old > 0 or new > 0:
        raise ValueError("the diff's last hunk is cut short")
    if old < 0 or new < 0:
        raise ValueError("a hunk of the diff is longer than it says")


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
    """Return a replacement of whole lines with their ends; a BOM is not part of the first line's text."""
    text = "".join(added)
    if start == 1:
        text = text.removeprefix(_BOM)
    if not deleted or deleted[-1].endswith("\n"):
        return Replacement(start=(start, 1), end=(start + len(deleted), 1), text=text)
    last = deleted[-1].removeprefix(_BOM) if start + len(deleted) == 2 else deleted[-1]
    return Replacement(start=(start, 1), end=(start + len(deleted) - 1, len(last) + 1), text=text)
