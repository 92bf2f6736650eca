"""What there is to show, in any of the formats: one renderer each, imported only when it is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from humouse_doctor.core.comparison import Comparison
from humouse_doctor.core.gating import Gate
from humouse_doctor.core.outcome import Outcome
from humouse_doctor.core.report import Report
from humouse_doctor.reporting.forms import Format


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One call's result.

    `report` is that of a command that looks at one run, whose gate then has one entry; None for a gate. `outcome` holds
    the trials a report was marked with, `comparison` what has changed since an older report. `root` is the absolute folder
    that a pipeline shows paths relative to, empty for none.
    """

    gate: Gate
    report: Report | None = None
    outcome: Outcome | None = None
    comparison: Comparison | None = None
    root: str = ""


def render(exhibit: Exhibit, form: Format, *, width: int = 80, colour: bool = False) -> str:
    """The exhibit in one format; `width` in columns and `colour` are for text alone.

    Raises `UsageError` where the format needs an extra that is not installed.
    """
    match form:
        case Format.TEXT:
            return _text(exhibit, width=width, colour=colour)
        case Format.JSON:
            from humouse_doctor.inputs.stored import gate as gate_json
            from humouse_doctor.inputs.stored import report as json_report

            return gate_json.render(exhibit.gate) if exhibit.report is None else json_report.render(exhibit.report)
        case Format.SARIF:
            from humouse_doctor.reporting import sarif

            return sarif.render(exhibit.gate, root=exhibit.root)
        case Format.JUNIT:
            from humouse_doctor.reporting import junit

            return junit.render(exhibit.gate)
        case Format.GITHUB:
            from humouse_doctor.reporting import github

            return github.render(exhibit.gate, root=exhibit.root)
        case Format.GITLAB:
            from humouse_doctor.reporting import gitlab

            return gitlab.render(exhibit.gate, root=exhibit.root)
        case Format.MARKDOWN:
            return _markdown(exhibit)
        case Format.HTML:
            from humouse_doctor.reporting.html import page

            return page.render(exhibit.gate, outcome=exhibit.outcome, comparison=exhibit.comparison)


def step_summary(exhibit: Exhibit) -> str:
    """Return GitHub's summary of a job: the Markdown, within the limit of one step."""
    from humouse_doctor.reporting import github

    return _markdown(exhibit, limit=github.SUMMARY_LIMIT)


def _text(exhibit: Exhibit, *, width: int, colour: bool) -> str:
    if exhibit.report is None:
        from humouse_doctor.reporting import gate_text

        shown = gate_text.render(exhibit.gate, width=width, colour=colour)
    else:
        from humouse_doctor.reporting import text

        shown = text.render(exhibit.report, width=width, colour=colour)
    if exhibit.comparison is None:
        return shown
    from humouse_doctor.reporting import comparison_text

    return f"{shown}\n{comparison_text.render(exhibit.comparison, width=width, colour=colour)}"


def _markdown(exhibit: Exhibit, *, limit: int | None = None) -> str:
    from humouse_doctor.reporting import markdown

    changed = "" if exhibit.comparison is None else f"\n{markdown.comparison(exhibit.comparison)}"
    if limit is None:
        return markdown.render(exhibit.gate) + changed
    if len(changed.encode()) > limit // 2:
        changed = "\nWhat has changed is too long to be shown here.\n"
    return markdown.render(exhibit.gate, limit=limit - len(changed.encode())) + changed
