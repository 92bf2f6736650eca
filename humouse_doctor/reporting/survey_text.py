"""Render a survey as text: counts, the setting that separates, families, the best, all runs, and the next command."""

from __future__ import annotations

import io
import sys
import textwrap
from collections.abc import Sequence

from rich.text import Text

from humouse_doctor.core.surveying import Row, Separation, State, Survey
from humouse_doctor.core.text import counted, harmless_line, shortened
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
        _families(survey, layout.width, whole=whole),
        _best(survey, layout.width, whole=whole),
        _table(survey, layout.width, whole=whole),
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
    lines = [_line(cells.head(survey), "bold")]
    if whole:
        lines += [_line(f"note: {note}", "dim") for note in survey.notes]
    else:
        lines += [_line(part, "dim") for note in survey.notes[:1] for part in _wrapped(f"note: {note}", width, _REASON)]
    if unknown and not whole:
        said = harmless_line(f"unknown, the first: {cells.name_of(unknown[0], survey)}: {cells.sentence(unknown[0])}")
        lines += [_line(part, "yellow") for part in _wrapped(said, width, _REASON)]
    return lines


def _wrapped(text: str, width: int, most: int) -> list[str]:
    """Return `text`, made harmless, as at most `most` lines."""
    return textwrap.wrap(harmless_line(text), width, max_lines=most, placeholder=" ...")


def _settings(survey: Survey, width: int, *, whole: bool) -> _Lines:
    unclear = cells.unclear(survey)
    shown = survey.separations if whole else cells.clear(survey)[:_SETTINGS]
    lines: _Lines = [
        _line(part, indent=2) for sentence in unclear for part in textwrap.wrap(harmless_line(sentence), width - 2)
    ]
    if shown and not unclear:
        for branch in cells.branches(survey):
            said = cells.tree(branch)
            lines += [_line(part, indent=2) for part in ([said] if whole else _wrapped(said, width - 2, 2))]
    for one in shown:
        lines += _separation(one, width, whole=whole)
    return _headed(f"Settings that go with sick runs ({cells.ASSOCIATION})", lines)


def _separation(one: Separation, width: int, *, whole: bool) -> _Lines:
    also = f", and with it {', '.join(one.also)}" if one.also else ""
    if also and not whole and len(f"  {one.key}{also}: {cells.chance(one)}") > width:
        also = f" and {len(one.also)} more"
    shown = one.shares if whole else one.shares[:_VALUES]
    room = min(max(len(share.value) for share in shown), _VALUE)
    lines = [_line(f"{one.key}{also}: {cells.chance(one)}", indent=2)]
    for share in shown:
        bar = "█" * round(_BAR * share.sick / share.known) if share.known else ""
        lines.append(_line(f"{share.value:<{room}} {bar:<{_BAR}} {cells.share(share)}", indent=4))
    return lines


def _families(survey: Survey, width: int, *, whole: bool) -> _Lines:
    lines = []
    shown = len(survey.families) if whole or len(survey.families) <= _FAMILIES else _FAMILIES - 1
    for family in survey.families[:shown]:
        shared = [harmless_line(f"{cells.last_word(key)} {value}") for key, value in family.shared.items()]
        begun = f"{family.runs:>4}  {harmless_line(cells.family_of(family.cause))}"
        all_with = _fitting(f"{begun}, all with ", shared, sys.maxsize if whole else width)
        lines.append(_line(all_with or begun))
    rest = survey.families[shown:]
    if rest:
        lines.append(_line(f"{sum(one.runs for one in rest):>4}  in {len(rest)} other families", "dim"))
    return _headed("Sick runs by their first cause", lines)


def _best(survey: Survey, width: int, *, whole: bool) -> _Lines:
    lines = []
    for row in survey.best if whole else survey.best[:_BEST]:
        name = harmless_line(cells.name_of(row, survey))
        begun = f"{cells.factor(row)}  {name if whole else _end_of(name, _RUN)}"
        settings = [harmless_line(cells.settings(row, (key,))) for key in cells.columns(survey)]
        room = sys.maxsize if whole else width - 2
        lines.append(_line(_fitting(f"{begun}  ", [one for one in settings if one], room) or begun, indent=2))
    return _headed(f"Best healthy runs, {cells.BEST_BY}", lines)


def _table(survey: Survey, width: int, *, whole: bool) -> _Lines:
    rows = survey.listed if whole else survey.listed[:_ROWS]
    if not rows:
        return []
    lines = []
    table = _columns(survey, rows, width, whole=whole)
    for place, style in enumerate(["dim", *(_STYLES[row.state] for row in rows)]):
        lines.append(_line("  ".join(_padded(column[place], column) for column in table).rstrip(), style))
    if whole:
        lines += [
            _line(f"{cells.name_of(row, survey)}: {cells.sentence(row)}", "dim") for row in rows if row.state is State.UNKNOWN
        ]
    kind = "" if survey.only is None else f"{survey.only.value} "
    listed = counted(len(survey.listed), f"{kind}run")
    listed = f"All {listed}, worst first" if len(survey.listed) > 1 else listed.capitalize()
    return _headed(f"{listed}{f', below {survey.folder}' if survey.folder else ''}", lines)


def _columns(survey: Survey, rows: Sequence[Row], width: int, *, whole: bool) -> list[list[str]]:
    """Return the columns of the table, each with its heading first.

    Of a screen there are as many as `width` has room for: verdict, code, run and the first key always, then the names of the
    causes, further keys, and the deciding numbers.
    """
    codes = ["cause", *(harmless_line(row.cause.partition(" ")[0] or "-") for row in rows)]
    named = ["first cause", *(harmless_line(row.cause or "-") for row in rows)]
    runs = ["run", *(harmless_line(cells.name_of(row, survey)) for row in rows)]
    keys = [
        [harmless_line(text) for text in (cells.last_word(key), *(cells.value(row, key) for row in rows))]
        for key in cells.columns(survey)
    ]
    numbers = [list(column) for column in zip(deciding_words(), *(cells.numbers(row) for row in rows), strict=True)]
    verdicts = ["verdict", *(row.verdict for row in rows)]
    if whole:
        return [verdicts, named, *numbers, runs, *keys]
    runs = [_end_of(name, _RUN) for name in runs]
    keys = [[shortened(text, _VALUE) for text in column] for column in keys[:_KEYS]]
    shown = [verdicts, codes, runs, *keys[:1]]
    if _wide([verdicts, named, runs, *keys[:1]]) <= width:
        shown[1] = named
    for key in keys[1:]:
        shown += [key] if _wide([*shown, key]) <= width else []
    return [*shown[:2], *numbers, *shown[2:]] if _wide([*shown, *numbers]) <= width else shown


def _wide(columns: Sequence[Sequence[str]]) -> int:
    """Return the width of some columns beside each other."""
    return sum(max(map(len, column)) for column in columns) + 2 * (len(columns) - 1)


def _padded(text: str, column: Sequence[str]) -> str:
    """Return a cell's text in its column, numbers to the right."""
    width = max(map(len, column))
    return f"{text:>{width}}" if column[0] in deciding_words() else f"{text:<{width}}"


def _end_of(name: str, width: int) -> str:
    """Return a name, or of a longer one the end, which says more of a path than its beginning."""
    return name if len(name) <= width else f"...{name[3 - width :]}"


def _fitting(begun: str, parts: Sequence[str], width: int, glue: str = ", ") -> str:
    """Return `begun` with as many of `parts` as fit into `width`, and how many more there are."""
    for count in range(len(parts), 0, -1):
        more = f"{glue}{len(parts) - count} more" if count < len(parts) else ""
        said = begun + glue.join(parts[:count]) + more
        if len(said) <= width:
            return said
    return ""
