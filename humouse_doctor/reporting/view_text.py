"""Render a run's report or a gate's decision as text, with the changes since an older report below."""

from __future__ import annotations

from humouse_doctor.core.view import GateView, RunView
from humouse_doctor.reporting import comparison_text, gate_text, text
from humouse_doctor.reporting.layout import Layout


def render_view(view: RunView | GateView, layout: Layout) -> str:
    """Return the view as text for people."""
    width, colour = layout.width, layout.colour
    if isinstance(view, RunView):
        shown = text.render(view.report, width=width, colour=colour)
    else:
        shown = gate_text.render(view.gate, width=width, colour=colour)
    if view.comparison is None:
        return shown
    return f"{shown}\n{comparison_text.render(view.comparison, width=width, colour=colour)}"
