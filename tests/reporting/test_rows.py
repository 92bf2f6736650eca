from __future__ import annotations

from dataclasses import replace

import pytest

from humouse_doctor.core.case import Subject
from humouse_doctor.core.gating import Policy
from humouse_doctor.core.probe import Judgement, ProbeResult, Status
from humouse_doctor.core.remedy import Edit, RemedyStatus
from humouse_doctor.core.report import Cause, Report, Verdict
from humouse_doctor.gate.judging import judged_alone
from humouse_doctor.reporting import markdown, screen, text
from humouse_doctor.reporting.html import page
from humouse_doctor.reporting.rows import steps_of_patch, support_of, trials_file, without_cause
from tests.reporting.builders import FIX_A, collapsed, healthy, result


@pytest.mark.parametrize(
    ("support", "explains", "said"),
    [
        (1.0, ("HD101",), "supported by HD101"),
        (0.5, ("HD101",), "supported by HD101, 50% of the symptoms it always produces"),
        (0.0, ("HD101",), "supported by HD101, none of which it always produces"),  # HD208, whose weights have moved since
        (0.0, (), "supported by no symptom"),
        (None, (), "no symptom was measured"),
    ],
)
def test_a_causes_support_is_its_symptoms_and_their_share(support: float | None, explains: tuple[str, ...], said: str) -> None:
    cause = Cause(code="HD208", name="x", support=support, message="x", explains=explains)

    assert support_of(cause, measured=True) == said
    assert support_of(replace(cause, trial=RemedyStatus.REFUTED), measured=True) == f"refuted by trials; {said}"


def sick(config: str | None = None, data: str | None = None) -> Report:
    """Return a report on a collapsed checkpoint for which no cause was found."""
    skipped = ProbeResult(code="HD210", status=Status.SKIPPED, measurements={}, reason="the rate is not known")
    return replace(
        healthy(),
        verdict=Verdict.COLLAPSED,
        subject=Subject(name="g.pt", checkpoint="g.pt", config=config, data=data),
        probes=(skipped, result("HD101", Judgement.FOUND, spread_ratio=0.01)),
    )


def test_a_report_without_a_cause_says_what_it_cannot_see_and_two_experiments() -> None:
    blind, first, second, unmeasured = without_cause(sick())

    assert unmeasured == "Not measured: HD210 (the rate is not known)."
    assert "a critic" in blind
    assert first.startswith("First experiment: train on 32")
    assert second.endswith("humouse-doctor verify CONFIG --data DATA --search")
    assert without_cause(replace(sick(), search="humouse-doctor verify x.yaml"))[2].endswith(": humouse-doctor verify x.yaml")


def test_channels_that_were_left_out_are_said_where_no_cause_was_found() -> None:
    report = sick()
    still = result("HD101", Judgement.FOUND, spread_ratio=20.8, spread_ratio_left_out=4)
    lines = without_cause(replace(report, probes=(*report.probes[:1], still)))

    assert lines[1].startswith("Channels that do not vary in the data (4 here) were left out. A loss compares them too")
    assert "the scale of conditions" not in lines[0]  # HD219 looks at it


def test_a_healthy_run_one_with_a_cause_and_a_config_have_no_such_lines() -> None:
    cause = Cause(code="HD208", name="x", support=1.0, message="x", explains=())

    assert without_cause(healthy()) == ()
    assert without_cause(replace(sick(), causes=(cause,))) == ()
    assert without_cause(replace(sick(), subject=Subject(name="run.yaml", config="run.yaml"))) == ()


def test_every_format_for_people_has_the_lines() -> None:
    report = sick()
    gate = judged_alone(report, Policy(), "0.1.0")

    assert "No cause was found" in text.render(report)
    assert "**No cause was found**" in markdown.render(gate)
    assert "No cause was found" in page.render(gate)


def test_the_epochs_of_a_patch_are_said_as_steps_beside_those_that_the_old_scale_needs() -> None:
    def patched(old: int | None, new: int) -> Report:
        return replace(collapsed(), patch=(Edit(key="training.reconstruction_epochs", old=old, new=new),), diff="")

    said = "224 epochs are 3,584 steps; the old scale would take 76,188"
    report = patched(8, 224)
    assert steps_of_patch(report) == said
    assert said in " ".join(screen.render(report, following=()).split())
    assert said in " ".join(text.render(report).split())
    assert said in markdown.render(judged_alone(report, Policy(), "0.1.0"))
    assert f"{said}." in page.render(judged_alone(report, Policy(), "0.1.0"))
    assert steps_of_patch(patched(8, 5000)) == "5,000 epochs are 80,000 steps"
    assert steps_of_patch(replace(report, cure=FIX_A)) == "224 epochs are 3,584 steps"
    assert (steps_of_patch(patched(None, 10)), steps_of_patch(replace(report, probes=())), steps_of_patch(collapsed())) == (
        "",
    ) * 3


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ("runs/sick/.hydra/config.yaml", "sick-trials.json"),
        (".hydra/config.yaml", "trials.json"),
        ("conf/experiment/mine.yaml", "mine-trials.json"),
        ("my run/.hydra/config.yaml", "my-run-trials.json"),
        ("--x/.hydra/config.yaml", "x-trials.json"),
        ("https://here/a/b.yaml?x=1", "b-trials.json"),
    ],
)
def test_the_file_for_the_trials_is_named_after_the_run_or_config(config: str, name: str) -> None:
    assert trials_file(config) == name
