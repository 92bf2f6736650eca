"""The smallest set of remedies that cures, by forward selection under a fixed budget.

The diagnosis of each arm says what to try next on it; what it does not name comes after, then pairs. What cured is
pruned edit by edit, and stays a cure only if it is one with every seed.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from humouse_doctor.core.outcome import AS_IT_IS, Arm, Step, Trial
from humouse_doctor.core.remedy import CodeChange, Edit, Remedy
from humouse_doctor.probes.registry import current
from humouse_doctor.remedies.candidates import goes_with, together, without
from humouse_doctor.verify.effects import distance

#: Arms are tried this many at a time, whatever the cores: what is found must not depend on the machine.
_AT_A_TIME = 2
#: A step of the selection is one that comes nearer to health by at least this.
_STEP = 0.04

#: A part is needless only where the set keeps its skill without it, but for this much.
_SKILL_LOST = 0.05

#: Makes or finds the trials of an arm with these seeds.
Try = Callable[[Sequence[Arm], Sequence[int]], list[list[Trial]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search came to: `chosen` cures with every seed, None where nothing did."""

    path: tuple[Step, ...]
    arms: tuple[Arm, ...]
    chosen: Arm | None
    untried: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    """An arm with its trials; `off` is its mean distance from health."""

    arm: Arm
    trials: tuple[Trial, ...]

    @property
    def off(self) -> float:
        return fmean(1.0 if trial.failed is not None else distance(trial.measurements) for trial in self.trials)

    @property
    def cured(self) -> bool:
        return all(trial.healthy for trial in self.trials)


@dataclass(slots=True)
class Search:
    """One search over `remedies`, with at most `max_arms` arms.

    None is begun that would not end before `deadline` (by time.monotonic), as far as `seconds` can tell.
    """

    attempt: Try
    remedies: Mapping[str, Remedy]
    seeds: Sequence[int]
    max_arms: int
    deadline: float | None = None
    seconds: Callable[[Arm], float] = lambda _: 0.0
    _path: list[Step] = field(default_factory=list)
    _seen: dict[str, Arm] = field(default_factory=dict)
    _left_out: list[str] = field(default_factory=list)

    def run(self) -> Found:
        """Search; the same trials give the same path."""
        seeds = self.seeds[:1]
        now = self._tried([AS_IT_IS], seeds)[0]
        self._path.append(Step(arm=AS_IT_IS.key, text=f"as it is: {said(None, now.trials)}", kept=True))
        while True:
            if now.cured and not now.arm.key:
                return self._ended(None)  # healthy as it is: there is nothing to cure
            if now.cured:
                confirmed = self._confirmed(now)
                if confirmed is not None:
                    return self._ended(confirmed)
                if len(seeds) == len(self.seeds):
                    return self._ended(None)
                seeds = self.seeds
                now = self._tried([now.arm], seeds)[0]
            better = self._step(now, seeds)
            if better is None:
                return self._ended(None)
            now = better

    def _ended(self, chosen: Arm | None) -> Found:
        singles = {name for arm in self._seen.values() for name in arm.remedies}
        untried = [f"{name} (never)" for name in self.remedies if name not in singles]
        left = tuple(untried + self._left_out)
        return Found(path=tuple(self._path), arms=tuple(self._seen.values()), chosen=chosen, untried=left)

    def _fitting(self, arms: Sequence[Arm]) -> list[Arm]:
        """Those of `arms` that the budget still has room for beside each other; one that was tried before is for free."""
        fitting: list[Arm] = []
        seconds, new = 0.0, len(self._seen)
        for arm in arms:
            known = arm.key in self._seen
            more = 0.0 if known else self.seconds(arm)
            late = self.deadline is not None and time.monotonic() + seconds + more > self.deadline
            if known or (new < self.max_arms and not late):
                seconds, new = seconds + more, new + (not known)
                fitting.append(arm)
        return fitting

    def _tried(self, arms: Sequence[Arm], seeds: Sequence[int]) -> list[_Tried]:
        for arm in arms:
            self._seen.setdefault(arm.key, arm)
        found = self.attempt(arms, seeds)
        return [_Tried(arm=arm, trials=tuple(trials)) for arm, trials in zip(arms, found, strict=True)]

    def _step(self, now: _Tried, seeds: Sequence[int]) -> _Tried | None:
        """The first addition that comes nearer to health: single remedies, then pairs; None where there is none."""
        for group in itertools.chain(_grouped(self._singles(now)), _grouped(self._pairs(now))):
            fitting = self._fitting(group)
            self._left_out.extend(f"{arm.title} (no budget left)" for arm in group if arm not in fitting)
            if not fitting:
                return None
            tried = self._tried(fitting, seeds)
            best = min(tried, key=lambda one: (not one.cured, one.off))
            for one in tried:
                kept = one is best and (one.cured or now.off - one.off >= _STEP)
                self._path.append(
                    Step(arm=one.arm.key, text=f"{_added(now.arm, one.arm)}: {said(now.trials, one.trials)}", kept=kept)
                )
            if best.cured or now.off - best.off >= _STEP:
                return best
        return None

    def _singles(self, now: _Tried) -> Iterator[Arm]:
        offered = [name for trial in now.trials for name in trial.offered]
        names = [name for name in dict.fromkeys([*offered, *self.remedies]) if name in self.remedies]
        for name in names:
            if goes_with(name, now.arm.remedies):
                yield from self._new(now.arm, (name,))

    def _pairs(self, now: _Tried) -> Iterator[Arm]:
        for first, second in itertools.combinations(self.remedies, 2):
            if goes_with(first, now.arm.remedies) and goes_with(second, (*now.arm.remedies, first)):
                yield from self._new(now.arm, (first, second))

    def _new(self, base: Arm, names: Sequence[str]) -> Iterator[Arm]:
        """`base` with more remedies, unless that is no new arm; changes that a pruned `base` holds stay."""
        arm = together([self.remedies[name] for name in (*base.remedies, *names) if name in self.remedies])
        if arm.key not in self._seen and arm.key != base.key:
            yield arm

    def _confirmed(self, cured: _Tried) -> Arm | None:
        """The smallest part of what cured that still does, with every seed; else the whole of it, else None."""
        first = _Tried(arm=cured.arm, trials=cured.trials[:1])
        for arm in dict.fromkeys((self._pruned(first), cured.arm)):
            with_all = self._tried([arm], self.seeds)[0]
            healthy = sum(trial.healthy for trial in with_all.trials)
            text = f"= {arm.title}: healthy with {healthy} of {len(self.seeds)} seeds"
            self._path.append(Step(arm=arm.key, text=text, kept=with_all.cured))
            if with_all.cured:
                return arm
        return None

    def _pruned(self, whole: _Tried) -> Arm:
        """The arm without what it cures as well without, by the first seed: changes of the code are left out first."""
        parts: tuple[Edit | CodeChange, ...] = (*whole.arm.code_changes, *whole.arm.edits)
        if len(parts) < 2:
            return whole.arm
        smaller_by = {part: without(whole.arm, part) for part in parts}
        tried = {one.arm.key: one for one in self._tried(self._fitting(list(smaller_by.values())), self.seeds[:1])}
        needless = [part for part, arm in smaller_by.items() if arm.key in tried and self._told(whole, tried[arm.key])]
        smallest = whole.arm
        for part in needless:
            smaller = without(smallest, part)
            if not smaller.key:
                break
            first = smallest is whole.arm
            if first or (self._fitting([smaller]) and self._told(whole, self._tried([smaller], self.seeds[:1])[0])):
                smallest = smaller
        return smallest

    def _told(self, whole: _Tried, smaller: _Tried) -> bool:
        """Whether `smaller` cures as well as `whole`, and a line of the path about it."""
        as_well = smaller.cured and _skill(smaller) >= _skill(whole) - _SKILL_LOST
        text = f"without {_left_out(whole.arm, smaller.arm)}: {said(None, smaller.trials)}"
        more = "" if as_well or not smaller.cured else ", but less well"
        if all(step.arm != smaller.arm.key for step in self._path):
            self._path.append(Step(arm=smaller.arm.key, text=text + more, kept=as_well))
        return as_well


def _grouped(arms: Iterator[Arm]) -> Iterator[list[Arm]]:
    """Arms some at a time, each made only when its turn comes."""
    while group := list(itertools.islice(arms, _AT_A_TIME)):
        yield group


def _skill(tried: _Tried) -> float:
    return _mean(tried.trials, "HD105.skill") or 0.0


def _left_out(whole: Arm, smaller: Arm) -> str:
    """The names of the edits and changes of `whole` that `smaller` does not have."""
    edits = [edit.key for edit in whole.edits if edit not in smaller.edits]
    changes = [change.value for change in whole.code_changes if change not in smaller.code_changes]
    return ", ".join([*changes, *edits])


def _added(before: Arm, after: Arm) -> str:
    new = [name for name in after.remedies if name not in before.remedies]
    return f"+ {' + '.join(new)}"


def said(before: Sequence[Trial] | None, after: Sequence[Trial]) -> str:
    """What came of an arm in a few numbers, means over its trials; against `before` where that is given."""
    failed = next((trial.failed for trial in after if trial.failed is not None), None)
    if failed is not None:
        return f"could not be trained: {failed}"
    parts = []
    for metric, label in current().labels.items():
        new = _mean(after, metric)
        old = None if before is None else _mean(before, metric)
        shown = "not measurable" if new is None else f"{new:.3g}"
        parts.append(f"{label} {shown}" if before is None else f"{label} {'-' if old is None else f'{old:.3g}'} -> {shown}")
    text = ", ".join(parts)
    if all(trial.healthy for trial in after):
        return f"{text}: {'healthy' if before is None else 'cured'}"
    return text


def _mean(trials: Sequence[Trial], metric: str) -> float | None:
    values = [trial.measurements[metric] for trial in trials if metric in trial.measurements]
    return fmean(values) if values else None
