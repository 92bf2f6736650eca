"""What the rows of a survey say together: which setting separates sick from healthy, the best runs, families of one cause.

A share of sick runs by a setting is an association. Runs whose state is unknown are counted on neither side.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from humouse_doctor.core.arrays import IntArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.settings import Value
from humouse_doctor.core.surveying import STATES, Branch, Family, Row, Separation, Share, State, Survey
from humouse_doctor.diagnosis.timeline import MEASURES
from humouse_doctor.probes.registry import current

#: A separation counts if chance alone would show one as clear, in any of the settings, less often than this.
LEVEL = 0.05
#: Shufflings of the runs by which a separation is judged, and their seed: equal rows give equal answers.
_SHUFFLES, _SEED = 10_000, 0
#: The standard normal quantile of 95 % intervals.
_Z = 1.959964
#: More values of a number than this are put into so many groups of about equal size; of text the rarest are put together.
_MOST_NUMBERS, _GROUPS, _MOST_TEXTS = 6, 4, 8
_OTHERS = "other values"
_LEVELS = 2
_BEST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Split:
    """Runs by the values of a key: `of` has the group of each run, `labels` the names of the groups; numbers are `ordered`."""

    key: str
    of: tuple[int, ...]
    labels: tuple[str, ...]
    ordered: bool


def survey_of(rows: Sequence[Row], keys: Sequence[str], version: str) -> Survey:
    """Return the survey of `rows`, whose settings are those of `keys`; it does not depend on their order."""
    rows = tuple(sorted(rows, key=_badness))
    known = [row for row in rows if row.state is not State.UNKNOWN]
    splits = _splits(known, keys)
    untested = _why_untested(known, splits)
    separations = () if untested else tuple(_separations(known, splits))
    return Survey(
        tool_version=version,
        keys=tuple(keys),
        compared=tuple(split.key for split in splits),
        folder=_folder([row.run for row in rows]),
        rows=rows,
        separations=separations,
        untested=untested,
        tree=tuple(_tree(known, splits)) if separations and separations[0].corrected <= LEVEL else (),
        best=tuple(sorted((row for row in rows if row.state is State.HEALTHY), key=_nearness)[:_BEST]),
        families=tuple(_families(known, splits)),
    )


def _folder(runs: Sequence[str]) -> str:
    """Return the folder that all runs lie in, with a slash at its end; empty if there is none."""
    if not runs:
        return ""
    parts = [run.split("/")[:-1] for run in (min(runs), max(runs))]  # what these two share, all between them share
    common = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(*parts, strict=False))
    return "".join(f"{part}/" for part, _ in common)


def deciding_words() -> tuple[str, ...]:
    """Return the words for the numbers that decide a verdict: spread, movement, variety."""
    return tuple(word for code, _, word in MEASURES if code in current().deciding)


def distance(row: Row) -> float:
    """Return the factor by which the deciding number that is furthest from the data's differs from it; 1 is the data."""
    ratios = [row.numbers[word] for word in deciding_words() if word in row.numbers]
    return max((max(ratio, 1 / ratio) if ratio > 0 else math.inf for ratio in ratios), default=math.inf)


def _badness(row: Row) -> tuple[int, float, int, str]:
    return list(STATES).index(row.verdict), -distance(row), len(row.run), row.run


def _nearness(row: Row) -> tuple[float, int, str]:
    return distance(row), len(row.run), row.run


def wilson(sick: int, known: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval for the share `sick` of `known` runs."""
    if not known:
        return 0.0, 1.0
    share, weight = sick / known, _Z**2 / known
    middle = (share + weight / 2) / (1 + weight)
    half = _Z * math.sqrt(share * (1 - share) / known + weight / (4 * known)) / (1 + weight)
    return max(0.0, middle - half), min(1.0, middle + half)


def spelled(value: Value) -> str:
    """Return a setting's value as a person writes it; an absent one is `-`."""
    match value:
        case None:
            return "-"
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:g}"
        case tuple():
            return f"[{', '.join(map(spelled, value))}]"
    return str(value)


def _splits(rows: Sequence[Row], keys: Sequence[str]) -> list[_Split]:
    """Return the groups by each key in which the runs differ, except names: text that no two runs share."""
    found = (_split(key, [row.settings.get(key) for row in rows]) for key in keys)
    return [split for split in found if split is not None]


def _split(key: str, values: Sequence[Value]) -> _Split | None:
    numbers = [number for value in values if (number := _number(value)) is not None]
    if len(numbers) == len(values):
        return _by_number(key, numbers)
    texts = list(map(spelled, values))
    counts = Counter(texts)
    if len(counts) < 2 or max(counts.values()) < 2:
        return None
    named = sorted(counts, key=lambda text: (-counts[text], text))
    labels = sorted(named[:_MOST_TEXTS]) + ([_OTHERS] if len(named) > _MOST_TEXTS else [])
    place = {label: number for number, label in enumerate(labels)}
    return _Split(key=key, of=tuple(place.get(text, _MOST_TEXTS) for text in texts), labels=tuple(labels), ordered=False)


def _number(value: Value) -> float | None:
    """Return a value as a number that can be compared, None if it is none."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if abs(value) <= sys.float_info.max else None  # which NaN is not


def _by_number(key: str, numbers: Sequence[float]) -> _Split | None:
    """Return groups in the numbers' order: one for each number, or of about equal size if there are many."""
    distinct = sorted(set(numbers))
    if len(distinct) < 2:
        return None
    starts = distinct
    if len(distinct) > _MOST_NUMBERS:
        taken = sorted(numbers)
        starts = sorted({distinct[0], *(taken[len(taken) * part // _GROUPS] for part in range(1, _GROUPS))})
    of = [int(np.searchsorted(starts, number, side="right")) - 1 for number in numbers]
    ends = [max(number for number, group in zip(numbers, of, strict=True) if group == place) for place in range(len(starts))]
    labels = [f"{low:g}" if low == high else f"{low:g} to {high:g}" for low, high in zip(starts, ends, strict=True)]
    return _Split(key=key, of=tuple(of), labels=tuple(labels), ordered=True)


def _why_untested(rows: Sequence[Row], splits: Sequence[_Split]) -> str:
    """Return why no setting can be said to separate, even if one did perfectly; empty if one can."""
    sick, known = sum(row.state is State.SICK for row in rows), len(rows)
    counted = f"of {known} known run{'' if known == 1 else 's'} {sick} {'is' if sick == 1 else 'are'} sick"
    if not 0 < sick < known:
        return f"{counted}: there is nothing to tell apart"
    if not splits:
        return f"{counted}, and no setting differs between runs that share its values"
    by_chance = (2 if 2 * sick == known else 1) / math.comb(known, sick) * len({split.of for split in splits})
    if by_chance > LEVEL:
        often = (
            ""
            if by_chance > 0.5
            else f"; one of {len(splits)} settings separates these by chance in {by_chance:.0%} of surveys"
        )
        return f"{counted}: too few to tell a setting that goes with it from chance{often}"
    return ""


def _separations(rows: Sequence[Row], splits: Sequence[_Split]) -> Iterator[Separation]:
    """Yield the separation by each setting, the clearest first; settings that go together are one."""
    sick = np.array([row.state is State.SICK for row in rows])
    together: dict[tuple[int, ...], list[_Split]] = {}
    for split in splits:
        together.setdefault(_renamed(split.of), []).append(split)
    tested = [(_by_chance(_table(sick, same[0])), same) for same in together.values()]
    tested.sort(key=lambda found: (found[0], -_chi(_table(sick, found[1][0])), found[1][0].key))
    corrected = 0.0
    for rank, (p, same) in enumerate(tested):
        corrected = max(corrected, min(1.0, p * (len(tested) - rank)))  # Holm's
        first = same[0]
        yield Separation(
            key=first.key,
            also=tuple(split.key for split in same[1:]),
            shares=tuple(
                Share(value=label, sick=int(ill), known=int(ill + well), low=low, high=high)
                for label, (ill, well) in zip(first.labels, _table(sick, first).T, strict=True)
                for low, high in [wilson(int(ill), int(ill + well))]
            ),
            p=p,
            corrected=corrected,
        )


def _renamed(groups: Sequence[int]) -> tuple[int, ...]:
    """Return groups numbered in the order in which they come, so that equal partitions are equal."""
    seen: dict[int, int] = {}
    return tuple(seen.setdefault(group, len(seen)) for group in groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """The settings that all runs of the rarer `state` have, and how many runs have those, which `count` of them are.

    `corrected` is a bound of how often chance alone does so with any combination of settings.
    """

    state: State
    count: int
    settings: tuple[tuple[str, str], ...]
    having: int
    corrected: float


def together(survey: Survey) -> Together | None:
    """Return what all sick, or all healthy, runs have in common, whichever are fewer, if that is more than chance shows."""
    known = [row for row in survey.rows if row.state is not State.UNKNOWN]
    splits = _splits(known, survey.compared)
    state = min((State.SICK, State.HEALTHY), key=survey.count)
    places = [place for place, row in enumerate(known) if row.state is state]
    shared = [split for split in splits if len({split.of[place] for place in places}) == 1]
    if not shared:
        return None
    having = sum(all(split.of[place] == split.of[places[0]] for split in shared) for place in range(len(known)))
    ways = math.comb(having, len(places)) / math.comb(len(known), len(places))
    combinations = math.prod(len(labels) + 1 for labels in {_renamed(split.of): split.labels for split in splits}.values())
    if ways * combinations > LEVEL:
        return None
    return Together(
        state=state,
        count=len(places),
        settings=tuple((split.key, split.labels[split.of[places[0]]]) for split in shared),
        having=having,
        corrected=ways * combinations,
    )


def _table(sick: IntArray, split: _Split) -> IntArray:
    """Return the numbers of sick and of healthy runs in each group, (2, groups)."""
    of = np.array(split.of)
    return np.stack([np.bincount(of[kind], minlength=len(split.labels)) for kind in (sick, ~sick)])


def _chi(table: IntArray) -> float:
    """Return Pearson's measure of how far the shares of a table (2, groups) are from equal."""
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    return float(((table - expected) ** 2 / np.maximum(expected, 1e-12)).sum())


def _by_chance(table: IntArray) -> float:
    """Return how often shares differ at least as much as in a table (2, groups) if the runs are shuffled over the groups.

    Both sums stay, as in Fisher's test. It is counted out for two groups, and drawn for more.
    """
    sizes, sick = table.sum(axis=0), int(table[0].sum())
    expected = sizes * (sick / sizes.sum())  # with both sums fixed the distance depends on the sick alone
    weights = 1 / np.maximum(expected, 1e-12) + 1 / np.maximum(sizes - expected, 1e-12)
    least = ((table[0] - expected) ** 2 * weights).sum() * (1 - 1e-9)
    if len(sizes) == 2:
        first = np.arange(max(0, sick - sizes[1]), min(sick, sizes[0]) + 1)
        drawn = np.stack([first, sick - first], axis=1)  # (tables, 2)
        logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, sizes.sum() + 1)))])  # of factorials
        ways = (logs[sizes] - logs[drawn] - logs[sizes - drawn]).sum(axis=1)
        chances = np.exp(ways - ways.max())
        return float(chances[((drawn - expected) ** 2 * weights).sum(axis=1) >= least].sum() / chances.sum())
    drawn = np.random.default_rng(_SEED).multivariate_hypergeometric(sizes, sick, size=_SHUFFLES, method="marginals")
    return float((1 + (((drawn - expected) ** 2 * weights).sum(axis=1) >= least).sum()) / (1 + _SHUFFLES))


def _tree(rows: Sequence[Row], splits: Sequence[_Split], conditions: tuple[str, ...] = ()) -> Iterator[Branch]:
    """Yield the ends of a tree: runs are parted in two by the setting that separates them clearest, at most twice."""
    sick = np.array([row.state is State.SICK for row in rows])
    parted = None
    if len(conditions) < _LEVELS and not _why_untested(rows, splits):
        first = next(_separations(rows, splits))
        if first.corrected <= LEVEL:
            parted = _cut(next(split for split in splits if split.key == first.key), sick)
    if parted is None:
        yield Branch(conditions=conditions, sick=int(sick.sum()), known=len(rows))
        return
    sides, names = parted
    for wanted, name in zip((True, False), names, strict=True):
        taken = [place for place, side in enumerate(sides) if side == wanted]
        left = [kept for split in splits if (kept := _kept(split, taken)) is not None]
        yield from _tree([rows[place] for place in taken], left, (*conditions, name))


def _cut(split: _Split, sick: IntArray) -> tuple[list[bool], tuple[str, str]]:
    """Return the side of each run in the clearest cut in two, and the two conditions.

    Numbers are cut at one place, of other values one is set against the rest.
    """
    table, groups = _table(sick, split), range(len(split.labels))
    cuts = [set(range(end)) for end in groups if end] if split.ordered else [{group} for group in groups]

    def clearness(cut: set[int]) -> float:
        inside = table[:, sorted(cut)].sum(axis=1)
        return _chi(np.stack([inside, table.sum(axis=1) - inside], axis=1))

    best = max((cut for cut in cuts if len(cut) < len(groups)), key=clearness)
    sides = [group in best for group in split.of]
    if split.ordered:
        last, following = split.labels[max(best)], split.labels[max(best) + 1]
        return sides, (f"{split.key} <= {last.rpartition(' to ')[2]}", f"{split.key} >= {following.partition(' to ')[0]}")
    (value,) = (split.labels[group] for group in best)
    rest = [label for label in split.labels if label != value]
    other = f"{split.key} = {rest[0]}" if len(rest) == 1 else f"{split.key} is not {value}"
    return sides, (f"{split.key} = {value}", other)


def _kept(split: _Split, places: Sequence[int]) -> _Split | None:
    """Return the groups of some of the runs, without empty ones; None if one is left."""
    of = [split.of[place] for place in places]
    left = sorted(set(of))
    if len(left) < 2:
        return None
    return replace(split, of=tuple(left.index(group) for group in of), labels=tuple(split.labels[group] for group in left))


def _families(rows: Sequence[Row], splits: Sequence[_Split]) -> Iterator[Family]:
    """Yield the sick ones of known runs by their first cause, the largest family first."""
    members: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        if row.state is State.SICK:
            members.setdefault(row.cause, []).append(place)
    for cause, places in sorted(members.items(), key=lambda found: (-len(found[1]), found[0])):
        own = [rows[place] for place in places]
        yield Family(
            cause=cause,
            runs=len(places),
            shared=MappingProxyType(dict(_shared(splits, places))) if len(places) > 1 else MappingProxyType({}),
            example=next((row for row in own if row.patched), own[0]),
        )


def _shared(splits: Sequence[_Split], places: Sequence[int]) -> Iterator[tuple[str, str]]:
    """Yield each key with the one group that all of these runs are in; a group of all runs is no split."""
    for split in splits:
        groups = {split.of[place] for place in places}
        label = split.labels[groups.pop()] if len(groups) == 1 else _OTHERS
        if label != _OTHERS:
            yield split.key, label
