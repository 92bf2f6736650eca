"""A survey in every format."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry

from humouse_doctor.core.surveying import State
from humouse_doctor.core.view import SurveyView
from humouse_doctor.reporting.forms import SurveyFormat
from humouse_doctor.reporting.layout import Detail
from humouse_doctor.reporting.rendering import render
from humouse_doctor.stored import gate as stored_gate
from humouse_doctor.stored.survey import read_rows
from humouse_doctor.survey.answers import survey_of
from tests.survey.builders import KEYS, row, survey, swept

#: Names and values that mean something to a terminal, a spreadsheet, Markdown or a page.
HOSTILE = "=cmd|'/c calc'!A1 <script>x</script> **b** | ::error:: \x1b[31m \u202e\n-x\udcff"


def view(**more: Any) -> SurveyView:
    return SurveyView(survey=survey(), following=("humouse-doctor inspect multirun/0",), **more)


def hostile() -> SurveyView:
    rows = [replace(one, run=f"{HOSTILE}{place}", sentence=HOSTILE) for place, one in enumerate(swept())]
    rows = [
        replace(one, settings=MappingProxyType({**one.settings, HOSTILE: f"{HOSTILE}{one.settings['seed']}"})) for one in rows
    ]
    return SurveyView(survey=survey_of(rows, (*KEYS, HOSTILE), "0.1.0"), following=("humouse-doctor inspect x",))


@pytest.mark.parametrize(
    ("form", "detail", "name"),
    [
        (SurveyFormat.TEXT, Detail.SCREEN, "survey.screen.txt"),
        (SurveyFormat.TEXT, Detail.FULL, "survey.txt"),
        (SurveyFormat.MARKDOWN, Detail.FULL, "survey.md"),
        (SurveyFormat.CSV, Detail.FULL, "survey.csv"),
        (SurveyFormat.JSON, Detail.FULL, "survey.json"),
        (SurveyFormat.JUNIT, Detail.FULL, "survey.junit.xml"),
    ],
)
def test_goldens(golden: Callable[[str, str], None], form: SurveyFormat, detail: Detail, name: str) -> None:
    golden(name, render(view(), form, detail=detail))


@pytest.mark.parametrize("many", [False, True])
def test_a_screen_has_30_lines_of_80_columns_and_ends_with_the_command(many: bool) -> None:
    shown = view()
    if many:  # long names, many values, many families
        rows = [
            row(
                "r/" + "x" * 90 + str(n),
                "collapsed" if n % 5 else "healthy",
                {"lr": n % 5, "b": n % 3},
                cause=f"HD2{n % 9:02} cause" if n % 5 else "",
            )
            for n in range(200)
        ]
        rows.append(replace(row("gone", "unreadable", {}), sentence=f"gone: its weights are gone: {'x' * 60} is another's too"))
        shown = replace(shown, survey=replace(survey_of(rows, ("b", "lr"), ""), notes=("a note",)))
    lines = render(shown, SurveyFormat.TEXT, detail=Detail.SCREEN).splitlines()

    assert len(lines) <= 30
    assert max(map(len, lines)) <= 80
    assert lines[-1] == "humouse-doctor inspect multirun/0"
    assert not many or any(line.endswith("is another's too") for line in lines)  # a reason is not cut like a row


@pytest.mark.parametrize(("width", "numbers"), [(50, False), (80, False), (120, True)])
def test_a_screen_cuts_none_of_its_columns_but_leaves_out_the_last(width: int, numbers: bool) -> None:
    rendered = render(view(), SurveyFormat.TEXT, width=width, detail=Detail.SCREEN)
    headings, first, *_ = rendered.partition("worst first")[2].splitlines()[1:]

    assert "…" not in (headings + first if width < 80 else rendered)
    assert max(map(len, rendered.splitlines())) <= width
    assert ("spread" in headings) is numbers
    assert ("first cause" in headings, "cause" in headings, "HD201" in first) == (width > 50, True, True)
    assert {"collapsed", "0", "tanh"} <= set(first.split())
    assert "activation_xy" in headings


def test_what_is_too_long_for_a_line_of_a_survey_is_counted() -> None:
    rows = [
        row(
            f"r/{n}",
            "collapsed" if n % 2 else "healthy",
            {f"training.a_long_name_of_a_setting_{k}": n % 2 for k in range(5)},
            cause="HD201 out-of-reach-targets" if n % 2 else "",
        )
        for n in range(40)
    ]
    keys = tuple(f"training.a_long_name_of_a_setting_{k}" for k in range(5))
    lines = render(SurveyView(survey=survey_of(rows, keys, "")), SurveyFormat.TEXT, detail=Detail.SCREEN).splitlines()

    assert max(map(len, lines)) <= 80
    assert any(re.search(r"a_long_name_of_a_setting_\d and 4 more: as clear by chance", line) for line in lines)
    assert any(re.search(r"targets, all with a_long_name_of_a_setting_\d 1, 4 more$", line) for line in lines)


def test_json_and_its_lines_are_what_the_schema_says() -> None:
    report = json.loads(stored_gate.schema("report"))
    known = Registry().with_contents([(report["$id"], report)])
    schema = json.loads(stored_gate.schema("survey"))
    whole = json.loads(render(view(), SurveyFormat.JSON))
    rows = [json.loads(line) for line in render(view(), SurveyFormat.JSONL).splitlines()]

    assert list(Draft202012Validator(schema, registry=known).iter_errors(whole)) == []
    assert list(Draft202012Validator(schema, registry=known).iter_errors({**whole, "more": 1})) != []
    assert whole["rows"] == rows
    assert [one["run"] for one in rows] == [one.run for one in survey().rows]


def test_rows_are_read_back_as_they_were_written(tmp_path: Any) -> None:
    path = tmp_path / "rows.jsonl"
    for shown in (view(), hostile()):
        path.write_text(render(shown, SurveyFormat.JSONL), encoding="utf-8")

        assert tuple(read_rows(path)) == shown.survey.rows


def test_only_some_rows_are_listed_and_the_answers_stay() -> None:
    shown = SurveyView(survey=replace(survey(), only=State.UNKNOWN))

    assert [line.split(",")[1] for line in render(shown, SurveyFormat.CSV).splitlines()[1:]] == ["unreadable", "undetermined"]
    text = render(shown, SurveyFormat.TEXT, detail=Detail.SCREEN)
    assert "24 runs: 15 sick" in text
    assert "All 2 unknown runs, worst first" in text


def test_no_cell_of_a_spreadsheet_is_a_formula() -> None:
    table = list(csv.reader(io.StringIO(render(hostile(), SurveyFormat.CSV))))

    assert {len(line) for line in table} == {len(table[0])}
    assert not [cell for line in table for cell in line if cell[:1] in ("=", "+", "-", "@") and not _is_number(cell)]
    assert table[1][0].startswith("'=cmd")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("form", SurveyFormat)
def test_no_format_lets_a_name_do_anything(form: SurveyFormat) -> None:
    text = render(hostile(), form)

    assert "\x1b" not in text
    assert "\u202e" not in text
    assert not [line for line in text.splitlines() if line.lstrip().startswith("::")]
    if form in (SurveyFormat.HTML, SurveyFormat.MARKDOWN):
        assert "<script>x" not in text


@pytest.mark.parametrize("form", [SurveyFormat.SARIF, SurveyFormat.JUNIT])
def test_pipelines_get_every_run_and_only_healthy_ones_pass(form: SurveyFormat) -> None:
    text = render(view(), form)

    if form is SurveyFormat.JUNIT:
        suites = ElementTree.fromstring(text).findall("testsuite")
        passed = {suite.get("name") for suite in suites if suite.get("failures") == suite.get("errors") == "0"}
        assert len(suites) == 24
        assert passed == {one.run for one in survey().rows if one.state is State.HEALTHY}
    else:
        results = json.loads(text)["runs"][0]["results"]
        failing = [one for one in results if one["level"] == "error"]
        assert len(failing) == 15 + 1  # the sick ones, and the one that cannot be read
        assert failing[0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 7


class _Cells(HTMLParser):
    """The text of each row of the page's last table."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._open = False

    def handle_starttag(self, tag: str, _: Any) -> None:
        if tag == "table":
            self.rows = []
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self._open = True

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._open:
            self.rows[-1][-1] += data


def test_the_page_has_every_run_with_its_numbers_and_settings() -> None:
    page = _Cells()
    text = render(view(), SurveyFormat.HTML)
    page.feed(text)
    head, *rows = page.rows

    assert len(rows) == 24
    assert {len(cells) for cells in rows} == {len(head)}
    assert rows[0] == ["0", "✕collapsed", "", "HD201 out-of-reach-targets", "0.002", "0.9", "1.1", "tanh", "0.1", "0"]
    assert text.count('<div class="small"') == 23  # all but the one that cannot be read
    assert "an association, not a cause" in text
