"""The section of the page that compares two runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from humouse_doctor.core.comparison import Comparison, Group, MovedMetric
from humouse_doctor.core.pictures import Pictures
from humouse_doctor.core.report import Finding
from humouse_doctor.probes.registry import current
from humouse_doctor.reporting.comparison_text import NOTHING, direction, is_empty, value
from humouse_doctor.reporting.html import plots
from humouse_doctor.reporting.html.badges import VERDICTS, Badge, interval
from humouse_doctor.reporting.html.plots import Plot

#: Real paths that differ by more than this factor are in other units; one scale would show only dots.
_OTHER_UNITS = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedRow:
    """A metric of two runs."""

    name: str
    meaning: str
    before: str
    after: str
    healthy: str
    badge: Badge


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingGroup:
    """Findings that have come or gone, under one heading."""

    title: str
    style: str
    symbol: str
    findings: tuple[Finding, ...]


_MARKS = {Group.NEW: ("bad", "✕"), Group.UNSURE: ("unsure", "?"), Group.GONE: ("good", "✓")}


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonSection:
    """Two runs side by side; `plots` has the plots of both."""

    comparison: Comparison
    before: Badge
    after: Badge
    plots: tuple[tuple[Plot, ...], tuple[Plot, ...]]
    note: str
    groups: tuple[FindingGroup, ...]
    moved: tuple[MovedRow, ...]
    nothing: str


def compared(comparison: Comparison) -> ComparisonSection:
    """Return two runs side by side, their pictures in one scale where that shows more than dots."""
    pair = (comparison.before.pictures, comparison.after.pictures)
    drawn = [pictures for pictures in pair if pictures is not None]
    spaces = sorted({pictures.space for pictures in drawn})
    sizes = [size for size in (plots.extent(pictures.real_paths) for pictures in drawn) if size > 0]
    common = plots.extent(*(paths for pictures in drawn for paths in (pictures.real_paths, pictures.generated_paths)))
    same, note = True, "All pictures are in one scale."
    if len(spaces) > 1:
        same, note = (
            False,
            f"The losses of the runs compare different things ({' and '.join(spaces)}), so each has its own scale.",
        )
    elif sizes and max(sizes) / min(sizes) > _OTHER_UNITS:
        times = plots.short(max(sizes) / min(sizes))
        same, note = (
            False,
            f"The real paths of one run are {times} times as large as the other's, so each has its own scale.",
        )
    return ComparisonSection(
        comparison=comparison,
        before=VERDICTS[comparison.before.verdict.value],
        after=VERDICTS[comparison.after.verdict.value],
        plots=(_pair("before", pair[0], common if same else None), _pair("after", pair[1], common if same else None)),
        note=note if drawn else "",
        groups=tuple(_groups(comparison)),
        moved=tuple(map(_moved, comparison.moved)),
        nothing=NOTHING if is_empty(comparison) else "",
    )


def _groups(comparison: Comparison) -> Iterator[FindingGroup]:
    for group, title, findings in comparison.groups:
        style, symbol = _MARKS[group]
        yield FindingGroup(title=title, style=style, symbol=symbol, findings=findings)


def _pair(name: str, pictures: Pictures | None, cell: float | None) -> tuple[Plot, ...]:
    if pictures is None:
        return ()
    own = plots.extent(pictures.real_paths, pictures.generated_paths) if cell is None else cell
    both = (
        (f"{name}-generated", "Generated paths", pictures.generated_paths, "prior"),
        (f"{name}-real", "Real paths", pictures.real_paths, "targets"),
    )
    return tuple(plots.paths(key, title, paths, style, own) for key, title, paths, style in both if plots.drawable(paths))


def _moved(moved: MovedMetric) -> MovedRow:
    metric = current().metrics.get(moved.name)
    symbol, style = {True: ("✓", "good"), False: ("✕", "bad"), None: ("○", "quiet")}[moved.closer]
    return MovedRow(
        name=moved.name,
        meaning=metric.meaning if metric else "",
        before=value(moved.before, moved),
        after=value(moved.after, moved),
        healthy=interval(moved.healthy),
        badge=Badge(word=direction(moved), symbol=symbol, style=style),
    )
