"""Render the rows of a survey as JSON lines, which survey --merge reads back."""

from __future__ import annotations

from humouse_doctor.core.view import SurveyView
from humouse_doctor.reporting.layout import Layout
from humouse_doctor.stored import survey


def render_view(view: SurveyView, _: Layout) -> str:
    """Return the listed rows, one per line."""
    return "".join(f"{survey.line(row)}\n" for row in view.survey.listed)
