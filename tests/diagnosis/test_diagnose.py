from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from humouse_doctor.cases.request import Loaded, Request, ToolFinding
from humouse_doctor.core.errors import ExitCode
from humouse_doctor.core.probe import Kind, Severity
from humouse_doctor.core.report import Confidence, Location, Verdict
from humouse_doctor.core.settings import Origin, Place, Setting, Settings
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.diagnosis.diagnose import diagnose, location_of
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.probes.registry import PROBES
from humouse_doctor.service.commands import report_on
from tests import builders
from tests.diagnosis import runs
from tests.diagnosis.runs import B, F
from tests.verify.runs import write_config, write_data


def test_findings_come_worst_first_then_by_code() -> None:
    report = runs.report({"HD101": B, "HD103": F, "HD107": B, "HD201": F, "HD202": F})
    assert [finding.code for finding in report.findings] == ["HD103", "HD201", "HD202", "HD101", "HD107"]


def test_findings_of_one_code_come_by_key_with_those_of_none_before() -> None:
    keys = ("training.lr.generator", None, "data.batch_size")
    noted = tuple(ToolFinding(code=ToolCode.CONFIG_VALUE, message="odd", serious=True, key=key) for key in keys)
    report = diagnose(Loaded(case=runs.trained(), tool_findings=noted), runs.results(runs.WELL))
    assert [finding.location.key for finding in report.findings] == [None, "data.batch_size", "training.lr.generator"]


def test_a_finding_names_its_remedies_and_carries_its_numbers() -> None:
    report = runs.report({**runs.COLLAPSE, "HD201": F})
    finding = next(finding for finding in report.findings if finding.code == "HD201")
    assert finding.remedies == ("normalised-positions", "seq2seq", "warm-start", "delta-space")
    assert finding.evidence == runs.MEASURED["HD201"]
    assert {remedy.id for remedy in report.remedies} == set(finding.remedies)


@pytest.mark.parametrize("code", ["HD101", "HD105", "HD206"])
def test_a_crashed_probe_leaves_nothing_healthy(code: str) -> None:
    judged = {each: judgement for each, judgement in runs.WELL.items() if each != code}
    report = runs.report(judged, runs.crashed(code))
    assert report.verdict is Verdict.UNDETERMINED
    assert report.exit_code() is ExitCode.INTERNAL
    (finding,) = report.findings
    assert (finding.code, finding.kind, finding.severity) == ("HD003", Kind.TOOL, Severity.ERROR)
    assert finding.message == f"{code} crashed, nothing is known from it: ValueError: odd"
    assert report.sentence == f"{code} crashed, nothing is known from it: ValueError: odd."
    assert finding.fingerprint == f"HD003:{code}"


def test_a_cause_points_at_its_line_in_the_config() -> None:
    report = runs.report({**runs.COLLAPSE, "HD201": F})
    finding = next(finding for finding in report.findings if finding.code == "HD201")
    line = list(builders.SOUND).index("model.generator.activation_xy") + 1
    key = "model.generator.activation_xy"
    assert finding.location == Location(file=builders.CONFIG, line=line, key=key, origin=Origin.EXPLICIT)


def test_a_cause_whose_key_the_file_does_not_spell_out_points_at_the_file() -> None:
    report = runs.report({**runs.COLLAPSE, "HD205": F})
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
    case = replace(runs.trained(), settings=Settings())
    report = diagnose(Loaded(case=case), runs.results({"HD101": F, "HD203": F}))
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
    report = diagnose(Loaded(case=runs.trained(), tool_findings=(noted,)), runs.results(runs.WELL))
    (finding,) = report.findings
    assert (finding.code, finding.name, finding.kind) == ("HD002", "config-value", Kind.TOOL)
    assert (finding.location, finding.severity) == (location, severity)


def test_a_crash_before_training_points_at_the_config() -> None:
    report = diagnose(Loaded(case=runs.planned()), [runs.crashed("HD203")])
    assert report.findings[0].location == Location(file=builders.CONFIG, key="HD203")


def test_a_fingerprint_is_the_same_whatever_the_numbers() -> None:
    judged = {**runs.COLLAPSE, "HD201": F, "HD202": F}
    first = runs.report(judged)
    others = {code: {name: value * 7 for name, value in runs.MEASURED[code].items()} for code in judged}
    second = runs.report({}, *(runs.result(code, F, others[code]) for code in judged))
    assert {finding.fingerprint for finding in first.findings} == {finding.fingerprint for finding in second.findings}
    assert {finding.fingerprint for finding in first.findings} >= {"HD101:", "HD201:model.generator.activation_xy"}


def test_a_healthy_run_is_healthy_from_end_to_end() -> None:
    case = builders.healthy_case()
    report = diagnose(Loaded(case=case), examine(case))
    assert (report.verdict, report.confidence) == (Verdict.HEALTHY, Confidence.HIGH)
    assert (report.findings, report.causes, report.exit_code()) == ((), (), ExitCode.CLEAN)


def test_the_reviewed_collapse_is_diagnosed_from_end_to_end() -> None:
    case = builders.collapsed_case()
    report = diagnose(Loaded(case=case), examine(case))
    assert (report.verdict, report.confidence) == (Verdict.COLLAPSED, Confidence.HIGH)
    assert runs.causes(report) == ["HD201", "HD202", "HD210", "HD203", "HD204"]
    assert report.causes[0].support == 1
    assert report.unexplained == ()
    assert {edit.key: edit.new for edit in report.patch} == {
        "model.generator.activation_xy": "linear",
        "training.reconstruction_epochs": 320,
        "training.warmup_latent_normalize": False,
    }
    assert report.exit_code() is ExitCode.FINDINGS


def test_a_linear_head_on_pixels_collapses_for_want_of_steps() -> None:
    collapsed = builders.collapsed_case()
    values = {**builders.SOUND, "training.reconstruction_epochs": 5}
    case = replace(collapsed, network=builders.network(), settings=builders.settings(values))
    report = diagnose(Loaded(case=case), examine(case))
    assert runs.causes(report)[0] == "HD202"
    assert "HD201" not in runs.causes(report)


def test_the_same_input_gives_the_same_report() -> None:
    case = builders.collapsed_case()
    first, second = (diagnose(Loaded(case=case), examine(case)) for _ in range(2))
    assert first == second
    assert [result.code for result in first.probes] == [probe.code for probe in PROBES]


def test_a_report_carries_what_was_looked_at() -> None:
    known = builders.settings(builders.SOUND, prefix="experiment.")
    case = replace(runs.trained(), settings=known)
    report = diagnose(Loaded(case=case), runs.results(runs.WELL))
    assert (report.subject, report.data) == (case.subject, case.data)
    assert report.settings == tuple(known.values())
    assert report.config_prefix == "experiment."


def test_the_patch_of_a_run_without_a_warm_up_holds_what_that_warm_up_needs(tmp_path: Path) -> None:
    config, data = write_config(tmp_path), write_data(tmp_path)
    config.write_text(config.read_text().replace("reconstruction_epochs: 6", "reconstruction_epochs: 0"))

    report = report_on(Request(config=config, data=data))

    assert report.causes[0].code == "HD208"
    patch = {edit.key: edit.new for edit in report.patch}
    steps_of_an_epoch = 64 // 16
    assert patch["training.reconstruction_epochs"] == math.ceil(1_500 / steps_of_an_epoch)
    assert patch["training.warmup_latent_normalize"] is False  # HD204, of a latent that no warm-up has whitened yet
    epochs = next(remedy for remedy in report.remedies if remedy.id == "keep-warm-up").edits
    assert [edit.new for edit in epochs] == [patch["training.reconstruction_epochs"]]


def test_that_warm_up_has_the_steps_for_the_rate_that_the_patch_sets(tmp_path: Path) -> None:
    config, data = write_config(tmp_path, head="linear"), write_data(tmp_path)
    text = config.read_text().replace("reconstruction_epochs: 6", "reconstruction_epochs: 0").replace("5.0e-3", "0.3")
    config.write_text(text.replace("normalize_sequences", "max_gestures: 64\n    normalize_sequences"))
    with np.load(data) as stored:
        np.savez(data, sequences=stored["sequences"] * np.array([300.0, 300.0, 1.0]))

    chosen = report_on(Request(config=config, data=data)).chosen

    assert "usual-rate" in chosen
    assert "normalised-positions" in chosen  # HD202, which the high rate hides
