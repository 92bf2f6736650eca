"""Render a survey as JSON, in the form of its published schema."""

from __future__ import annotations

from humouse_doctor.core.view import SurveyView
from humouse_doctor.reporting.layout import Layout
from humouse_doctor.stored import survey


def render_view(view: SurveyView, _: Layout) -> str:
    """Return the survey as JSON text, ending in a newline."""
    return survey.render(view.survey)
