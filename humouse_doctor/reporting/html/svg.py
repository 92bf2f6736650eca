"""The few SVG elements that plots are made of.

Strokes and fills carry a class (`s-targets`, `f-prior`) instead of a colour, so that a plot follows the page into a dark
scheme. Coordinates are rounded to tenths of a unit; no element has an id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from humouse_doctor.reporting.findings import one_line

#: A point's place in a plot, x to the right and y down, in the plot's own units.
Place = tuple[float, float]


def line(places: Sequence[Place], style: str, *, width: float = 2.0, dashes: str = "") -> str:
    """Return a line through `places`, or a dot where it would not be longer than a dot."""
    drawn = _rounded(places)
    if len(drawn) == 1:
        return dot(places[0], style, radius=width)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path class="s-{style}" stroke-width="{width:g}"{dashed} d="{_outline(drawn)}"/>'


def lines(pairs: Iterable[tuple[Place, Place]], style: str, *, width: float = 1.0) -> str:
    """Return separate straight lines as one element."""
    outline = "".join(_outline([_short(*start), _short(*end)]) for start, end in pairs)
    return f'<path class="s-{style}" stroke-width="{width:g}" d="{outline}"/>' if outline else ""


def area(places: Iterable[Place], style: str, *, opacity: float, outlined: float = 0.0) -> str:
    """Return the area that `places` enclose; its outline is `outlined` units wide and left open at the end."""
    paint = f'class="f-{style}"'
    if outlined:
        paint = f'class="f-{style} s-{style}" stroke-width="{outlined:g}"'
    return f'<path {paint} fill-opacity="{opacity:g}" d="{_outline(_rounded(places))}"/>'


def dot(place: Place, style: str, *, radius: float = 3.0) -> str:
    """Return a filled circle around `place`."""
    x, y = _short(*place)
    return f'<circle cx="{x}" cy="{y}" r="{radius:g}" class="f-{style}"/>'


def text(place: Place, words: str, *, anchor: str = "start", style: str = "muted", centred: bool = False) -> str:
    """Return one line of `words`, whatever they hold.

    It starts, ends or has its middle at `place`, which is on its base line or, `centred`, at half of its height: how wide
    and how high it is, only the browser knows.
    """
    x, y = _short(*place)
    middle = ' dy=".35em"' if centred else ""
    anchored = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text class="f-{style}" x="{x}" y="{y}"{middle}{anchored}>{escape(one_line(words), quote=False)}</text>'


def _outline(drawn: list[tuple[str, str]]) -> str:
    return "M" + " ".join(f"{x} {y}" for x, y in drawn)


def _rounded(places: Iterable[Place]) -> list[tuple[str, str]]:
    """Places as they are written, without those that are where the one before is."""
    drawn: list[tuple[str, str]] = []
    for x, y in places:
        place = _short(x, y)
        if not drawn or place != drawn[-1]:
            drawn.append(place)
    return drawn


def _short(x: float, y: float) -> tuple[str, str]:
    return f"{round(x, 1) + 0.0:g}", f"{round(y, 1) + 0.0:g}"  # + 0.0: no -0
