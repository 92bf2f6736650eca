"""Delivery of a command's result: a view is rendered in every form asked for, then written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from humouse_doctor.cli import output as printing
from humouse_doctor.cli.destinations import Output
from humouse_doctor.core.errors import InputError
from humouse_doctor.core.view import GateView, RunView, View
from humouse_doctor.inputs.files import append_file, is_stream, replace_file, require_unread, write_stream
from humouse_doctor.reporting.forms import Format, SurveyFormat
from humouse_doctor.reporting.layout import Detail
from humouse_doctor.reporting.rendering import render

_SUMMARY = "GITHUB_STEP_SUMMARY"


def deliver(
    view: View, form: Format | SurveyFormat, files: Sequence[Output[Format] | Output[SurveyFormat]], detail: Detail
) -> None:
    """Render everything, then write the files and stdout; if one format cannot be rendered, nothing is written.

    `detail` is of stdout; a file holds all.
    """
    shown = render(view, form, width=printing.width(), colour=printing.colours(), detail=detail)
    rendered = [(file, render(view, file.form)) for file in files]
    summary = os.environ.get(_SUMMARY) if Format.GITHUB in (form, *(file.form for file in files)) else None
    require_unread(*(file.path for file in files), *([Path(summary)] if summary else []))
    for file, text in rendered:
        _save(file.path, text)
        printing.note(f"{file.form.value} report in {file.path}")
    if summary and isinstance(view, RunView | GateView):
        from humouse_doctor.reporting.github import step_summary  # only a job of GitHub has a summary

        _append(Path(summary), step_summary(view))
    printing.write(shown)


def _save(path: Path, text: str) -> None:
    """Replace a file atomically; a pipe or a device is written to directly."""
    data = text.encode("utf-8", "backslashreplace")
    if is_stream(path):  # renaming a file over it would take its place
        write_stream(path, data)
    else:
        replace_file(path, data)


def _append(path: Path, text: str) -> None:
    try:
        append_file(path, text.encode("utf-8", "backslashreplace"))
    except InputError as error:
        raise InputError(f"{_SUMMARY}: {error}") from None
