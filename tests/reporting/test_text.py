from __future__ import annotations

import re
from dataclasses import replace

import pytest

from humouse_doctor.core.case import Subject
from humouse_doctor.core.probe import Judgement
from humouse_doctor.reporting import text
from humouse_doctor.reporting.plain import harmless
from tests.conftest import Golden
from tests.reporting.builders import collapsed, healthy, result


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


def test_a_result_of_a_probe_this_version_does_not_know_is_left_out() -> None:
    report = replace(healthy(), probes=(result("HD199", Judgement.FOUND, something=1.0),))

    assert "HD199" not in text.render(report)
