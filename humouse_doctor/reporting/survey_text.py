"""Render a survey as text: counts, the setting that separates, families, the best, all runs, and the next command."""

from __future__ import annotations

import io
import textwrap

from rich.text import Text

from humouse_doctor.core.surveying import Row, Separation, State, Survey
from humouse_doctor.core.text import harmless_line
from humouse_doctor.core.view import SurveyView
from humouse_doctor.reporting import survey_rows as cells
from humouse_doctor.reporting.layout import Detail, Layout
from humouse_doctor.reporting.terminal import console_for, trimmed
from humouse_doctor.survey.answers import deciding_words

#: The most lines of a screen, if the commands fit into a line each.
LINES = 30
#: What a screen has at most of settings, families, best runs, rows and keys, where there is room.
_SETTINGS, _VALUES, _FAMILIES, _BEST, _ROWS, _KEYS = 2, 5, 4, 2, 10, 3
#: The least lines of a part, with its heading and the empty line above that.
_LEAST = 5
#: The most lines of the reason why nothing is known of a run.
_REASON = 3
#: The widths of a bar, and of a run's and a value's name.
_BAR, _RUN, _VALUE = 10, 22, 24
_STYLES = {State.SICK: "red", State.HEALTHY: "green", State.UNKNOWN: "yellow"}

_Lines = list[Text]


def render_view(view: SurveyView, layout: Layout) -> str:
    """Return the survey as text: a screen of 30 lines, whose lines are cut at the width, unless all of it is asked for."""
    survey, whole = view.survey, layout.detail is Detail.FULL
    head = _head(survey, layout.width, whole=whole)
    parts = [
        _settings(survey, layout.width, whole=whole),
        _families(survey, whole=whole),
        _best(survey, whole=whole),
        _table(survey, whole=whole),
    ]
    following = [Text(), Text("Next", style="bold")] if view.following else []
    if not whole:
        _cut_to(LINES - len(head) - len(following) - len(view.following), parts)
    stream = io.StringIO()
    console = console_for(stream, width=layout.width, colour=layout.colour)
    for line in (line for part in (head, *parts, following) for line in part):
        if not whole:
            line.truncate(layout.width, overflow="ellipsis")
        console.print(line, soft_wrap=True)
    return trimmed(stream.getvalue() + "".join(f"{command}\n" for command in view.following))


def _cut_to(room: int, parts: list[_Lines]) -> None:
    """Cut `parts` to `room` lines: always the longest, whose last line then says that there is more."""
    while sum(map(len, parts)) > room:
        longest = max(reversed(parts), key=len)
        if len(longest) <= _LEAST:
            return
        del longest[-2:]
        longest.append(Text("  ... (--full has all)", style="dim"))


def _line(text: str, style: str = "", indent: int = 0) -> Text:
    return Text(" " * indent + harmless_line(text), style=style)


def _headed(heading: str, lines: _Lines) -> _Lines:
    """Return a part with an empty line and its heading above; nothing if it is empty."""
    return [Text(), _line(heading, "bold"), *lines] if lines else []


def _head(survey: Survey, width: int, *, whole: bool) -> _Lines:
    unknown = [row for row in survey.rows if row.state is State.UNKNOWN]
    notes = survey.notes if whole else survey.notes[:1]
    lines = [_line(cells.head(survey), "bold"), *(_line(f"note: {note}", "dim") for note in notes)]
    if unknown and not whole:
        said = harmless_line(f"unknown, the first: {cells.name_of(unknown[0], survey)}: {cells.sentence(unknown[0])}")
        lines += [_line(part, "yellow") for part in textwrap.wrap(said, width, max_lines=_REASON, placeholder=" ...")]
    return lines


def _settings(survey: Survey, width: int, *, whole: bool) -> _Lines:
    unclear = cells.unclear(survey)
    shown = survey.separations if whole else cells.clear(survey)[:_SETTINGS]
    lines: _Lines = [
        _line(part, indent=2) for sentence in unclear for part in textwrap.wrap(harmless_line(sentence), width - 2)
    ]
    if shown and not unclear:
        lines += [_line(cells.tree(branch), indent=2) for branch in cells.branches(survey)]
    for one in shown:
        lines += _separation(one, whole=whole)
    return _headed(f"Settings that go with sick runs ({cells.ASSOCIATION})", lines)


def _separation(one: Separation, *, whole: bool) -> _Lines:
    also = f", and with it {', '.join(one.also)}" if one.also else ""
    shown = one.shares if whole else one.shares[:_VALUES]
    room = min(max(len(share.value) for share in shown), _VALUE)
    lines = [_line(f"{one.key}{also}: {cells.chance(one)}", indent=2)]
    for share in shown:
        bar = "█" * round(_BAR * share.sick / share.known) if share.known else ""
        lines.append(_line(f"{share.value:<{room}} {bar:<{_BAR}} {cells.share(share)}", indent=4))
    return lines


def _families(survey: Survey, *, whole: bool) -> _Lines:
    lines = []
    shown = len(survey.families) if whole or len(survey.families) <= _FAMILIES else _FAMILIES - 1
    for family in survey.families[:shown]:
        shared = ", ".join(f"{cells.last_word(key)} {value}" for key, value in family.shared.items())
        all_with = f", all with {shared}" if shared else ""
        lines.append(_line(f"{family.runs:>4}  {cells.family_of(family.cause)}{all_with}"))
    rest = survey.families[shown:]
    if rest:
        lines.append(_line(f"{sum(one.runs for one in rest):>4}  in {len(rest)} other families", "dim"))
    return _headed("Sick runs by their first cause", lines)


def _best(survey: Survey, *, whole: bool) -> _Lines:
    keys = cells.columns(survey)
    lines = [
        _line(f"{cells.factor(row)}  {cells.name_of(row, survey)}  {cells.settings(row, keys)}", indent=2)
        for row in (survey.best if whole else survey.best[:_BEST])
    ]
    return _headed(f"Best healthy runs, {cells.BEST_BY}", lines)


def _table(survey: Survey, *, whole: bool) -> _Lines:
    rows = survey.listed if whole else survey.listed[:_ROWS]
    if not rows:
        return []
    keys = cells.columns(survey) if whole else cells.columns(survey)[:_KEYS]
    table = [("verdict", "cause", *deciding_words(), "run", "settings"), *(_cells(row, survey, keys) for row in rows)]
    fixed = len(table[0]) - 1
    widths = [max(len(line[column]) for line in table) for column in range(fixed)]
    if not whole:
        widths[-1] = min(widths[-1], _RUN)
    lines = []
    for line, style in zip(table, ["dim", *(_STYLES[row.state] for row in rows)], strict=True):
        padded = [
            _padded(text, width, right=2 <= place < fixed - 1)
            for place, (text, width) in enumerate(zip(line, widths, strict=False))
        ]
        lines.append(_line("  ".join([*padded, line[-1]]), style))
    if whole:
        lines += [
            _line(f"{cells.name_of(row, survey)}: {cells.sentence(row)}", "dim") for row in rows if row.state is State.UNKNOWN
        ]
    kind = "" if survey.only is None else f"{survey.only.value} "
    return _headed(
        f"All {len(survey.listed)} {kind}runs, worst first{f', below {survey.folder}' if survey.folder else ''}", lines
    )


def _cells(row: Row, survey: Survey, keys: tuple[str, ...]) -> tuple[str, ...]:
    cause = harmless_line(row.cause.partition(" ")[0] or "-")
    name, values = harmless_line(cells.name_of(row, survey)), harmless_line(cells.settings(row, keys))
    return row.verdict, cause, *cells.numbers(row), name, values


def _padded(text: str, width: int, *, right: bool) -> str:
    """Return a cell's text in its column; of what is longer the end, which says more of a path than its beginning."""
    cut = text if len(text) <= width else f"...{text[3 - width :]}"
    return f"{cut:>{width}}" if right else f"{cut:<{width}}"
