"""Render a survey as text: counts, the setting that separates, families, the best, all runs, and the next command."""

from __future__ import annotations

import io

from rich.console import Console
from rich.text import Text

from humouse_doctor.core.surveying import Row, Separation, State, Survey
from humouse_doctor.core.text import harmless_line
from humouse_doctor.core.view import SurveyView
from humouse_doctor.reporting import survey_rows as cells
from humouse_doctor.reporting.layout import Detail, Layout
from humouse_doctor.reporting.terminal import console_for, say, title, trimmed
from humouse_doctor.survey.answers import deciding_words

#: What fits into a screen of 30 lines: settings, their values, branches, families, best runs, rows.
_SETTINGS, _VALUES, _FAMILIES, _BEST, _ROWS, _KEYS, _NOTES = 1, 4, 3, 2, 5, 3, 1
_BAR, _RUN = 10, 22
_STYLES = {State.SICK: "red", State.HEALTHY: "green", State.UNKNOWN: "yellow"}


def render_view(view: SurveyView, layout: Layout) -> str:
    """Return the survey as text: a screen of 30 lines at 80 columns unless all of it is asked for."""
    survey, whole = view.survey, layout.detail is Detail.FULL
    stream = io.StringIO()
    console = console_for(stream, width=layout.width, colour=layout.colour)
    say(console, cells.head(survey), style="bold")
    for note in survey.notes if whole else survey.notes[:_NOTES]:
        say(console, f"note: {note}", style="dim")
    _settings(console, survey, whole=whole)
    _families(console, survey, whole=whole)
    _best(console, survey, whole=whole)
    _table(console, survey, whole=whole)
    if view.following:
        console.print()
        console.print(Text("Next", style="bold"))
    return trimmed(stream.getvalue() + "".join(f"{command}\n" for command in view.following))


def _settings(console: Console, survey: Survey, *, whole: bool) -> None:
    unclear = cells.unclear(survey)
    if unclear:
        say(console, unclear)
    shown = survey.separations if whole else cells.clear(survey)[:_SETTINGS]
    if not shown:
        return
    title(console, "Settings that go with sick runs")
    say(console, f"({cells.ASSOCIATION})", style="dim")
    for one in shown:
        _separation(console, one, survey, whole=whole)
    more = len(cells.clear(survey)) - _SETTINGS
    if more > 0 and not whole:
        say(console, f"{more} more by --full", indent=2, style="dim")
    for branch in survey.tree:
        say(console, f"{' and '.join(branch.conditions)}: {branch.sick} of {branch.known} sick", indent=2)


def _separation(console: Console, one: Separation, survey: Survey, *, whole: bool) -> None:
    also = f", and with it {', '.join(one.also)}" if one.also else ""
    _line(console, f"{one.key}{also}: {cells.chance(one, survey)}", indent=2)
    shown = one.shares if whole or len(one.shares) <= _VALUES else one.shares[: _VALUES - 1]
    room = max(len(share.value) for share in shown)
    for share in shown:
        bar = "█" * round(_BAR * share.sick / share.known) if share.known else ""
        _line(console, f"{share.value:<{min(room, 24)}} {bar:<{_BAR}} {cells.share(share)}", indent=4)
    if len(shown) < len(one.shares):
        say(console, f"{len(one.shares) - len(shown)} more values by --full", indent=4, style="dim")


def _families(console: Console, survey: Survey, *, whole: bool) -> None:
    if not survey.families:
        return
    title(console, "Sick runs by their first cause")
    for family in survey.families if whole else survey.families[:_FAMILIES]:
        shared = ", ".join(f"{cells.last_word(key)} {value}" for key, value in family.shared.items())
        all_with = f", all with {shared}" if shared else ""
        _line(console, f"{family.runs:>4}  {cells.family_of(family.cause)}{all_with}", whole=whole)
    if len(survey.families) > _FAMILIES and not whole:
        rest = survey.families[_FAMILIES:]
        say(console, f"{sum(one.runs for one in rest):>4}  in {len(rest)} other families", style="dim")


def _best(console: Console, survey: Survey, *, whole: bool) -> None:
    if not survey.best:
        return
    title(console, f"Best healthy runs, {cells.BEST_BY}")
    for row in survey.best if whole else survey.best[:_BEST]:
        said = cells.settings(row, cells.columns(survey))
        _line(console, f"  {cells.factor(row)}  {cells.name_of(row, survey)}  {said}", whole=whole)


def _table(console: Console, survey: Survey, *, whole: bool) -> None:
    rows = survey.listed if whole else survey.listed[:_ROWS]
    kind = "" if survey.only is None else f" {survey.only.value}"
    count = f"all {len(survey.listed)}" if len(rows) == len(survey.listed) else f"{len(rows)} of {len(survey.listed)}"
    title(console, f"{count}{kind} runs, worst first{f', below {survey.folder}' if survey.folder else ''}")
    if not rows:
        return
    keys = cells.columns(survey) if whole else cells.columns(survey)[:_KEYS]
    lines = [("verdict", "cause", *deciding_words(), "run", "settings"), *(_cells(row, survey, keys) for row in rows)]
    fixed = len(lines[0]) - 2
    widths = [max(len(line[column]) for line in lines) for column in range(fixed + 1)]
    widths[fixed] = min(widths[fixed], _RUN) if not whole else widths[fixed]
    styles = ["dim", *(_STYLES[row.state] for row in rows)]
    for line, style in zip(lines, styles, strict=True):
        padded = [
            f"{_cut(text, width):>{width}}" if 2 <= column < fixed else f"{_cut(text, width):<{width}}"
            for column, (text, width) in enumerate(zip(line, widths, strict=False))
        ]
        _line(console, "  ".join([*padded, line[-1]]), style=style, whole=whole)
    for row in rows if whole else ():
        if row.state is State.UNKNOWN:
            say(console, f"{cells.name_of(row, survey)}: {row.sentence}", style="dim")


def _cells(row: Row, survey: Survey, keys: tuple[str, ...]) -> tuple[str, ...]:
    cause = harmless_line(row.cause.partition(" ")[0] or "-")
    name, values = harmless_line(cells.name_of(row, survey)), harmless_line(cells.settings(row, keys))
    return row.verdict, cause, *cells.numbers(row), name, values


def _cut(text: str, width: int) -> str:
    """Return the end of a text that is longer than its column, which says more of a path than its beginning."""
    return text if len(text) <= width else f"...{text[3 - width :]}"


def _line(console: Console, text: str, *, indent: int = 0, style: str = "", whole: bool = False) -> None:
    """Print a line, cut to the console's width unless the `whole` is asked for."""
    said = " " * indent + harmless_line(text)
    if not whole and len(said) > console.width:
        said = f"{said[: console.width - 4]} ..."
    console.print(Text(said, style=style), soft_wrap=True)
