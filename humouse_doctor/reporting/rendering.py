"""A view in any of the formats: one renderer each, imported only when it is asked for."""

from __future__ import annotations

from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.view import GateView, RunView, TrialsView, View
from humouse_doctor.reporting.forms import Format


def render(view: View, form: Format, *, width: int = 80, colour: bool = False) -> str:
    """The view in one format; `width` in columns and `colour` are for text alone.

    Raises `UsageError` where the format needs an extra that is not installed, or does not show trials.
    """
    if isinstance(view, TrialsView):
        return _trials(view, form, width=width, colour=colour)
    match form:
        case Format.TEXT:
            return _text(view, width=width, colour=colour)
        case Format.JSON:
            from humouse_doctor.stored import gate as gate_json
            from humouse_doctor.stored import report as json_report

            return json_report.render(view.report) if isinstance(view, RunView) else gate_json.render(view.gate)
        case Format.SARIF:
            from humouse_doctor.reporting import sarif

            return sarif.render(view.gate, root=view.root)
        case Format.JUNIT:
            from humouse_doctor.reporting import junit

            return junit.render(view.gate)
        case Format.GITHUB:
            from humouse_doctor.reporting import github

            return github.render(view.gate, root=view.root)
        case Format.GITLAB:
            from humouse_doctor.reporting import gitlab

            return gitlab.render(view.gate, root=view.root)
        case Format.MARKDOWN:
            return _markdown(view)
        case Format.HTML:
            from humouse_doctor.reporting.html import page

            outcome = view.outcome if isinstance(view, RunView) else None
            return page.render(view.gate, outcome=outcome, comparison=view.comparison)


def step_summary(view: RunView | GateView) -> str:
    """Return GitHub's summary of a job: the Markdown, within the limit of one step."""
    from humouse_doctor.reporting import github

    return _markdown(view, limit=github.SUMMARY_LIMIT)


def _trials(view: TrialsView, form: Format, *, width: int, colour: bool) -> str:
    if form is Format.JSON:
        from humouse_doctor.stored import outcome as outcome_json

        return outcome_json.render(view.outcome)
    if form is not Format.TEXT:
        raise UsageError(f"trials have no {form.value} format; use text or json")
    from humouse_doctor.reporting import outcome_text

    return outcome_text.render(view.outcome, width=width, colour=colour)


def _text(view: RunView | GateView, *, width: int, colour: bool) -> str:
    if isinstance(view, RunView):
        from humouse_doctor.reporting import text

        shown = text.render(view.report, width=width, colour=colour)
    else:
        from humouse_doctor.reporting import gate_text

        shown = gate_text.render(view.gate, width=width, colour=colour)
    if view.comparison is None:
        return shown
    from humouse_doctor.reporting import comparison_text

    return f"{shown}\n{comparison_text.render(view.comparison, width=width, colour=colour)}"


def _markdown(view: RunView | GateView, *, limit: int | None = None) -> str:
    from humouse_doctor.reporting import markdown

    changed = "" if view.comparison is None else f"\n{markdown.comparison(view.comparison)}"
    if limit is None:
        return markdown.render(view.gate) + changed
    if len(changed.encode()) > limit // 2:
        changed = "\nWhat has changed is too long to be shown here.\n"
    return markdown.render(view.gate, limit=limit - len(changed.encode())) + changed
