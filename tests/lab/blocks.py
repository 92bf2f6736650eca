"""Text between two comments of a page, which a program writes."""

from __future__ import annotations


def replaced(text: str, begin: str, end: str, block: str) -> str:
    """Return `text` with `block` between its comments `begin` and `end`. Raises ValueError if one of them is missing."""
    before, rest = text.split(begin, 1)
    _, after = rest.split(end, 1)
    return f"{before}{begin}\n\n{block.strip()}\n\n{end}{after}"
