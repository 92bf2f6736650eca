"""The outlook of a training from what glances at it have shown: a healthy warm-up begins flat as well, so its pace decides."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from humouse_doctor.cases import budget
from humouse_doctor.core.case import Case
from humouse_doctor.core.probe import Judgement, Kind, ProbeResult
from humouse_doctor.core.verdict import Verdict
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.diagnosis.timeline import WATCHED
from humouse_doctor.probes.registry import current

#: The symptoms' metrics whose pace is followed, by code and name: those that a collapse lowers.
FOLLOWED = (
    ("HD101", "spread_ratio"),
    ("HD103", "time_std_ratio"),
    ("HD103", "late_std_ratio"),
    ("HD104", "latent_std_ratio"),
)
#: Before this share of the steps nothing is said of the end, and before the second nothing by pace alone: two of 31 healthy
#: trainings for calibration stalled for a tenth of their steps and more, one of them with no cause that was there before.
_EARLIEST, _ALONE = 0.08, 0.32
#: A collapse must have been foreseen over this factor of steps.
_LASTING = 1.25
#: The steps over which growth is measured, as a share of those so far.
_BACK = 0.5
#: Without a known number of steps, so many times the steps so far are granted, from this many glances on, by pace alone more.
_GRANTED, _FEWEST, _MANY = 10.0, 20, 80
#: Points that are kept at most; then every other one is dropped.
_MOST = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A training at one step: its margins by metric, and whether a collapse was foreseen there."""

    step: int
    margins: Mapping[str, float]
    foreseen: bool


@dataclass(slots=True, kw_only=True)
class Outlook:
    """What is expected of the end of a training of so many `steps`, None if unknown.

    `foreknown` are the codes of the causes that were found before it began, by settings and data alone. `start` is the step
    from which it was watched.
    """

    steps: int | None
    foreknown: frozenset[str] = frozenset()
    start: int = 0
    _points: list[Point] = field(default_factory=list)
    _glances: int = 0

    @classmethod
    def of(cls, case: Case, steps: int | None, start: int = 0) -> Outlook:
        """Return the outlook of a training that begins with `case`, which has no weights yet.

        It has the given steps, or those of the case's warm-up if its settings tell.
        """
        known = budget.steps_available(case) if steps is None else None
        causes = [probe for probe in current().probes if probe.kind is Kind.CAUSE]
        found = [result.code for result in examine(case, causes) if result.judgement is Judgement.FOUND]
        return cls(steps=steps if known is None else round(known) or None, foreknown=frozenset(found), start=start)

    def after(self, step: int, now: Verdict, margins: Mapping[str, float], causes: Collection[str] = ()) -> Verdict:
        """Return the outlook after one more glance, from the verdict `now`, the margins by name and the causes' codes.

        A collapse of now is one of the end if one of the margins, extrapolated as a power of the steps by its growth since
        half of them, stays below 1, and this has been so for a while. Early on, one of the causes must also have been there
        before the training began. Until then it is too early to say.
        """
        self._glances += 1
        foreseen = now is Verdict.COLLAPSED and self._foreseen(step, margins) < 1
        self._points.append(Point(step=step, margins=margins, foreseen=foreseen))
        if len(self._points) > _MOST:
            del self._points[1::2]
        if now is not Verdict.COLLAPSED:
            return now
        lasting = all(point.foreseen for point in self._points if point.step * _LASTING >= step)
        early = bool(margins) and self._is_early(step, known=not self.foreknown.isdisjoint(causes))  # NaN does not go away
        return Verdict.COLLAPSED if lasting and not early else Verdict.UNDETERMINED

    def _is_early(self, step: int, *, known: bool) -> bool:
        """Return True if it is too early to say that a collapse stays; `known` is True for one with a foreknown cause."""
        if self.steps is None:
            return self._glances < (_FEWEST if known else _MANY)
        return step < (_EARLIEST if known else _ALONE) * self.steps

    def _foreseen(self, step: int, margins: Mapping[str, float]) -> float:
        """Return the least margin at the end, if each goes on growing as the power of the steps that it has grown by lately.

        A broken generator has no margins, and none at its end; before its pace is known a training has infinite ones.
        """
        if not margins:
            return 0.0
        since = self.start + _BACK * (step - self.start)
        before = [point for point in self._points if 0 < point.step <= since and point.step < step]
        if not before:
            return math.inf
        ahead = _GRANTED if self.steps is None else max(1.0, self.steps / step)
        earlier = before[-1]
        ends = [_grown(margin, earlier.margins.get(name, 0.0), step / earlier.step, ahead) for name, margin in margins.items()]
        return min(ends, default=0.0)


def _grown(margin: float, earlier: float, since: float, ahead: float) -> float:
    """Return a margin after so many times its steps, by its growth from `earlier` over the last times `since`."""
    if margin <= 0 or margin >= 1:
        return margin
    if earlier <= 0:
        return math.inf  # it has begun to move
    power = max(0.0, math.log(margin / earlier) / math.log(since))
    return float(margin * min(ahead**power, 1e9))


def margins_of(results: Mapping[str, ProbeResult]) -> dict[str, float]:
    """Return the followed ratios by name, each over the bound below which it is found, without those that were not measured."""
    return {
        name: results[code].measurements[name] / current().by_code[code].metric(name).tolerable.low
        for code, name in FOLLOWED
        if code in results and name in results[code].measurements
    }


def margins_in(measures: Mapping[str, float]) -> dict[str, float]:
    """Return the same margins from the measures of a stored glance, by their names in words."""
    words = {(code, name): word for code, name, word in WATCHED}
    return {
        name: measures[words[code, name]] / current().by_code[code].metric(name).tolerable.low
        for code, name in FOLLOWED
        if words[code, name] in measures
    }
