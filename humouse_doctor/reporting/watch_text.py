"""Render a watched training as one screen: the answer so far, its causes, and each number over the steps."""

from __future__ import annotations

import io

from rich.console import Console
from rich.text import Text

from humouse_doctor.core.text import harmless_line
from humouse_doctor.core.verdict import Verdict
from humouse_doctor.core.watching import Moment, Watched
from humouse_doctor.diagnosis.timeline import WATCHED
from humouse_doctor.probes.registry import current
from humouse_doctor.reporting.terminal import bars, console_for, trimmed
from humouse_doctor.reporting.text import VERDICT_STYLES

_NAME, _NUMBER, _BOUND = 15, 10, 15
_LEAST_BARS = 10


def render(watched: Watched, *, width: int, colour: bool) -> str:
    """Return the watch as text of `width` columns: of the whole training, what its last glance says and how it came there."""
    stream = io.StringIO()
    console = console_for(stream, width=width, colour=colour)
    last = watched.moments[-1] if watched.moments else None
    console.print(_headline(watched, last))
    console.print(Text(harmless_line(_sentence(watched, last))))
    if last is not None:
        if last.causes and watched.ending is None:
            console.print(Text(f"Causes, the likeliest first: {', '.join(map(_named, last.causes))}"))
        console.print()
        room = max(_LEAST_BARS, width - _NAME - _NUMBER - _BOUND)
        console.print(Text(f"{'':{_NAME}}{'now':{_NUMBER}}{'healthy':{_BOUND}}over the steps so far", style="dim"))
        _measures(console, watched, last, room)
        _loss(console, watched, room)
    return trimmed(stream.getvalue())


def line(watched: Watched) -> str:
    """Return the last glance in one line, for a log."""
    if not watched.moments:
        return "no glance yet"
    last = watched.moments[-1]
    seen = ", ".join(f"{harmless_line(name)} {value:.3g}" for name, value in last.measures.items())
    causes = f"; {', '.join(last.causes)}" if last.causes else ""
    return f"step {last.step:,}{_of(watched)}: {_word(last)}; {seen}{causes}"


def answer(watched: Watched) -> str:
    """Return the watch's end in one line, empty if it has none."""
    ending = watched.ending
    return "" if ending is None else f"{ending.verdict.value} at step {ending.step:,}: {harmless_line(ending.sentence)}"


def _headline(watched: Watched, last: Moment | None) -> Text:
    verdict = Verdict.UNDETERMINED if last is None else last.outlook
    if watched.ending is not None:
        verdict = watched.ending.verdict
    step = "no step yet" if last is None else f"step {last.step:,}{_of(watched)}"
    name = harmless_line(watched.beginning.generator)
    said = "too early to say" if verdict is Verdict.UNDETERMINED and watched.ending is None else verdict.value
    return Text.assemble((said.upper(), VERDICT_STYLES[verdict]), f"  {name}, {step}", ", ended" if watched.ending else "")


def _sentence(watched: Watched, last: Moment | None) -> str:
    if watched.ending is not None:
        return watched.ending.sentence
    if last is None:
        return f"The first look is at step {watched.beginning.every:,}."
    match last.outlook:
        case Verdict.COLLAPSED:
            since = watched.foreseen
            return f"It has collapsed, and at this pace it stays so: foreseen since step {since:,}." if since else ""
        case Verdict.UNDETERMINED:
            return "It is flat, as a healthy warm-up is at first; its pace will tell."
        case Verdict.AT_RISK:
            return "It moves, and something is wrong or near its limit."
        case Verdict.HEALTHY:
            return "Its samples are healthy so far."


def _word(last: Moment) -> str:
    return "too early to say" if last.outlook is Verdict.UNDETERMINED else last.outlook.value


def _of(watched: Watched) -> str:
    steps = watched.beginning.steps
    return "" if steps is None else f" of {steps:,}"


def _named(code: str) -> str:
    probe = current().by_code.get(code)
    return code if probe is None else f"{code} {harmless_line(probe.name)}"


def _measures(console: Console, watched: Watched, last: Moment, room: int) -> None:
    for code, name, word in WATCHED:
        if word not in last.measures:
            continue
        healthy = current().by_code[code].metric(name).healthy
        values = [min(max(one.measures[word], 0.0), healthy.low) for one in watched.moments if word in one.measures]
        inside = last.measures[word] in healthy
        console.print(
            Text.assemble(
                f"{word:{_NAME}}",
                (f"{last.measures[word]:<{_NUMBER}.2g}", "green" if inside else "red"),
                f"{f'from {healthy.low:g}':{_BOUND}}",
                bars(values, healthy.low, room),
            )
        )


def _loss(console: Console, watched: Watched, room: int) -> None:
    values = [one.loss for one in watched.moments if one.loss is not None]
    if not values:
        return
    constant, motionless = watched.beginning.best_constant, watched.beginning.motionless
    console.print(
        Text.assemble(f"{'loss':{_NAME}}", f"{values[-1]:<{_NUMBER}.4g}", f"{'':{_BOUND}}", bars(values, max(values), room))
    )
    if constant is not None and motionless is not None:
        console.print(
            Text(f"  without learning anything, a constant reaches {constant:.4g}, motionless paths {motionless:.4g}")
        )
