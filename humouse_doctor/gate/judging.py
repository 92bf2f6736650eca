"""Judge reports by a policy: the standing of each finding, and the exit code that follows."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from types import MappingProxyType

from humouse_doctor.core.errors import DoctorError, ExitCode
from humouse_doctor.core.gating import Age, Entry, Gate, Ignore, JudgedFinding, Policy, Standing
from humouse_doctor.core.probe import Kind, ProbeResult, Severity, Status
from humouse_doctor.core.report import Finding, Location, Report, Verdict
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.gate.baseline import BY_GRAVITY, KnownRun, age_of, healed_of
from humouse_doctor.probes.registry import current, unmeasured


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """A policy on a given day; its patterns also match paths relative to `folder`."""

    policy: Policy
    today: date
    folder: Path | None = None

    def entry(self, name: str, report: Report, known: KnownRun | None = None) -> Entry:
        """Judge one report; with a baseline, compared with the known run."""
        findings = sorted([*report.findings, *self._breaches(report)], key=lambda finding: -finding.severity.rank)
        paths = self._paths(name, report)
        judged = tuple(self._judged(finding, report, paths, known) for finding in findings)
        healed, not_healed = ((), ()) if known is None else healed_of(known, report, findings)
        notes = list(not_healed)
        exit_code = _exit_code(report, judged)
        if exit_code is ExitCode.INPUT and report.verdict is not Verdict.UNDETERMINED:
            notes.append(f"nothing fails, and too little is known to pass: {unmeasured(report)}")
        if known is not None and known.remark is not None and (findings or known.findings):
            notes.append(known.remark)
        return Entry(
            name=name,
            report=report,
            findings=judged,
            exit_code=exit_code,
            healed=healed,
            notes=(*self._expired(findings, paths), *notes),
        )

    def unused(self, entries: Sequence[Entry]) -> tuple[str, ...]:
        """Return notes on ignores whose finding was looked for, in the inputs they match, and not found."""
        notes = []
        for ignore in self.policy.ignores:
            looked = [e for e in entries if e.report is not None and _fits(ignore.path, self._paths(e.name, e.report))]
            measured = any(_looks_for(ignore.code, e.report) for e in looked if e.report is not None)
            if measured and not any(ignore.code in _codes(judged.finding) for e in looked for judged in e.findings):
                where = f" in {ignore.path}" if ignore.path else ""
                notes.append(f"ignore of {ignore.code}{where} is not used: no such finding any more")
        return tuple(notes)

    def _paths(self, name: str, report: Report) -> tuple[str, ...]:
        """Return all paths a pattern may match.

        These are input, config and checkpoint, as given, absolute, and from the policy's folder.
        """
        named = [path for path in (name, report.subject.config, report.subject.checkpoint) if path is not None]
        full = [Path(os.path.abspath(path)) for path in named]  # noqa: PTH100  # keeps symlinks, which resolve() follows
        below = [path.relative_to(self.folder) for path in full if self.folder and path.is_relative_to(self.folder)]
        return tuple(dict.fromkeys(path.as_posix() for path in (*map(PurePath, named), *full, *below)))

    def _judged(self, finding: Finding, report: Report, paths: Sequence[str], known: KnownRun | None) -> JudgedFinding:
        standing, reason = self._standing(finding, report, paths)
        if known is None:
            return JudgedFinding(finding=finding, standing=standing, reason=reason)
        age, worse = age_of(finding, known, report.verdict, self.policy.thresholds)
        crashed = finding.code == ToolCode.PROBE_CRASHED.code
        if standing is Standing.FAILS and age is Age.UNCHANGED and not crashed:
            return JudgedFinding(finding=finding, standing=Standing.KNOWN, reason="in the baseline", age=age)
        return JudgedFinding(finding=finding, standing=standing, reason=reason or worse, age=age)

    def _standing(self, finding: Finding, report: Report, paths: Sequence[str]) -> tuple[Standing, str | None]:
        policy = self.policy
        if finding.code == ToolCode.PROBE_CRASHED.code:
            return Standing.FAILS, None
        ignore = self._ignore_of(finding, paths)
        if ignore is not None:
            until = f" (until {ignore.expires.isoformat()})" if ignore.expires else ""
            return Standing.IGNORED, f"{ignore.reason}{until}"
        if finding.code == ToolCode.POLICY_BREACH.code:
            return Standing.FAILS, None
        if policy.select and not finding.code.startswith(policy.select):
            return Standing.NOT_SELECTED, f"the policy selects {', '.join(policy.select)}"
        accepted = self._accepted(finding, report)
        if accepted is not None:
            return Standing.ACCEPTED, accepted
        if policy.fail_on is None or finding.severity.rank < policy.fail_on.rank:
            named = "never" if policy.fail_on is None else policy.fail_on.value
            article = "an" if finding.severity is Severity.ERROR else "a"
            return Standing.BELOW, f"{article} {finding.severity.value}; fail-on is {named}"
        return Standing.FAILS, None

    def _ignore_of(self, finding: Finding, paths: Sequence[str]) -> Ignore | None:
        """Return the ignore that covers `finding` today."""
        return next((i for i in self.policy.ignores if _covers(i, finding, paths) and not self._is_over(i)), None)

    def _is_over(self, ignore: Ignore) -> bool:
        return ignore.expires is not None and ignore.expires < self.today

    def _expired(self, findings: Iterable[Finding], paths: Sequence[str]) -> tuple[str, ...]:
        counting = [finding for finding in findings if self._ignore_of(finding, paths) is None]
        over = [i for i in self.policy.ignores if self._is_over(i) and any(_covers(i, found, paths) for found in counting)]
        return tuple(f"ignore of {i.code} expired on {i.expires}, so the finding counts again: {i.reason}" for i in over)

    def _accepted(self, finding: Finding, report: Report) -> str | None:
        """Return the reason if the policy's thresholds accept a finding, else None.

        They accept it if every number that its probe finds unhealthy lies within them.
        """
        thresholds, probe = self.policy.thresholds, current().by_code.get(finding.code)
        result = next((result for result in report.probes if result.code == finding.code), None)
        if probe is None or result is None:
            return None
        measured = [
            (metric, result.measurements[metric.name]) for metric in probe.metrics if metric.name in result.measurements
        ]
        unhealthy = [(f"{probe.code}.{metric.name}", value) for metric, value in measured if value not in metric.healthy]
        if not unhealthy or not all(name in thresholds and value in thresholds[name] for name, value in unhealthy):
            return None
        return "; ".join(f"{name} is {value:.3g}, the policy asks {thresholds[name]}" for name, value in unhealthy)

    def _breaches(self, report: Report) -> Iterable[Finding]:
        """Yield a finding for each demand of the policy that the report does not meet."""
        policy, results = self.policy, {result.code: result for result in report.probes}
        for name, interval in policy.thresholds.items():
            message = _breach(name, results.get(name.partition(".")[0]), before_training=report.before_training)
            value = None if message else _value(name, results)
            if value is not None and value not in interval:
                message = f"{name} is {value:.3g}, the policy asks {interval}"
            if message:
                yield _finding(report, name, message, {} if value is None else {name.partition(".")[2]: value})
        if policy.require_data and report.data is None:
            yield _finding(report, "require-data", "no data was looked at, and the policy requires it; add --data")
        if policy.verdicts and report.verdict not in (*policy.verdicts, Verdict.UNDETERMINED):  # undetermined never passes
            allowed = " or ".join(verdict.value for verdict in policy.verdicts)
            yield _finding(report, "verdicts", f"the verdict is {report.verdict.value}, the policy accepts {allowed}")


def _value(name: str, results: Mapping[str, ProbeResult]) -> float | None:
    code, _, metric = name.partition(".")
    return results[code].measurements.get(metric) if code in results else None


def _breach(name: str, result: ProbeResult | None, *, before_training: bool) -> str | None:
    """Return the reason if a threshold cannot be checked, else None.

    A symptom's threshold does not apply before training.
    """
    metric = name.partition(".")[2]
    if result is not None and metric in result.measurements:
        return None
    if before_training and current().by_code[name.partition(".")[0]].kind is Kind.SYMPTOM:
        return None
    reason = "its probe was not run" if result is None else (result.reason or "it was not measured")
    return f"{name} is not known, and the policy has a threshold for it: {reason}"


def _finding(report: Report, key: str, message: str, evidence: Mapping[str, float] | None = None) -> Finding:
    return Finding(
        code=ToolCode.POLICY_BREACH.code,
        name=ToolCode.POLICY_BREACH.label,
        kind=Kind.TOOL,
        severity=Severity.ERROR,
        message=message,
        evidence=MappingProxyType(dict(evidence or {})),
        location=Location(file=report.subject.config or report.subject.checkpoint, key=key),
    )


def refused(name: str, error: DoctorError) -> Entry:
    """Return the entry of an input that could not be read."""
    finding = Finding(
        code=ToolCode.REFUSED.code,
        name=ToolCode.REFUSED.label,
        kind=Kind.TOOL,
        severity=Severity.ERROR,
        message=str(error),
        evidence=MappingProxyType({}),
        location=Location(file=name),
    )
    judged = JudgedFinding(finding=finding, standing=Standing.FAILS)
    return Entry(name=name, report=None, findings=(judged,), exit_code=error.exit_code)


def _exit_code(report: Report, judged: Iterable[JudgedFinding]) -> ExitCode:
    if any(result.status is Status.CRASHED for result in report.probes):
        return ExitCode.INTERNAL
    if any(found.standing is Standing.FAILS for found in judged):
        return ExitCode.FINDINGS
    return ExitCode.CLEAN if is_known(report) else ExitCode.INPUT


def is_known(report: Report) -> bool:
    """Return True if enough was measured for a verdict that does not rest on the findings alone.

    One cause makes a run at-risk even if nothing else could be measured; with that cause accepted, nothing is known about
    the run.
    """
    if report.verdict is Verdict.UNDETERMINED or any(result.status is Status.CRASHED for result in report.probes):
        return False
    return report.verdict is Verdict.HEALTHY or not unmeasured(report)


def _covers(ignore: Ignore, finding: Finding, paths: Iterable[str]) -> bool:
    return ignore.code in _codes(finding) and _fits(ignore.path, paths)


def _codes(finding: Finding) -> tuple[str, ...]:
    """Return the codes that an ignore of this finding may name: its own, and for a breached threshold the probe's too."""
    metric = finding.location.key or ""
    if finding.code == ToolCode.POLICY_BREACH.code and "." in metric:
        return finding.code, metric.partition(".")[0]
    return (finding.code,)


def _fits(pattern: str | None, paths: Iterable[str]) -> bool:
    """Return True if a glob matches one of `paths`, which use slashes.

    A pattern equal to a path also matches, even if that path contains brackets. As in fnmatch, `*` also matches slashes.
    """
    wanted = None if pattern is None else PurePath(pattern).as_posix()
    return wanted is None or any(path == wanted or fnmatchcase(path, wanted) for path in paths)


def _looks_for(code: str, report: Report) -> bool:
    """Return True if the report would show a finding of `code`: for a probe's code, only if it measured."""
    return code not in current().by_code or any(
        result.code == code and result.judgement is not None for result in report.probes
    )


def worst_first(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Sort entries by exit code, verdict and number of failing findings, worst first; ties keep their order."""

    def badness(entry: Entry) -> tuple[int, int, int]:
        verdict = len(BY_GRAVITY) if entry.report is None else BY_GRAVITY.index(entry.report.verdict)
        return -int(entry.exit_code), -verdict, -len(entry.failing)

    return tuple(sorted(entries, key=badness))


def judged_alone(report: Report, policy: Policy, tool_version: str) -> Gate:
    """Return a gate with one report: `inspect` uses it for the formats that show standings."""
    entry = Judge(policy=policy, today=date.min).entry(report.subject.name, report)
    alone = replace(entry, exit_code=report.exit_code(policy.fail_on), notes=())  # the exit code of `inspect` itself
    return Gate(tool_version=tool_version, entries=(alone,), policy=policy)
