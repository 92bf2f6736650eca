from __future__ import annotations

import re
from dataclasses import replace

import pytest

from humouse_doctor.core.comparison import Comparison, MovedMetric
from humouse_doctor.core.probe import Judgement, Status
from humouse_doctor.core.remedy import Interval
from humouse_doctor.core.report import Verdict
from humouse_doctor.gate.comparing import compare
from humouse_doctor.reporting import comparison_text, markdown
from tests.conftest import Golden
from tests.reporting.builders import collapsed, healthy, result, without
from tests.reporting.reading import page


def compared() -> Comparison:
    """Return the comparison of a collapsed run with a later one, with every kind of change."""
    before = collapsed()
    late = replace(before.findings[4], code="HD106", name="vanishing-gradient", message="the first layer gets 1e-9")
    after = replace(
        before,
        verdict=Verdict.AT_RISK,
        sentence="A config before training.",
        subject=replace(before.subject, name="runs/second.pt"),
        findings=(*before.findings[1:4], late, before.findings[5]),
        probes=(
            result("HD101", Judgement.BORDERLINE, spread_ratio=0.4, prediction_std=100.0, target_std=260.0),
            result("HD102", Judgement.FOUND, saturated_share=0.9, mean_slope=0.63),
            without("HD107", Status.SKIPPED, "no predictions"),
            result("HD202", Judgement.HEALTHY, steps_needed=100.0, steps_available=128.0, steps_share=1.28),
        ),
    )
    return compare(before, after)


def _moved(before: float | None, after: float | None, *, closer: bool | None) -> MovedMetric:
    return MovedMetric(name="HD101.spread_ratio", before=before, after=after, healthy=Interval(low=0.5, high=4), closer=closer)


def test_the_text_is_as_it_was(golden: Golden) -> None:
    golden("comparison.txt", comparison_text.render(compared()))


def test_every_finding_stands_under_what_became_of_it() -> None:
    rendered = comparison_text.render(compared())

    headings = re.findall(r"^(\S.*)\n  (?:error|warning|note) (HD\d+)", rendered, re.MULTILINE)
    assert headings == [("New", "HD106"), ("Not measured any more, so not known to be gone", "HD107"), ("Gone", "HD101")]


@pytest.mark.parametrize(
    ("moved", "said"),
    [
        (_moved(0.1, 0.4, closer=True), "closer"),
        (_moved(0.1, 0.6, closer=True), "healthy now"),
        (_moved(0.4, 0.1, closer=False), "further off"),
        (_moved(0.6, 0.1, closer=False), "no longer healthy"),
        (_moved(0.6, 0.7, closer=None), "healthy as before"),
        (_moved(0.25, 4.25, closer=None), "as far off"),
        (_moved(None, 0.7, closer=None), "measured now"),
        (_moved(0.7, None, closer=None), "not measured now"),
    ],
)
def test_a_number_has_a_direction(moved: MovedMetric, said: str) -> None:
    assert comparison_text.direction(moved) == said


def test_two_reports_that_are_the_same_say_so() -> None:
    rendered = comparison_text.render(compare(collapsed(), collapsed()))

    assert rendered.startswith("COLLAPSED -> COLLAPSED\n")
    assert rendered.endswith(f"\n{comparison_text.NOTHING}\n")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_asked(width: int) -> None:
    rendered = comparison_text.render(compared(), width=width)

    assert max(len(line) for line in rendered.splitlines()) <= width
    assert "no longer healthy" in rendered


def test_colour_changes_nothing_but_colour() -> None:
    coloured = comparison_text.render(compared(), colour=True)

    assert "\x1b[" in coloured
    assert re.sub(r" +$", "", re.sub(r"\x1b\[[0-9;]*m", "", coloured), flags=re.MULTILINE) == comparison_text.render(compared())


def test_the_markdown_says_the_same(golden: Golden) -> None:
    section = markdown.comparison(compared())

    golden("comparison.md", section)
    read = page(section).text
    for part in ("collapsed before, at-risk now", "error HD101 spread-ratio: 0.002 of the spread", "no longer healthy"):
        assert part in read


def test_nothing_has_changed_in_markdown_either() -> None:
    assert comparison_text.NOTHING in markdown.comparison(compare(healthy(), healthy()))
