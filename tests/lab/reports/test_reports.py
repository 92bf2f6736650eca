from __future__ import annotations

from dataclasses import replace

import pytest

from tests.lab.reports import results, table
from tests.lab.reports.asking import answer, asked
from tests.lab.reports.catalogue import REPORTS, part_of
from tests.lab.reports.report import Part, Report

ONE = next(report for report in REPORTS if report.name == "one-number")


def test_there_are_twenty_reports_that_nobody_had_at_hand_and_half_are_held_back() -> None:
    new = [report for report in REPORTS if not report.known]
    held = [report for report in REPORTS if part_of(report) is Part.HELD]

    assert len(new) >= 20
    assert len(held) == len(new) // 2
    assert not any(report.known for report in held)


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.name)
def test_a_report_has_its_source_and_an_answer_that_is_expected(report: Report) -> None:
    assert report.source.startswith("https://")
    assert report.cause
    assert [other.name for other in REPORTS].count(report.name) == 1


def test_the_results_are_those_of_the_reports_there_are() -> None:
    stored = [(row["name"], row["part"], row["source"], row["expected"], row["answer"]) for row in results.read()]
    rows = {row["name"]: row for row in results.read()}

    assert stored == [
        (
            report.name,
            part_of(report).value,
            report.source,
            None if report.expected is None else list(report.expected),
            answer(report, rows[report.name]["sick"]),
        )
        for report in REPORTS
    ]


def test_the_table_people_read_is_that_of_the_results() -> None:
    assert table.PAGE.read_text(encoding="utf-8") == table.page(results.read())


def test_a_report_is_rebuilt_and_asked_about() -> None:
    row = asked(ONE)

    assert row["answer"] == "right"
    assert row["healed"]["verdict"] == "healthy"


@pytest.mark.parametrize(
    ("expected", "causes", "findings", "verdict", "wanted"),
    [
        (("HD202",), ["HD202", "HD210"], ["HD101"], "collapsed", "right"),
        (("HD210",), ["HD202", "HD210"], ["HD101"], "collapsed", "partly"),
        (("HD216",), [], ["HD216"], "healthy", "partly"),
        (("HD201",), ["HD202"], ["HD101"], "collapsed", "wrong"),
        (("HD201",), [], ["HD101"], "collapsed", "silent"),
        (("HD108",), [], ["HD108"], "undetermined", "right"),
        ((), [], ["HD101"], "collapsed", "silent"),
        ((), ["HD202"], ["HD101"], "collapsed", "wrong"),
        (None, [], ["HD101"], "collapsed", "right"),
        (None, ["HD202"], ["HD101"], "collapsed", "wrong"),
        (None, [], [], "healthy", "silent"),
    ],
)
def test_an_answer_is_graded(
    expected: tuple[str, ...] | None, causes: list[str], findings: list[str], verdict: str, wanted: str
) -> None:
    report = replace(ONE, expected=expected)

    assert answer(report, {"verdict": verdict, "causes": causes, "findings": findings}) == wanted
