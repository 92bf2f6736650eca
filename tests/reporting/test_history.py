"""A stage and a history in each form, and saved ones of anybody."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.gating import Gate, Policy
from humouse_doctor.core.history import History, Stage, StageKind
from humouse_doctor.core.report import Report
from humouse_doctor.gate.judging import judged_alone
from humouse_doctor.reporting import markdown, text
from humouse_doctor.reporting.html import page, plots
from humouse_doctor.stored import report as json_report
from tests.hostile.test_stored import VALUES, named, places, with_value
from tests.reporting.builders import collapsed, with_history

REPORT = with_history(collapsed())
STAGE = "after 3 adversarial epochs, which began from a warm-up of 5 epochs"
CONTENT = json_report.to_dict(REPORT)


def _gate(report: Report) -> Gate:
    return judged_alone(report, Policy(), "0.1.0")


def _html(report: Report) -> str:
    return page.render(_gate(report))


def test_the_stage_is_in_every_form_for_people() -> None:
    assert f"stage: {STAGE} (final_epoch is 3)" in " ".join(text.render(REPORT).split())
    assert f"Stage: {STAGE} (final_epoch is 3)" in markdown.render(_gate(REPORT))
    assert f"stage: {STAGE}" in _html(REPORT)
    assert f"<dt>Stage</dt><dd>{STAGE} (final_epoch is 3)</dd>" in _html(REPORT).replace("<wbr>", "")


def test_why_a_stage_is_unknown_stands_with_the_files_and_not_in_the_head() -> None:
    unknown = replace(REPORT, stage=Stage(kind=StageKind.UNKNOWN, because="nothing says so"))
    shown = text.render(unknown)
    said = "not known, so adversarial epochs may have moved the weights since the warm-up (nothing says so)"

    assert "stage:" not in shown.partition("Causes")[0]
    assert f"stage: {said}" in " ".join(shown.partition("Looked at")[2].split())
    assert "stage:" not in _html(unknown)
    assert f"<dt>Stage</dt><dd>{said}</dd>" in _html(unknown).replace("<wbr>", "")


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        (Stage(kind=StageKind.WARM_UP, epoch=0), "after the warm-up, before the first adversarial epoch"),
        (Stage(kind=StageKind.ADVERSARIAL, epoch=1), "after 1 adversarial epoch"),
        (Stage(kind=StageKind.ADVERSARIAL, start="random weights"),
         "after adversarial epochs, which began from random weights"),
        (Stage(kind=StageKind.PRETRAINER), "a pretrainer's file"),
        (Stage(kind=StageKind.WARM_START, start="the weights in a.pt"),
         "a warm start from the weights in a.pt, before the first adversarial epoch"),
        (Stage(kind=StageKind.UNTRAINED), "before any training"),
        (Stage(kind=StageKind.UNKNOWN), "not known, so adversarial epochs may have moved the weights since the warm-up"),
    ],
)  # fmt: skip
def test_every_stage_has_words(stage: Stage, words: str) -> None:
    assert str(stage) == words


def test_observations_are_in_every_form_for_people_and_none_without_a_history() -> None:
    for form in (text.render, lambda report: markdown.render(_gate(report)), _html):
        assert "the loss fell by 1.2%" in form(REPORT)
        for history in (None, History()):
            assert "own files say" not in form(replace(REPORT, history=history))


def test_markdown_has_a_row_for_each_snapshot() -> None:
    shown = markdown.render(_gate(REPORT))

    assert "| drawn at | verdict | spread | timing |" in shown
    assert "| epoch 1, step 40 | collapsed | 0.01 | 0.5 |" in shown
    assert "| epoch 3 |  |  |  |" in shown


def test_the_page_draws_the_timeline_and_the_loss() -> None:
    shown = _html(REPORT)

    assert "From epoch 0 to 2, over the data&#39;s: spread 0.9 to 12.5, timing 0.5." in shown
    assert "loss 178 to 176, best constant 179, motionless cursor 66.1." in shown


def test_one_snapshot_and_one_epoch_are_drawn_as_dots() -> None:
    assert REPORT.history is not None
    history, curve = REPORT.history, REPORT.history.curves[0]

    drawn = plots.timeline("a", "b", replace(history, snapshots=history.snapshots[:1]))
    loss = plots.loss_curve("a", "b", replace(curve, epochs=(4,), values=(0.0,), best_constant=None, motionless=None))

    assert drawn is not None
    assert loss is not None
    assert drawn.shapes.count("<circle") == 2
    assert loss.shapes.count("<circle") == 1


def test_nothing_is_drawn_of_nothing() -> None:
    assert REPORT.history is not None
    assert plots.timeline("a", "b", History()) is None
    assert plots.loss_curve("a", "b", replace(REPORT.history.curves[0], values=(1e200, 1.0))) is None


def test_a_history_is_read_back_as_it_was() -> None:
    assert json_report.parse(json_report.render(REPORT), "x.json") == REPORT


@pytest.mark.parametrize("place", [place for place in places(CONTENT) if place[0] in ("stage", "history")], ids=named)
def test_anything_in_a_place_of_a_history_is_refused_or_shown(place: tuple[str | int, ...]) -> None:
    for value in VALUES:
        try:
            report = json_report.parse(json.dumps(with_value(CONTENT, place, value)), "x.json")
        except InputError:
            continue
        assert "COLLAPSED" in text.render(report)
        assert "collapsed" in markdown.render(_gate(report))
        if place[1:2] in (("snapshots",), ("curves",)):  # which the page draws; all the rest of it is text
            assert "</html>" in _html(report)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("history", "snapshots"), [CONTENT["history"]["snapshots"][0]] * 101),
        (("history", "curves"), [CONTENT["history"]["curves"][0]] * 101),
        (("history", "observations"), ["x"] * 1_001),
        (("history", "curves", 0, "values"), [1.0] * 3),
        (("history", "curves", 0), {**CONTENT["history"]["curves"][0], "epochs": [], "values": []}),
    ],
)
def test_more_than_a_history_has_is_refused(place: tuple[str | int, ...], value: object) -> None:
    with pytest.raises(InputError, match="not a report"):
        json_report.parse(json.dumps(with_value(CONTENT, place, value)), "x.json")


def test_many_measures_of_many_snapshots_make_no_table_of_all() -> None:
    first = CONTENT["history"]["snapshots"][0]
    crowded = [{**first, "measures": {f"m{number}.{one}": 1.0 for one in range(300)}} for number in range(100)]
    report = json_report.parse(json.dumps(with_value(CONTENT, ("history", "snapshots"), crowded)), "x.json")

    assert len(markdown.render(_gate(report))) < 100_000
    assert len(_html(report)) < 500_000
