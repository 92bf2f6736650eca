from __future__ import annotations

from dataclasses import replace

import pytest

from humouse_doctor.cases.request import Loaded
from humouse_doctor.core.case import Case
from humouse_doctor.core.probe import Judgement, Severity
from humouse_doctor.core.remedy import Edit, Remedy, RemedyStatus
from humouse_doctor.core.report import Verdict
from humouse_doctor.core.settings import Value
from humouse_doctor.diagnosis.causes import edits_of
from humouse_doctor.diagnosis.diagnose import diagnose
from tests import builders
from tests.diagnosis import runs
from tests.diagnosis.runs import B, F, H


def test_a_found_cause_comes_before_a_borderline_one_that_explains_more() -> None:
    assert runs.causes(runs.report({**runs.COLLAPSE, "HD203": F, "HD202": B, "HD108": H})) == ["HD203", "HD202"]


def test_of_found_causes_the_one_that_explains_more_symptoms_comes_first() -> None:
    report = runs.report({"HD101": F, "HD103": H, "HD104": F, "HD105": F, "HD203": F, "HD204": F})
    assert runs.causes(report) == ["HD204", "HD203"]
    assert [cause.explains for cause in report.causes] == [("HD101", "HD104", "HD105"), ("HD105",)]


@pytest.mark.parametrize(
    ("found", "order"),
    [
        ({"HD203": F, "HD206": F}, ["HD206", "HD203"]),
        ({"HD203": F, "HD206": B}, ["HD203", "HD206"]),
        ({"HD203": F, "HD204": F}, ["HD203", "HD204"]),
        ({"HD203": F, "HD204": F, "HD206": F}, ["HD206", "HD203", "HD204"]),
        ({"HD203": F, "HD206": F, "HD212": F}, ["HD206", "HD203", "HD212"]),
    ],
)
def test_a_cause_of_the_drive_comes_after_found_ones_of_the_space(found: dict[str, Judgement], order: list[str]) -> None:
    report = runs.report({"HD101": H, "HD103": F, "HD104": H, "HD105": F, **found})
    assert runs.causes(report) == order


def test_a_symptom_that_a_cause_may_show_makes_it_as_grave_as_one_it_always_shows() -> None:
    report = runs.report({**runs.COLLAPSE, "HD108": H, "HD208": F})
    assert runs.severities(report)["HD208"] is Severity.ERROR
    assert runs.causes(report) == ["HD208"]


@pytest.mark.parametrize("judgement", [F, B])
def test_a_secondary_symptom_makes_its_cause_no_graver(judgement: Judgement) -> None:
    report = runs.report({**runs.WELL, "HD105": H, "HD102": judgement, "HD201": F})
    assert runs.severities(report)["HD201"] is Severity.NOTE
    assert report.verdict is Verdict.HEALTHY


def test_of_equals_the_found_cause_comes_before_the_borderline_one_whatever_its_code() -> None:
    assert runs.causes(runs.report({**runs.COLLAPSE, "HD201": B, "HD202": F})) == ["HD202", "HD201"]


def test_of_equals_the_better_supported_cause_comes_before_the_lower_code() -> None:
    judged = {"HD101": F, "HD103": H, "HD104": H, "HD105": F, "HD201": F, "HD204": F}
    report = runs.report(judged)
    assert runs.causes(report) == ["HD204", "HD201"]
    assert [cause.support for cause in report.causes] == [pytest.approx(2 / 3, abs=1e-4), 0.5]


def test_of_equals_in_everything_the_lower_code_comes_first() -> None:
    assert runs.causes(runs.report({**runs.COLLAPSE, "HD202": F, "HD201": F})) == ["HD201", "HD202"]


def test_support_counts_only_the_symptoms_that_were_measured() -> None:
    report = runs.report({"HD101": F, "HD103": H, "HD104": None, "HD201": F})
    assert report.causes[0].support == 0.5


def test_a_symptom_a_cause_may_show_counts_as_explained_and_not_as_support() -> None:
    report = runs.report({**runs.COLLAPSE, "HD102": F, "HD201": F})
    assert report.causes[0].explains == ("HD101", "HD102", "HD103", "HD104", "HD105")
    assert report.causes[0].support == 1
    assert report.unexplained == ()


def test_a_symptom_without_a_cause_is_listed_and_never_made_one() -> None:
    report = runs.report({"HD101": F, "HD103": B, "HD104": H, "HD203": F})
    assert runs.causes(report) == ["HD203"]
    assert report.unexplained == ("HD101",)
    assert runs.report({"HD101": F}).causes == ()


def test_a_cause_whose_every_symptom_is_healthy_is_a_note_and_no_cause() -> None:
    report = runs.report({**runs.WELL, "HD105": H, "HD201": F})
    assert runs.severities(report) == {"HD201": Severity.NOTE}
    assert (report.causes, report.remedies, report.patch) == ((), (), ())
    assert report.verdict is Verdict.HEALTHY


def test_a_lasting_cause_stays_a_warning_where_this_run_shows_nothing() -> None:
    report = runs.report({**runs.WELL, "HD105": H, "HD207": F})
    assert runs.severities(report) == {"HD207": Severity.WARNING}
    assert (runs.causes(report), report.verdict) == (["HD207"], Verdict.AT_RISK)
    assert report.causes[0].support == 0


def test_a_cause_whose_symptoms_were_not_measured_is_a_warning_without_support_if_it_was_found() -> None:
    found, borderline = runs.report({"HD101": None, "HD201": F}), runs.report({"HD101": None, "HD201": B})
    assert runs.severities(found) == {"HD201": Severity.WARNING}
    assert found.causes[0].support is None
    assert runs.severities(borderline) == {"HD201": Severity.NOTE}


def test_a_cause_is_as_grave_as_what_it_shows() -> None:
    assert runs.severities(runs.report({"HD101": B, "HD201": F}))["HD201"] is Severity.WARNING
    assert runs.severities(runs.report({"HD101": F, "HD201": B}))["HD201"] is Severity.ERROR


def test_before_training_a_cause_is_as_grave_as_its_own_judgement() -> None:
    report = diagnose(Loaded(case=runs.planned()), runs.results({"HD201": F, "HD202": B}))
    assert runs.severities(report) == {"HD201": Severity.ERROR, "HD202": Severity.WARNING}


def test_a_secondary_symptom_is_a_warning_at_most() -> None:
    report = runs.report({**runs.WELL, "HD106": F, "HD107": B})
    assert runs.severities(report) == {"HD106": Severity.WARNING, "HD107": Severity.NOTE}


_SCORED = "data.normalize_sequences"


def _sick() -> Case:
    values: dict[str, Value] = {**builders.SOUND, "model.generator.activation_xy": "tanh", _SCORED: True}
    values["training.reconstruction_epochs"] = 5
    values["training.warmup_noise_std"] = 1.0
    return runs.trained(values)


def test_a_patch_merges_the_first_remedy_of_each_cause_and_changes_no_key_twice() -> None:
    report = runs.report({**runs.COLLAPSE, "HD201": F, "HD202": B, "HD205": F, "HD206": F}, case=_sick())
    assert {edit.key: (edit.old, edit.new) for edit in report.patch} == {
        "model.generator.activation_xy": ("tanh", "linear"),
        _SCORED: (True, False),
        "training.warmup_noise_std": (1.0, 0.0),
    }
    assert len({edit.key for edit in report.patch}) == len(report.patch)


def test_of_two_edits_of_one_key_the_better_supported_one_has_its_way() -> None:
    first, second = (
        Remedy(id=name, title="", why="", edits=(Edit(key="training.reconstruction_epochs", old=0, new=new),))
        for name, new in (("enough-steps", 4), ("keep-warm-up", 5))
    )
    assert edits_of([first, second]) == first.edits


def test_the_same_remedy_of_two_causes_is_listed_once() -> None:
    report = runs.report({**runs.COLLAPSE, "HD201": F, "HD206": F}, case=_sick())
    ids = [remedy.id for remedy in report.remedies]
    assert len(set(ids)) == len(ids)
    assert ids[0] == "normalised-positions"
    assert "raw-deltas" in ids


def test_a_refused_remedy_is_listed_and_leaves_no_edit() -> None:
    report = runs.report({**runs.COLLAPSE, "HD201": F}, case=_sick())
    refused = [remedy for remedy in report.remedies if remedy.status is RemedyStatus.REFUSED]
    assert [remedy.id for remedy in refused] == ["delta-space"]
    assert "training.absolute_coordinates" not in {edit.key for edit in report.patch}


def test_a_cause_without_edits_leaves_the_patch_empty() -> None:
    report = runs.report({**runs.WELL, "HD103": F, "HD203": F}, case=_sick())
    assert runs.causes(report) == ["HD203"]
    assert report.patch == ()


def test_where_no_cause_is_named_more_steps_are_the_experiment_offered() -> None:
    report = runs.report(runs.COLLAPSE, case=_sick())
    assert report.causes == ()
    assert [remedy.id for remedy in report.chosen_remedies] == ["longer-warm-up-4x"]
    assert runs.report({}, case=_sick()).patch == ()


def test_what_a_lower_rate_uncovers_is_in_the_patch() -> None:
    values: dict[str, Value] = {**builders.SOUND, "training.lr.generator": 0.3, "training.reconstruction_epochs": 1}
    case = replace(_sick(), settings=builders.settings(values))
    report = runs.report({**runs.COLLAPSE, "HD212": F}, case=case)
    assert runs.causes(report) == ["HD212"]
    ids = [remedy.id for remedy in report.chosen_remedies]
    assert ids[0] == "usual-rate"
    assert any(name.startswith("longer") for name in ids[1:])


@pytest.mark.parametrize(("noise", "offered"), [(1.0, True), (0.0, False)])
def test_a_cause_that_driven_off_weights_hide_is_in_the_patch_by_the_config_alone(noise: float, offered: bool) -> None:
    values: dict[str, Value] = {**builders.SOUND, "training.lr.generator": 0.3, "training.warmup_noise_std": noise}
    case = replace(_sick(), settings=builders.settings(values))
    report = runs.report({**runs.COLLAPSE, "HD205": H, "HD212": F}, case=case)
    assert runs.causes(report) == ["HD212"]
    assert ("training.warmup_noise_std" in {edit.key for edit in report.patch}) is offered


def test_what_was_measured_of_a_cause_stays_in_the_patch_beside_the_usual_rate() -> None:
    values: dict[str, Value] = {**builders.SOUND, "model.generator.activation_xy": "tanh", "training.lr.generator": 0.3}
    dead = runs.result("HD201", F, {**runs.MEASURED["HD201"], "live_share": 0.0})
    report = runs.report({**runs.COLLAPSE, "HD212": F}, dead, case=runs.trained(values))
    assert {"living-head", "usual-rate"} <= set(report.chosen)


def test_a_rate_that_is_too_low_hides_nothing_but_the_steps() -> None:
    values: dict[str, Value] = {**builders.SOUND, "training.lr.generator": 1e-6, "training.warmup_noise_std": 1.0}
    case = replace(_sick(), settings=builders.settings(values))
    low = {"plain_reach": 0.01, "steps_available": 48.0}
    report = runs.report({**runs.COLLAPSE, "HD205": H}, runs.result("HD210", F, low), case=case)
    assert "usual-rate" in report.chosen
    assert "training.warmup_noise_std" not in {edit.key for edit in report.patch}
