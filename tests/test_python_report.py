"""The report of the Python API: one line to print, a page in a notebook, and the command line's own formats."""

from __future__ import annotations

import html
import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

import humouse_doctor
from humouse_doctor.cases.request import Loaded
from humouse_doctor.core import report as core
from humouse_doctor.core.errors import UsageError
from humouse_doctor.diagnosis.diagnose import diagnose
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.reporting.forms import Format
from humouse_doctor.service import python_report
from humouse_doctor.stored import report as stored
from tests import builders

_NOTEBOOK = Path(__file__).parents[1] / "examples" / "notebook.ipynb"


@pytest.fixture(scope="module")
def report() -> humouse_doctor.Report:
    case = builders.collapsed_case()
    return humouse_doctor.Report.of(diagnose(Loaded(case=case, tool_findings=()), examine(case)))


def test_it_has_every_field_of_the_plain_report(report: humouse_doctor.Report) -> None:
    assert isinstance(report, core.Report)
    assert [field.name for field in fields(report)] == [field.name for field in fields(core.Report)]


def test_its_repr_is_one_short_line(report: humouse_doctor.Report) -> None:
    assert re.fullmatch(r"<Report collapsed \(\w+ confidence\), causes: HD\d+(, HD\d+)*>", repr(report))
    assert len(repr(report)) < 120
    assert str(report) == f"collapsed: {report.sentence}"


def test_its_json_is_a_stored_report(report: humouse_doctor.Report) -> None:
    back = stored.parse(report.to_json(), "report.json")
    assert back.verdict is report.verdict
    assert [cause.code for cause in back.causes] == [cause.code for cause in report.causes]


def test_text_and_markdown_are_those_of_the_command_line(report: humouse_doctor.Report) -> None:
    assert report.to_text().startswith("COLLAPSED")
    assert max(map(len, report.to_text(100).splitlines())) <= 100
    assert report.causes[0].code in report.to_markdown()


def test_a_notebook_shows_the_page_in_a_frame_that_reaches_nothing(report: humouse_doctor.Report) -> None:
    shown = report._repr_html_()
    assert shown.startswith("<iframe ")
    assert 'sandbox="allow-scripts"' in shown
    (page,) = re.findall(r'srcdoc="([^"]*)"', shown)
    assert html.unescape(page) == report.to_html()


def test_a_notebook_without_the_extra_shows_text(report: humouse_doctor.Report, monkeypatch: pytest.MonkeyPatch) -> None:
    def render(view: object, form: Format, **options: object) -> str:
        if form is Format.HTML:
            raise UsageError("an HTML page needs jinja2")
        return "<text>"

    monkeypatch.setattr(python_report, "render", render)
    assert report._repr_html_() == "<pre>&lt;text&gt;</pre>"


def test_the_example_notebook_runs() -> None:
    notebook = json.loads(_NOTEBOOK.read_text(encoding="utf-8"))
    names: dict[str, object] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            exec("".join(cell["source"]), names)  # the project's own example
    found = names["report"]
    assert isinstance(found, humouse_doctor.Report)
    assert found.causes[0].code == names["expected"]
