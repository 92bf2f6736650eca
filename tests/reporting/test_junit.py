from __future__ import annotations

import re
from dataclasses import replace

import pytest
from junitparser import JUnitXml, TestCase, TestSuite

from humouse_doctor.core.errors import ExitCode
from humouse_doctor.core.gating import Entry, Gate, Policy, Standing
from humouse_doctor.core.probe import Kind, Severity, Status
from humouse_doctor.core.report import Finding, Location, Report, Verdict
from humouse_doctor.gate.judging import judged_alone
from humouse_doctor.reporting import junit
from tests.conftest import Golden
from tests.reporting.builders import collapsed, gated, healthy, without
from tests.reporting.hostile import HARMFUL, IDS, NAMES, hostile


def suites(gate: Gate) -> list[TestSuite]:
    return list(JUnitXml.fromstring(junit.render(gate).encode()))


def cases(gate: Gate, suite: int = 0) -> dict[str, TestCase]:
    found = list(suites(gate)[suite])
    named = {case.name: case for case in found}
    assert len(named) == len(found)
    return named


def kind(case: TestCase) -> str:
    """Return the kind of a test case's result; one that passes has none."""
    return type(case.result[0]).__name__ if case.result else "Passed"


def alone(report: Report) -> Gate:
    return judged_alone(report, Policy(), "0.1.0")


def crash(code: str) -> Finding:
    return Finding(
        code="HD003",
        name="probe-crashed",
        kind=Kind.TOOL,
        severity=Severity.ERROR,
        message=f"{code} crashed, nothing is known from it: ZeroDivisionError",
        evidence={},
        location=Location(file="runs/x.pt", key=code),
    )


def test_the_xml_is_as_it_was(golden: Golden) -> None:
    golden("gated.junit.xml", junit.render(gated()))


def test_there_is_a_suite_per_input_and_its_counts_are_those_of_its_cases() -> None:
    gate = gated()

    whole = JUnitXml.fromstring(junit.render(gate).encode())

    found = list(whole)
    assert [suite.name for suite in found] == [entry.name for entry in gate.entries]
    for suite in found:
        ended = [kind(case) for case in suite]
        counted = (suite.tests, suite.failures, suite.errors, suite.skipped)
        assert counted == (len(ended), ended.count("Failure"), ended.count("Error"), ended.count("Skipped"))
    for count in ("tests", "failures", "errors", "skipped"):
        assert getattr(whole, count) == sum(getattr(suite, count) for suite in found)


def test_every_finding_is_in_one_case_that_ends_as_the_finding_stands() -> None:
    gate, text = gated(), junit.render(gated())

    for entry, suite in zip(gate.entries, suites(gate), strict=True):
        said = {case.name: (kind(case), case.result[0].text if case.result else case.system_out) for case in suite}
        for judged in entry.findings:
            finding = judged.finding
            line = f"{finding.severity.value} {finding.code} {finding.name}"
            (ended,) = [how for how, told in said.values() if told and told.startswith(line)]
            fails = "Error" if entry.report is None else "Failure"
            expected = {Standing.FAILS: fails, Standing.BELOW: "Passed"}.get(judged.standing, "Skipped")
            assert ended == expected
            assert text.count(line) == 1


def test_every_probe_has_a_case() -> None:
    found = cases(gated())

    for result in collapsed().probes:
        (name,) = [name for name in found if name.split()[0] == result.code]
        if result.status is Status.CRASHED:
            assert kind(found[name]) == "Error"
        elif result.status is Status.SKIPPED:
            assert found[name].result[0].message == result.reason


def test_a_failure_tells_what_was_found_with_numbers_and_the_patch() -> None:
    failure = cases(gated())["HD101 spread-ratio"].result[0]

    assert (failure.message, failure.type) == ("0.002 of the spread", "HD101")
    assert "at runs/generator_x.pt" in failure.text
    assert "evidence: spread_ratio = 0.002" in failure.text
    assert "patch: experiment.model.generator.activation_xy: 'tanh' -> 'linear'" in failure.text


def test_a_skipped_case_says_why() -> None:
    found = cases(gated())["HD204 latent-whitening training.warmup_latent_normalize"]

    assert found.result[0].message == "ignored: known until the new head lands (until 2027-01-31)"


def test_a_crashed_probe_is_one_error_with_the_tools_own_finding() -> None:
    report = replace(healthy(), findings=(crash("HD101"),), probes=(without("HD101", Status.CRASHED, "ZeroDivisionError"),))

    found = cases(alone(report))

    assert list(found) == ["HD101 spread-ratio"]
    (error,) = found["HD101 spread-ratio"].result
    assert (error.message, error.type) == ("ZeroDivisionError", "HD003")
    assert "HD101 crashed, nothing is known from it" in error.text


def test_a_breach_of_the_policy_is_a_case_of_its_own() -> None:
    found = cases(judged_alone(healthy(), Policy(require_data=True), "0.1.0"))

    assert kind(found["HD007 policy-breach require-data"]) == "Failure"


def test_an_input_that_cannot_be_read_is_one_error() -> None:
    found = cases(gated(), 1)

    assert [(name, kind(case)) for name, case in found.items()] == [("HD001 input-refused", "Error")]


def test_a_verdict_that_cannot_be_reached_is_an_error() -> None:
    report = replace(healthy(), verdict=Verdict.UNDETERMINED, sentence="Too little could be measured to tell.")
    gate = alone(report)

    error = cases(gate)["verdict"].result[0]

    assert gate.exit_code is ExitCode.INPUT
    assert (error.message, error.type) == ("Too little could be measured to tell.", "undetermined")


@pytest.mark.parametrize("report", [collapsed(), healthy()], ids=["collapsed", "healthy"])
def test_a_suite_passes_if_and_only_if_its_input_does(report: Report) -> None:
    gate = alone(report)

    (suite,) = suites(gate)

    assert (suite.failures + suite.errors == 0) is gate.entries[0].passed


def test_equal_cases_get_a_number() -> None:
    report = collapsed()
    twice = replace(report, findings=(*report.findings, report.findings[3]))

    found = cases(alone(twice))

    assert {"HD002 config-value data.batch_size", "HD002 config-value data.batch_size (2)"} <= set(found)


def test_what_is_healed_and_noted_is_told() -> None:
    text = junit.render(gated())

    assert "healed: HD205:training.warmup_noise_std" in text
    assert "note: ignore of HD203 expired on 2026-01-01, so the finding counts again: waiting" in text


def test_a_gate_without_inputs_is_a_document_without_suites() -> None:
    entries: tuple[Entry, ...] = ()

    whole = JUnitXml.fromstring(junit.render(Gate(tool_version="0.1.0", entries=entries)).encode())

    assert (len(list(whole)), whole.tests) == (0, 0)


@pytest.mark.parametrize("name", NAMES, ids=IDS)
def test_a_hostile_name_is_harmless(name: str) -> None:
    text = junit.render(hostile(name))

    found = list(JUnitXml.fromstring(text.encode()))
    assert not HARMFUL.search(text)
    assert "<script" not in text
    assert not any(re.match(r"\s*::", line) for line in text.splitlines())
    assert [len(re.findall(r"^(?:error|warning|note) HD\d+ ", _told(suite), re.MULTILINE)) for suite in found] == [6, 1]


def _told(suite: TestSuite) -> str:
    return "\n".join(case.result[0].text or "" if case.result else case.system_out or "" for case in suite)
