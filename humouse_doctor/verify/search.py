"""Search for the smallest set of remedies that cures, by forward selection under a fixed budget.

The diagnosis of each arm says which remedies to try next; the other remedies come after them, then pairs. An arm that cures
is pruned edit by edit, and counts as a cure only if every seed is healthy.
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

#: Arms tried at a time, independent of the number of cores: the result must not depend on the machine.
_AT_A_TIME = 2
#: A step of the selection must reduce the distance from health by at least this.
_STEP = 0.04

#: A part is needless only if removing it costs the set no more skill than this.
_SKILL_LOST = 0.05

#: Returns the trials of each arm with these seeds, run now or found in the store.
Attempt = Callable[[Sequence[Arm], Sequence[int]], list[list[Trial]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """The result of a search; `chosen` cures with every seed, and is None if no arm did."""

    path: tuple[Step, ...]
    arms: tuple[Arm, ...]
    chosen: Arm | None
    untried: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _ArmTrials:
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
    """A search over `remedies` with at most `max_arms` arms.

    No arm is started that, by the estimate `seconds`, would end after `deadline` (of time.monotonic).
    """

    attempt: Attempt
    remedies: Mapping[str, Remedy]
    seeds: Sequence[int]
    max_arms: int
    deadline: float | None = None
    seconds: Callable[[Arm], float] = lambda _: 0.0
    _path: list[Step] = field(default_factory=list)
    _seen: dict[str, Arm] = field(default_factory=dict)
    _left_out: list[str] = field(default_factory=list)

    def run(self) -> SearchResult:
        """Run the search; the same trials give the same path."""
        seeds = self.seeds[:1]
        now = self._attempt([AS_IT_IS], seeds)[0]
        self._path.append(Step(arm=AS_IT_IS.key, text=f"as it is: {summary(None, now.trials)}", kept=True))
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
                now = self._attempt([now.arm], seeds)[0]
            better = self._step(now, seeds)
            if better is None:
                return self._ended(None)
            now = better

    def _ended(self, chosen: Arm | None) -> SearchResult:
        singles = {name for arm in self._seen.values() for name in arm.remedies}
        untried = [f"{name} (never)" for name in self.remedies if name not in singles]
        left = tuple(untried + self._left_out)
        return SearchResult(path=tuple(self._path), arms=tuple(self._seen.values()), chosen=chosen, untried=left)

    def _fitting(self, arms: Sequence[Arm]) -> list[Arm]:
        """Return the first of `arms` that fit into the remaining budget; an arm tried before costs nothing."""
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

    def _attempt(self, arms: Sequence[Arm], seeds: Sequence[int]) -> list[_ArmTrials]:
        for arm in arms:
            self._seen.setdefault(arm.key, arm)
        found = self.attempt(arms, seeds)
        return [_ArmTrials(arm=arm, trials=tuple(trials)) for arm, trials in zip(arms, found, strict=True)]

    def _step(self, now: _ArmTrials, seeds: Sequence[int]) -> _ArmTrials | None:
        """Return the first addition that comes nearer to health, None if there is none.

        Single remedies come first, then pairs.
        """
        for group in itertools.chain(_grouped(self._singles(now)), _grouped(self._pairs(now))):
            fitting = self._fitting(group)
            self._left_out.extend(f"{arm.title} (no budget left)" for arm in group if arm not in fitting)
            if not fitting:
                return None
            tried = self._attempt(fitting, seeds)
            best = min(tried, key=lambda one: (not one.cured, one.off))
            for one in tried:
                kept = one is best and (one.cured or now.off - one.off >= _STEP)
                self._path.append(
                    Step(arm=one.arm.key, text=f"{_added(now.arm, one.arm)}: {summary(now.trials, one.trials)}", kept=kept)
                )
            if best.cured or now.off - best.off >= _STEP:
                return best
        return None

    def _singles(self, now: _ArmTrials) -> Iterator[Arm]:
        offered = [name for trial in now.trials for name in trial.offered]
        names = [name for name in dict.fromkeys([*offered, *self.remedies]) if name in self.remedies]
        for name in names:
            if goes_with(name, now.arm.remedies):
                yield from self._new(now.arm, (name,))

    def _pairs(self, now: _ArmTrials) -> Iterator[Arm]:
        for first, second in itertools.combinations(self.remedies, 2):
            if goes_with(first, now.arm.remedies) and goes_with(second, (*now.arm.remedies, first)):
                yield from self._new(now.arm, (first, second))

    def _new(self, base: Arm, names: Sequence[str]) -> Iterator[Arm]:
        """Yield `base` with more remedies unless that arm was tried before; changes that pruning left in `base` stay."""
        arm = together([self.remedies[name] for name in (*base.remedies, *names) if name in self.remedies])
        if arm.key not in self._seen and arm.key != base.key:
            yield arm

    def _confirmed(self, cured: _ArmTrials) -> Arm | None:
        """Return the smallest part of a cure that cures with every seed; else the whole cure if it does; else None."""
        first = _ArmTrials(arm=cured.arm, trials=cured.trials[:1])
        for arm in dict.fromkeys((self._pruned(first), cured.arm)):
            with_all = self._attempt([arm], self.seeds)[0]
            healthy = sum(trial.healthy for trial in with_all.trials)
            text = f"= {arm.title}: healthy with {healthy} of {len(self.seeds)} seeds"
            self._path.append(Step(arm=arm.key, text=text, kept=with_all.cured))
            if with_all.cured:
                return arm
        return None

    def _pruned(self, whole: _ArmTrials) -> Arm:
        """Return the arm without the parts it does not need, by the first seed; changes of the code are removed first."""
        parts: tuple[Edit | CodeChange, ...] = (*whole.arm.code_changes, *whole.arm.edits)
        if len(parts) < 2:
            return whole.arm
        smaller_by = {part: without(whole.arm, part) for part in parts}
        tried = {one.arm.key: one for one in self._attempt(self._fitting(list(smaller_by.values())), self.seeds[:1])}
        needless = [part for part, arm in smaller_by.items() if arm.key in tried and self._cures_as_well(whole, tried[arm.key])]
        smallest = whole.arm
        for part in needless:
            smaller = without(smallest, part)
            if not smaller.key:
                break
            first = smallest is whole.arm
            if first or (self._fitting([smaller]) and self._cures_as_well(whole, self._attempt([smaller], self.seeds[:1])[0])):
                smallest = smaller
        return smallest

    def _cures_as_well(self, whole: _ArmTrials, smaller: _ArmTrials) -> bool:
        """Return True if `smaller` cures as well as `whole`, and add a line about it to the path."""
        as_well = smaller.cured and _skill(smaller) >= _skill(whole) - _SKILL_LOST
        text = f"without {_left_out(whole.arm, smaller.arm)}: {summary(None, smaller.trials)}"
        more = "" if as_well or not smaller.cured else ", but less well"
        if all(step.arm != smaller.arm.key for step in self._path):
            self._path.append(Step(arm=smaller.arm.key, text=text + more, kept=as_well))
        return as_well


def _grouped(arms: Iterator[Arm]) -> Iterator[list[Arm]]:
    """Yield arms in small groups, each created only when its turn comes."""
    while group := list(itertools.islice(arms, _AT_A_TIME)):
        yield group


def _skill(tried: _ArmTrials) -> float:
    return _mean(tried.trials, "HD105.skill") or 0.0


def _left_out(whole: Arm, smaller: Arm) -> str:
    """Return the names of the edits and changes of `whole` that `smaller` lacks."""
    edits = [edit.key for edit in whole.edits if edit not in smaller.edits]
    changes = [change.value for change in whole.code_changes if change not in smaller.code_changes]
    return ", ".join([*changes, *edits])


def _added(before: Arm, after: Arm) -> str:
    new = [name for name in after.remedies if name not in before.remedies]
    return f"+ {' + '.join(new)}"


def summary(before: Sequence[Trial] | None, after: Sequence[Trial]) -> str:
    """Summarise an arm in a few numbers, means over its trials, next to those of `before` if given."""
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
