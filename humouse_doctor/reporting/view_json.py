"""Render a run's report or a gate's decision as JSON, in the form that is read back."""

from __future__ import annotations

from humouse_doctor.core.view import GateView, RunView
from humouse_doctor.reporting.layout import Layout
from humouse_doctor.stored import gate, report


def render_view(view: RunView | GateView, _: Layout) -> str:
    """Return the view as JSON text, ending in a newline."""
    return report.render(view.report, view.following) if isinstance(view, RunView) else gate.render(view.gate)
