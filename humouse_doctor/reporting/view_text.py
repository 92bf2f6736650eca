"""Render a run's report or a gate's decision as text, with the changes since an older report below it."""

from __future__ import annotations

from humouse_doctor.core.view import GateView, RunView
from humouse_doctor.reporting import comparison_text, gate_text, screen, text
from humouse_doctor.reporting.layout import Detail, Layout


def render_view(view: RunView | GateView, layout: Layout) -> str:
    """Return the view as text for people."""
    width, colour, detail = layout.width, layout.colour, layout.detail
    changes = None if view.comparison is None else comparison_text.render(view.comparison, width=width, colour=colour)
    if isinstance(view, GateView):
        return gate_text.render(
            view.gate, following=view.following, about=view.about, changes=changes, width=width, colour=colour
        )
    if detail is Detail.LINE:
        return screen.one_line(view.report, width=width, colour=colour)
    if detail is Detail.FULL:
        shown = text.render(view.report, width=width, colour=colour)
    else:
        return screen.render(
            view.report,
            following=view.following,
            changes=changes,
            width=width,
            colour=colour,
            with_remarks=detail is Detail.REMARKS,
        )
    return shown if changes is None else f"{shown}\n{changes}"
