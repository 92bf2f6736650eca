"""Render a view in any of the formats. A format's module is imported only when that format is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Protocol, TypeVar, cast

from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.view import GateView, RunView, SurveyView, TrialsView, View
from humouse_doctor.reporting.forms import Format, SurveyFormat
from humouse_doctor.reporting.layout import Detail, Layout

_ViewT = TypeVar("_ViewT", contravariant=True)


class Renderer(Protocol[_ViewT]):
    """A module that renders views of one kind in one format."""

    def render_view(self, view: _ViewT, layout: Layout, /) -> str:
        """Return `view` as text; only text for people has a layout.

        Raises `UsageError` where the format needs an extra that is not installed.
        """


#: The modules that render a run's report or a gate's decision, an outcome of trials, and a survey.
REPORTS: Mapping[Format, str] = MappingProxyType(
    {
        Format.TEXT: "humouse_doctor.reporting.view_text",
        Format.JSON: "humouse_doctor.reporting.view_json",
        Format.SARIF: "humouse_doctor.reporting.sarif",
        Format.JUNIT: "humouse_doctor.reporting.junit",
        Format.GITHUB: "humouse_doctor.reporting.github",
        Format.GITLAB: "humouse_doctor.reporting.gitlab",
        Format.MARKDOWN: "humouse_doctor.reporting.markdown",
        Format.HTML: "humouse_doctor.reporting.html.page",
    }
)
TRIALS: Mapping[Format, str] = MappingProxyType(
    {
        Format.TEXT: "humouse_doctor.reporting.outcome_screen",
        Format.JSON: "humouse_doctor.reporting.outcome_json",
        Format.HTML: "humouse_doctor.reporting.html.page",
    }
)
SURVEYS: Mapping[SurveyFormat, str] = MappingProxyType(
    {
        SurveyFormat.TEXT: "humouse_doctor.reporting.survey_text",
        SurveyFormat.JSON: "humouse_doctor.reporting.survey_json",
        SurveyFormat.JSONL: "humouse_doctor.reporting.survey_jsonl",
        SurveyFormat.CSV: "humouse_doctor.reporting.survey_csv",
        SurveyFormat.MARKDOWN: "humouse_doctor.reporting.survey_markdown",
        SurveyFormat.SARIF: "humouse_doctor.reporting.survey_sarif",
        SurveyFormat.JUNIT: "humouse_doctor.reporting.survey_junit",
        SurveyFormat.HTML: "humouse_doctor.reporting.html.survey",
    }
)


def render(
    view: View, form: Format | SurveyFormat, *, width: int = 80, colour: bool = False, detail: Detail = Detail.FULL
) -> str:
    """Return the view in one format; `width` in columns, `colour` and `detail` are for text alone.

    Raises `UsageError` where the format needs an extra that is not installed, or does not show trials.
    """
    layout = Layout(width=width, colour=colour, detail=detail)
    if isinstance(view, SurveyView):
        return cast("Renderer[SurveyView]", import_module(SURVEYS[SurveyFormat(form.value)])).render_view(view, layout)
    form = Format(form.value)
    if not isinstance(view, TrialsView):
        return cast("Renderer[RunView | GateView]", import_module(REPORTS[form])).render_view(view, layout)
    if form not in TRIALS:
        raise UsageError(f"trials have no {form.value} format; use text, json or html")
    return cast("Renderer[TrialsView]", import_module(TRIALS[form])).render_view(view, layout)
