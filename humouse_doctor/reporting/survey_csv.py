"""Render the rows of a survey as CSV for a spreadsheet."""

from __future__ import annotations

import csv
import io

from humouse_doctor.core.surveying import Row
from humouse_doctor.core.text import harmless_line, no_command
from humouse_doctor.core.view import SurveyView
from humouse_doctor.reporting.layout import Layout
from humouse_doctor.stored.report import spelled
from humouse_doctor.survey.answers import spelled as in_words

_NUMBERS = ("spread", "movement", "variety", "detour")
#: A spreadsheet takes a cell that begins with one of these for a formula, which may run programs.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render_view(view: SurveyView, _: Layout) -> str:
    """Return the listed rows, with a column for each key of the survey; numbers are written in full."""
    keys = view.survey.keys
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["run", "verdict", "exit_code", "cause", *_NUMBERS, *map(_text, keys), "sentence", "checkpoint", "data"])
    for row in view.survey.listed:
        writer.writerow(_cells(row, keys))
    return no_command(stream.getvalue())


def _cells(row: Row, keys: tuple[str, ...]) -> list[str | float | int]:
    return [
        _text(row.run),
        row.verdict,
        int(row.exit_code),
        _text(row.cause),
        *(row.numbers.get(name, "") for name in _NUMBERS),
        *(_setting(row.settings.get(key)) for key in keys),
        _text(row.sentence),
        _text(row.checkpoint or ""),
        _text(row.data or ""),
    ]


def _setting(value: object) -> str | float | int:
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return spelled(value)  # type: ignore[no-any-return]  # a number, or the spelling of one that is not finite
    return _text(in_words(value))  # type: ignore[arg-type]  # a setting's value


def _text(text: str) -> str:
    """Return text on one line that no spreadsheet takes for a formula."""
    line = harmless_line(text)
    return f"'{line}" if line.startswith(_FORMULA) else line
