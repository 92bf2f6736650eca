"""Render an outcome of trials as JSON, in the form that is read back."""

from __future__ import annotations

from humouse_doctor.core.view import TrialsView
from humouse_doctor.reporting.layout import Layout
from humouse_doctor.stored import outcome


def render_view(view: TrialsView, _: Layout) -> str:
    """Return the outcome as JSON text, ending in a newline."""
    return outcome.render(view.outcome)
