"""Layout of a format that is read on a terminal or in a log."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The room for text: `width` in columns, and whether it may have a terminal's colours."""

    width: int = 80
    colour: bool = False
