"""A survey as a gate's decision: a survey is many reports, and pipelines show those by the gate's formats."""

from __future__ import annotations

from dataclasses import replace

from humouse_doctor.core.case import Subject
from humouse_doctor.core.errors import ExitCode, InputError
from humouse_doctor.core.gating import Entry, Gate, JudgedFinding, Standing
from humouse_doctor.core.report import Confidence, Report
from humouse_doctor.core.surveying import UNREADABLE, Row, State, Survey
from humouse_doctor.core.verdict import Verdict
from humouse_doctor.gate.judging import refused


def gate_of(survey: Survey) -> Gate:
    """Return an entry for each listed run; it passes if and only if the run is healthy."""
    return Gate(tool_version=survey.tool_version, entries=tuple(_entry(row, survey) for row in survey.listed))


def _entry(row: Row, survey: Survey) -> Entry:
    if row.verdict == UNREADABLE:
        return replace(refused(row.run, InputError(row.sentence)), exit_code=row.exit_code)
    report = Report(
        tool_version=survey.tool_version,
        verdict=Verdict(row.verdict),
        confidence=row.confidence or Confidence.LOW,
        sentence=row.sentence,
        subject=Subject(name=row.run, checkpoint=row.checkpoint, config=row.config, data=row.data),
        data=None,
        causes=(),
        unexplained=(),
        findings=row.findings,
        probes=(),
        remedies=(),
        patch=(),
    )
    healthy = row.state is State.HEALTHY and row.exit_code is ExitCode.CLEAN
    standing = Standing.BELOW if healthy else Standing.FAILS
    judged = tuple(
        JudgedFinding(finding=finding, standing=standing, reason="the run is healthy" if healthy else None)
        for finding in row.findings
    )
    return Entry(name=row.run, report=report, findings=judged, exit_code=row.exit_code)
