from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from humouse_doctor.cases.request import Loaded
from humouse_doctor.core.case import Need
from humouse_doctor.core.errors import ExitCode
from humouse_doctor.core.probe import Kind, Severity
from humouse_doctor.core.report import Finding, Location, Verdict
from humouse_doctor.diagnosis.diagnose import diagnose
from tests import builders
from tests.diagnosis import runs


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
        probes=(runs.crashed("HD103"),) if crashed else (),
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
