from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from humouse_doctor.cases.request import Loaded, ToolFinding
from humouse_doctor.core.case import Need, Samples
from humouse_doctor.core.history import Stage, StageKind
from humouse_doctor.core.probe import Severity
from humouse_doctor.core.report import Verdict
from humouse_doctor.core.spec import Activation
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.diagnosis.diagnose import diagnose
from humouse_doctor.diagnosis.examine import examine
from tests import builders
from tests.diagnosis import runs
from tests.diagnosis.runs import B, F, H


@pytest.mark.parametrize("code", runs.OVERSHOT)
def test_what_explodes_is_a_risk_and_says_so_itself(code: str) -> None:
    report = runs.too_much(code, runs.OVERSHOT[code][2])
    assert (report.verdict, runs.severities(report)[code]) == (Verdict.AT_RISK, Severity.WARNING)
    message = next(finding.message for finding in report.findings if finding.code == code)
    assert report.sentence == f"{message[0].upper()}{message[1:]}."


def test_a_collapse_whose_samples_are_far_too_wide_is_said_to_be_that() -> None:
    wide = runs.result("HD101", F, {"spread_ratio": 24.0, "prediction_std": 48.0, "target_std": 2.0})
    told = "The samples have not shrunk to a point: they are thrown far too wide, 24.0 times the spread of the targets."

    report = runs.report(dict.fromkeys(("HD103", "HD104", "HD105", "HD201"), F), wide)

    assert report.verdict is Verdict.COLLAPSED
    assert report.sentence.endswith(f" {told}")
    assert report.sentence.startswith("96.0% of the targets")
    alone = runs.too_much("HD101", 24.0)
    assert alone.sentence.endswith("24.000 times the spread, far too wide.")
    assert told not in runs.report({**runs.COLLAPSE, "HD201": F}).sentence


@pytest.mark.parametrize("code", runs.WELL)
def test_the_sentence_of_a_healthy_run_ends_with_what_is_too_much(code: str) -> None:
    report = runs.too_much(code, runs.OVERSHOT[code][1])
    message = next(finding.message for finding in report.findings if finding.code == code)
    assert report.sentence.startswith("Generated paths have")
    assert report.sentence.endswith(f"This is not a collapse, but {message}.")


def test_the_sentence_of_a_healthy_run_carries_the_three_ratios() -> None:
    assert runs.report(runs.WELL).sentence == (
        "Generated paths have 0.50 times the spread, 0.25 times the movement and 0.75 times the variety of real ones."
    )


@pytest.mark.parametrize(("scale", "still"), [((1.0, 0.0), "y"), ((0.0, 1.0), "x")])
def test_an_axis_that_does_not_vary_is_left_out_and_the_sentence_says_so(scale: tuple[float, float], still: str) -> None:
    targets, drawn = (builders.strokes(seed, rows=64) * np.array(scale) for seed in (0, 1))
    case = replace(builders.healthy_case(), samples=builders.samples(targets, drawn))
    report = diagnose(Loaded(case=case), examine(case))
    assert report.verdict is Verdict.HEALTHY
    assert report.sentence.endswith(f" Only one axis was compared: in the data {still} does not vary.")
    whole = builders.healthy_case()
    assert "axis" not in diagnose(Loaded(case=whole), examine(whole)).sentence


def test_the_sentence_of_a_collapse_is_its_best_causes() -> None:
    report = runs.report({**runs.COLLAPSE, "HD201": F, "HD203": F})
    assert report.sentence == report.causes[0].message[0].upper() + report.causes[0].message[1:] + "."
    assert "96.0% of the targets" in report.sentence


def test_the_sentence_of_a_collapse_without_a_cause_is_its_gravest_findings() -> None:
    assert runs.report({"HD101": B, "HD103": F}).sentence == (
        "Within a path the position varies 0.250 as much as in a real one."
    )


def test_the_sentence_of_a_risk_is_the_runs_and_not_the_tools() -> None:
    tool = ToolFinding(code=ToolCode.CONFIG_VALUE, message="data.batch_size is 'x'", serious=True)
    loaded = Loaded(case=runs.trained(), tool_findings=(tool,))
    report = diagnose(loaded, runs.results({**runs.WELL, "HD104": B}))
    assert report.findings[0].code == "HD002"
    assert report.sentence.startswith("At a given step the sequences of different latents vary 0.750")


def test_a_sentence_that_begins_with_a_key_spells_it_as_it_is() -> None:
    report = runs.report({**runs.COLLAPSE, "HD208": F}, runs.result("HD108", H), case=runs.trained())
    assert report.sentence.startswith("No warm-up runs")
    reset = {"epochs": 5.0, "starts_from_checkpoint": 0.0, "reset": 1.0, "loss_weight": 1.0}
    report = runs.report(runs.COLLAPSE, runs.result("HD208", F, reset))
    assert report.sentence.startswith("training.reset_generator_after_warmup is on")


def test_before_training_the_sentence_does_not_ask_for_symptoms() -> None:
    without = replace(runs.planned(samples=Samples()), absent={Need.TARGETS: "no data given"})
    sentence = diagnose(Loaded(case=without), runs.results({"HD204": B})).sentence
    assert "no data given" not in sentence


def test_of_a_checkpoint_without_data_the_sentence_says_what_was_not_measured() -> None:
    without = replace(runs.trained(), samples=Samples(), absent={Need.TARGETS: "no data given"})
    assert runs.report({"HD207": F}, case=without).sentence.endswith(" Symptoms could not be measured: no data given.")


def test_the_sentence_of_a_config_says_what_only_a_checkpoint_can_show() -> None:
    report = diagnose(Loaded(case=runs.planned()), runs.results({"HD201": None, "HD202": H}))
    assert report.sentence.endswith("only a rehearsal or its checkpoint can show more.")


def test_the_sentence_of_an_undetermined_run_gives_each_reason_once() -> None:
    report = runs.report({"HD101": None, "HD103": None, "HD204": None})
    assert report.sentence == "Too little could be measured to tell: HD101 was skipped; HD103 was skipped."
    assert runs.report({}).sentence == "Too little could be measured to tell: no probe was run."
    assert runs.report({"HD106": H}).sentence == "Too little could be measured to tell: not run: HD101, HD103, HD104."


def test_a_head_without_bounds_and_what_only_a_config_needs_are_no_reason_for_too_little() -> None:
    of_config = diagnose(Loaded(case=runs.planned()), runs.results({"HD101": None, "HD201": None, "HD202": None}))
    assert of_config.sentence == "Too little could be measured to tell: HD202 was skipped."
    alone = diagnose(Loaded(case=runs.planned()), runs.results({"HD202": H}))
    assert alone.sentence == "Too little could be measured to tell: not run: HD201."
    bounded = runs.planned(Activation.TANH)
    of_bounded = diagnose(Loaded(case=bounded), runs.results({"HD201": None, "HD202": None}))
    assert of_bounded.sentence == "Too little could be measured to tell: HD201 was skipped; HD202 was skipped."
    of_checkpoint = runs.report({"HD101": None, "HD103": H, "HD104": H, "HD201": None, "HD202": None})
    assert of_checkpoint.sentence == "Too little could be measured to tell: HD101 was skipped."


@pytest.mark.parametrize("code", sorted(set(runs.MEASURED) - {"HD207"}))
def test_every_message_but_the_broken_contracts_carries_a_number(code: str) -> None:
    message = builders.probe(code).message(runs.trained(), runs.MEASURED[code])
    assert re.search(r"\d", message)
    assert "\n" not in message
    assert not message.endswith(".")


def test_a_config_that_the_weights_were_not_trained_with_is_said_first() -> None:
    plain = runs.report({"HD207": F}, case=runs.trained())
    stale = runs.report({"HD207": F}, case=replace(runs.trained(), contradictions=("a is 1 and was 2", "b is 3 and was 4")))

    first = "The config is not what these weights were trained with: a is 1 and was 2; b is 3 and was 4. "
    assert stale.sentence == first + plain.sentence


def test_a_warm_up_that_ended_well_is_not_blamed() -> None:
    adversarial = Stage(kind=StageKind.ADVERSARIAL, epoch=1)
    case = replace(runs.trained(), stage=adversarial, drew_well_at_first=True)
    blamed = runs.report({"HD101": B, "HD103": F}, case=replace(case, drew_well_at_first=False)).sentence

    said = runs.report({"HD101": B, "HD103": F}, case=case).sentence

    assert said.startswith("The warm-up ended well, by the samples that the run drew after it: the adversarial stage made")
    assert said.endswith(blamed)
    case = replace(case, drew_well_at_first=False)
    thrown = runs.report({"HD101": B, "HD103": F}, case=replace(case, thrown_off=True))
    assert thrown.sentence == (
        "No cause was found in the warm-up, and the samples that the run drew itself grew far too large in the adversarial"
        f" stage; what in that stage did it is not known here. {blamed}"
    )
    assert runs.report({"HD101": B, "HD103": F}, case=case).chosen
    assert not thrown.chosen  # a longer warm-up is no cure of what came after it
    warm = replace(case, thrown_off=True, stage=Stage(kind=StageKind.WARM_UP, epoch=0))
    assert runs.report({"HD101": B, "HD103": F}, case=warm).sentence == blamed  # these weights are the warm-up's own
    caused = {"HD101": F, "HD103": F, "HD202": F}
    plain, of_cause = (runs.report(caused, case=replace(case, thrown_off=off)) for off in (False, True))
    assert (of_cause.sentence, of_cause.chosen) == (plain.sentence, plain.chosen)
    assert "The warm-up" not in runs.report(runs.WELL, case=case).sentence
