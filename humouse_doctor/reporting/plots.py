"""Pictures as SVG for a page: shapes without colours of their own, each with the words and numbers that say the same.

Every stroke and fill carries a class (`s-targets`, `f-prior`) that the page's style gives a colour, so that a plot follows
the page into a dark scheme. No text but numbers and the page's own words goes through matplotlib: names are put in after.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from humouse_doctor.core.outcome import AS_IT_IS, Outcome, Trial
from humouse_doctor.core.pictures import Pictures, Points
from humouse_doctor.reporting.plain import harmless

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Each class and the colour that stands for it until the markup is cleaned; none of them is ever seen.
_STANDS_FOR = {
    name: f"#0000{number:02x}"
    for number, name in enumerate(
        (
            "ink",
            "muted",
            "grid",
            "frame",
            "reach",
            "targets",
            "prior",
            "fitted",
            "other",
            "arm0",
            "arm1",
            "arm2",
            "arm3",
            "arm4",
        ),
        start=1,
    )
}
_CLASS_OF = {colour: name for name, colour in _STANDS_FOR.items()}
#: The group of each curve and histogram by its name in `Pictures`; its class, and the dashes that tell it apart.
_GROUPS = {"targets": ("targets", ""), "prior samples": ("prior", "6 3"), "fitted latents": ("fitted", "2 2.5")}
_UNKNOWN_GROUP = ("other", "8 3 2 3")
_ARM_DASHES = ("6 3", "", "2 2.5", "8 3 2 3", "10 4")
_MOST_ARMS = len(_ARM_DASHES)

#: A saved report may hold any number; one beyond this, or none at all, cannot be drawn.
_LARGEST = 1e100

_WIDTH = 400.0
_FONT = 12.0
_COLUMNS = 4
#: No axis has room below.
_LEAST_GRADIENT = 1e-300
_MOST_LAYERS = 32
#: Below this share a histogram's percents need a digit more.
_FINE_SHARE = 0.04
#: How much smaller than the targets' generated paths are before they are worth a magnified picture.
_WORTH_MAGNIFYING = 8.0
_DRAWN = {"svg": "http://www.w3.org/2000/svg", "xlink": "{http://www.w3.org/1999/xlink}"}
_KEPT = ("stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "fill-opacity", "opacity", "text-anchor")
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One entry of a legend: the class and dashes it is drawn with, its name, and its number."""

    style: str
    dashes: str
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A plot: `shapes` is SVG markup without a root, `numbers` says in words what it shows."""

    name: str
    title: str
    numbers: str
    width: float
    height: float
    shapes: str
    legend: tuple[Key, ...] = ()


def short(value: float) -> str:
    """A number in three digits, with the thousands of large ones marked."""
    if value == 0 or 0.001 <= abs(value) < 1000:
        return f"{value:.3g}"
    return f"{value:,.0f}" if abs(value) < 1_000_000 and abs(value) >= 1 else f"{value:.1e}"


def drawable(paths: Sequence[Points]) -> tuple[Points, ...]:
    """The paths that have a point, and all of whose points can be drawn."""
    return tuple(path for path in paths if path and all(_is_plain(*point) for point in path))


def _is_plain(*values: float) -> bool:
    return all(abs(value) < _LARGEST for value in values)  # NaN is not


def extent(*groups: Sequence[Points]) -> float:
    """The width or height of the largest path, 0 where none moves or there is none."""
    return max((_size(path) for paths in groups for path in drawable(paths)), default=0.0)


def _size(path: Points) -> float:
    return max(max(point[axis] for point in path) - min(point[axis] for point in path) for axis in (0, 1))


def paths(name: str, title: str, drawn: Sequence[Points], style: str, cell: float) -> Plot:
    """Paths side by side, each centred in a cell that is `cell` wide: a dot marks where it starts.

    y points down, as on a screen. A path that does not move is its dot.
    """
    drawn = drawable(drawn)
    side = cell if cell > 0 else 1.0
    rows = max(math.ceil(len(drawn) / _COLUMNS), 1)
    pitch, margin, foot = _WIDTH / _COLUMNS, 0.09, 26.0
    height = rows * pitch + foot
    bar = _round_below(side)
    with _figure(_WIDTH, height) as (figure, markup):
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, _WIDTH), ylim=(height, 0))
        axes.set_axis_off()
        for index in range(1, max(rows, _COLUMNS)):
            if index < rows:
                axes.plot([0, _WIDTH], [index * pitch] * 2, color=_STANDS_FOR["grid"], linewidth=1, clip_on=False)
            if index < _COLUMNS:
                axes.plot([index * pitch] * 2, [0, rows * pitch], color=_STANDS_FOR["grid"], linewidth=1, clip_on=False)
        scale = pitch * (1 - 2 * margin) / side
        starts = []
        for index, path in enumerate(drawn):
            xs, ys = zip(*path, strict=True)
            left, top = (index % _COLUMNS + 0.5) * pitch, (index // _COLUMNS + 0.5) * pitch
            centre = (max(xs) / 2 + min(xs) / 2, max(ys) / 2 + min(ys) / 2)
            placed = [(left + (x - centre[0]) * scale, top + (y - centre[1]) * scale) for x, y in path]
            starts.append(placed[0])
            axes.plot(*zip(*placed, strict=True), color=_STANDS_FOR[style], linewidth=1.6, clip_on=False)
        for x, y in starts:
            axes.plot([x], [y], "o", color=_STANDS_FOR[style], markersize=6, markeredgewidth=0, clip_on=False)
        y, reach = rows * pitch + 13, bar * scale
        axes.plot([6, 6 + reach], [y, y], color=_STANDS_FOR["muted"], linewidth=2, clip_on=False, solid_capstyle="butt")
        for x in (6, 6 + reach):
            axes.plot([x, x], [y - 4, y + 4], color=_STANDS_FOR["muted"], linewidth=2, clip_on=False)
        axes.text(6 + reach + 8, y, short(bar), va="center_baseline", color=_STANDS_FOR["muted"], fontsize=_FONT)
    own, whole = extent(drawn), side / (1 - 2 * margin)
    moving = sum(_size(path) > side / 1000 for path in drawn)
    still = (
        f"; {len(drawn) - moving} of them move less than a thousandth of a cell and show as dots" if moving < len(drawn) else ""
    )
    return Plot(
        name=name,
        title=title,
        numbers=f"{_counted(len(drawn), 'path')}, the largest {short(own)} across, in cells of {short(whole)}{still}.",
        width=_WIDTH,
        height=height,
        shapes=markup(),
    )


def _round_below(value: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is at most `value`."""
    power: float = 10.0 ** math.floor(math.log10(value))
    return power * float(max(step for step in (1, 2, 5) if step * power <= value * (1 + 1e-9)))


def magnification(pictures: Pictures) -> float | None:
    """How many times smaller the generated paths are than the real ones, None where that is not much or not known."""
    real, generated = extent(pictures.real_paths), extent(pictures.generated_paths)
    return real / generated if generated > 0 and real / generated >= _WORTH_MAGNIFYING else None


def curves(name: str, title: str, pictures: Pictures, of: str) -> Plot | None:
    """One line per group over the steps: their `movement` or their `spread`."""
    drawn = {curve.name: getattr(curve, of)[: len(pictures.steps)] for curve in pictures.curves}
    drawn = {group: values for group, values in drawn.items() if values and _is_plain(*values)}
    if not drawn:
        return None
    top = max(max(values) for values in drawn.values()) or 1.0
    with _plot(250) as (axes, markup):
        for group, values in drawn.items():
            style, dashes = _GROUPS.get(group, _UNKNOWN_GROUP)
            axes.plot(pictures.steps[: len(values)], values, color=_STANDS_FOR[style], linestyle=_dashes(dashes), clip_on=False)
        axes.set(ylim=(0, top * 1.04), xlim=(0, max(pictures.steps[-1], 1)))
        axes.set_xlabel("step")
    return Plot(
        name=name,
        title=title,
        numbers="At the last step: " + ", ".join(f"{group} {short(values[-1])}" for group, values in drawn.items()) + ".",
        width=_WIDTH,
        height=250,
        shapes=markup(),
        legend=tuple(
            Key(style=style, dashes=dashes, name=group, value=f"{short(values[-1])} at the end")
            for group, values in drawn.items()
            for style, dashes in [_GROUPS.get(group, _UNKNOWN_GROUP)]
        ),
    )


def histogram(name: str, title: str, pictures: Pictures) -> Plot | None:
    """The values that the loss compares, a row per group over the same range, with the head's reach."""
    edges = pictures.edges
    groups = {
        group: shares for group, shares in pictures.shares.items() if len(shares) == len(edges) - 1 and _is_plain(*shares)
    }
    if not groups or not _is_plain(*edges) or edges[-1] <= edges[0]:
        return None
    low, high = edges[0], edges[-1]
    reach = pictures.reach if pictures.reach is not None and _is_plain(*pictures.reach) else None
    height = 32.0 + 112 * len(groups)
    with _figure(_WIDTH, height) as (figure, markup):
        for row, (group, shares) in enumerate(groups.items()):
            axes = _axes(figure, height, top=8 + row * 112, tall=92)
            style, _ = _GROUPS.get(group, _UNKNOWN_GROUP)
            top = max(max(shares), 1e-9)
            axes.set(xlim=(low, high), ylim=(0, top * 1.06))
            axes.yaxis.set_major_formatter(_formatter(_percent if top >= _FINE_SHARE else _tenths_of_percent))
            axes.xaxis.set_major_formatter(_formatter(short))
            if row < len(groups) - 1:
                axes.tick_params(labelbottom=False)
            if reach is not None:
                within = [min(max(bound, low), high) for bound in reach]
                axes.axvspan(*within, color=_STANDS_FOR["reach"], alpha=0.25, linewidth=0, clip_on=False)
                for bound in reach:
                    if low <= bound <= high:
                        axes.axvline(bound, color=_STANDS_FOR["reach"], linewidth=1.5, linestyle=_dashes("4 2"), clip_on=False)
            xs = [edge for edge in edges for _ in (0, 1)]
            ys = [0.0, *(share for share in shares for _ in (0, 1)), 0.0]
            axes.fill(xs, ys, facecolor=_STANDS_FOR[style], alpha=0.35, linewidth=0, clip_on=False)
            axes.plot(xs, ys, color=_STANDS_FOR[style], linewidth=1.5, clip_on=False)
        axes.set_xlabel("value")
    said = []
    for group, shares in groups.items():
        most = max(range(len(shares)), key=shares.__getitem__)
        said.append(f"{group}: the fullest bin, {short(edges[most])} to {short(edges[most + 1])}, holds {shares[most]:.0%}")
    keys = [
        Key(style=_GROUPS.get(group, _UNKNOWN_GROUP)[0], dashes="", name=group, value=f"at most {max(shares):.0%} in a bin")
        for group, shares in groups.items()
    ]
    if reach is not None:
        said.append(f"the head reaches {short(reach[0])} to {short(reach[1])}")
        keys.append(Key(style="reach", dashes="4 2", name="the head's reach", value=f"{short(reach[0])} to {short(reach[1])}"))
    return Plot(
        name=name,
        title=title,
        numbers="; ".join(said) + ". The outermost bins hold all beyond them.",
        width=_WIDTH,
        height=height,
        shapes=markup(),
        legend=tuple(keys),
    )


def gradients(name: str, title: str, pictures: Pictures) -> Plot | None:
    """A bar per layer on a log scale, in the order of the forward pass."""
    known = {
        layer: value if value > _LEAST_GRADIENT else 0.0
        for layer, value in pictures.gradient_rms.items()
        if _is_plain(value) and value >= 0
    }
    positive = [value for value in known.values() if value > 0]
    if not positive:
        return None
    layers = list(known.items())
    if len(layers) > _MOST_LAYERS:
        half = _MOST_LAYERS // 2
        layers = [*layers[:half], (f"({len(layers) - _MOST_LAYERS} layers more)", 0.0), *layers[-half:]]
    low = 10.0 ** (math.floor(math.log10(min(positive))) - (1 if min(positive) == max(positive) else 0))
    high = 10.0 ** math.ceil(math.log10(max(positive) * 1.0001))
    row, height = 34.0, 34.0 * len(layers) + 44
    texts: dict[str, str] = {}
    with _figure(_WIDTH, height) as (figure, markup):
        axes = _axes(figure, height, top=4, tall=row * len(layers), left=6)
        axes.set(xscale="log", xlim=(low, high), ylim=(len(layers), 0))
        axes.set_yticks([])
        axes.grid(visible=True, axis="x", color=_STANDS_FOR["grid"], linewidth=1)
        axes.xaxis.set_major_formatter(_formatter(_power))
        axes.minorticks_off()
        for index, (layer, value) in enumerate(layers):
            place = f"layer{index:03}"
            texts[place] = f"{_shortened(harmless(layer).replace(chr(10), ' '), 44)}  {short(value)}" if value else layer
            axes.text(
                0.006, index + 0.36, place, transform=axes.get_yaxis_transform(), fontsize=_FONT, color=_STANDS_FOR["ink"]
            )
            if value > 0:
                axes.plot(
                    [low, value],
                    [index + 0.62] * 2,
                    color=_STANDS_FOR["prior"],
                    linewidth=7,
                    solid_capstyle="butt",
                    clip_on=False,
                )
        axes.set_xlabel("rms of the gradient")
    first, last = next(iter(known.items())), list(known.items())[-1]
    return Plot(
        name=name,
        title=title,
        numbers=f"From {first[0]} with {short(first[1])} to {last[0]} with {short(last[1])}; "
        f"the smallest is {short(min(known.values()))}, the largest {short(max(known.values()))}.",
        width=_WIDTH,
        height=height,
        shapes=markup(texts),
    )


def _power(value: float) -> str:
    return "10" + f"{round(math.log10(value))}".translate(_SUPERSCRIPT)


def losses(name: str, title: str, outcome: Outcome) -> Plot | None:
    """Each arm's loss over its steps as a share of the best constant's: the mean over seeds, and all of them as a band."""
    shown = [key for key in _arms_worth_showing(outcome) if _relative(outcome, key)]
    if not shown:
        return None
    base = next((trial for trial in outcome.trials if trial.best_constant), None)
    motionless = base.motionless / base.best_constant if base and base.best_constant and base.motionless is not None else None
    titles = {arm.arm.key: arm.arm.title for arm in outcome.arms} | {AS_IT_IS.key: AS_IT_IS.title}
    if motionless is not None and not _is_plain(motionless):
        motionless = None
    legend, trivial, top = list[Key](), list[Key](), 1.15 * max(1.0, motionless or 0.0)
    with _plot(290) as (axes, markup):
        for number, key in enumerate(shown):
            seeds = _relative(outcome, key)
            style, dashes = f"arm{number}", _ARM_DASHES[number]
            count = len(seeds[0].values)
            done = [(part + 0.5) / count * seeds[0].share for part in range(count)]
            by_step = list(zip(*(seed.values for seed in seeds), strict=True))
            clipped = [[min(value, top) for value in values] for values in by_step]
            axes.fill_between(
                done, [min(v) for v in clipped], [max(v) for v in clipped], facecolor=_STANDS_FOR[style], alpha=0.18,
                linewidth=0, clip_on=False,
            )  # fmt: skip
            axes.plot(done, [fmean(v) for v in clipped], color=_STANDS_FOR[style], linestyle=_dashes(dashes), clip_on=False)
            ends = [seed.values[-1] for seed in seeds]
            spread = f" ({min(ends):.2f} to {max(ends):.2f})" if len(ends) > 1 else ""
            legend.append(
                Key(
                    style=style,
                    dashes=dashes,
                    name=titles.get(key, key),
                    value=f"ends at {fmean(ends):.2f}{spread}, {_counted(len(ends), 'seed')}, {seeds[0].steps:,} steps",
                )
            )
        for level, words, dashes in ((1.0, "best constant", "12 3"), (motionless, "motionless cursor", "1.5 2.5")):
            if level is not None and level <= top:
                axes.axhline(level, color=_STANDS_FOR["ink"], linewidth=1.5, linestyle=_dashes(dashes), clip_on=False)
                trivial.append(Key(style="ink", dashes=dashes, name=words, value=f"{level:.2f}"))
        axes.set(xlim=(0, 1), ylim=(0, top))
        axes.xaxis.set_major_formatter(_formatter(_percent))
        axes.set_xlabel("share of the arm's own steps")
    said = "; ".join(f"{key.name} {key.value}" for key in legend)
    still = "" if motionless is None else f" A motionless cursor has {motionless:.2f}."
    return Plot(
        name=name, title=title, numbers=f"Loss over that of the best constant: {said}.{still}", width=_WIDTH, height=290,
        shapes=markup(), legend=(*legend, *trivial),
    )  # fmt: skip


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
    """The run as it is, what cures, then those that come closest to health."""
    nearest = sorted(outcome.arms, key=lambda arm: arm.distance[1])
    keys = [AS_IT_IS.key, *([outcome.chosen] if outcome.chosen is not None else []), *(arm.arm.key for arm in nearest)]
    return list(dict.fromkeys(keys))[:_MOST_ARMS]


def final_losses(outcome: Outcome, arm: str) -> tuple[float, ...]:
    """What each seed of an arm ends at, as a share of the best constant's loss."""
    return tuple(seed.values[-1] for seed in _relative(outcome, arm))


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _shortened(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room // 2 - 1]}…{text[-(room // 2) :]}"


def _dashes(spelled: str) -> str | tuple[int, tuple[float, ...]]:
    """Dashes as matplotlib has them; it multiplies by the line's width unless told otherwise."""
    return (0, tuple(map(float, spelled.split()))) if spelled else "-"


def _formatter(say: Callable[[float], str]) -> Callable[[float, float], str]:
    return lambda value, _: say(value)


def _percent(value: float) -> str:
    return f"{value:.0%}"


def _tenths_of_percent(value: float) -> str:
    return f"{value:.1%}"


@contextmanager
def _plot(height: float) -> Iterator[tuple[Axes, Callable[[], str]]]:
    """One pair of axes that starts at zero."""
    with _figure(_WIDTH, height) as (figure, markup):
        axes = _axes(figure, height, top=8, tall=height - 54)
        axes.yaxis.set_major_formatter(_formatter(short))
        yield axes, markup


def _axes(figure: Figure, height: float, *, top: float, tall: float, left: float = 50.0) -> Axes:
    """Axes at a place counted in the plot's own units from its top left, with grid lines and no ticks."""
    axes = figure.add_axes((left / _WIDTH, 1 - (top + tall) / height, (_WIDTH - left - 14) / _WIDTH, tall / height))
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_STANDS_FOR["frame"])
    axes.grid(visible=True, axis="y", color=_STANDS_FOR["grid"], linewidth=1)
    axes.set_axisbelow(True)
    axes.tick_params(left=False, bottom=False, labelcolor=_STANDS_FOR["muted"], labelsize=_FONT, pad=5)
    axes.tick_params(axis="x", pad=9)
    axes.xaxis.label.set(color=_STANDS_FOR["muted"], fontsize=_FONT)
    axes.locator_params(nbins=5)
    axes.patch.set_visible(False)
    return axes


@contextmanager
def _figure(width: float, height: float) -> Iterator[tuple[Figure, Callable[..., str]]]:
    """A figure in matplotlib's own defaults, whatever the user's are, and what gives its markup once it is drawn."""
    from matplotlib import style
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    stream = io.StringIO()
    ours = {"svg.fonttype": "none", "svg.hashsalt": "humouse-doctor", "lines.scale_dashes": False, "lines.linewidth": 2.0}
    with style.context(["default", ours]):
        figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        FigureCanvasSVG(figure)
        figure.patch.set_visible(False)
        yield figure, lambda texts=None: _cleaned(stream.getvalue(), texts or {})
        figure.savefig(stream, format="svg", dpi=72, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})


def _cleaned(svg: str, texts: Mapping[str, str]) -> str:
    """The shapes of matplotlib's SVG: classes for colours, attributes for styles, few digits, no ids, names put in."""
    root = ET.fromstring(svg)  # noqa: S314  # nosec B314  # it was written here, just now
    points = {node.get("id"): node.get("d", "") for node in root.iter(f"{{{_DRAWN['svg']}}}path") if node.get("id")}
    return "".join(_shape(child, points, texts) for child in root)


def _shape(node: ET.Element, points: Mapping[str | None, str], texts: Mapping[str, str]) -> str:
    tag = node.tag.partition("}")[2]
    if tag in ("metadata", "defs", "title"):
        return ""
    if tag == "use":
        return _mark(node, points)
    inner = "".join(_shape(child, points, texts) for child in node)
    if tag == "g":
        return inner
    attributes = _attributes(node)
    if tag == "text":
        said = texts.get((node.text or "").strip(), (node.text or "").strip())
        escaped = said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return f"<text{attributes}>{escaped}</text>"
    return f"<{tag}{attributes}/>"


def _mark(node: ET.Element, points: Mapping[str | None, str]) -> str:
    """A marker as the circle it is here: matplotlib refers to a shape by an id, which a page of many plots cannot have."""
    x, y = _rounded(node.get("x", "0")), _rounded(node.get("y", "0"))
    outline = points.get(node.get(f"{_DRAWN['xlink']}href", "")[1:], "")
    radius = max((abs(float(number)) for number in re.findall(r"-?\d+\.?\d*", outline)), default=3.0)
    return f'<circle cx="{x}" cy="{y}" r="{radius:g}"{_attributes(node, skip=("x", "y"))}/>'


def _attributes(node: ET.Element, skip: Sequence[str] = ()) -> str:
    declared = dict(part.split(":", 1) for part in node.get("style", "").split(";") if ":" in part)
    style = {name.strip(): value.strip() for name, value in declared.items()}
    classes, kept = [], {}
    for paint, letter in (("stroke", "s"), ("fill", "f")):
        if style.get(paint) in _CLASS_OF:
            classes.append(f"{letter}-{_CLASS_OF[style[paint]]}")
        elif paint in style or (paint == "fill" and "stroke" in style):
            kept[paint] = "none"
    if classes:
        kept["class"] = " ".join(classes)
    kept.update({name: style[name] for name in _KEPT if name in style and style[name] not in ("miter", "1")})
    for name in ("d", "x", "y", "transform"):
        if name in node.attrib and name not in skip:
            kept[name] = _rounded(node.attrib[name])
    if kept.get("transform", "").startswith("rotate(-0 "):
        del kept["transform"]
    return "".join(f' {name}="{value}"' for name, value in kept.items())


def _rounded(numbers: str) -> str:
    """Coordinates in tenths of a unit, on one line."""
    tenths = re.sub(r"-?\d+\.\d+", lambda found: f"{round(float(found[0]), 1) + 0.0:g}", numbers)
    return " ".join(tenths.split())
