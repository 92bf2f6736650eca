"""Layout of a format that is read on a terminal or in a log."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Detail(Enum):
    """How much of a run's report is shown as text: a line, a screen, a screen with its remarks, or everything."""

    LINE = "line"
    SCREEN = "screen"
    REMARKS = "remarks"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The room for text: `width` in columns, whether it may have a terminal's colours, and how much is shown."""

    width: int = 80
    colour: bool = False
    detail: Detail = Detail.FULL
