from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from humouse_doctor.cases.request import Loaded
from humouse_doctor.core.case import Case, Samples
from humouse_doctor.core.errors import ExitCode
from humouse_doctor.core.probe import Judgement, ProbeResult, Severity
from humouse_doctor.core.report import Confidence, Verdict
from humouse_doctor.core.spec import Activation, Architecture
from humouse_doctor.diagnosis.diagnose import diagnose
from humouse_doctor.diagnosis.examine import examine
from tests import builders
from tests.diagnosis import runs
from tests.diagnosis.runs import B, F, H


def test_a_run_is_healthy_only_where_the_three_deciding_symptoms_were_measured() -> None:
    assert runs.report(runs.WELL).verdict is Verdict.HEALTHY
    for code in runs.WELL:
        assert runs.report({**runs.WELL, code: None}).verdict is Verdict.UNDETERMINED
        assert runs.report({other: H for other in runs.WELL if other != code}).verdict is Verdict.UNDETERMINED


@pytest.mark.parametrize("code", ["HD101", "HD103", "HD104", "HD105", "HD108"])
def test_one_symptom_that_was_found_is_a_collapse(code: str) -> None:
    more = runs.result(code, F, {"non_finite_weights": 3.0} if code == "HD108" else None)
    judged = {each: judgement for each, judgement in runs.WELL.items() if each != code}
    assert runs.report(judged, more).verdict is Verdict.COLLAPSED


@pytest.mark.parametrize("code", ["HD101", "HD103", "HD104", "HD105"])
def test_a_borderline_symptom_is_a_risk(code: str) -> None:
    assert runs.report({**runs.WELL, code: B}).verdict is Verdict.AT_RISK


@pytest.mark.parametrize("code", ["HD102", "HD106", "HD107"])
def test_a_secondary_symptom_never_makes_a_collapse(code: str) -> None:
    assert runs.report({**runs.WELL, code: F}).verdict is Verdict.HEALTHY
    assert runs.report({**runs.WELL, code: B}).verdict is Verdict.HEALTHY


@pytest.mark.parametrize("code", runs.OVERSHOT)
def test_too_much_is_a_warning_and_neither_a_collapse_nor_explained(code: str) -> None:
    report = runs.too_much(code, runs.OVERSHOT[code][1])
    assert report.verdict is Verdict.HEALTHY
    assert runs.severities(report) == {code: Severity.WARNING, "HD201": Severity.NOTE}
    assert report.unexplained == (code,)


def test_a_collapse_that_was_seen_is_one_even_where_another_probe_crashed() -> None:
    report = runs.report({"HD101": F, "HD103": H}, runs.crashed("HD104"))
    assert report.verdict is Verdict.COLLAPSED
    assert report.sentence.startswith("Generated values have a std of 1")
    assert report.exit_code() is ExitCode.INTERNAL


def test_untrained_weights_are_no_collapse() -> None:
    untrained = runs.result("HD108", F, runs.UNTRAINED)
    without, with_cause = runs.report(runs.COLLAPSE, untrained), runs.report({**runs.COLLAPSE, "HD201": F}, untrained)
    assert (without.verdict, with_cause.verdict) == (Verdict.UNDETERMINED, Verdict.AT_RISK)
    assert without.sentence.startswith("Every weight lies within the bounds of its random start (largest 0.9900")


def test_weights_a_hair_beyond_their_start_are_trained() -> None:
    hair = runs.result("HD108", H, {"non_finite_weights": 0.0, "excess_over_start": 1.0})
    assert runs.report(runs.COLLAPSE, hair).verdict is Verdict.COLLAPSED


def test_a_cause_that_shows_makes_a_risk_of_borderline_symptoms() -> None:
    assert runs.report({"HD101": B, "HD103": H, "HD104": H, "HD202": F}).verdict is Verdict.AT_RISK


def _preflight(judged: Mapping[str, Judgement | None], case: Case, *more: ProbeResult) -> Verdict:
    return diagnose(Loaded(case=case), runs.results(judged, *more)).verdict


@pytest.mark.parametrize(
    ("judged", "head", "architecture", "verdict"),
    [
        ({"HD201": H, "HD202": H}, Activation.TANH, Architecture.LSTM, Verdict.HEALTHY),
        ({"HD201": None, "HD202": H}, Activation.LINEAR, Architecture.LSTM, Verdict.HEALTHY),
        ({"HD201": None, "HD202": H}, Activation.TANH, Architecture.LSTM, Verdict.UNDETERMINED),
        ({"HD201": H, "HD202": None}, Activation.TANH, Architecture.LSTM, Verdict.UNDETERMINED),
        ({"HD201": H, "HD202": None}, Activation.TANH, Architecture.TCN, Verdict.HEALTHY),
        ({"HD201": None, "HD202": None}, Activation.LINEAR, Architecture.TCN, Verdict.UNDETERMINED),
        ({"HD201": None, "HD202": None}, Activation.LINEAR, Architecture.LSTM, Verdict.UNDETERMINED),
        ({"HD202": H}, Activation.LINEAR, Architecture.LSTM, Verdict.UNDETERMINED),
        ({}, Activation.LINEAR, Architecture.LSTM, Verdict.UNDETERMINED),
        ({"HD201": F, "HD202": H}, Activation.TANH, Architecture.LSTM, Verdict.AT_RISK),
        ({"HD201": None, "HD202": None, "HD204": B}, Activation.TANH, Architecture.LSTM, Verdict.AT_RISK),
    ],
)
def test_a_config_is_healthy_only_where_reach_and_scale_were_measured_or_cannot_matter(
    judged: Mapping[str, Judgement | None], head: Activation, architecture: Architecture, verdict: Verdict
) -> None:
    assert _preflight(judged, runs.planned(head, architecture)) is verdict


def test_a_run_that_starts_from_pretrained_weights_is_judged_by_its_contract() -> None:
    skipped = {"HD201": None, "HD202": None}
    assert _preflight({**skipped, "HD207": H}, runs.planned(epochs=0)) is Verdict.HEALTHY
    assert _preflight({**skipped, "HD207": None}, runs.planned(epochs=0)) is Verdict.UNDETERMINED
    assert _preflight({**skipped, "HD207": H}, runs.planned(epochs=5)) is Verdict.UNDETERMINED


def test_a_config_without_data_or_without_a_network_is_undetermined() -> None:
    judged = {"HD201": None, "HD202": None}
    without_data = runs.planned(samples=Samples())
    without_network = replace(runs.planned(), network=None)
    assert _preflight(judged, without_data) is Verdict.UNDETERMINED
    assert _preflight(judged, without_network) is Verdict.UNDETERMINED


def test_a_crash_before_training_is_undetermined() -> None:
    assert _preflight({"HD201": H, "HD202": H}, runs.planned(), runs.crashed("HD203")) is Verdict.UNDETERMINED


def test_a_config_whose_learning_rate_is_not_known_is_not_called_healthy() -> None:
    known = builders.settings(builders.SOUND, unknown=("training.lr.generator",))
    case = replace(runs.planned(), settings=known)
    deciding = [builders.probe("HD201"), builders.probe("HD202")]
    assert diagnose(Loaded(case=case), examine(case, deciding)).verdict is Verdict.UNDETERMINED


@pytest.mark.parametrize(
    ("judged", "confidence"),
    [
        ({**runs.WELL, "HD105": H}, Confidence.HIGH),
        (runs.WELL, Confidence.MEDIUM),
        ({**runs.COLLAPSE, "HD201": F}, Confidence.HIGH),
        ({**runs.COLLAPSE, "HD203": F}, Confidence.HIGH),
        (runs.COLLAPSE, Confidence.MEDIUM),
        ({"HD101": F, "HD103": H, "HD104": H, "HD105": H, "HD201": F}, Confidence.MEDIUM),
        ({"HD101": F, "HD105": F, "HD201": F}, Confidence.LOW),
        ({"HD101": None}, Confidence.LOW),
    ],
)
def test_confidence_is_how_much_of_what_decides_was_measured(
    judged: Mapping[str, Judgement | None], confidence: Confidence
) -> None:
    assert runs.report(judged).confidence is confidence


def test_a_healthy_run_whose_samples_are_too_large_is_not_sure() -> None:
    measured = {**runs.MEASURED["HD101"], "spread_ratio": 4.6}
    large = runs.report({"HD103": H, "HD104": H, "HD105": H}, runs.result("HD101", B, measured))
    assert (large.verdict, large.confidence) == (Verdict.HEALTHY, Confidence.MEDIUM)


def test_fewer_than_64_targets_leave_no_verdict_sure() -> None:
    few = replace(runs.trained(), samples=builders.samples(builders.strokes(0, rows=63), builders.strokes(1)))
    assert runs.report({**runs.WELL, "HD105": H}, case=few).confidence is Confidence.MEDIUM


def test_before_training_confidence_is_never_high() -> None:
    judged = {"HD201": F, "HD202": F}
    with_data, without = runs.planned(), runs.planned(samples=Samples())
    assert diagnose(Loaded(case=with_data), runs.results(judged)).confidence is Confidence.MEDIUM
    assert diagnose(Loaded(case=without), runs.results(judged)).confidence is Confidence.LOW
