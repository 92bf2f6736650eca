"""The section of the page on trials."""

from __future__ import annotations

from dataclasses import dataclass

from humouse_doctor.core.outcome import ArmOutcome, Effect, Outcome
from humouse_doctor.probes.registry import current
from humouse_doctor.reporting.html import plots
from humouse_doctor.reporting.html.badges import EFFECTS, Badge
from humouse_doctor.reporting.html.plots import Plot
from humouse_doctor.reporting.outcome_text import causes_of, cure_of, healthiest_first, sentence
from humouse_doctor.reporting.rows import format_number


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmRow:
    """A row for an arm."""

    arm: ArmOutcome
    badge: Badge
    metrics: tuple[str, ...]
    distance: str
    loss: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialsSection:
    """The results of trials."""

    outcome: Outcome
    badge: Badge
    sentence: str
    seeds: str
    plot: Plot | None
    moved: Plot | None
    rows: tuple[ArmRow, ...]
    headings: tuple[str, ...]
    cure: tuple[str, ...]
    causes: tuple[str, ...]


def trials_section(outcome: Outcome) -> TrialsSection:
    """Return the results of trials, a row for each arm: the run as it is, then the healthiest first."""
    base = outcome.base
    badge = Badge(word="not cured", symbol="✕", style="bad")
    if outcome.chosen is not None:
        badge = EFFECTS[Effect.CURED]
    elif base is not None and base.seeds and base.healthy_seeds == base.seeds:
        badge = Badge(word="nothing to cure", symbol="✓", style="good")
    elif outcome.inconclusive:
        badge = Badge(word="inconclusive", symbol="?", style="unsure")
    return TrialsSection(
        outcome=outcome,
        badge=badge,
        sentence=sentence(outcome),
        seeds="one seed, so no interval" if outcome.seeds == 1 else f"{outcome.seeds} seeds",
        plot=plots.losses("trials-loss", "Loss against the trivial predictors", outcome),
        moved=plots.before_and_after("trials-moved", outcome),
        rows=tuple(_arm(outcome, arm) for arm in healthiest_first(outcome)),
        headings=tuple(current().labels.values()),
        cure=tuple(cure_of(outcome)),
        causes=tuple(causes_of(outcome)),
    )


def _arm(outcome: Outcome, arm: ArmOutcome) -> ArmRow:
    found = {moved.metric: moved.after for moved in arm.changes}
    ends = plots.final_losses(outcome, arm.arm.key)
    mean = f"{sum(ends) / len(ends):.2f}" if ends else "-"
    return ArmRow(
        arm=arm,
        badge=EFFECTS[arm.effect],
        metrics=tuple(format_number(found[name], "") if name in found else "-" for name in current().labels),
        distance=f"{arm.distance[1]:.2f}",
        loss=f"{mean} ({min(ends):.2f} to {max(ends):.2f})" if len(ends) > 1 else mean,
        chosen=outcome.chosen is not None and arm.arm.key == outcome.chosen,
    )
