"""Render the outcome of a verify as text for people: what cures, what each arm did, and the search's path."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from statistics import fmean

from rich.console import Console
from rich.text import Text

from humouse_doctor.core.outcome import ArmOutcome, Change, Effect, Outcome
from humouse_doctor.core.remedy import CODE_IN_WORDS, Interval
from humouse_doctor.core.text import counted, harmless_line, two_digits
from humouse_doctor.inputs.config.reader import spell
from humouse_doctor.probes.registry import current
from humouse_doctor.reporting.terminal import console_for, say, title, trimmed
from humouse_doctor.verify.effects import furthest

#: Words for the parts of a cure, which are named after their levers.
_PARTS = {
    "space": "the space of the loss",
    "head": "the head",
    "latent": "the undistorted latent",
    "drive": "what drives the state (slow gates, or the time as an input)",
    "steps": "the steps",
    "rate": "the learning rate",
    "width": "the latent's size",
    "kl": "the KL weight",
}
_STYLE = {Effect.CURED: "bold green", Effect.BETTER: "green", Effect.NO_EFFECT: "yellow", Effect.WORSE: "red"}


def render(outcome: Outcome, *, following: Sequence[str] = (), width: int = 80, colour: bool = False) -> str:
    """Return the outcome as text of at most `width` columns, with terminal colours if asked.

    `following` are the commands to type next, the last lines; they are not broken.
    """
    stream = io.StringIO()
    console = console_for(stream, width=width, colour=colour)
    head(console, outcome)
    _arms(console, outcome)
    _path(console, outcome)
    cure(console, outcome)
    warm_start(console, outcome)
    if following:
        title(console, "Next")
    return trimmed(stream.getvalue() + "".join(f"{command}\n" for command in following))


def sentence(outcome: Outcome) -> str:
    """Return the answer in one sentence."""
    base, chosen = outcome.base, outcome.arm(outcome.chosen)
    if base is None or base.seeds == 0:
        return f"The run as it is could not be trained: {'; '.join(base.notes) if base else 'nothing was tried'}."
    if chosen is not None:
        return f"Cured in {chosen.healthy_seeds} of {chosen.seeds} trials by {chosen.arm.title}."
    if base.healthy_seeds == base.seeds:
        return "This warm-up does not collapse as it is, in any of its trials: there is nothing to cure."
    tried = [arm for arm in outcome.arms if arm.arm.key]
    hopeful = next((arm for arm in tried if arm.effect is Effect.CURED), None)
    if outcome.inconclusive and hopeful is not None:
        seeds = f"{hopeful.healthy_seeds} of {counted(outcome.seeds, 'seed')}"
        had = f"{hopeful.arm.title} had been healthy with {seeds}"
        return f"No cure is certain yet: the search ended when {had}; the rest had not ended."
    if outcome.inconclusive:
        return f"No cure in {counted(len(tried), 'arm')}; {len(outcome.untried)} more were not tried."
    if not tried:
        return "This warm-up collapses as it is; no change of it was tried."
    better = [arm for arm in tried if arm.effect is Effect.BETTER]
    if not better:
        return f"No cure in {counted(len(tried), 'arm')}, and none that helps."
    best = min(better, key=lambda arm: arm.distance[1])
    return f"No cure in {counted(len(tried), 'arm')}; {best.arm.title} helps most."


def head(console: Console, outcome: Outcome) -> None:
    """Print the answer, and how it was found."""
    line = answer(outcome)
    line.append(f"  {harmless_line(outcome.config)}", style="")
    console.print(line)
    say(console, sentence(outcome))
    seeds = "one seed, so no interval" if outcome.seeds == 1 else f"{outcome.seeds} seeds"
    say(
        console,
        f"{outcome.steps:,} steps as it is, {seeds}; each arm has the same start and batches as the run without it",
        style="dim",
    )
    if outcome.shortened:
        say(console, f"shortened: {'; '.join(outcome.shortened)}", style="yellow")
    if not line.plain.startswith(("CURED", "NOTHING")) and outcome.own_steps is not None and outcome.steps < outcome.own_steps:
        said = f"fewer steps than its own may be why: --steps {outcome.own_steps} (or a longer --budget) takes them all"
        say(console, said, style="yellow")


def answer(outcome: Outcome) -> Text:
    """Return what came of it in a word or two."""
    base = outcome.base
    if outcome.chosen is not None:
        return Text("CURED", style="bold green")
    if base is not None and base.seeds and base.healthy_seeds == base.seeds:
        return Text("NOTHING TO CURE", style="bold green")
    return Text("INCONCLUSIVE", style="bold yellow") if outcome.inconclusive else Text("NOT CURED", style="bold red")


def _arms(console: Console, outcome: Outcome) -> None:
    title(console, "Arms, as it is first, then by health: prediction over target, without -> with")
    for arm in healthiest_first(outcome):
        effect = Text("  -" if arm.effect is None else f"  {arm.effect.value}", style=_STYLE[arm.effect] if arm.effect else "")
        effect.append(f"  {harmless_line(arm.arm.title)}  (healthy with {arm.healthy_seeds} of {arm.seeds} seeds)", style="")
        console.print(effect)
        by_name = {change.metric: change for change in arm.changes}
        shown = [f"{label} {_shown(by_name.get(metric), bool(arm.arm.key))}" for metric, label in current().labels.items()]
        say(console, ", ".join(shown), indent=4)
        decisive = furthest(measured(outcome, arm))
        if decisive is not None:
            say(console, f"furthest from health: {decisive}", indent=4)
        if arm.gain is not None and arm.arm.key:
            off = f"{arm.distance[0]:.2f} -> {arm.distance[1]:.2f}, by {_signed(arm.gain)} (95 %)"
            say(console, f"distance from health {off}", indent=4, style="dim")
        if arm.expected:
            say(console, f"expected: {'; '.join(arm.expected)}", indent=4, style="dim")
        for note in arm.notes:
            say(console, note, indent=4, style="yellow")


def healthiest_first(outcome: Outcome) -> list[ArmOutcome]:
    """Return the run as it is, and then the arms, the healthiest first."""
    return sorted(outcome.arms, key=lambda one: (one.arm.key != "", -_healthy_share(one), one.distance[1]))


def measured(outcome: Outcome, arm: ArmOutcome) -> dict[str, float]:
    """Return the numbers of an arm, by `code.metric`: those compared with the run as it is, and others of its trials."""
    of = [trial.measurements for trial in outcome.trials if trial.arm == arm.arm.key and trial.failed is None]
    names = dict.fromkeys(name for one in of for name in one)
    means = {name: fmean(one[name] for one in of if name in one) for name in names}
    return {**means, **{change.metric: change.after for change in arm.changes}}


def _healthy_share(arm: ArmOutcome) -> float:
    """Return the share of an arm's trials that were healthy, 0 without any."""
    return arm.healthy_seeds / arm.seeds if arm.seeds else 0.0


def _shown(change: Change | None, paired: bool) -> str:
    if change is None:
        return "not measurable"
    return f"{two_digits(change.before)} -> {two_digits(change.after)}" if paired else two_digits(change.after)


def _signed(interval: Interval) -> str:
    return f"{-interval.high:+.2f} to {-interval.low:+.2f}"


def _path(console: Console, outcome: Outcome) -> None:
    if outcome.path:
        title(console, "The search")
    for step in outcome.path:
        say(console, f"{'*' if step.kept else ' '} {step.text}", indent=2, style="" if step.kept else "dim")
    if outcome.untried:
        title(console, "Not tried")
        for line in outcome.untried:
            say(console, line, indent=2, style="yellow")
        if outcome.inconclusive:
            say(
                console,
                "A longer --budget or more --max-arms tries these too, and goes on from here if --outcome names the same file.",
                indent=2,
            )


def cure(console: Console, outcome: Outcome, *, briefly: bool = False) -> None:
    """Print the changes of the chosen arm, and what they say about the causes; `briefly`, those of the code in some words."""
    chosen = outcome.arm(outcome.chosen)
    if chosen is None:
        return
    title(console, "What cures, confirmed by these trials")
    for change in cure_of(outcome):
        say(console, change, indent=2, style="green")
    changes = [CODE_IN_WORDS[change] for change in chosen.arm.code_changes]
    if briefly and changes:
        say(console, f"{'and ' if chosen.arm.edits else ''}in the code: {'; '.join(changes)}", indent=2)
    for hint in () if briefly and changes else outcome.hints:
        say(console, f"humouse itself needs: {hint}", indent=2)
    for line in causes_of(outcome):
        say(console, line, indent=2)
    say(console, "Tried in short warm-ups alone: train the run again with the patch, then inspect it.", indent=2)


def warm_start(console: Console, outcome: Outcome) -> None:
    """Print what was written to start from."""
    if outcome.warm_start:
        title(console, "Warm start")
        for line in outcome.warm_start:
            say(console, line, indent=2)


def cure_of(outcome: Outcome) -> Iterator[str]:
    """Yield the changes of the config that cure, nothing without a cure."""
    chosen = outcome.arm(outcome.chosen)
    for edit in () if chosen is None else chosen.arm.edits:
        change = f"insert {spell(edit.new)}" if edit.absent else f"{spell(edit.old)} -> {spell(edit.new)}"
        yield f"{outcome.config_prefix}{edit.key}: {change}"


def causes_of(outcome: Outcome) -> Iterator[str]:
    """Yield what the cure says about its parts and about the causes, a sentence each."""
    if outcome.needed:
        parts = ", ".join(_PARTS.get(name, name) for name in outcome.needed)
        yield f"Left out, each of these broke the cure (one seed): {parts}."
    if outcome.confirmed:
        yield f"Causes confirmed: {', '.join(map(_named, outcome.confirmed))}."
    if outcome.refuted:
        said = ", ".join(map(_named, outcome.refuted))
        yield f"Causes refuted, since the cure changes nothing that they are about: {said}."


def _named(code: str) -> str:
    probe = current().by_code.get(code)
    return code if probe is None else f"{code} {probe.name}"
