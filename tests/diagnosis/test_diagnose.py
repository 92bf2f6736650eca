from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import replace

import pytest

from humouse_doctor.cases.request import Loaded, ToolFinding
from humouse_doctor.core.case import Case, DataSummary, Need, NetworkFacts, PretrainerContract, Samples
from humouse_doctor.core.errors import ExitCode
from humouse_doctor.core.probe import Judgement, Kind, ProbeResult, Severity, Status
from humouse_doctor.core.remedy import RemedyStatus
from humouse_doctor.core.report import Confidence, Finding, Location, Report, Verdict
from humouse_doctor.core.settings import Origin, Place, Setting, Settings, Value
from humouse_doctor.core.spec import Activation, Architecture
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.diagnosis.diagnose import diagnose, location_of
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.probes.registry import PROBES
from tests import builders

H, B, F = Judgement.HEALTHY, Judgement.BORDERLINE, Judgement.FOUND

#: What each probe's message and remedies read.
_MEASURED: Mapping[str, Mapping[str, float]] = {
    "HD101": {"spread_ratio": 0.5, "prediction_std": 1.0, "target_std": 2.0},
    "HD102": {"saturated_share": 0.75, "mean_slope": 0.1},
    "HD103": {"time_std_ratio": 0.25, "velocity_std_ratio": 0.1},
    "HD104": {"latent_std_ratio": 0.75, "effective_rank": 2.0, "target_effective_rank": 3.0},
    "HD105": {"skill": 0.1, "motion_skill": 0.01, "fitted_latent_std": 1.0},
    "HD106": {"first_last_ratio": 1e-7, "last_rms": 1.0},
    "HD107": {"heading_excess": 0.9, "heading_concentration": 0.95, "path_efficiency": 0.8, "target_path_efficiency": 0.8},
    "HD108": {"non_finite_weights": 0.0, "excess_over_start": 3.0},
    "HD201": {"out_of_reach_share": 0.96, "reachable_loss_share": 0.006, "loss_floor": 159.0},
    "HD202": {"steps_needed": 9000.0, "steps_available": 48.0, "steps_share": 0.005, "target_rms": 260.0},
    "HD203": {"input_time_share": 0.0, "settled_at": 0.1},
    "HD204": {"whitening": 1.0, "prior_fit_spread": 0.2, "fitted_latent_std": 2.0},
    "HD205": {"noise_std": 1.0},
    "HD206": {"position_std": 40.0, "drift": 9.0},
    "HD207": {"broken_terms": 1.0},
    "HD208": {"epochs": 0.0, "starts_from_checkpoint": 0.0, "reset": 0.0, "loss_weight": 1.0},
    "HD209": {"still_share": 0.7, "padding_share": 0.3},
    "HD210": {"weight_reach": 0.2, "steps_available": 48.0},
}
_UNTRAINED: Mapping[str, float] = {"non_finite_weights": 0.0, "excess_over_start": 0.99}
_WELL = {"HD101": H, "HD103": H, "HD104": H}
_COLLAPSE = {"HD101": F, "HD103": F, "HD104": F, "HD105": F}


def _result(code: str, judgement: Judgement | None, measured: Mapping[str, float] | None = None) -> ProbeResult:
    if judgement is None:
        return ProbeResult(code=code, status=Status.SKIPPED, measurements={}, reason=f"{code} was skipped")
    status = Status.HEALTHY if judgement is H else Status.FOUND
    return ProbeResult(code=code, status=status, judgement=judgement, measurements=measured or _MEASURED[code])


def _crashed(code: str) -> ProbeResult:
    return ProbeResult(code=code, status=Status.CRASHED, measurements={}, reason="ValueError: odd")


def _results(judged: Mapping[str, Judgement | None], *more: ProbeResult) -> list[ProbeResult]:
    return sorted([*(_result(code, judgement) for code, judgement in judged.items()), *more], key=lambda each: each.code)


def _trained(values: Mapping[str, Value] = builders.SOUND) -> Case:
    contract = PretrainerContract(file="p.pt", head="tanh")
    return builders.case(
        builders.healthy_samples(),
        known=builders.settings(values),
        facts=builders.network(Activation.TANH),
        weights=builders.TRAINED,
        data=builders.summary(),
        contract=contract,
    )


def _report(judged: Mapping[str, Judgement | None], *more: ProbeResult, case: Case | None = None) -> Report:
    return diagnose(Loaded(case=case or _trained()), _results(judged, *more))


def _severities(report: Report) -> dict[str, Severity]:
    return {finding.code: finding.severity for finding in report.findings}


def _causes(report: Report) -> list[str]:
    return [cause.code for cause in report.causes]


# Causes and symptoms


def test_a_found_cause_comes_before_a_borderline_one_that_explains_more() -> None:
    assert _causes(_report({**_COLLAPSE, "HD203": F, "HD202": B, "HD108": H})) == ["HD203", "HD202"]


def test_of_found_causes_the_one_that_explains_more_symptoms_comes_first() -> None:
    report = _report({"HD101": F, "HD103": H, "HD104": F, "HD105": F, "HD203": F, "HD204": F})
    assert _causes(report) == ["HD204", "HD203"]
    assert [cause.explains for cause in report.causes] == [("HD101", "HD104", "HD105"), ("HD105",)]


def test_a_symptom_that_a_cause_may_show_makes_it_as_grave_as_one_it_always_shows() -> None:
    report = _report({**_COLLAPSE, "HD108": H, "HD208": F})
    assert _severities(report)["HD208"] is Severity.ERROR
    assert _causes(report) == ["HD208"]


@pytest.mark.parametrize("judgement", [F, B])
def test_a_secondary_symptom_makes_its_cause_no_graver(judgement: Judgement) -> None:
    report = _report({**_WELL, "HD105": H, "HD102": judgement, "HD201": F})
    assert _severities(report)["HD201"] is Severity.NOTE
    assert report.verdict is Verdict.HEALTHY


def test_of_equals_the_found_cause_comes_before_the_borderline_one_whatever_its_code() -> None:
    assert _causes(_report({**_COLLAPSE, "HD201": B, "HD202": F})) == ["HD202", "HD201"]


def test_of_equals_the_better_supported_cause_comes_before_the_lower_code() -> None:
    judged = {"HD101": F, "HD103": H, "HD104": H, "HD105": F, "HD201": F, "HD204": F}
    report = _report(judged)
    assert _causes(report) == ["HD204", "HD201"]
    assert [cause.support for cause in report.causes] == [pytest.approx(2 / 3, abs=1e-4), 0.5]


def test_of_equals_in_everything_the_lower_code_comes_first() -> None:
    assert _causes(_report({**_COLLAPSE, "HD202": F, "HD201": F})) == ["HD201", "HD202"]


def test_support_counts_only_the_symptoms_that_were_measured() -> None:
    report = _report({"HD101": F, "HD103": H, "HD104": None, "HD201": F})
    assert report.causes[0].support == 0.5


def test_a_symptom_a_cause_may_show_counts_as_explained_and_not_as_support() -> None:
    report = _report({**_COLLAPSE, "HD102": F, "HD201": F})
    assert report.causes[0].explains == ("HD101", "HD102", "HD103", "HD104", "HD105")
    assert report.causes[0].support == 1
    assert report.unexplained == ()


def test_a_symptom_without_a_cause_is_listed_and_never_made_one() -> None:
    report = _report({"HD101": F, "HD103": B, "HD104": H, "HD203": F})
    assert _causes(report) == ["HD203"]
    assert report.unexplained == ("HD101",)
    assert _report({"HD101": F}).causes == ()


def test_a_cause_whose_every_symptom_is_healthy_is_a_note_and_no_cause() -> None:
    report = _report({**_WELL, "HD105": H, "HD201": F})
    assert _severities(report) == {"HD201": Severity.NOTE}
    assert (report.causes, report.remedies, report.patch) == ((), (), ())
    assert report.verdict is Verdict.HEALTHY


def test_a_lasting_cause_stays_a_warning_where_this_run_shows_nothing() -> None:
    report = _report({**_WELL, "HD105": H, "HD207": F})
    assert _severities(report) == {"HD207": Severity.WARNING}
    assert (_causes(report), report.verdict) == (["HD207"], Verdict.AT_RISK)
    assert report.causes[0].support == 0


def test_a_cause_whose_symptoms_were_not_measured_is_a_warning_without_support_if_it_was_found() -> None:
    found, borderline = _report({"HD101": None, "HD201": F}), _report({"HD101": None, "HD201": B})
    assert _severities(found) == {"HD201": Severity.WARNING}
    assert found.causes[0].support is None
    assert _severities(borderline) == {"HD201": Severity.NOTE}


def test_a_cause_is_as_grave_as_what_it_shows() -> None:
    assert _severities(_report({"HD101": B, "HD201": F}))["HD201"] is Severity.WARNING
    assert _severities(_report({"HD101": F, "HD201": B}))["HD201"] is Severity.ERROR


def test_before_training_a_cause_is_as_grave_as_its_own_judgement() -> None:
    report = diagnose(Loaded(case=_planned()), _results({"HD201": F, "HD202": B}))
    assert _severities(report) == {"HD201": Severity.ERROR, "HD202": Severity.WARNING}


def test_a_secondary_symptom_is_a_warning_at_most() -> None:
    report = _report({**_WELL, "HD106": F, "HD107": B})
    assert _severities(report) == {"HD106": Severity.WARNING, "HD107": Severity.NOTE}


def test_findings_come_worst_first_then_by_code() -> None:
    report = _report({"HD101": B, "HD103": F, "HD107": B, "HD201": F, "HD202": F})
    assert [finding.code for finding in report.findings] == ["HD103", "HD201", "HD202", "HD101", "HD107"]


def test_a_finding_names_its_remedies_and_carries_its_numbers() -> None:
    report = _report({**_COLLAPSE, "HD201": F})
    finding = next(finding for finding in report.findings if finding.code == "HD201")
    assert finding.remedies == ("normalised-positions", "seq2seq", "warm-start", "delta-space")
    assert finding.evidence == _MEASURED["HD201"]
    assert {remedy.id for remedy in report.remedies} == set(finding.remedies)


# Verdicts of a checkpoint


def test_a_run_is_healthy_only_where_the_three_deciding_symptoms_were_measured() -> None:
    assert _report(_WELL).verdict is Verdict.HEALTHY
    for code in _WELL:
        assert _report({**_WELL, code: None}).verdict is Verdict.UNDETERMINED
        assert _report({other: H for other in _WELL if other != code}).verdict is Verdict.UNDETERMINED


@pytest.mark.parametrize("code", ["HD101", "HD103", "HD104", "HD105", "HD108"])
def test_one_symptom_that_was_found_is_a_collapse(code: str) -> None:
    more = _result(code, F, {"non_finite_weights": 3.0} if code == "HD108" else None)
    judged = {each: judgement for each, judgement in _WELL.items() if each != code}
    assert _report(judged, more).verdict is Verdict.COLLAPSED


@pytest.mark.parametrize("code", ["HD101", "HD103", "HD104", "HD105"])
def test_a_borderline_symptom_is_a_risk(code: str) -> None:
    assert _report({**_WELL, code: B}).verdict is Verdict.AT_RISK


@pytest.mark.parametrize("code", ["HD102", "HD106", "HD107"])
def test_a_secondary_symptom_never_makes_a_collapse(code: str) -> None:
    assert _report({**_WELL, code: F}).verdict is Verdict.HEALTHY
    assert _report({**_WELL, code: B}).verdict is Verdict.HEALTHY


#: Of each symptom that overshoots, a measurement above what is healthy and one above what is tolerable.
_OVERSHOT = {
    "HD101": ("spread_ratio", 5.0, 9.0),
    "HD103": ("time_std_ratio", 6.0, 11.0),
    "HD104": ("latent_std_ratio", 5.0, 9.0),
    "HD105": ("prior_fit_spread", 5.0, 9.0),
}
_FITTING: Mapping[str, float] = {"velocity_std_ratio": 1.0, "skill": 0.8}


def _too_much(code: str, value: float) -> Report:
    name, *_ = _OVERSHOT[code]
    measured = {**_MEASURED[code], **{each: _FITTING[each] for each in _FITTING if each in _MEASURED[code]}, name: value}
    return _report({each: H for each in _WELL if each != code} | {"HD201": F}, _result(code, B, measured))


@pytest.mark.parametrize("code", _OVERSHOT)
def test_too_much_is_a_warning_and_neither_a_collapse_nor_explained(code: str) -> None:
    report = _too_much(code, _OVERSHOT[code][1])
    assert report.verdict is Verdict.HEALTHY
    assert _severities(report) == {code: Severity.WARNING, "HD201": Severity.NOTE}
    assert report.unexplained == (code,)


@pytest.mark.parametrize("code", _OVERSHOT)
def test_what_explodes_is_a_risk_and_says_so_itself(code: str) -> None:
    report = _too_much(code, _OVERSHOT[code][2])
    assert (report.verdict, _severities(report)[code]) == (Verdict.AT_RISK, Severity.WARNING)
    message = next(finding.message for finding in report.findings if finding.code == code)
    assert report.sentence == f"{message[0].upper()}{message[1:]}."


@pytest.mark.parametrize("code", _WELL)
def test_the_sentence_of_a_healthy_run_ends_with_what_is_too_much(code: str) -> None:
    report = _too_much(code, _OVERSHOT[code][1])
    message = next(finding.message for finding in report.findings if finding.code == code)
    assert report.sentence.startswith("Generated paths spread")
    assert report.sentence.endswith(f"That is no collapse, but {message}.")


@pytest.mark.parametrize("code", ["HD101", "HD105", "HD206"])
def test_a_crashed_probe_leaves_nothing_healthy(code: str) -> None:
    judged = {each: judgement for each, judgement in _WELL.items() if each != code}
    report = _report(judged, _crashed(code))
    assert report.verdict is Verdict.UNDETERMINED
    assert report.exit_code() is ExitCode.INTERNAL
    (finding,) = report.findings
    assert (finding.code, finding.kind, finding.severity) == ("HD003", Kind.TOOL, Severity.ERROR)
    assert finding.message == f"{code} crashed, nothing is known from it: ValueError: odd"
    assert report.sentence == f"{code} crashed, nothing is known from it: ValueError: odd."
    assert finding.fingerprint == f"HD003:{code}"


def test_a_collapse_that_was_seen_is_one_even_where_another_probe_crashed() -> None:
    report = _report({"HD101": F, "HD103": H}, _crashed("HD104"))
    assert report.verdict is Verdict.COLLAPSED
    assert report.sentence.startswith("Generated values have a std of 1")
    assert report.exit_code() is ExitCode.INTERNAL


def test_untrained_weights_are_no_collapse() -> None:
    untrained = _result("HD108", F, _UNTRAINED)
    without, with_cause = _report(_COLLAPSE, untrained), _report({**_COLLAPSE, "HD201": F}, untrained)
    assert (without.verdict, with_cause.verdict) == (Verdict.UNDETERMINED, Verdict.AT_RISK)
    assert without.sentence.startswith("Every weight lies within the bounds of its random start (largest 0.9900")


def test_weights_a_hair_beyond_their_start_are_trained() -> None:
    hair = _result("HD108", H, {"non_finite_weights": 0.0, "excess_over_start": 1.0})
    assert _report(_COLLAPSE, hair).verdict is Verdict.COLLAPSED


def test_a_cause_that_shows_makes_a_risk_of_borderline_symptoms() -> None:
    assert _report({"HD101": B, "HD103": H, "HD104": H, "HD202": F}).verdict is Verdict.AT_RISK


# Verdicts before training


def _planned(
    head: Activation = Activation.LINEAR,
    architecture: Architecture = Architecture.LSTM,
    *,
    epochs: int = 100,
    samples: Samples | None = None,
    facts: NetworkFacts | None = None,
    data: DataSummary | None = None,
) -> Case:
    known = builders.settings({**builders.SOUND, "training.reconstruction_epochs": epochs})
    targets = builders.strokes(0)
    return builders.case(
        Samples(sequences=targets, loss_targets=targets) if samples is None else samples,
        known=known,
        facts=builders.network(head, architecture=architecture) if facts is None else facts,
        data=builders.summary() if data is None else data,
    )


def _preflight(judged: Mapping[str, Judgement | None], case: Case, *more: ProbeResult) -> Verdict:
    return diagnose(Loaded(case=case), _results(judged, *more)).verdict


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
    assert _preflight(judged, _planned(head, architecture)) is verdict


def test_a_run_that_starts_from_pretrained_weights_is_judged_by_its_contract() -> None:
    skipped = {"HD201": None, "HD202": None}
    assert _preflight({**skipped, "HD207": H}, _planned(epochs=0)) is Verdict.HEALTHY
    assert _preflight({**skipped, "HD207": None}, _planned(epochs=0)) is Verdict.UNDETERMINED
    assert _preflight({**skipped, "HD207": H}, _planned(epochs=5)) is Verdict.UNDETERMINED


def test_a_config_without_data_or_without_a_network_is_undetermined() -> None:
    judged = {"HD201": None, "HD202": None}
    without_data = _planned(samples=Samples())
    without_network = replace(_planned(), network=None)
    assert _preflight(judged, without_data) is Verdict.UNDETERMINED
    assert _preflight(judged, without_network) is Verdict.UNDETERMINED


def test_a_crash_before_training_is_undetermined() -> None:
    assert _preflight({"HD201": H, "HD202": H}, _planned(), _crashed("HD203")) is Verdict.UNDETERMINED


def test_a_config_whose_learning_rate_is_not_known_is_not_called_healthy() -> None:
    known = builders.settings(builders.SOUND, unknown=("training.lr.generator",))
    case = replace(_planned(), settings=known)
    deciding = [builders.probe("HD201"), builders.probe("HD202")]
    assert diagnose(Loaded(case=case), examine(case, deciding)).verdict is Verdict.UNDETERMINED


# Confidence


@pytest.mark.parametrize(
    ("judged", "confidence"),
    [
        ({**_WELL, "HD105": H}, Confidence.HIGH),
        (_WELL, Confidence.MEDIUM),
        ({**_COLLAPSE, "HD201": F}, Confidence.HIGH),
        ({**_COLLAPSE, "HD203": F}, Confidence.HIGH),
        (_COLLAPSE, Confidence.MEDIUM),
        ({"HD101": F, "HD103": H, "HD104": H, "HD105": H, "HD201": F}, Confidence.MEDIUM),
        ({"HD101": F, "HD105": F, "HD201": F}, Confidence.LOW),
        ({"HD101": None}, Confidence.LOW),
    ],
)
def test_confidence_is_how_much_of_what_decides_was_measured(
    judged: Mapping[str, Judgement | None], confidence: Confidence
) -> None:
    assert _report(judged).confidence is confidence


def test_fewer_than_64_targets_leave_no_verdict_sure() -> None:
    few = replace(_trained(), samples=builders.samples(builders.strokes(0, rows=63), builders.strokes(1)))
    assert _report({**_WELL, "HD105": H}, case=few).confidence is Confidence.MEDIUM


def test_before_training_confidence_is_never_high() -> None:
    judged = {"HD201": F, "HD202": F}
    with_data, without = _planned(), _planned(samples=Samples())
    assert diagnose(Loaded(case=with_data), _results(judged)).confidence is Confidence.MEDIUM
    assert diagnose(Loaded(case=without), _results(judged)).confidence is Confidence.LOW


# Sentences


def test_the_sentence_of_a_healthy_run_carries_the_three_ratios() -> None:
    assert _report(_WELL).sentence == ("Generated paths spread 0.50, move 0.25 and differ 0.75 times as much as their targets.")


def test_the_sentence_of_a_collapse_is_its_best_causes() -> None:
    report = _report({**_COLLAPSE, "HD201": F, "HD203": F})
    assert report.sentence == report.causes[0].message[0].upper() + report.causes[0].message[1:] + "."
    assert "96.0% of the targets" in report.sentence


def test_the_sentence_of_a_collapse_without_a_cause_is_its_gravest_findings() -> None:
    assert _report({"HD101": B, "HD103": F}).sentence == ("Within a path the position varies 0.250 as much as in a real one.")


def test_the_sentence_of_a_risk_is_the_runs_and_not_the_tools() -> None:
    tool = ToolFinding(code=ToolCode.CONFIG_VALUE, message="data.batch_size is 'x'", serious=True)
    loaded = Loaded(case=_trained(), tool_findings=(tool,))
    report = diagnose(loaded, _results({**_WELL, "HD104": B}))
    assert report.findings[0].code == "HD002"
    assert report.sentence.startswith("At a given step the sequences of different latents vary 0.750")


def test_a_sentence_that_begins_with_a_key_spells_it_as_it_is() -> None:
    report = _report({**_COLLAPSE, "HD208": F}, _result("HD108", H), case=_trained())
    assert report.sentence.startswith("No warm-up runs")
    reset = {"epochs": 5.0, "starts_from_checkpoint": 0.0, "reset": 1.0, "loss_weight": 1.0}
    report = _report(_COLLAPSE, _result("HD208", F, reset))
    assert report.sentence.startswith("training.reset_generator_after_warmup is on")


def test_before_training_the_sentence_does_not_ask_for_symptoms() -> None:
    without = replace(_planned(samples=Samples()), absent={Need.TARGETS: "no data given"})
    sentence = diagnose(Loaded(case=without), _results({"HD204": B})).sentence
    assert "no data given" not in sentence


def test_of_a_checkpoint_without_data_the_sentence_says_what_was_not_measured() -> None:
    without = replace(_trained(), samples=Samples(), absent={Need.TARGETS: "no data given"})
    assert _report({"HD207": F}, case=without).sentence.endswith(" Symptoms could not be measured: no data given.")


def test_the_sentence_of_a_config_says_what_only_a_checkpoint_can_show() -> None:
    report = diagnose(Loaded(case=_planned()), _results({"HD201": None, "HD202": H}))
    assert report.sentence.endswith("only its checkpoint can show more.")


def test_the_sentence_of_an_undetermined_run_gives_each_reason_once() -> None:
    report = _report({"HD101": None, "HD103": None, "HD204": None})
    assert report.sentence == "Too little could be measured to tell: HD101 was skipped; HD103 was skipped."
    assert _report({}).sentence == "Too little could be measured to tell: no probe was run."


@pytest.mark.parametrize("code", sorted(set(_MEASURED) - {"HD207"}))
def test_every_message_but_the_broken_contracts_carries_a_number(code: str) -> None:
    message = builders.probe(code).message(_trained(), _MEASURED[code])
    assert re.search(r"\d", message)
    assert "\n" not in message
    assert not message.endswith(".")


# Locations and fingerprints


def test_a_cause_points_at_its_line_in_the_config() -> None:
    report = _report({**_COLLAPSE, "HD201": F})
    finding = next(finding for finding in report.findings if finding.code == "HD201")
    line = list(builders.SOUND).index("model.generator.activation_xy") + 1
    key = "model.generator.activation_xy"
    assert finding.location == Location(file=builders.CONFIG, line=line, key=key, origin=Origin.EXPLICIT)


def test_a_cause_whose_key_the_file_does_not_spell_out_points_at_the_file() -> None:
    report = _report({**_COLLAPSE, "HD205": F})
    finding = next(finding for finding in report.findings if finding.code == "HD205")
    assert finding.location == Location(file=builders.CONFIG, key="training.warmup_noise_std", origin=Origin.DEFAULT)


@pytest.mark.parametrize(
    ("origin", "in_file", "said"),
    [
        (Origin.EXPLICIT, True, "conf.yaml:7"),
        (Origin.DEFAULT, False, "conf.yaml (no data.batch_size, the default holds)"),
        (Origin.OVERRIDE, True, "conf.yaml:7 (data.batch_size is given by --set)"),
        (Origin.OVERRIDE, False, "conf.yaml (data.batch_size is given by --set)"),
        (Origin.INFERRED, False, "conf.yaml (data.batch_size is taken from the weights)"),
    ],
)
def test_a_location_says_where_its_value_came_from(origin: Origin, in_file: bool, said: str) -> None:
    key, place = "data.batch_size", Place(file="conf.yaml", line=7)
    spelled = {key: Setting(key=key, value=8, origin=Origin.EXPLICIT, place=place)} if in_file else {}
    setting = Setting(key=key, value=16, origin=origin, place=place if origin is Origin.EXPLICIT else None)
    settings = Settings({key: setting}, source="conf.yaml", in_file=spelled)

    assert str(location_of(settings, key)) == said


def test_without_a_config_a_cause_points_at_the_checkpoint_as_every_symptom_does() -> None:
    case = replace(_trained(), settings=Settings())
    report = diagnose(Loaded(case=case), _results({"HD101": F, "HD203": F}))
    assert {finding.location for finding in report.findings} == {Location(file=builders.CHECKPOINT)}


@pytest.mark.parametrize(
    ("key", "place", "location"),
    [
        ("data.batch_size", Place(file="a.yaml", line=7), Location(file="a.yaml", line=7, key="data.batch_size")),
        ("data.batch_size", None, Location(file=builders.CONFIG, key="data.batch_size")),
        (None, None, Location(file=builders.CHECKPOINT)),
    ],
)
@pytest.mark.parametrize(("serious", "severity"), [(True, Severity.WARNING), (False, Severity.NOTE)])
def test_what_the_loader_noted_is_a_finding_of_the_tool(
    key: str | None, place: Place | None, location: Location, serious: bool, severity: Severity
) -> None:
    noted = ToolFinding(code=ToolCode.CONFIG_VALUE, message="odd", serious=serious, key=key, place=place)
    report = diagnose(Loaded(case=_trained(), tool_findings=(noted,)), _results(_WELL))
    (finding,) = report.findings
    assert (finding.code, finding.name, finding.kind) == ("HD002", "config-value", Kind.TOOL)
    assert (finding.location, finding.severity) == (location, severity)


def test_a_crash_before_training_points_at_the_config() -> None:
    report = diagnose(Loaded(case=_planned()), [_crashed("HD203")])
    assert report.findings[0].location == Location(file=builders.CONFIG, key="HD203")


def test_a_fingerprint_is_the_same_whatever_the_numbers() -> None:
    judged = {**_COLLAPSE, "HD201": F, "HD202": F}
    first = _report(judged)
    others = {code: {name: value * 7 for name, value in _MEASURED[code].items()} for code in judged}
    second = _report({}, *(_result(code, F, others[code]) for code in judged))
    assert {finding.fingerprint for finding in first.findings} == {finding.fingerprint for finding in second.findings}
    assert {finding.fingerprint for finding in first.findings} >= {"HD101:", "HD201:model.generator.activation_xy"}


# Patches


def _sick() -> Case:
    values: dict[str, Value] = {**builders.SOUND, "model.generator.activation_xy": "tanh", _SCORED: True}
    values["training.reconstruction_epochs"] = 5
    values["training.warmup_noise_std"] = 1.0
    return _trained(values)


_SCORED = "data.normalize_sequences"


def test_a_patch_merges_the_first_remedy_of_each_cause_and_changes_no_key_twice() -> None:
    report = _report({**_COLLAPSE, "HD201": F, "HD202": B, "HD205": F, "HD206": F}, case=_sick())
    assert {edit.key: (edit.old, edit.new) for edit in report.patch} == {
        "model.generator.activation_xy": ("tanh", "linear"),
        _SCORED: (True, False),
        "training.warmup_noise_std": (1.0, 0.0),
    }
    assert len({edit.key for edit in report.patch}) == len(report.patch)


def test_where_two_causes_want_another_value_the_better_supported_one_has_its_way() -> None:
    case = _trained({**builders.SOUND, "training.reconstruction_epochs": 0})
    steps = {"steps_needed": 160.0, "steps_available": 48.0, "steps_share": 0.3, "target_rms": 2.0}
    report = _report({**_COLLAPSE, "HD208": F}, _result("HD202", F, steps), case=case)
    assert _causes(report) == ["HD202", "HD208"]
    assert {remedy.id for remedy in report.remedies} >= {"enough-steps", "keep-warm-up"}
    assert [(edit.key, edit.new) for edit in report.patch] == [("training.reconstruction_epochs", 4)]


def test_the_same_remedy_of_two_causes_is_listed_once() -> None:
    report = _report({**_COLLAPSE, "HD201": F, "HD206": F}, case=_sick())
    ids = [remedy.id for remedy in report.remedies]
    assert len(set(ids)) == len(ids)
    assert ids[0] == "normalised-positions"
    assert "raw-deltas" in ids


def test_a_refused_remedy_is_listed_and_leaves_no_edit() -> None:
    report = _report({**_COLLAPSE, "HD201": F}, case=_sick())
    refused = [remedy for remedy in report.remedies if remedy.status is RemedyStatus.REFUSED]
    assert [remedy.id for remedy in refused] == ["delta-space"]
    assert "training.absolute_coordinates" not in {edit.key for edit in report.patch}


def test_a_cause_without_edits_leaves_the_patch_empty() -> None:
    report = _report({**_WELL, "HD103": F, "HD203": F}, case=_sick())
    assert _causes(report) == ["HD203"]
    assert report.patch == ()


def test_no_cause_leaves_nothing_to_change() -> None:
    report = _report(_COLLAPSE, case=_sick())
    assert (report.remedies, report.patch) == ((), ())


# Whole reports


def test_a_healthy_run_is_healthy_from_end_to_end() -> None:
    case = builders.healthy_case()
    report = diagnose(Loaded(case=case), examine(case))
    assert (report.verdict, report.confidence) == (Verdict.HEALTHY, Confidence.HIGH)
    assert (report.findings, report.causes, report.exit_code()) == ((), (), ExitCode.CLEAN)


def test_the_reviewed_collapse_is_diagnosed_from_end_to_end() -> None:
    case = builders.collapsed_case()
    report = diagnose(Loaded(case=case), examine(case))
    assert (report.verdict, report.confidence) == (Verdict.COLLAPSED, Confidence.HIGH)
    assert _causes(report) == ["HD201", "HD202", "HD210", "HD203", "HD204"]
    assert report.causes[0].support == 1
    assert report.unexplained == ()
    assert {edit.key: edit.new for edit in report.patch} == {
        "model.generator.activation_xy": "linear",
        "training.reconstruction_epochs": 180,
        "training.warmup_latent_normalize": False,
    }
    assert report.exit_code() is ExitCode.FINDINGS


def test_a_linear_head_on_pixels_collapses_for_want_of_steps() -> None:
    collapsed = builders.collapsed_case()
    values = {**builders.SOUND, "training.reconstruction_epochs": 5}
    case = replace(collapsed, network=builders.network(), settings=builders.settings(values))
    report = diagnose(Loaded(case=case), examine(case))
    assert _causes(report)[0] == "HD202"
    assert "HD201" not in _causes(report)


def test_the_same_input_gives_the_same_report() -> None:
    case = builders.collapsed_case()
    first, second = (diagnose(Loaded(case=case), examine(case)) for _ in range(2))
    assert first == second
    assert [result.code for result in first.probes] == [probe.code for probe in PROBES]


def test_a_report_carries_what_was_looked_at() -> None:
    known = builders.settings(builders.SOUND, prefix="experiment.")
    case = replace(_trained(), settings=known)
    report = diagnose(Loaded(case=case), _results(_WELL))
    assert (report.subject, report.data) == (case.subject, case.data)
    assert report.settings == tuple(known.values())
    assert report.config_prefix == "experiment."


# Exit codes


def _finding(severity: Severity) -> Finding:
    return Finding(
        code="HD101",
        name="spread-ratio",
        kind=Kind.SYMPTOM,
        severity=severity,
        message="m",
        evidence={},
        location=Location(file=None),
    )


@pytest.mark.parametrize(
    ("verdict", "severity", "fail_on", "crashed"),
    list(itertools.product(Verdict, (None, *Severity), (None, *Severity), (False, True))),
)
def test_exit_codes_tell_findings_from_failures(
    verdict: Verdict, severity: Severity | None, fail_on: Severity | None, crashed: bool
) -> None:
    empty = diagnose(Loaded(case=builders.case(absent={Need.WEIGHTS: "none"})), [])
    report = replace(
        empty,
        verdict=verdict,
        findings=() if severity is None else (_finding(severity),),
        probes=(_crashed("HD103"),) if crashed else (),
    )
    order = [Severity.NOTE, Severity.WARNING, Severity.ERROR]
    grave = severity is not None and fail_on is not None and order.index(severity) >= order.index(fail_on)
    if crashed:
        expected = 4
    elif grave:
        expected = 1
    else:
        expected = 3 if verdict is Verdict.UNDETERMINED else 0
    assert report.exit_code(fail_on) == expected


def test_warnings_fail_by_default_and_notes_do_not() -> None:
    empty = replace(diagnose(Loaded(case=builders.case()), []), verdict=Verdict.HEALTHY)
    assert replace(empty, findings=(_finding(Severity.WARNING),)).exit_code() is ExitCode.FINDINGS
    assert replace(empty, findings=(_finding(Severity.NOTE),)).exit_code() is ExitCode.CLEAN
