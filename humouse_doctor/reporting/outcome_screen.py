"""Render the outcome of a verify as a screen: what cures, the healthiest arms in a line or two each, and the next command."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from humouse_doctor.core.outcome import ArmOutcome, Effect, Outcome
from humouse_doctor.core.text import counted, harmless_line, two_digits
from humouse_doctor.core.view import TrialsView
from humouse_doctor.probes.registry import current
from humouse_doctor.reporting import outcome_text
from humouse_doctor.reporting.layout import Detail, Layout
from humouse_doctor.reporting.terminal import console_for, say, title, trimmed
from humouse_doctor.verify.effects import furthest

#: The most arms and the most untried ones that are shown.
_ARMS, _UNTRIED = 5, 3


def render_view(view: TrialsView, layout: Layout) -> str:
    """Return the view's outcome as text for people, as much of it as the layout asks for."""
    if layout.detail is Detail.LINE:
        return one_line(view.outcome, width=layout.width, colour=layout.colour)
    rendered = outcome_text.render if layout.detail is Detail.FULL else render
    return rendered(view.outcome, following=view.following, width=layout.width, colour=layout.colour)


def render(outcome: Outcome, *, following: Sequence[str] = (), width: int = 80, colour: bool = False) -> str:
    """Return the outcome as text of at most `width` columns; `following` are the commands to type next, the last lines."""
    stream = io.StringIO()
    console = console_for(stream, width=width, colour=colour)
    outcome_text.head(console, outcome)
    _arms(console, outcome)
    shown = () if outcome.chosen is not None else outcome.untried[:_UNTRIED]
    for line in shown:
        say(console, f"not tried: {line}", style="yellow")
    if len(outcome.untried) > len(shown):
        said = f"{len(outcome.untried) - len(shown)} more" if shown else counted(len(outcome.untried), "smaller or other arm")
        say(console, f"not tried: {said}, by --full", style="yellow")
    outcome_text.cure(console, outcome, briefly=True)
    outcome_text.warm_start(console, outcome)
    title(console, "Next  (every arm and the search: --full)" if following else "Every arm and the search: --full")
    return trimmed(stream.getvalue() + "".join(f"{command}\n" for command in following))


def one_line(outcome: Outcome, *, width: int, colour: bool) -> str:
    """Return the outcome as one line: what came of it, the run, and the answer."""
    stream = io.StringIO()
    console = console_for(stream, width=width, colour=colour)
    line = outcome_text.answer(outcome)
    line.append(f"  {harmless_line(outcome.config)}  {harmless_line(outcome_text.sentence(outcome))}", style="")
    console.print(line, soft_wrap=True)
    return trimmed(stream.getvalue())


def _arms(console: Console, outcome: Outcome) -> None:
    """Print the run as it is, the cure, and the healthiest arms: the healthy seeds, and the numbers that say why."""
    arms = sorted(outcome_text.healthiest_first(outcome), key=lambda one: one.arm.key not in ("", outcome.chosen))
    if not arms:
        return
    title(console, "Healthy seeds of each arm, and what it draws over real")
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for arm in arms[:_ARMS]:
        cured = "" if arm.effect is None else "cured" if arm.effect is Effect.CURED else "not cured"
        table.add_row(
            f"  {arm.healthy_seeds} of {arm.seeds}", cured, harmless_line(f"{arm.arm.title}: {_numbers(outcome, arm)}")
        )
    if len(arms) > _ARMS:
        table.add_row("", "", f"and {counted(len(arms) - _ARMS, 'further arm')}, by --full")
    console.print(table)


def _numbers(outcome: Outcome, arm: ArmOutcome) -> str:
    """Return what is furthest from health where anything is, else the arm's main numbers; the reason if there are none."""
    after = {change.metric: change.after for change in arm.changes}
    if not after:
        return "; ".join(arm.notes) or "not measured"
    off = furthest(outcome_text.measured(outcome, arm))
    if off is not None:
        return off
    labels = current().labels
    numbers = ", ".join(f"{label} {two_digits(after[metric])}" for metric, label in labels.items() if metric in after)
    return numbers if arm.healthy_seeds == arm.seeds else "; ".join([numbers, *arm.notes])
