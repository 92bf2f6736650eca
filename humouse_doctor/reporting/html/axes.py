"""Axes of plots: the place of a number, and round numbers for the ticks with their labels."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from humouse_doctor.reporting.html import svg

#: The width of every plot, in its own units.
WIDTH = 400.0
#: Margins for the numbers left of a plot, and for half of the last number at its right.
_LEFT, _RIGHT = 50.0, 14.0
#: The approximate width of a digit on a phone, where letters are largest in these units.
_DIGIT = 9.5
#: The finest step between ticks, as a share of the largest number: finer steps need too many digits.
_FINEST = 1e-6
#: A tick this far beyond the end of a range, as a share of a step, still counts as within it.
_SLACK = 1e-6
#: The exponents of the smallest power of ten with a float's full precision, and of the largest one.
_LEAST_EXPONENT, _LARGEST_STEP = -307, 1e308

Say = Callable[[Sequence[float]], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A map of `low` to `start` and `high` to `end`, in a plot's units; values outside are put at the nearer end."""

    low: float
    high: float
    start: float
    end: float

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"no range: {self.low} to {self.high}")

    def __call__(self, value: float) -> float:
        """Return the place of `value`."""
        unit = max(abs(self.low), abs(self.high))  # the difference of very large floats overflows, that of very small ones is 0
        low, high = self.low / unit, self.high / unit
        share = min(max((value / unit - low) / (high - low), 0.0), 1.0)
        return self.start + (self.end - self.start) * share


def ticks(low: float, high: float, *, most: int = 6, least: float = 0.0) -> list[float]:
    """Return the multiples of 1, 2 or 5 times a power of ten within `low` to `high`: at most `most` + 1, in order.

    There are at least a third of `most`, unless their step would be smaller than `least` or than a millionth of the largest.
    """
    finest = max(least, _FINEST * max(abs(low), abs(high)), sys.float_info.min)
    step = min(round_above(max(high / most - low / most, finest)), _LARGEST_STEP)
    first, last = math.ceil(low / step - _SLACK), math.floor(high / step + _SLACK)
    return [min(max(number * step, low), high) for number in range(first, last + 1)]


def round_above(value: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is at least `value`, for a positive `value`."""
    power = _power_below(value)
    return next((step * power for step in (1, 2, 5) if step * power >= value * (1 - 1e-9)), 10 * power)


def round_below(value: float) -> float:
    """Return the largest of 1, 2 and 5 times a power of ten that is at most `value`, for a positive `value`."""
    power = _power_below(value)
    return next((step * power for step in (5, 2, 1) if step * power <= value * (1 + 1e-9)), value)


def _power_below(value: float) -> float:
    return 10.0 ** max(math.floor(math.log10(value)), _LEAST_EXPONENT)


def plain(numbers: Sequence[float]) -> list[str]:
    """Return ticks in as many digits as tell them apart, the thousands of large ones marked."""
    if len(numbers) < 2:
        return [f"{number:.6g}" for number in numbers]
    step, largest = numbers[1] - numbers[0], max(map(abs, numbers))
    finest, exponent = (math.floor(math.log10(number) + _SLACK) for number in (step, largest))
    if finest >= -3 and exponent < 6:
        return [f"{number:,.{max(-finest, 0)}f}" if number else "0" for number in numbers]
    return [f"{number:.{max(exponent - finest, 0)}e}" if number else "0" for number in numbers]


def percent(numbers: Sequence[float]) -> list[str]:
    """Return shares as percentages."""
    return [f"{number}%" for number in plain([100 * number for number in numbers])]


def powers_of_ten(exponents: Sequence[float]) -> list[str]:
    """Return powers of ten by their exponents, which are whole numbers."""
    raised = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    return ["10" + f"{exponent:.0f}".translate(raised) for exponent in exponents]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """The two scales of a plot; `frame` is the SVG markup behind its data."""

    x: Scale
    y: Scale
    frame: str

    def places(self, xs: Sequence[float], ys: Sequence[float]) -> list[svg.Place]:
        """Return the places of the points with these coordinates."""
        return [(self.x(x), self.y(y)) for x, y in zip(xs, ys, strict=True)]

    def level(self, y: float) -> list[svg.Place]:
        """Return the ends of a horizontal line across the plot."""
        return [(self.x.start, self.y(y)), (self.x.end, self.y(y))]

    def upright(self, x: float) -> list[svg.Place]:
        """Return the ends of a vertical line through the plot, from bottom to top."""
        return [(self.x(x), self.y.start), (self.x(x), self.y.end)]


def axes(x: tuple[float, float], top: float, box: tuple[float, float], *, say: Say = plain) -> Axes:
    """Return axes over the range `x`, with y from 0 to `top`, in a `box` from its upper to its lower edge.

    y has grid lines, with its numbers, formatted by `say`, to the left of them.
    """
    upper, lower = box
    most = 6 if lower - upper > 100 else 5
    numbers = ticks(0, top, most=most)
    words = say(numbers)
    left = max(_LEFT, 10 + 8 * max(map(len, words)))
    across = Scale(low=x[0], high=x[1], start=left, end=WIDTH - _RIGHT)
    up = Scale(low=0, high=top, start=lower, end=upper)
    drawn = [svg.lines((((left, up(number)), (across.end, up(number))) for number in numbers[1:]), "grid")]
    drawn.append(svg.lines([((left, lower), (across.end, lower))], "frame"))
    drawn += [
        svg.text((left - 8, up(number)), said, anchor="end", centred=True) for number, said in zip(numbers, words, strict=True)
    ]
    return Axes(x=across, y=up, frame="".join(drawn))


def below(scale: Scale, lower: float, title: str, *, say: Say = plain, least: float = 0.0) -> str:
    """Return the numbers below a plot that ends at `lower`, as many as fit, and their unit."""
    for most in (6, 4, 3, 2, 1):
        numbers = ticks(scale.low, scale.high, most=most, least=least)
        words = say(numbers)
        room = abs(scale(numbers[1]) - scale(numbers[0])) if len(numbers) > 1 else WIDTH
        if max(map(len, words), default=0) * _DIGIT < room:
            break
    drawn = [svg.text((scale(number), lower + 21), said, anchor="middle") for number, said in zip(numbers, words, strict=True)]
    return "".join([*drawn, svg.text((scale.start / 2 + scale.end / 2, lower + 37), title, anchor="middle")])
