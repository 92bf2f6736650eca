"""The outlook of a training from what glances at it have shown: a healthy warm-up begins flat as well, so its pace decides."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from humouse_doctor.cases import budget
from humouse_doctor.core.case import Case
from humouse_doctor.core.probe import ProbeResult
from humouse_doctor.core.verdict import Verdict
from humouse_doctor.probes.registry import current

#: The symptoms' metrics whose pace is followed, by code and name: those that a collapse lowers.
FOLLOWED = (
    ("HD101", "spread_ratio"),
    ("HD103", "time_std_ratio"),
    ("HD103", "late_std_ratio"),
    ("HD104", "latent_std_ratio"),
)
#: Before this share of the steps nothing is said of the end.
_EARLIEST = 0.08
#: A collapse must have been foreseen over this factor of steps.
_LASTING = 1.25
#: The steps over which growth is measured, as a share of those so far.
_BACK = 0.5
#: Without a known number of steps, so many times the steps so far are granted, from this many glances on.
_GRANTED, _FEWEST = 10.0, 20
#: Points that are kept at most; then every other one is dropped.
_MOST = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A training at one step: its margin, and whether a collapse was foreseen there."""

    step: int
    margin: float
    foreseen: bool


@dataclass(slots=True, kw_only=True)
class Outlook:
    """What is expected of the end of a training of so many `steps`, None if unknown."""

    steps: int | None
    _points: list[Point] = field(default_factory=list)
    _glances: int = 0

    @classmethod
    def of(cls, case: Case, steps: int | None) -> Outlook:
        """Return the outlook of a training with the given steps, or with those of the case's warm-up if its settings tell."""
        known = budget.steps_available(case) if steps is None else None
        return cls(steps=steps if known is None else round(known) or None)

    def after(self, step: int, now: Verdict, results: Mapping[str, ProbeResult]) -> Verdict:
        """Return the outlook after one more glance, from the verdict `now` and the probes' results by code.

        A collapse of now is one of the end if the margin, extrapolated as a power of the steps by its growth since half of
        them, stays below the bound, and has done so for a while. Until then it is too early to say.
        """
        self._glances += 1
        margin = margin_of(results)
        foreseen = now is Verdict.COLLAPSED and (margin is None or self._foreseen(step, margin) < 1)
        self._points.append(Point(step=step, margin=0.0 if margin is None else margin, foreseen=foreseen))
        if len(self._points) > _MOST:
            del self._points[1::2]
        if now is not Verdict.COLLAPSED:
            return now
        lasting = all(point.foreseen for point in self._points if point.step * _LASTING >= step)
        return Verdict.COLLAPSED if lasting and not self._is_early(step) else Verdict.UNDETERMINED

    def _is_early(self, step: int) -> bool:
        return self._glances < _FEWEST if self.steps is None else step < _EARLIEST * self.steps

    def _foreseen(self, step: int, margin: float) -> float:
        """Return the margin at the end, if it goes on growing as the power of the steps that it has grown by lately."""
        before = [point for point in self._points if point.step <= _BACK * step]
        ahead = _GRANTED if self.steps is None else max(1.0, self.steps / step)
        if not before:
            return math.inf  # its pace is not known yet
        if margin <= 0:
            return margin
        earlier = before[-1]
        if earlier.margin <= 0:
            return math.inf  # it has begun to move
        power = max(0.0, math.log(margin / earlier.margin) / math.log(step / earlier.step))
        return float(margin * min(ahead**power, 1e9))


def margin_of(results: Mapping[str, ProbeResult]) -> float | None:
    """Return the least of the followed ratios, each over the bound below which it is found; None if none was measured."""
    found = []
    for code, name in FOLLOWED:
        result = results.get(code)
        if result is not None and name in result.measurements:
            found.append(result.measurements[name] / current().by_code[code].metric(name).tolerable.low)
    return min(found, default=None)
