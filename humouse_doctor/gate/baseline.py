"""The findings a team has decided to live with: kept by fingerprint, judged as worsened by their numbers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.core.gating import Age, Entry, Standing
from humouse_doctor.core.probe import Severity
from humouse_doctor.core.remedy import Interval
from humouse_doctor.core.report import Finding, Report, Verdict
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.inputs.files import is_file, replace_file
from humouse_doctor.inputs.stored.values import MALFORMED, items, load, number, optional, shown, table, text
from humouse_doctor.probes.registry import current

_KIND = "humouse-doctor baseline"
_VERSION = "1.0"
_OWN_CODES = tuple(tool.code for tool in ToolCode)

_MAX_RUNS = 100_000

#: Verdicts, the best first.
BY_GRAVITY = (Verdict.HEALTHY, Verdict.UNDETERMINED, Verdict.AT_RISK, Verdict.COLLAPSED)

#: The share of a number (or of its healthy bound, where that is larger) by which it must move away from health to count
#: as worsened. Of 232 pairs of the examples' sick runs trained with another seed (12 runs, 5 seeds each), 95 % moved by
#: less than 0.22 in their worst number and 99 % by less than 0.34.
WORSE_BY = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFinding:
    """A finding as it was: what it is, how grave, and the numbers it is measured against."""

    fingerprint: str
    severity: Severity
    measurements: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRun:
    """One run as it was; `path` is relative to the baseline's folder unless they share no folder but the root.

    `verdict` is None where the baseline does not have the run; `remark` says how it was found where not by its path.
    """

    path: str
    experiment: str | None
    verdict: Verdict | None
    findings: Mapping[str, KnownFinding]
    remark: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """All runs of one file."""

    source: Path
    runs: tuple[KnownRun, ...]

    def run(self, name: str, report: Report) -> KnownRun:
        """The run of that path, else the only one of the same `experiment_name`: a retraining gets another folder.

        A run the baseline does not have has no known findings.
        """
        path = key_of(name, self.source)
        same = next((run for run in self.runs if run.path == path), None)
        if same is not None:
            return same
        experiment = experiment_of(report)
        named = [run for run in self.runs if experiment is not None and run.experiment == experiment]
        if len(named) == 1:
            return replace(named[0], remark=f"judged as {named[0].path} of the baseline, its only run of {experiment}")
        several = f", which has {len(named)} runs of {experiment} at other paths" if named else ""
        return KnownRun(
            path=path,
            experiment=experiment,
            verdict=None,
            findings=MappingProxyType({}),
            remark=f"{path} is not in the baseline{several}: every finding counts as new",
        )


def key_of(name: str, baseline: Path) -> str:
    """What a run is called in the baseline: relative to its folder, so that it holds in another checkout too."""
    full, folder = Path(os.path.abspath(name)), Path(os.path.abspath(baseline)).parent  # noqa: PTH100  # keeps symlinks
    together = next((above for above in (folder, *folder.parents) if full.is_relative_to(above)), None)
    if together is None or together == together.parent:
        return full.as_posix()
    return Path(os.path.relpath(full, folder)).as_posix()


def experiment_of(report: Report) -> str | None:
    """The run's `experiment_name`, None where its config has none."""
    value = next((setting.value for setting in report.settings if setting.key == "experiment_name"), None)
    return value if isinstance(value, str) and value else None


def read(path: Path) -> Baseline:
    """A baseline from its file; raises `InputError` where it is unreadable or something else."""
    try:
        content = load(path)
        if content["kind"] != _KIND:
            raise KeyError("kind")
        if content["schema_version"] != _VERSION:
            raise InputError(f"{path}: a baseline of schema {shown(content['schema_version'])}; this version reads {_VERSION}")
        return Baseline(source=path, runs=items(_read_run, content["runs"], _MAX_RUNS))
    except OSError as error:
        raise InputError(
            f"{path}: cannot read the baseline: {error.strerror or error}; make it with --write-baseline"
        ) from None
    except MALFORMED as error:
        name = type(error).__name__
        raise InputError(f"{path}: not a baseline of humouse-doctor ({name}); make it with --write-baseline") from None


def require_replaceable(path: Path) -> None:
    """Raise `UsageError` where a file is at `path` that is no baseline: a pattern of inputs may stand where one is meant."""
    if not is_file(path):
        return
    try:
        is_ours = path.stat().st_size == 0 or load(path)["kind"] == _KIND
    except OSError as error:
        raise InputError(f"{path}: cannot read the baseline: {error.strerror or error}; nothing was changed") from None
    except MALFORMED:
        is_ours = False
    if not is_ours:
        raise UsageError(f"{path}: --write-baseline would overwrite what is not a baseline; choose another file, or remove it")


def _read_run(entry: Mapping[str, Any]) -> KnownRun:
    findings = items(_read_finding, entry["findings"])
    return KnownRun(
        path=text(entry["path"]),
        experiment=optional(text, entry["experiment"]),
        verdict=Verdict(entry["verdict"]),
        findings=MappingProxyType({known.fingerprint: known for known in findings}),
    )


def _read_finding(entry: Mapping[str, Any]) -> KnownFinding:
    return KnownFinding(
        fingerprint=text(entry["fingerprint"]),
        severity=Severity(entry["severity"]),
        measurements=table(number, entry["measurements"]),
    )


def write(path: Path, entries: Sequence[Entry], tool_version: str) -> Baseline:
    """Keep the findings of the entries at `path`, in one step, and read them back; raises `InputError`.

    What the policy ignores is not kept: it would outlive the day its ignore expires.
    """
    runs = [_run(entry.report, entry, path) for entry in entries if entry.report is not None]
    content = {
        "kind": _KIND,
        "schema_version": _VERSION,
        "tool_version": tool_version,
        "runs": sorted(runs, key=lambda run: str(run["path"])),
    }
    replace_file(path, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode(), own=True)
    return read(path)


def _run(report: Report, entry: Entry, path: Path) -> dict[str, Any]:
    kept = (judged.finding for judged in entry.findings if judged.standing is not Standing.IGNORED)
    findings = sorted(kept, key=lambda finding: finding.fingerprint)
    return {
        "path": key_of(entry.name, path),
        "experiment": experiment_of(report),
        "verdict": report.verdict.value,
        "findings": [
            {"fingerprint": f.fingerprint, "severity": f.severity.value, "measurements": dict(f.evidence)} for f in findings
        ],
    }


def age_of(finding: Finding, known: KnownRun, verdict: Verdict, thresholds: Mapping[str, Interval]) -> tuple[Age, str | None]:
    """What `finding` is to the run as it was, and in what it has worsened.

    `verdict` is the run's now; `thresholds` by `code.metric` are the policy's, in place of the healthy intervals.
    """
    before = known.findings.get(finding.fingerprint)
    if before is None:
        return Age.NEW, None
    if finding.severity.rank > before.severity.rank:
        article = "an" if finding.severity is Severity.ERROR else "a"
        return Age.WORSENED, f"was a {before.severity.value}, is {article} {finding.severity.value} now"
    if finding.code == ToolCode.POLICY_BREACH.code and set(finding.evidence) != set(before.measurements):
        return Age.WORSENED, "was not measured, is now" if finding.evidence else "was measured, is not known now"
    if finding.fingerprint == _VERDICT_BREACH and BY_GRAVITY.index(verdict) > BY_GRAVITY.index(known.verdict or verdict):
        return Age.WORSENED, f"the verdict was {known.verdict.value if known.verdict else 'not known'}"
    for name, interval, asked in _watched(finding, thresholds):
        then, now = before.measurements.get(name), finding.evidence.get(name)
        if then is not None and now is not None and has_worsened(interval, then, now):
            return Age.WORSENED, f"{name} was {then:.3g} and is {now:.3g}, {asked} {interval}"
    return Age.UNCHANGED, None


#: What a breach of a policy's `verdicts` has for a fingerprint.
_VERDICT_BREACH = f"{ToolCode.POLICY_BREACH.code}:verdicts"


def _watched(finding: Finding, thresholds: Mapping[str, Interval]) -> Iterator[tuple[str, Interval, str]]:
    """The numbers of a finding by which it can worsen, each with the interval it should be in and who says so."""
    key = finding.location.key or ""
    if finding.code == ToolCode.POLICY_BREACH.code:
        if key in thresholds:
            yield key.partition(".")[2], thresholds[key], "the policy asks"
        return
    probe = current().by_code.get(finding.code)
    for metric in probe.metrics if probe else ():
        stated = thresholds.get(f"{finding.code}.{metric.name}")
        yield metric.name, stated or metric.healthy, "the policy asks" if stated else "healthy is"


def has_worsened(healthy: Interval, then: float, now: float) -> bool:
    """Whether a number lies further from its healthy interval than another seed would explain."""
    bound = healthy.low if now < healthy.low else healthy.high
    return gap(healthy, now) - gap(healthy, then) > WORSE_BY * max(abs(then), abs(bound))


def gap(healthy: Interval, value: float) -> float:
    """How far `value` is from the healthy interval: 0 within it."""
    return max(healthy.low - value, value - healthy.high, 0.0)


def healed_of(known: KnownRun, report: Report, findings: Sequence[Finding]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The findings of the baseline that are gone: those measured and healed, and those not measured this time.

    `findings` are all there are now, the gate's own among them.
    """
    present = {finding.fingerprint for finding in findings}
    gone = sorted(fingerprint for fingerprint in known.findings if fingerprint not in present)
    measured = {result.code for result in report.probes if result.judgement is not None}
    looked_at = {fingerprint for fingerprint in gone if _probe_of(fingerprint) in {*measured, None}}
    return (
        tuple(fingerprint for fingerprint in gone if fingerprint in looked_at),
        tuple(fingerprint for fingerprint in gone if fingerprint not in looked_at),
    )


def _probe_of(fingerprint: str) -> str | None:
    """The probe that has to measure before a finding can be called gone; None for what is looked at every time."""
    code, _, key = fingerprint.partition(":")
    if code == ToolCode.POLICY_BREACH.code:
        code = key.partition(".")[0] if "." in key else code
    return None if code in _OWN_CODES else code
