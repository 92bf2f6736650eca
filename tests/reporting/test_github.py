from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.core.errors import ExitCode
from humouse_doctor.core.gating import Entry, Gate, JudgedFinding, Policy, Standing
from humouse_doctor.core.probe import Severity
from humouse_doctor.core.report import Finding, Location, Verdict
from humouse_doctor.core.settings import Origin, Place, Setting
from humouse_doctor.gate.judging import judged_alone
from humouse_doctor.reporting import github
from tests.conftest import Golden
from tests.reporting.builders import collapsed, gated, healthy
from tests.reporting.reading import Command, commands, unescape_data, unescape_property


def _failing(*findings: Finding) -> Gate:
    judged = tuple(JudgedFinding(finding=finding, standing=Standing.FAILS) for finding in findings)
    entry = Entry(name="runs/x.pt", report=collapsed("runs/x.pt"), findings=judged, exit_code=ExitCode.FINDINGS)
    return Gate(tool_version="0.1.0", entries=(entry,))


def _of(gate: Gate, root: str = "") -> list[Command]:
    return commands(github.render(gate, root=root))[0]


def _cause(**changes: object) -> Finding:
    return replace(next(finding for finding in collapsed().findings if finding.code == "HD201"), **changes)  # type: ignore[arg-type]


def test_the_commands_are_as_they_were(golden: Golden) -> None:
    golden("gated.github.txt", github.render(gated()))


@given(st.text())
def test_the_runner_reads_the_message_that_was_written(text: str) -> None:
    escaped = github.escape_data(text)

    assert unescape_data(escaped) == text
    assert not set("\r\n") & set(escaped)


@given(st.text() | st.text(alphabet="%0123ACD:,\r\n="))
def test_the_runner_reads_the_property_that_was_written(text: str) -> None:
    escaped = github.escape_property(text)

    assert unescape_property(escaped) == text
    assert not set("\r\n:,") & set(escaped)


def test_a_finding_stands_at_its_line_and_column_with_its_patch() -> None:
    spelled = Place(file="conf/x.yaml", line=7, column=5)
    setting = Setting(key="model.generator.activation_xy", value="tanh", origin=Origin.EXPLICIT, place=spelled)
    gate = _failing(_cause())
    entry = replace(gate.entries[0], report=replace(collapsed("runs/x.pt"), settings=(setting,)))

    (command,) = _of(replace(gate, entries=(entry,)))

    assert command.name == "error"
    assert command.properties == {"file": "conf/x.yaml", "line": "7", "col": "5", "title": "HD201 out-of-reach-targets"}
    assert command.data.splitlines() == [
        "0.3% of the loss is reachable",
        "patch: experiment.model.generator.activation_xy: 'tanh' -> 'linear'",
        "patch: experiment.training.warmup_latent_normalize: insert false (now true by default)",
        "in the code: compare with (positions - mean) / std",
        "seen in runs/x.pt",
    ]


def test_a_symptom_stands_at_the_line_of_the_cause_that_explains_it() -> None:
    symptom = next(finding for finding in collapsed("runs/x.pt").findings if finding.code == "HD101")

    (command,) = _of(_failing(symptom))

    assert (command.properties["file"], command.properties["line"]) == ("conf/x.yaml", "7")


def test_a_symptom_that_nothing_explains_stands_at_the_config() -> None:
    symptom = next(finding for finding in collapsed("runs/x.pt").findings if finding.code == "HD107")

    (command,) = _of(_failing(symptom))

    assert command.properties["file"] == "conf/x.yaml"
    assert "line" not in command.properties


def test_paths_are_relative_to_the_root() -> None:
    finding = _cause(location=Location(file="/home/ci/repo/conf/x.yaml", line=7))

    assert _of(_failing(finding), root="/home/ci/repo")[0].properties["file"] == "conf/x.yaml"
    assert _of(_failing(finding), root="/home/ci/other")[0].properties["file"] == "/home/ci/repo/conf/x.yaml"


@pytest.mark.parametrize(("severity", "name"), [("error", "error"), ("warning", "warning"), ("note", "notice")])
def test_the_level_is_that_of_the_severity(severity: str, name: str) -> None:
    assert [command.name for command in _of(_failing(_cause(severity=Severity(severity))))] == [name]


def test_only_what_fails_is_annotated() -> None:
    titles = [command.properties["title"] for command in _of(gated())]

    assert titles == ["HD101 spread-ratio", "HD001 input-refused", "HD107 direction-collapse"]


def test_the_worst_come_first_and_what_github_would_drop_is_counted() -> None:
    warnings = [_cause(severity=Severity.WARNING, message=f"warning {number}") for number in range(11)]
    errors = [_cause(severity=Severity.ERROR, message=f"error {number}") for number in range(13)]

    found, plain = commands(github.render(_failing(*warnings, *errors)))

    assert [command.data.splitlines()[0] for command in found] == [
        *(f"error {number}" for number in range(10)),
        *(f"warning {number}" for number in range(10)),
    ]
    assert plain == ["humouse-doctor: collapsed, does not pass (exit code 1); not shown: 3 more errors, 1 more warning"]


def test_a_passing_gate_is_one_plain_line() -> None:
    assert github.render(judged_alone(healthy(), Policy(), "0.1.0")) == "humouse-doctor: healthy, passes (exit code 0)\n"


def test_a_run_of_which_too_little_is_known_says_so() -> None:
    report = replace(healthy(), verdict=Verdict.UNDETERMINED, sentence="There is no data.")

    found, plain = commands(github.render(judged_alone(report, Policy(), "0.1.0")))

    assert found == [Command("error", {"title": "undetermined"}, "There is no data.\nseen in generator")]
    assert plain == ["humouse-doctor: undetermined, does not pass (exit code 3)"]


def test_a_name_cannot_start_a_command_of_its_own() -> None:
    name = "x\n::error::y\r\n##[error]z,line=1::"

    found, plain = commands(github.render(_failing(_cause(message=name, name=name, location=Location(file=name, line=3)))))

    assert len(found) == 1
    assert found[0].data.startswith("x\n::error::y\\r\n##[error]z,line=1::\n")
    assert found[0].properties["line"] == "3"
    assert len(plain) == 1
