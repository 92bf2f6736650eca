"""SVG elements that plots are built from.

Strokes and fills have a class (`s-targets`, `f-prior`) instead of a colour, so that plots follow the page into a dark
scheme. Coordinates are rounded to tenths of a unit; no element has an id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from humouse_doctor.reporting.findings import one_line

#: A point in a plot, x to the right and y down, in the plot's own units.
Place = tuple[float, float]


def line(places: Sequence[Place], style: str, *, width: float = 2.0, dashes: str = "") -> str:
    """Return a line through `places`, or a dot if the line would be no longer than one."""
    drawn = _rounded(places)
    if len(drawn) == 1:
        return dot(places[0], style, radius=width)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path class="s-{style}" stroke-width="{width:g}"{dashed} d="{_outline(drawn)}"/>'


def walk(places: Sequence[Place], style: str, *, width: float) -> str:
    """Return a line through `places` and a dot at its start, which the page's script can move from point to point."""
    outline = _outline([_short(*place) for place in places])
    return f'<g class="walk"><path class="s-{style}" stroke-width="{width:g}" d="{outline}"/>{dot(places[0], style)}</g>'


def lines(pairs: Iterable[tuple[Place, Place]], style: str, *, width: float = 1.0) -> str:
    """Return separate straight lines as one element."""
    outline = "".join(_outline([_short(*start), _short(*end)]) for start, end in pairs)
    return f'<path class="s-{style}" stroke-width="{width:g}" d="{outline}"/>' if outline else ""


def area(places: Iterable[Place], style: str, *, opacity: float, outlined: float = 0.0) -> str:
    """Return the area inside `places`; its outline is `outlined` units wide and not closed."""
    paint = f'class="f-{style}"'
    if outlined:
        paint = f'class="f-{style} s-{style}" stroke-width="{outlined:g}"'
    return f'<path {paint} fill-opacity="{opacity:g}" d="{_outline(_rounded(places))}"/>'


def dot(place: Place, style: str, *, radius: float = 3.0) -> str:
    """Return a filled circle around `place`."""
    x, y = _short(*place)
    return f'<circle cx="{x}" cy="{y}" r="{radius:g}" class="f-{style}"/>'


def text(place: Place, words: str, *, anchor: str = "start", style: str = "muted", centred: bool = False) -> str:
    """Return one line of `words`, escaped.

    `place` is its start, end or middle, on its base line or, if `centred`, at half of its height. Only the browser knows
    its width and height.
    """
    x, y = _short(*place)
    middle = ' dy=".35em"' if centred else ""
    anchored = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text class="f-{style}" x="{x}" y="{y}"{middle}{anchored}>{escape(one_line(words), quote=False)}</text>'


def _outline(drawn: list[tuple[str, str]]) -> str:
    return "M" + " ".join(f"{x} {y}" for x, y in drawn)


def _rounded(places: Iterable[Place]) -> list[tuple[str, str]]:
    """Return places as they are written, without repeated ones."""
    drawn: list[tuple[str, str]] = []
    for x, y in places:
        place = _short(x, y)
        if not drawn or place != drawn[-1]:
            drawn.append(place)
    return drawn


def _short(x: float, y: float) -> tuple[str, str]:
    return f"{round(x, 1) + 0.0:g}", f"{round(y, 1) + 0.0:g}"  # + 0.0 turns -0 into 0
