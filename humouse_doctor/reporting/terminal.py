"""Print to a terminal or a log: one console, harmless text, small plots."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from humouse_doctor.core.text import harmless_line, no_command

_BARS = "▁▂▃▄▅▆▇█"


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
