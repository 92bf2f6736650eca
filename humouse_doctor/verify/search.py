"""Search for the smallest change that cures: everything together first, and then less.

Round one trains the run as it is, the diagnosis' own patch, and the best level of every lever together (the *bundle*). If
the bundle does not cure, one remedy at a time is exchanged or added. From the smallest arm that cures, each part is left out
once, those that look needless first, and stays out if the rest cures as well. The rest is then trained with every seed; if it
is not healthy with all of them, neither is another arm that cured, and there is time, one remedy more is exchanged or added. In
the zoo's lattice this took fewer trainings than QuickXplain (Junker, AAAI 2004), since arms have few parts: see
docs/accuracy.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from humouse_doctor.core.outcome import AS_IT_IS, Arm, Step, Trial
from humouse_doctor.core.remedy import Remedy
from humouse_doctor.probes.registry import current
from humouse_doctor.remedies.arms import part_names, together, with_parts
from humouse_doctor.remedies.candidates import swapped
from humouse_doctor.verify.effects import distance, furthest, is_as_well, is_inside, risk_of

#: Arms tried at a time, independent of the number of cores: the result must not depend on the machine.
AT_A_TIME = 2
#: An exchanged remedy must reduce the distance from health by at least this to be built upon.
_STEP = 0.04
#: Parts that the diagnosis does not name are left out from the end of this order. In the zoo's lattice it took fewer trainings
#: than the order of the changes in the arm.
_KEPT_LONGEST = ("space", "head", "steps", "latent", "drive", "width", "rate", "kl")
#: Rounds of exchanges that there must be time for before a cure that is barely healthy is improved.
_EXCHANGES = 4
#: The start of the title of the arm that the diagnosis suggests.
SUGGESTED = "suggested patch: "
#: The reason of an arm whose training the budget cut.
CUT = "cut when the time of --budget was over"

#: Returns the trials of each arm with these seeds, run now or found in the store.
Attempt = Callable[[Sequence[Arm], Sequence[int]], list[list[Trial]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """The result of a search.

    `chosen` cures with every seed, and is None if no arm did. `needed` names the parts of `chosen` without which the run
    was not healthy. `untried` lists, with the reason, the arms that did not fit into the budget: if there are any and
    nothing is chosen, the search is inconclusive.
    """

    path: tuple[Step, ...]
    arms: tuple[Arm, ...]
    chosen: Arm | None
    needed: tuple[str, ...]
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
    def healthy(self) -> bool:
        return all(trial.healthy for trial in self.trials)

    @property
    def well(self) -> bool:
        """True if every trial is healthy with room to spare."""
        return self.healthy and all(is_inside(trial.measurements) for trial in self.trials)

    def as_well_as(self, whole: _ArmTrials) -> bool:
        """Return True if this arm is hardly less healthy than `whole`, by the first seed."""
        return is_as_well(self.trials[0].measurements, whole.trials[0].measurements)

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """A key that is smaller for a healthier arm."""
        return not self.well, not self.healthy, self.off


@dataclass(slots=True)
class Search:
    """A search over `remedies` with at most `max_arms` arms.

    `patch` is the diagnosis' own patch, empty if there is none, and `bundle` the best level of every lever together. No arm
    is started that, by the estimate `seconds`, would end after `deadline` (of time.monotonic).
    """

    attempt: Attempt
    remedies: Mapping[str, Remedy]
    bundle: Sequence[Remedy]
    patch: Sequence[Remedy]
    seeds: Sequence[int]
    max_arms: int
    deadline: float | None = None
    seconds: Callable[[Arm], float] = lambda _: 0.0
    _path: list[Step] = field(default_factory=list)
    _seen: dict[str, _ArmTrials] = field(default_factory=dict)
    _left_out: dict[str, str] = field(default_factory=dict)
    _known: dict[str, Remedy] = field(default_factory=dict)
    _needed: list[str] = field(default_factory=list)

    def run(self) -> SearchResult:
        """Run the search; the same trials give the same path."""
        self._known = {**self.remedies, **{remedy.id: remedy for remedy in (*self.bundle, *self.patch)}}
        first = [together(some, prefix) for some, prefix in ((self.patch, SUGGESTED), (self.bundle, "")) if some]
        tried = self._try([AS_IT_IS, *first])
        if not tried:
            return self._ended(None)
        base = tried[0]
        if base.healthy and self._holds(AS_IT_IS):
            return self._ended(None)  # healthy as it is: there is nothing to cure
        start = self._start(base, tried[1:])
        if start is None:
            return self._ended(None)
        smallest = self._shrunk(start)
        others = [one for one in self._seen.values() if one.healthy and one.arm.key not in ("", smallest.arm.key)]
        for cure in (smallest, *sorted(others, key=lambda one: (not one.well, _size(one)))):
            if self._holds(cure.arm):
                return self._ended(cure)
        return self._ended(self._one_that_holds(start))

    def _one_that_holds(self, start: _ArmTrials) -> _ArmTrials | None:
        """Exchange or add one remedy of `start`, which is not healthy with every seed, until one is; return None if none is."""
        for names in self._exchanges(start):
            tried = self._try([arm for arm in self._with_each(start, names) if arm.key not in self._seen])
            for one in sorted(tried, key=lambda one: one.rank):
                if one.healthy and self._holds(one.arm):
                    return one
        return None

    def _ended(self, chosen: _ArmTrials | None) -> SearchResult:
        arm = None if chosen is None else chosen.arm
        return SearchResult(
            path=tuple(self._path),
            arms=tuple(one.arm for one in self._seen.values()),
            chosen=arm,
            needed=() if arm is None else tuple(name for name in part_names(arm) if name in self._needed),
            untried=tuple(f"{title}: {why}" for title, why in self._left_out.items()),
        )

    def _start(self, base: _ArmTrials, tried: Sequence[_ArmTrials]) -> _ArmTrials | None:
        """Return the arm to shrink: the smallest that cures well, else one that barely cures, else one found by exchanges."""
        cured = min((one for one in tried if one.healthy), key=lambda one: (not one.well, _size(one)), default=None)
        if cured is not None:
            return self._exchanged(cured) if self._has_time_for_more(cured) else cured
        whole = self._seen.get(together(self.bundle).key)
        nearest = min((base, *tried), key=lambda one: one.rank)
        for start in (nearest,) if whole is None else (whole, nearest):
            found = self._exchanged(start)
            if found.healthy:
                return found
        return None

    def _exchanged(self, start: _ArmTrials) -> _ArmTrials:
        """Exchange or add one remedy at a time while that comes nearer to health, and return the healthiest arm."""
        now = start
        while not now.well:
            better = self._one_exchange(now)
            if better is None:
                return now
            now = better
        return now

    def _has_time_for_more(self, cured: _ArmTrials) -> bool:
        """Return True if a cure can be improved, and there is then still time to shrink it and to confirm it."""
        if self.deadline is None or cured.well:
            return True
        rounds = _EXCHANGES + len(part_names(cured.arm)) / AT_A_TIME + len(self.seeds) - 1
        return time.monotonic() + rounds * self.seconds(cured.arm) <= self.deadline

    def _one_exchange(self, now: _ArmTrials) -> _ArmTrials | None:
        """Return the first arm with one remedy exchanged that is nearer to health, None if there is none."""
        for names in self._exchanges(now):
            tried = self._try([arm for arm in self._with_each(now, names) if arm.key not in self._seen])
            best = min(tried, key=lambda one: one.rank, default=None)
            if best is not None and (best.rank[:2] < now.rank[:2] or now.off - best.off >= _STEP):
                return best
        return None

    def _exchanges(self, now: _ArmTrials) -> Iterator[list[str]]:
        """Yield the remedies that `now` does not have, in small groups, those of the bundle first."""
        bundle = [remedy.id for remedy in self.bundle]
        return _grouped(name for name in (*bundle, *self.remedies) if name not in now.arm.remedies)

    def _with_each(self, now: _ArmTrials, names: Iterable[str]) -> list[Arm]:
        """Return `now` with each of some remedies, in the place of those that it excludes."""
        return [together([self._known[name] for name in swapped(now.arm.remedies, new)]) for new in names]

    def _shrunk(self, whole: _ArmTrials) -> _ArmTrials:
        """Return the part of `whole` that is left if each part that is needless by the first seed is left out."""
        named = part_names(together(self.patch))
        left = sorted(part_names(whole.arm), key=lambda name: (name not in named, by_need(name)))
        waiting = left[::-1]
        while waiting and len(left) > 1:
            name, *waiting = waiting
            without = [one for one in left if one != name]
            self._try([self._of(whole, without), *self._next(whole, left, without, waiting, likely=name in named)])
            if self._cures(whole, without):
                left = without
            elif not self._is_healthy(whole, without):
                self._needed.append(name)
        if len(left) == 1 and not self._is_healthy(whole, ()):
            self._needed.append(left[0])
        return self._seen.get(self._of(whole, left).key, whole)

    def _next(
        self, whole: _ArmTrials, left: Sequence[str], without: Sequence[str], waiting: Sequence[str], *, likely: bool
    ) -> list[Arm]:
        """Return the arm that will probably be asked for next, to be tried at the same time; none at the end.

        If the part in turn is `likely` to be needed, the next one is left out beside it, else in addition to it.
        """
        if not waiting:
            return []
        names = [one for one in (left if likely else without) if one != waiting[0]]
        return [self._of(whole, names)] if names else []

    def _of(self, whole: _ArmTrials, names: Iterable[str]) -> Arm:
        return with_parts(whole.arm, set(names), self._known)

    def _cures(self, whole: _ArmTrials, names: Sequence[str]) -> bool:
        """Return True if these parts of `whole` cure as surely as it does; without a trial they do not."""
        found = self._seen.get(self._of(whole, names).key)
        return found is not None and (found.well or (found.healthy and not whole.well)) and found.as_well_as(whole)

    def _is_healthy(self, whole: _ArmTrials, names: Sequence[str]) -> bool:
        """Return True if these parts of `whole` are healthy, or if there is no trial of them."""
        found = self._seen.get(self._of(whole, names).key)
        return found is None or found.healthy

    def _holds(self, arm: Arm) -> bool:
        """Return True if `arm` is healthy with every seed, and add a line about it to the path.

        The run as it is gets the same seeds, so that the two can be compared.
        """
        trials = self.attempt([arm, AS_IT_IS] if arm.key else [arm], self.seeds)[0]
        if any(trial.out_of_time for trial in trials):
            self._left_out[f"{arm.title} with every seed"] = CUT
        healthy = sum(trial.healthy for trial in trials)
        holds = healthy == len(self.seeds)
        text = f"= {arm.title}: healthy with {healthy} of {len(self.seeds)} seeds"
        self._path.append(Step(arm=arm.key, text=text, kept=holds))
        return holds

    def _try(self, arms: Sequence[Arm]) -> list[_ArmTrials]:
        """Try those of `arms` that fit into the budget with the first seed; return all that are known by now, in order."""
        new = list({arm.key: arm for arm in arms if arm.key not in self._seen}.values())
        fitting = self._fitting(new)
        made = self.attempt(fitting, self.seeds[:1])
        for arm, trials in zip(fitting, made, strict=True):
            found = _ArmTrials(arm=arm, trials=tuple(trials))
            if any(trial.out_of_time for trial in trials):
                self._left_out[arm.title] = CUT
                continue
            self._seen[arm.key] = found
            self._path.append(Step(arm=arm.key, text=f"{arm.title}: {summary(found.trials)}", kept=found.healthy))
        return [self._seen[arm.key] for arm in arms if arm.key in self._seen]

    def _fitting(self, arms: Sequence[Arm]) -> list[Arm]:
        """Return the first of `arms` that fit into the remaining budget."""
        fitting: list[Arm] = []
        cured = [self.seconds(one.arm) for one in self._seen.values() if one.healthy and one.arm.key]
        kept = min(cured, default=0.0) * (len(self.seeds) - 1) / AT_A_TIME  # for the other seeds of a cure
        for arm in arms:
            if len(self._seen) + len(fitting) >= self.max_arms:
                self._left_out[arm.title] = f"--max-arms {self.max_arms} was reached"
            elif self.deadline is not None and time.monotonic() + self.seconds(arm) + kept > self.deadline:
                self._left_out[arm.title] = "no time was left in --budget"
            else:
                fitting.append(arm)
        return fitting


def by_need(name: str) -> int:
    """Return the place of a part in the order in which parts are kept, 0 for the one that is left out last."""
    return _KEPT_LONGEST.index(name) if name in _KEPT_LONGEST else len(_KEPT_LONGEST)


def _grouped(names: Iterable[str]) -> Iterator[list[str]]:
    """Yield names in small groups, each once."""
    once = list(dict.fromkeys(names))
    for start in range(0, len(once), AT_A_TIME):
        yield once[start : start + AT_A_TIME]


def _size(tried: _ArmTrials) -> int:
    """Return the number of changes of an arm."""
    return len(tried.arm.edits) + len(tried.arm.code_changes)


def summary(trials: Sequence[Trial]) -> str:
    """Summarise an arm in a few numbers, means over its trials."""
    failed = next((trial.failed for trial in trials if trial.failed is not None), None)
    if failed is not None:
        return f"could not be trained: {failed}"
    parts = []
    for metric, label in current().labels.items():
        values = [trial.measurements[metric] for trial in trials if metric in trial.measurements]
        parts.append(f"{label} {f'{fmean(values):.3g}' if values else 'not measurable'}")
    text = ", ".join(parts)
    off = furthest(trials[0].measurements) or risk_of(trials[0])
    if all(trial.healthy for trial in trials):
        return f"{text}: healthy" if off is None else f"{text}: healthy, though {off}"
    return text if off is None else f"{text}: {off}"
