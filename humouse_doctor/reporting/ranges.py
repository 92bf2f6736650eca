"""Draw a metric's value as a mark on a range, with its healthy and tolerable bands."""

from __future__ import annotations

import math
from dataclasses import dataclass

from humouse_doctor.core.probe import Metric
from humouse_doctor.core.remedy import ANY, Interval

#: The extension of a range beyond its outermost bound: a factor on a log scale, a share of the bounds on a linear one.
_BEYOND_FACTOR, _BEYOND_SHARE = 8.0, 0.5
#: The smallest drawn width, in percent, so that an interval of one number is visible.
_THINNEST = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Bands as (start, width) and the value's place, in percent of the width; `beyond` if the value is outside the range."""

    healthy: tuple[float, float]
    tolerable: tuple[float, float]
    mark: float
    beyond: str = ""


def range_of(metric: Metric, value: float) -> Range | None:
    """Return the range of a metric that judges, None for others; logarithmic if all its bounds are positive ratios."""
    bounds = sorted(
        bound for side in (metric.healthy, metric.tolerable) for bound in (side.low, side.high) if math.isfinite(bound)
    )
    if metric.healthy == ANY or not bounds:
        return None
    log = bounds[0] > 0 and metric.unit in ("ratio", "loss space")
    if log:
        low, high = bounds[0] / _BEYOND_FACTOR, bounds[-1] * _BEYOND_FACTOR
    elif metric.unit in ("share", "share of T", "resultant length") and bounds[0] >= 0 and bounds[-1] <= 1:
        low, high = (-1.0 if metric.unit == "resultant length" else 0.0), 1.0
    else:
        room = max(bounds[-1] - bounds[0], abs(bounds[-1]), 1.0) * _BEYOND_SHARE
        low, high = (0.0 if bounds[0] >= 0 else bounds[0] - room), bounds[-1] + room

    def place(number: float) -> float:
        if number <= low:
            return 0.0
        if number >= high:
            return 100.0
        return 100 * (math.log(number / low) / math.log(high / low) if log else (number - low) / (high - low))

    def band(interval: Interval) -> tuple[float, float]:
        start, end = place(interval.low), place(interval.high)
        return round(min(start, 100 - _THINNEST), 1), round(max(end - start, _THINNEST), 1)

    return Range(
        healthy=band(metric.healthy),
        tolerable=band(metric.tolerable),
        mark=round(place(value), 1),
        beyond="low" if value < low else "high" if value > high else "",
    )
