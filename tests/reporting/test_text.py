from __future__ import annotations

import re
from dataclasses import replace

import pytest

from humouse_doctor.core.case import Subject
from humouse_doctor.core.gating import Policy
from humouse_doctor.core.probe import Judgement, Severity
from humouse_doctor.core.report import RULES_WITHOUT_DATA, Report, Verdict
from humouse_doctor.core.text import harmless
from humouse_doctor.gate.judging import judged_alone
from humouse_doctor.reporting import markdown, text
from humouse_doctor.reporting.html import page
from tests.conftest import Golden
from tests.reporting.builders import FIX_A, LONGER, collapsed, healthy, rehearsed, result


def test_the_text_is_as_it_was(golden: Golden) -> None:
    golden("collapsed.txt", text.render(collapsed()))


def test_a_healthy_report_is_short(golden: Golden) -> None:
    golden("healthy.txt", text.render(healthy()))


@pytest.mark.parametrize("width", [60, 80, 100])
def test_no_line_is_wider_than_asked(width: int) -> None:
    rendered = text.render(collapsed("a/very/long/path/" * 12 + "x.pt"), width=width)

    assert max(len(line) for line in rendered.splitlines()) <= width
    assert re.match(r"COLLAPSED  \.\.\..*x\.pt  \(confidence high\)\n", rendered)


def test_colour_changes_nothing_but_colour() -> None:
    coloured = text.render(collapsed(), colour=True)

    assert "\x1b[" in coloured
    assert re.sub(r" +$", "", re.sub(r"\x1b\[[0-9;]*m", "", coloured), flags=re.MULTILINE) == text.render(collapsed())


def test_hostile_names_come_out_as_harmless_text() -> None:
    name = "x\x1b[2J\u202e[bold]\ud800<script>.pt"
    report = replace(healthy(), subject=Subject(name=name), sentence=name)

    rendered = text.render(report)

    assert "\x1b" not in rendered
    assert "\u202e" not in rendered
    assert "[bold]" in rendered
    rendered.encode("utf-8")


def test_harmless_keeps_what_people_write() -> None:
    assert harmless("Größe, 漢字, z² 🙂\n") == "Größe, 漢字, z² 🙂\n"
    assert harmless("a\tb\r\x00\u2028") == "a\\tb\\r\\x00\\u2028"


def _rows(report: Report) -> list[list[str]]:
    lines = text.render(report).split("\nProbes\n")[1].split("\n\n")[0].splitlines()[1:]
    return [re.split(r" {2,}", line.strip()) for line in lines]


def test_a_result_of_a_probe_this_version_does_not_know_is_shown_with_its_numbers() -> None:
    report = replace(healthy(), probes=(result("HD199", Judgement.FOUND, something=1.5, another=0.25),))

    assert _rows(report) == [["HD199", "something", "1.5", "found"], ["another", "0.25"]]


def test_numbers_of_a_known_probe_under_names_this_version_does_not_know_are_shown() -> None:
    report = replace(healthy(), probes=(result("HD101", Judgement.FOUND, **{"old\x1b_name": 1.5}),))

    assert _rows(report) == [["HD101", "old\\x1b_name", "1.5", "found"]]


def test_each_row_is_judged_by_its_own_value() -> None:
    report = replace(healthy(), probes=(result("HD102", Judgement.FOUND, saturated_share=0.0, mean_slope=0.0001),))

    first, second = _rows(report)

    assert first == ["HD102", "saturated_share", "0", "<= 0.2", "healthy"]
    assert second[-1] == "found"


def test_a_row_never_reads_worse_than_its_probe() -> None:
    report = replace(healthy(), probes=(result("HD203", Judgement.HEALTHY, input_time_share=0.4, settled_at=0.1),))

    (row,) = _rows(report)

    assert row == ["HD203", "settled_at", "0.1", ">= 0.8", "healthy"]


def test_a_probe_none_of_whose_numbers_judges_shows_its_own_judgement() -> None:
    report = replace(healthy(), probes=(result("HD208", Judgement.BORDERLINE, epochs=0.0),))

    (row,) = _rows(report)

    assert row == ["HD208", "epochs", "0", "borderline"]


@pytest.mark.parametrize("judgement", [Judgement.BORDERLINE, Judgement.FOUND])
def test_a_number_and_its_finding_have_one_word(judgement: Judgement) -> None:
    severity = Severity.ERROR if judgement is Judgement.BORDERLINE else Severity.NOTE
    found = replace(collapsed().findings[0], code="HD208", severity=severity)
    report = replace(collapsed(), probes=(result("HD208", judgement, epochs=0.0),), findings=(found,), causes=())

    assert _rows(report) == [["HD208", "epochs", "0", severity.value]]
    assert f"| HD208 | `epochs` | 0 |  | {severity.value} |" in markdown.render(judged_alone(report, Policy(), "0.1.0"))
    assert page._probed(report, report.probes[0], Policy()).badge.word == severity.value


def test_causes_before_training_have_no_order_of_likelihood() -> None:
    before = replace(collapsed(), subject=Subject(name="x.yaml", config="x.yaml"))

    assert "\nCauses\n" in text.render(before)
    assert "\nCauses, the likeliest first\n" in text.render(collapsed())


def test_the_chosen_remedies_are_those_in_the_patch_and_none_that_is_unknown() -> None:
    report = collapsed()

    assert report.chosen_remedies == (FIX_A, LONGER)
    assert replace(report, chosen=("gone", LONGER.id)).chosen_remedies == (LONGER,)
    assert healthy().chosen_remedies == ()


def test_a_rehearsed_report_is_as_it_was(golden: Golden) -> None:
    golden("rehearsed.txt", text.render(rehearsed()))


def test_a_config_by_rules_alone_says_so() -> None:
    rules = replace(rehearsed(), rehearsed=None)

    assert text.render(rules).splitlines()[3] == RULES_WITHOUT_DATA
    assert "rules alone" not in text.render(rehearsed()) + text.render(collapsed())


def test_a_hostile_reason_comes_out_as_harmless_text() -> None:
    facts = rehearsed().rehearsed
    assert facts is not None

    assert "\x1b" not in text.render(replace(rehearsed(), rehearsed=replace(facts, stopped="x\x1b[2J\n")))


def test_of_a_run_that_nothing_is_known_of_no_cause_is_ruled_out() -> None:
    unclear = replace(collapsed(), verdict=Verdict.UNDETERMINED)

    assert "\nTrue of the config, but not a cause" in text.render(collapsed())
    assert "\nTrue of the config\n" in text.render(unclear)
