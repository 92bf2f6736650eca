"""Plots as SVG for a page, each with its content in words and numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, compress
from statistics import fmean

from humouse_doctor.core.history import History, LossCurve, Snapshot, SnapshotKind
from humouse_doctor.core.outcome import AS_IT_IS, Change, Outcome, Trial
from humouse_doctor.core.pictures import Pictures, Points
from humouse_doctor.diagnosis.pictures import STATE
from humouse_doctor.probes.flat_output import SETTLED
from humouse_doctor.probes.registry import current
from humouse_doctor.reporting.html import svg
from humouse_doctor.reporting.html.axes import (
    WIDTH,
    Axes,
    Say,
    Scale,
    axes,
    below,
    percent,
    plain,
    powers_of_ten,
    round_below,
    ticks,
)
from humouse_doctor.reporting.ranges import Range, range_of

#: The share of its movement after which a recurrent state counts as settled.
_DONE = 1 - SETTLED
#: The class and dashes of each curve and histogram, by its name in `Pictures`.
_GROUPS = {
    "targets": ("targets", ""),
    "prior samples": ("prior", "6 3"),
    "fitted latents": ("fitted", "2 2.5"),
    STATE: ("prior", "6 3"),
}
_UNKNOWN_GROUP = ("other", "8 3 2 3")
_ARM_DASHES = ("6 3", "", "2 2.5", "8 3 2 3", "10 4")
_MOST_ARMS = len(_ARM_DASHES)
#: The bounds of the axis of ratios to the data.
_LEAST_RATIO, _MOST_RATIO = 1.2, 5.0

#: A saved report may hold any number; a larger one, or NaN, cannot be drawn.
_LARGEST = 1e100
#: The smallest gradient on a logarithmic scale.
_LEAST_GRADIENT = 1e-300

#: The height below a plot with axes, for its numbers and their unit.
_FOOT = 46.0
_TOP = 8.0
#: The number of cells in a row of paths, and the free share of a cell on each side.
_COLUMNS, _MARGIN = 4, 0.09
_MOST_FITS = 2 * _COLUMNS
_PITCH, _FILLED = WIDTH / _COLUMNS, 1 - 2 * _MARGIN
#: The heights of a histogram's and of a gradient's row.
_HISTOGRAM_ROW, _HISTOGRAM_GAP = 92.0, 20.0
#: A head's reach below this share of a histogram's width gets an inset, of so many times its width, and of this height.
_THIN, _INSET_WIDTHS, _INSET = 1 / 32, 9, 66.0
_LAYER_ROW, _GRADIENT_LEFT = 34.0, 14.0
_MOST_LAYERS, _LONGEST_LAYER = 32, 44
#: Generated paths smaller than the targets' by this factor get a magnified picture.
_WORTH_MAGNIFYING = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One entry of a legend: its class and dashes, its name, and its number."""

    style: str
    dashes: str
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A plot; `shapes` is SVG markup without a root, `numbers` describes its content in words."""

    name: str
    title: str
    numbers: str
    width: float
    height: float
    shapes: str
    legend: tuple[Key, ...] = ()


def short(value: float) -> str:
    """Format a number with three digits and thousands separators."""
    if value == 0 or 0.001 <= abs(value) < 1000:
        return f"{value:.3g}"
    return f"{value:,.0f}" if abs(value) < 1_000_000 and abs(value) >= 1 else f"{value:.1e}"


def drawable(paths: Sequence[Points]) -> tuple[Points, ...]:
    """Return the non-empty paths whose points can all be drawn."""
    return tuple(path for path in paths if path and _is_plain(*chain.from_iterable(path)))


def _is_plain(*values: float) -> bool:
    return all(map(_LARGEST.__gt__, map(abs, values)))  # it is not larger than NaN


def extent(*groups: Sequence[Points]) -> float:
    """Return the width or height of the largest path, 0 if none moves or there is none."""
    return max((_size(path) for paths in groups for path in drawable(paths)), default=0.0)


def _size(path: Points) -> float:
    xs, ys = zip(*path, strict=True)
    return float(max(max(xs) - min(xs), max(ys) - min(ys)))


def paths(name: str, title: str, drawn: Sequence[Points], style: str, cell: float) -> Plot:
    """Return paths side by side, each centred in a cell, with a dot at its start.

    A cell is `cell` wide, or as wide as the largest path. y points down, as on a screen. A path that does not move is only
    its dot.
    """
    drawn = drawable(drawn)
    own = extent(drawn)
    side = max(cell, own) or 1.0
    rows = max(math.ceil(len(drawn) / _COLUMNS), 1)
    placed = [_in_cell(path, path, number, side) for number, path in enumerate(drawn)]
    moves = [_size(path) > side / 1000 for path in drawn]
    shapes = [_cells(rows)]
    shapes += [svg.walk(places, style, width=1.6) for places in compress(placed, moves)]
    shapes += [svg.dot(places[0], style) for places, moving in zip(placed, moves, strict=True) if not moving]
    shapes.append(_scale_bar(round_below(side), side, rows * _PITCH + 13))
    still = moves.count(False)
    whole = f"{_counted(len(drawn), 'path')}, the largest {short(own)} across, in cells of {short(side / _FILLED)}"
    said = (
        "moves less than a thousandth of a cell and shows as a dot"
        if still == 1
        else "move less than a thousandth of a cell and show as dots"
    )
    dots = f"; {still} of them {said}" if still else ""
    return Plot(
        name=name,
        title=title,
        numbers=f"{whole}{dots}.",
        width=WIDTH,
        height=rows * _PITCH + 26,
        shapes="".join(shapes),
    )


def fitted(name: str, title: str, pictures: Pictures) -> Plot | None:
    """Return real paths, each under the nearest that the generator makes of a latent fitted to it."""
    pairs = [(fit.target, fit.made) for fit in pictures.fits if len(drawable([fit.target, fit.made])) == 2][:_MOST_FITS]
    if not pairs:
        return None
    rows = math.ceil(len(pairs) / _COLUMNS)
    side = max(_size((*real, *made)) for real, made in pairs) or 1.0
    shapes = [_cells(rows)]
    for number, (real, made) in enumerate(pairs):
        for path, group in ((real, "targets"), (made, "fitted latents")):
            style, dashes = _GROUPS[group]
            places = _in_cell(path, (*real, *made), number, side)
            shapes += [svg.line(places, style, width=1.6, dashes=dashes), svg.dot(places[0], style)]
    shapes.append(_scale_bar(round_below(side), side, rows * _PITCH + 13))
    legend = []
    for group, of in (("targets", [real for real, _ in pairs]), ("fitted latents", [made for _, made in pairs])):
        style, dashes = _GROUPS[group]
        legend.append(Key(style=style, dashes=dashes, name=group, value=f"the largest {short(extent(of))} across"))
    return Plot(
        name=name,
        title=title,
        numbers=f"{_counted(len(pairs), 'real path')}; " + ", ".join(f"{key.name} {key.value}" for key in legend) + ".",
        width=WIDTH,
        height=rows * _PITCH + 26,
        shapes="".join(shapes),
        legend=tuple(legend),
    )


def _in_cell(path: Points, centred: Points, number: int, side: float) -> list[svg.Place]:
    """Return the points of a path in the cell in whose middle `centred` is; `side` fills a cell without its margins."""
    left, top = (number % _COLUMNS + 0.5) * _PITCH, (number // _COLUMNS + 0.5) * _PITCH
    xs, ys = zip(*centred, strict=True)
    x, y = (max(values) / 2 + min(values) / 2 for values in (xs, ys))
    size = _PITCH * _FILLED
    return [(left + (px - x) / side * size, top + (py - y) / side * size) for px, py in path]


def _cells(rows: int) -> str:
    """Return the lines between the cells."""
    height = rows * _PITCH
    upright = [((column * _PITCH, 0.0), (column * _PITCH, height)) for column in range(1, _COLUMNS)]
    return svg.lines([*upright, *(((0.0, row * _PITCH), (WIDTH, row * _PITCH)) for row in range(1, rows))], "grid")


def _scale_bar(length: float, side: float, y: float) -> str:
    """Return a bar of `length` with its number, where `side` fills a cell without its margins."""
    left, right = 6.0, 6.0 + length / side * _PITCH * _FILLED
    ends = [((x, y - 4), (x, y + 4)) for x in (left, right)]
    bar = svg.lines([((left, y), (right, y)), *ends], "muted", width=2)
    return bar + svg.text((right + 8, y), short(length), centred=True)


def magnified(name: str, pictures: Pictures) -> Plot | None:
    """Return the paths of the group that is far smaller than the other one in a scale of their own, None if neither is."""
    real, generated = extent(pictures.real_paths), extent(pictures.generated_paths)
    groups = (
        ("Generated paths", pictures.generated_paths, "prior", generated, real),
        ("Real paths", pictures.real_paths, "targets", real, generated),
    )
    for title, drawn, style, own, other in groups:
        if own > 0 and other / own >= _WORTH_MAGNIFYING:
            return paths(name, f"{title}, {short(other / own)} times as large", drawn, style, own)
    return None


def curves(name: str, title: str, pictures: Pictures, of: str) -> Plot | None:
    """Return one line per group over the steps: its `movement` or its `spread`."""
    drawn = {curve.name: getattr(curve, of)[: len(pictures.steps)] for curve in pictures.curves}
    drawn = {group: values for group, values in drawn.items() if values and _is_plain(*values)}
    ends = {group: short(values[-1]) for group, values in drawn.items()}
    numbers = "At the last step: " + ", ".join(f"{group} {end}" for group, end in ends.items()) + "."
    return _over_steps(name, title, pictures.steps, drawn, {group: f"{end} at the end" for group, end in ends.items()}, numbers)


def ways(name: str, title: str, pictures: Pictures) -> Plot | None:
    """Return two curves: the share of its whole way that the recurrent state, and that a target, has gone by each step."""
    drawn = {group: values[: len(pictures.steps)] for group, values in pictures.ways.items()}
    drawn = {group: values for group, values in drawn.items() if values and _is_plain(*values)}
    if STATE not in drawn:
        return None
    said = {group: _done(pictures.steps, values) for group, values in drawn.items()}
    numbers = "; ".join(f"{group}: {words}" for group, words in said.items()) + "."
    return _over_steps(name, title, pictures.steps, drawn, said, numbers, say=percent)


def _done(steps: Sequence[int], values: Sequence[float]) -> str:
    step = next((step for step, value in zip(steps, values, strict=False) if value >= _DONE), None)
    return "does not move" if step is None else f"{_DONE:.0%} by step {step} of {steps[-1]}"


def _over_steps(
    name: str,
    title: str,
    steps: Sequence[int],
    drawn: Mapping[str, Sequence[float]],
    said: Mapping[str, str],
    numbers: str,
    *,
    say: Say = plain,
) -> Plot | None:
    """Return one line per group over the steps, with a legend of what is `said` of each, None without any."""
    if not drawn:
        return None
    height = 250.0
    top = max(0.0, *(max(values) for values in drawn.values())) or 1.0
    plane = axes((0, max(steps[-1], 1)), top * 1.04, (_TOP, height - _FOOT), say=say)
    shapes, legend = [plane.frame], []
    for group, values in drawn.items():
        style, dashes = _GROUPS.get(group, _UNKNOWN_GROUP)
        shapes.append(svg.line(plane.places(steps[: len(values)], values), style, dashes=dashes))
        legend.append(Key(style=style, dashes=dashes, name=group, value=said[group]))
    shapes.append(below(plane.x, height - _FOOT, "step", least=1))
    return Plot(
        name=name,
        title=title,
        numbers=numbers,
        width=WIDTH,
        height=height,
        shapes="".join(shapes),
        legend=tuple(legend),
    )


def histogram(name: str, title: str, pictures: Pictures) -> Plot | None:
    """Return the values that the loss compares, one row per group over the same range, with the head's range."""
    edges = pictures.edges
    groups = {
        group: shares for group, shares in pictures.shares.items() if len(shares) == len(edges) - 1 and _is_plain(*shares)
    }
    if not groups or not _is_plain(*edges) or edges[-1] <= edges[0]:
        return None
    reach = pictures.reach if pictures.reach is not None and _is_plain(*pictures.reach) else None
    times = None if reach is None else _inset_scale(edges, reach)
    top = _TOP if times is None else _TOP + _INSET
    shapes, said, keys, lower = [], [], [], 0.0
    for row, (group, shares) in enumerate(groups.items()):
        upper = top + row * (_HISTOGRAM_ROW + _HISTOGRAM_GAP)
        lower = upper + _HISTOGRAM_ROW
        style, _ = _GROUPS.get(group, _UNKNOWN_GROUP)
        plane = axes((edges[0], edges[-1]), 1.06 * min(max(*shares, 0.01), 1.0), (upper, lower), say=percent)
        shapes += [plane.frame, "" if reach is None else _reached(plane, reach), _bins(plane, edges, shares, style)]
        if row == 0 and reach is not None and times is not None:
            shapes.append(_inset(plane.x, reach, upper, times))
        most = max(range(len(shares)), key=shares.__getitem__)
        said.append(f"{group}: the fullest bin, {short(edges[most])} to {short(edges[most + 1])}, holds {shares[most]:.0%}")
        keys.append(Key(style=style, dashes="", name=group, value=f"at most {shares[most]:.0%} in a bin"))
    shapes.append(below(plane.x, lower, "value"))
    if reach is not None:
        reached = f"{short(reach[0])} to {short(reach[1])}"
        reached += "" if times is None else f", at the top {short(times)} times as wide"
        said.append(f"the head reaches {reached}")
        keys.append(Key(style="reach", dashes="4 2", name="the head's reach", value=reached))
    return Plot(
        name=name,
        title=title,
        numbers="; ".join(said) + ". The outermost bins hold all beyond them.",
        width=WIDTH,
        height=lower + _FOOT - 6,
        shapes="".join(shapes),
        legend=tuple(keys),
    )


def _inset_scale(edges: Sequence[float], reach: tuple[float, float]) -> float | None:
    """Return how many times as wide a reach is drawn in an inset, None for one that is wide enough without, or not in sight."""
    width, whole = reach[1] - reach[0], edges[-1] - edges[0]
    if not 0 < width < whole * _THIN or not edges[0] <= reach[0] / 2 + reach[1] / 2 <= edges[-1]:
        return None
    times = whole / (_INSET_WIDTHS * width)
    return times if _is_plain(times) else None


def _inset(across: Scale, reach: tuple[float, float], lower: float, times: float) -> str:
    """Return the reach in a strip above a plot, as a lens of that many `times`: the strip's ends meet in its place below."""
    upper, bottom = _TOP + 18, _TOP + 34
    middle, half = (across.start + across.end) / 2, (across.end - across.start) / _INSET_WIDTHS / 2
    place = across(reach[0] / 2 + reach[1] / 2)
    left, right = middle - half, middle + half
    return "".join(
        (
            svg.line([(across.start, bottom - 8), (across.end, bottom - 8)], "grid", width=16),
            svg.area([(left, upper), (right, upper), (right, bottom), (left, bottom)], "reach", opacity=0.35),
            *(svg.line([(bound, upper), (bound, bottom)], "reach", width=1.5) for bound in (left, right)),
            svg.lines([((across.start, bottom), (place, lower)), ((across.end, bottom), (place, lower))], "frame"),
            svg.text((left - 4, upper - 6), short(reach[0]), anchor="end"),
            svg.text((right + 4, upper - 6), short(reach[1])),
            svg.text((across.end, upper - 6), f"{short(times)}x", anchor="end"),
        )
    )


def _reached(plane: Axes, reach: tuple[float, float]) -> str:
    """Return the range of the head, between its bounds; a bound outside the plot is not drawn."""
    (left, low), (right, high) = plane.upright(reach[0])[0], plane.upright(reach[1])[1]
    band = svg.area([(left, low), (left, high), (right, high), (right, low)], "reach", opacity=0.25)
    inside = [bound for bound in reach if plane.x.low <= bound <= plane.x.high]
    return band + "".join(svg.line(plane.upright(bound), "reach", width=1.5, dashes="4 2") for bound in inside)


def _bins(plane: Axes, edges: Sequence[float], shares: Sequence[float], style: str) -> str:
    xs = [edge for edge in edges for _ in (0, 1)]
    ys = [0.0, *(share for share in shares for _ in (0, 1)), 0.0]
    return svg.area(plane.places(xs, ys), style, opacity=0.35, outlined=1.5)


def gradients(name: str, title: str, pictures: Pictures) -> Plot | None:
    """Return a bar per layer on a log scale, in the order of the forward pass."""
    known = {
        layer: value if value > _LEAST_GRADIENT else 0.0
        for layer, value in pictures.gradient_rms.items()
        if _is_plain(value) and value >= 0
    }
    positive = [math.log10(value) for value in known.values() if value > 0]
    if not positive:
        return None
    layers = _worth_a_row(known)
    lower = 4 + _LAYER_ROW * len(layers)
    # the shortest bar is at least a tenth of a decade long
    across = Scale(
        low=math.floor(min(positive) - 0.1), high=math.ceil(max(positive)), start=_GRADIENT_LEFT, end=WIDTH - _GRADIENT_LEFT
    )
    decades = [((across(power), 4.0), (across(power), lower)) for power in ticks(across.low, across.high, least=1)]
    shapes = [svg.lines(decades, "grid"), svg.lines([((across.start, lower), (across.end, lower))], "frame")]
    least = current().metrics["HD106.first_last_ratio"].healthy.low * known[layers[-1][0]]
    band = min(max(across.start, across(math.log10(least)) if least > 0 else across.start), across.end)
    shapes.append(svg.line([(band, 25.0), (across.end, 25.0)], "healthy", width=13))
    shapes += [_layer(across, row, *layer) for row, layer in enumerate(layers)]
    shapes.append(below(across, lower, "rms of the gradient", say=powers_of_ten, least=1))
    first, last = layers[0], layers[-1]
    return Plot(
        name=name,
        title=title,
        numbers=f"From {first[0]} with {short(known[first[0]])} to {last[0]} with {short(known[last[0]])}; "
        f"the smallest is {short(min(known.values()))}, the largest {short(max(known.values()))}."
        " The first layer's is healthy within the band.",
        width=WIDTH,
        height=lower + _FOOT - 6,
        shapes="".join(shapes),
    )


def _worth_a_row(known: Mapping[str, float]) -> list[tuple[str, float | None]]:
    """Return the layers with their gradients.

    If there are many, the middle ones are replaced by a row with their count.
    """
    layers: list[tuple[str, float | None]] = list(known.items())
    if len(layers) <= _MOST_LAYERS:
        return layers
    half = _MOST_LAYERS // 2
    return [*layers[:half], (f"({len(layers) - _MOST_LAYERS} layers more)", None), *layers[-half:]]


def _layer(across: Scale, row: int, layer: str, value: float | None) -> str:
    """Return a layer's name and number above its bar."""
    top = 4 + row * _LAYER_ROW
    said = layer if value is None else f"{shortened(layer, _LONGEST_LAYER)} {short(value)}"
    words = svg.text((across.start + 2, top + 12), said, style="ink")
    if not value:
        return words
    y = top + 21
    return words + svg.line([(across.start, y), (across(math.log10(value)), y)], "prior", width=7)


def timeline(name: str, title: str, history: History, *, watched: bool = False) -> Plot | None:
    """Return what a program drew itself over its epochs: a line per measure, each as a ratio to the data, which is at 1.

    A step counts for the end of its epoch; with `watched`, what a watch saw over the steps is drawn instead. Ratios above the
    plot are drawn at its edge, and said in numbers.
    """
    series, unit = (history.watched, "step") if watched else (history.series, "epoch")
    drawn = {word: _points_of(series, word) for word in history.measured[: len(_ARM_DASHES)]}
    drawn = {word: points for word, points in drawn.items() if points}
    if not drawn:
        return None
    epochs = [epoch for points in drawn.values() for epoch, _ in points]
    first, last, height = min(epochs), max(epochs), 250.0
    most = max(_LEAST_RATIO, *(value for points in drawn.values() for _, value in points))
    top = min(most, _MOST_RATIO)
    cut = "" if most <= top else f" What is above {top:g} is drawn at the upper edge."
    plane = axes((first, max(last, first + 1)), top * 1.04, (_TOP, height - _FOOT))
    shapes, legend = [plane.frame, svg.line(plane.level(1.0), "ink", width=1.5, dashes="12 3")], []
    for number, (word, points) in enumerate(drawn.items()):
        style, dashes, (begun, ended) = f"arm{number}", _ARM_DASHES[number], (points[0][1], points[-1][1])
        shapes.append(svg.line(plane.places(*zip(*points, strict=True)), style, dashes=dashes))
        said = short(ended) if len(points) == 1 else f"{short(begun)} to {short(ended)}"
        legend.append(Key(style=style, dashes=dashes, name=word, value=said))
    shapes.append(below(plane.x, height - _FOOT, unit, least=1))
    return Plot(
        name=name,
        title=title,
        numbers=f"From {unit} {first} to {last}, over the data's: "
        + ", ".join(f"{key.name} {key.value}" for key in legend)
        + f".{cut}",
        width=WIDTH,
        height=height,
        shapes="".join(shapes),
        legend=(*legend, Key(style="ink", dashes="12 3", name="the data", value="1")),
    )


def _points_of(series: Sequence[Snapshot], word: str) -> list[tuple[int, float]]:
    """Return the epochs, or a watch's steps, and values of a measure that can be drawn."""
    times = ((one.epoch if one.kind is not SnapshotKind.WATCH or one.step is None else one.step, one) for one in series)
    found = ((time, one.measures[word]) for time, one in times if word in one.measures)
    return [(epoch, value) for epoch, value in found if _is_plain(epoch, value)]


def loss_curve(name: str, title: str, curve: LossCurve) -> Plot | None:
    """Return a loss over its epochs, with the losses of two predictors that know nothing where they are known."""
    if not curve.values or not _is_plain(*curve.values, *curve.epochs):
        return None
    levels = (("best constant", curve.best_constant, "12 3"), ("motionless cursor", curve.motionless, "1.5 2.5"))
    known = [(words, level, dashes) for words, level, dashes in levels if level is not None and _is_plain(level)]
    first, last, height = min(curve.epochs), max(curve.epochs), 250.0
    top = max(*curve.values, *(level for _, level, _ in known), 0.0) or 1.0
    plane = axes((first, max(last, first + 1)), top * 1.04, (_TOP, height - _FOOT))
    shapes = [plane.frame, svg.line(plane.places(curve.epochs, curve.values), "prior")]
    legend = [Key(style="prior", dashes="", name="loss", value=f"{short(curve.values[0])} to {short(curve.values[-1])}")]
    for words, level, dashes in known:
        shapes.append(svg.line(plane.level(level), "ink", width=1.5, dashes=dashes))
        legend.append(Key(style="ink", dashes=dashes, name=words, value=short(level)))
    shapes.append(below(plane.x, height - _FOOT, curve.unit, least=1))
    return Plot(
        name=name,
        title=title,
        numbers=", ".join(f"{key.name} {key.value}" for key in legend) + ".",
        width=WIDTH,
        height=height,
        shapes="".join(shapes),
        legend=tuple(legend),
    )


def losses(name: str, title: str, outcome: Outcome) -> Plot | None:
    """Return each arm's loss over its steps, as a share of the best constant's.

    A line is the mean over seeds, a band around it covers all of them.
    """
    shown = [(key, seeds) for key in _arms_worth_showing(outcome) if (seeds := _relative(outcome, key))]
    if not shown:
        return None
    motionless, height = _motionless(outcome), 290.0
    top = 1.15 * max(1.0, motionless or 0.0)
    plane = axes((0, 1), top, (_TOP, height - _FOOT))
    titles = {arm.arm.key: arm.arm.title for arm in outcome.arms} | {AS_IT_IS.key: AS_IT_IS.title}
    shapes, legend, trivial = [plane.frame], list[Key](), list[Key]()
    for number, (key, seeds) in enumerate(shown):
        style, dashes = f"arm{number}", _ARM_DASHES[number]
        shapes.append(_arm(plane, seeds, style, dashes))
        legend.append(Key(style=style, dashes=dashes, name=titles.get(key, key), value=_ending(seeds)))
    for level, words, dashes in ((1.0, "best constant", "12 3"), (motionless, "motionless cursor", "1.5 2.5")):
        if level is not None:
            shapes.append(svg.line(plane.level(level), "ink", width=1.5, dashes=dashes))
            trivial.append(Key(style="ink", dashes=dashes, name=words, value=f"{level:.2f}"))
    shapes.append(below(plane.x, height - _FOOT, "share of the arm's own steps", say=percent))
    said = "; ".join(f"{key.name} {key.value}" for key in legend)
    still = "" if motionless is None else f" A motionless cursor has {motionless:.2f}."
    return Plot(
        name=name,
        title=title,
        numbers=f"Loss over that of the best constant: {said}.{still}",
        width=WIDTH,
        height=height,
        shapes="".join(shapes),
        legend=(*legend, *trivial),
    )


def before_and_after(name: str, outcome: Outcome) -> Plot | None:
    """Return the deciding numbers of the run as it is and of its best arm, each on a range with its healthy band."""
    key = next((key for key in _arms_worth_showing(outcome) if key != AS_IT_IS.key), None)
    arm = outcome.arm(key)
    rows = [] if arm is None else [row for change in arm.changes if (row := _moved(change)) is not None]
    if arm is None or not rows:
        return None
    shapes = [shape for place, row in enumerate(rows) for shape in _moved_row(row, 4 + place * _LAYER_ROW)]
    arms = [
        Key(style=f"arm{place}", dashes="", name=words, value="") for place, words in enumerate(("as it is", arm.arm.title))
    ]
    return Plot(
        name=name,
        title="The run as it is, beside the best arm",
        numbers="; ".join(f"{row.words} {row.said}" for row in rows) + ".",
        width=WIDTH,
        height=4 + len(rows) * _LAYER_ROW + 4,
        shapes="".join(shapes),
        legend=(*arms, Key(style="healthy", dashes="", name="healthy", value="")),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moved:
    """A metric's ranges before and after, what it is called, and its numbers in words."""

    words: str
    said: str
    before: Range
    after: Range


def _moved(change: Change) -> _Moved | None:
    """Return the row of a metric that has a label and a healthy interval, None for others."""
    metric, words = current().metrics.get(change.metric), current().labels.get(change.metric)
    if metric is None or words is None or not _is_plain(change.before, change.after):
        return None
    before, after = range_of(metric, change.before), range_of(metric, change.after)
    if before is None or after is None:
        return None
    return _Moved(words=words, said=f"{short(change.before)} -> {short(change.after)}", before=before, after=after)


def _moved_row(row: _Moved, top: float) -> list[str]:
    """Return a metric's words and numbers above its range: healthy band, and a line from one dot to the other."""
    left, width, y = _GRADIENT_LEFT, WIDTH - 2 * _GRADIENT_LEFT, top + 22
    begun, ended = ((left + width * one.mark / 100, y) for one in (row.before, row.after))
    start, span = row.after.healthy
    band = [(left + width * start / 100, y), (left + width * (start + span) / 100, y)]
    return [
        svg.text((left, top + 12), row.words, style="ink"),
        svg.text((WIDTH - left, top + 12), row.said, anchor="end", style="ink"),
        svg.line([(left, y), (left + width, y)], "grid", width=7),
        svg.line(band, "healthy", width=7),
        svg.line([begun, ended], "arm1", width=2),
        svg.dot(begun, "arm0", radius=5),
        svg.dot(ended, "arm1", radius=5),
    ]


def _motionless(outcome: Outcome) -> float | None:
    """Return the loss of a motionless cursor as a share of the best constant's, None if unknown or not drawable."""
    base = next((trial for trial in outcome.trials if trial.best_constant), None)
    if base is None or not base.best_constant or base.motionless is None:
        return None
    share = base.motionless / base.best_constant
    return share if _is_plain(share) else None


def _arm(plane: Axes, seeds: Sequence[_Relative], style: str, dashes: str) -> str:
    """Return the mean over an arm's seeds, over a band from the least to the largest of several seeds."""
    count = len(seeds[0].values)
    done = [(part + 0.5) / count * seeds[0].share for part in range(count)]
    by_step = list(zip(*(seed.values for seed in seeds), strict=True))
    mean = svg.line(plane.places(done, [fmean(values) for values in by_step]), style, dashes=dashes)
    if len(seeds) < 2:
        return mean
    least, most = (plane.places(done, [pick(values) for values in by_step]) for pick in (min, max))
    return svg.area([*least, *reversed(most)], style, opacity=0.18) + mean


def _ending(seeds: Sequence[_Relative]) -> str:
    ends = [seed.values[-1] for seed in seeds]
    spread = f" ({min(ends):.2f} to {max(ends):.2f})" if len(ends) > 1 else ""
    return f"ends at {fmean(ends):.2f}{spread}, {_counted(len(ends), 'seed')}, {seeds[0].steps:,} steps"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Relative:
    """One seed's losses as shares of the best constant's; it took `steps`, a `share` of those planned."""

    steps: int
    share: float
    values: tuple[float, ...]


def _relative(outcome: Outcome, arm: str) -> list[_Relative]:
    found: list[Trial] = [trial for trial in outcome.trials if trial.arm == arm and trial.losses and trial.best_constant]
    seeds = [
        _Relative(
            steps=t.steps, share=t.steps / max(t.planned, 1), values=tuple(loss / (t.best_constant or 1.0) for loss in t.losses)
        )
        for t in found
    ]
    return [seed for seed in seeds if _is_plain(*seed.values) and len(seed.values) == len(seeds[0].values)]


def _arms_worth_showing(outcome: Outcome) -> list[str]:
    """Return the run as it is, the arm that cures, then the healthiest others."""
    nearest = sorted(outcome.arms, key=lambda arm: arm.distance[1])
    keys = [AS_IT_IS.key, *([outcome.chosen] if outcome.chosen is not None else []), *(arm.arm.key for arm in nearest)]
    return list(dict.fromkeys(keys))[:_MOST_ARMS]


def final_losses(outcome: Outcome, arm: str) -> tuple[float, ...]:
    """Return the final loss of each seed of an arm, as a share of the best constant's."""
    return tuple(seed.values[-1] for seed in _relative(outcome, arm))


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def shortened(text: str, room: int) -> str:
    """Return a text without its middle if it has more than `room` letters."""
    return text if len(text) <= room else f"{text[: room // 2 - 1]}…{text[-(room // 2) :]}"
