"""Render a survey as JUnit XML, as a gate on all of its runs."""

from __future__ import annotations

from humouse_doctor.core.view import SurveyView
from humouse_doctor.reporting import junit
from humouse_doctor.reporting.layout import Layout
from humouse_doctor.reporting.survey_gate import gate_of


def render_view(view: SurveyView, _: Layout) -> str:
    """Return the survey as JUnit XML."""
    return junit.render(gate_of(view.survey))
