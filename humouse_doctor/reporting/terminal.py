"""Print to a terminal or a log: one console, harmless text, small plots."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import pairwise

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from humouse_doctor.core.text import harmless_line, no_command

_BARS = "▁▂▃▄▅▆▇█"
#: The bits of a braille character's dots, two columns of four.
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))


def console_for(stream: io.StringIO, *, width: int, colour: bool) -> Console:
    """Return a console that writes plain text, or text in a terminal's sixteen colours."""
    return Console(
        file=stream,
        width=width,
        force_terminal=colour,
        no_color=not colour,
        color_system="standard" if colour else None,
        highlight=False,
        markup=False,
        emoji=False,
    )


def trimmed(text: str) -> str:
    """Return `text` without trailing blanks, and with no line that a pipeline would run as a command."""
    return no_command("\n".join(line.rstrip() for line in text.splitlines()) + "\n")


def say(console: Console, text: str, *, indent: int = 0, style: str = "") -> None:
    """Print `text`, made harmless, as one paragraph, wrapped and indented."""
    console.print(Padding(Text(harmless_line(text), style=style), (0, 0, 0, indent)))


def title(console: Console, text: str) -> None:
    """Print an empty line and a heading, made harmless."""
    console.print()
    console.print(Text(harmless_line(text), style="bold"))


def bars(values: Sequence[float], top: float, width: int) -> str:
    """Draw `values` (>= 0) as at most `width` bars of eight heights; `top` is the highest value."""
    count = min(width, len(values))
    taken = [values[round(index * (len(values) - 1) / max(count - 1, 1))] for index in range(count)]
    return "".join(_BARS[min(int(value / top * len(_BARS)), len(_BARS) - 1) if top > 0 else 0] for value in taken)


def sketch(
    paths: Sequence[Sequence[tuple[float, float]]], box: tuple[float, float, float, float], columns: int, rows: int
) -> list[str]:
    """Draw paths as dots of braille, y downwards; `box` (x, y, x, y) fills the rows, and what is outside of it is left out."""
    left, top, right, bottom = box
    cells = [[0] * columns for _ in range(rows)]

    def dot(x: float, y: float) -> tuple[float, float]:
        across = (x - left) / (right - left) if right > left else 0.5
        down = (y - top) / (bottom - top) if bottom > top else 0.5
        return across * (2 * columns - 1), down * (4 * rows - 1)

    for path in paths:
        dots = [dot(x, y) for x, y in path]
        for (x, y), (to_x, to_y) in pairwise([*dots[:1], *dots]):
            steps = min(max(int(abs(to_x - x)), int(abs(to_y - y)), 1), 8 * (columns + rows))
            for step in range(1, steps + 1):
                across, down = round(x + (to_x - x) * step / steps), round(y + (to_y - y) * step / steps)
                if 0 <= across < 2 * columns and 0 <= down < 4 * rows:
                    cells[down // 4][across // 2] |= _DOTS[across % 2][down % 4]
    return ["".join(chr(0x2800 + cell) if cell else " " for cell in row).rstrip() for row in cells]
