"""Figures of how often the tool was right: shares with Wilson's 95 % intervals, by part of the corpus."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from tests.lab.zoo.judge import CAUSE_FACTORS

Row = Mapping[str, Any]

_Z95 = 1.959964
#: Samples that move or vary more than the targets by this factor have a line of their own.
_OVERSHOOT = 2.0
_POSITIVE = ("collapsed", "at-risk")
SICK = ("one factor", "two factors", "more factors", "incurable here")
EXPLAINED = ("one factor", "two factors", "more factors")


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share of `total` cases, with Wilson's 95 % interval; `hits` may be an expected value."""

    hits: float
    total: int

    @property
    def value(self) -> float:
        """The share itself, NaN without cases."""
        return self.hits / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval (1927), (0, 1) without cases."""
        if self.total == 0:
            return 0.0, 1.0
        square = _Z95**2 / self.total
        centre = (self.value + square / 2) / (1 + square)
        half = _Z95 / (1 + square) * math.sqrt(self.value * (1 - self.value) / self.total + square / (4 * self.total))
        return max(0.0, centre - half), min(1.0, centre + half)

    def __str__(self) -> str:
        if self.total == 0:
            return "-"
        low, high = self.interval
        return f"{self.value:.2f} ({low:.2f} to {high:.2f}; {self.hits:.4g}/{self.total})"


def share(rows: Iterable[Row], hit: Callable[[Row], float | bool]) -> Share:
    """Return the share of rows for which `hit` is true."""
    given = list(rows)
    return Share(hits=sum(float(hit(row)) for row in given), total=len(given))


def cause_is_right(code: str, cures: Iterable[Iterable[str]]) -> bool:
    """Return True if a cause names a factor in one of the minimal sets."""
    factors = {factor.value for factor in CAUSE_FACTORS.get(code, frozenset())}
    return any(factors & set(cure) for cure in cures)


def _first_is_right(row: Row) -> bool:
    causes = row["trained"]["causes"]
    return bool(causes) and cause_is_right(causes[0], row["cures"])


def _any_is_right(row: Row) -> bool:
    return any(cause_is_right(code, row["cures"]) for code in row["trained"]["causes"])


def within_reach(row: Row) -> bool:
    """Return True if a minimal set contains a factor that one of the tool's causes can name."""
    return any(cause_is_right(code, row["cures"]) for code in CAUSE_FACTORS)


def _within_size(row: Row) -> bool:
    """Return True if a run's samples are not much larger than its targets; larger ones are no collapse by the truth's terms."""
    return bool(max(row["moves"], row["varies"]) <= _OVERSHOOT)


def _verdict(form: str) -> Callable[[Row], str]:
    def read(row: Row) -> str:
        return str(row[form]["verdict"])

    return read


def summary(rows: Sequence[Row]) -> dict[str, Share | float]:
    """Return all figures of some runs; borderline runs count only in their own line."""
    sick = [row for row in rows if row["truth"] in SICK]
    healthy = [row for row in rows if row["truth"] == "healthy"]
    clear = [*sick, *healthy]
    explained = [row for row in sick if row["truth"] in EXPLAINED]
    before = [row for row in clear if row["preflight"] is not None]
    trained, preflight = _verdict("trained"), _verdict("preflight")

    def decided(some: Iterable[Row], verdict: Callable[[Row], str]) -> list[Row]:
        return [row for row in some if verdict(row) != "undetermined"]

    def kept(truth: Sequence[str]) -> list[Row]:
        return decided((row for row in before if row["truth"] in truth), preflight)

    found: dict[str, Share | float] = {
        "sensitivity": share(decided(sick, trained), lambda row: trained(row) in _POSITIVE),
        "specificity": share(decided(healthy, trained), lambda row: trained(row) == "healthy"),
        "specificity without overshoot": share(
            decided(filter(_within_size, healthy), trained), lambda row: trained(row) == "healthy"
        ),
        "sensitivity, collapsed only": share(decided(sick, trained), lambda row: trained(row) == "collapsed"),
        "specificity, collapsed only": share(decided(healthy, trained), lambda row: trained(row) != "collapsed"),
        "undetermined": share(clear, lambda row: trained(row) == "undetermined"),
        "borderline called sick": share(
            (row for row in rows if row["truth"] == "borderline"), lambda row: trained(row) in _POSITIVE
        ),
        "preflight sensitivity": share(kept(SICK), lambda row: preflight(row) in _POSITIVE),
        "preflight specificity": share(kept(("healthy",)), lambda row: preflight(row) == "healthy"),
        "preflight specificity, plain drive": share(
            (row for row in kept(("healthy",)) if "-plain-" in row["genome"]), lambda row: preflight(row) == "healthy"
        ),
        "preflight undetermined": share(before, lambda row: preflight(row) == "undetermined"),
        "first cause right": share(explained, _first_is_right),
        "any cause right": share(explained, _any_is_right),
        "first cause right, of those with a probe": share(filter(within_reach, explained), _first_is_right),
        "any cause right, of those with a probe": share(filter(within_reach, explained), _any_is_right),
        "no cause named, of those without": share(
            (row for row in explained if not within_reach(row)), lambda row: not row["trained"]["causes"]
        ),
        "cured by the patch, of the curable": share(explained, lambda row: row["patch"] == "cured"),
        "cured by Fix A, of the curable": share(explained, lambda row: row["fix_a"] == "cured"),
        "cured by random tries, of the curable": share(explained, lambda row: row["random"]),
    }
    rehearsed = [row for row in clear if row.get("rehearsed") is not None]
    if rehearsed:
        found.update(rehearsed_figures(rehearsed))
    searched = [row for row in explained if row["search"] is not None]
    if searched:
        found["of those a search was made for: cured by it"] = share(searched, lambda row: row["search"] == "cured")
        found["of the same: cured or borderline by it"] = share(searched, lambda row: row["search"] in ("cured", "borderline"))
        found["of the same: cured by the patch"] = share(searched, lambda row: row["patch"] == "cured")
        found["of the same: cured by random tries"] = share(searched, lambda row: row["random"])
    if rows:
        found["median seconds"] = statistics.median(row["trained"]["seconds"] for row in rows)
    return found


def rehearsed_figures(rows: Sequence[Row]) -> dict[str, Share | float]:
    """Return the figures of the runs that were rehearsed, with those of the rules on the same runs."""
    found: dict[str, Share | float] = {}
    for form, name in (("rehearsed", "rehearsed preflight"), ("preflight", "of the same by rules: preflight")):
        told = [(str(row["truth"]), str(row[form]["verdict"])) for row in rows]
        sick = [verdict for truth, verdict in told if truth in SICK and verdict != "undetermined"]
        healthy = [verdict for truth, verdict in told if truth == "healthy" and verdict != "undetermined"]
        found[f"{name} sensitivity"] = Share(hits=sum(verdict in _POSITIVE for verdict in sick), total=len(sick))
        found[f"{name} specificity"] = Share(hits=sum(verdict == "healthy" for verdict in healthy), total=len(healthy))
        found[f"{name} undetermined"] = Share(hits=sum(verdict == "undetermined" for _, verdict in told), total=len(told))
    found["rehearsed as a whole"] = share(rows, lambda row: row["rehearsed"]["steps"] == row["rehearsed"]["own_steps"])
    found["median seconds of a rehearsal"] = statistics.median(row["rehearsed"]["seconds"] for row in rows)
    found["most seconds of a rehearsal"] = max(row["rehearsed"]["seconds"] for row in rows)
    return found


def groups(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the runs by part, and the long ones among the held-out runs."""
    ordered = sorted(rows, key=lambda row: str(row["part"]))
    found = {part: list(some) for part, some in groupby(ordered, key=lambda row: str(row["part"]))}
    long = [row for row in found.get("held-out", []) if row["length"] >= 200]
    return {**found, "held-out, T >= 200": long} if long else found


def table(rows: Sequence[Row]) -> str:
    """Return the figures of every group side by side, as Markdown."""
    by_group = groups(rows)
    summaries = {name: summary(some) for name, some in by_group.items()}
    lines = [f"| | {' | '.join(by_group)} |", f"|---|{'---|' * len(by_group)}"]
    counts = [" | ".join(str(len(some)) for some in by_group.values())]
    lines.append(f"| runs | {counts[0]} |")
    for truth in ("healthy", "borderline", *SICK):
        cells = (str(sum(row["truth"] == truth for row in some)) for some in by_group.values())
        lines.append(f"| … {truth} | {' | '.join(cells)} |")
    names = list(dict.fromkeys(name for found in summaries.values() for name in found))
    for name in names:
        cells = (_cell(found.get(name)) for found in summaries.values())
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(found: Share | float | None) -> str:
    if found is None:
        return "-"
    return str(found) if isinstance(found, Share) else f"{found:.1f}"


def plain(found: Mapping[str, Share | float]) -> dict[str, Any]:
    """Return a summary as plain numbers, for JSON."""
    return {
        name: {"hits": one.hits, "total": one.total, "share": one.value if one.total else None, "interval": list(one.interval)}
        if isinstance(one, Share)
        else one
        for name, one in found.items()
    }


def random_cure(healthy: int, others: int, tries: int) -> float:
    """Return the chance that `tries` runs drawn from `others` without replacement include one of the `healthy`."""
    if others == 0:
        return 0.0
    drawn = min(tries, others)
    return 1 - math.comb(others - healthy, drawn) / math.comb(others, drawn)
