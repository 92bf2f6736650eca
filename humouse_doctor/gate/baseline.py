"""The findings a team has decided to live with: kept by fingerprint, judged as worsened by their numbers."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.core.files import replace_file
from humouse_doctor.core.gating import Age, Entry
from humouse_doctor.core.probe import Metric, Severity
from humouse_doctor.core.report import Finding, Report
from humouse_doctor.probes.catalogue import PROBES

_KIND = "humouse-doctor baseline"
_VERSION = "1.0"
_BY_CODE = MappingProxyType({probe.code: probe for probe in PROBES})

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
    """One run as it was; `path` is relative to the baseline's folder where it lies below it."""

    path: str
    experiment: str | None
    findings: Mapping[str, KnownFinding]


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
        return named[0] if len(named) == 1 else KnownRun(path=path, experiment=experiment, findings=MappingProxyType({}))


def key_of(name: str, baseline: Path) -> str:
    """What a run is called in the baseline: relative to its folder, as far as it lies below."""
    full, folder = Path(os.path.abspath(name)), Path(os.path.abspath(baseline)).parent  # noqa: PTH100  # keeps symlinks
    return full.relative_to(folder).as_posix() if full.is_relative_to(folder) else full.as_posix()


def experiment_of(report: Report) -> str | None:
    """The run's `experiment_name`, None where its config has none."""
    value = next((setting.value for setting in report.settings if setting.key == "experiment_name"), None)
    return value if isinstance(value, str) and value else None


def read(path: Path) -> Baseline:
    """A baseline from its file; raises `InputError` where it is unreadable and `UsageError` where it is something else."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: cannot read the baseline: {getattr(error, 'strerror', None) or error}; make it with --write-baseline"
        ) from None
    try:
        content = json.loads(text)
        if content["kind"] != _KIND:
            raise KeyError("kind")
        if content["schema_version"] != _VERSION:
            raise UsageError(f"{path}: a baseline of schema {content['schema_version']!r}; this version reads {_VERSION}")
        return Baseline(source=path, runs=tuple(_read_run(run) for run in content["runs"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        name = type(error).__name__
        raise UsageError(f"{path}: not a baseline of humouse-doctor ({name}); make it with --write-baseline") from None


def _read_run(entry: Mapping[str, Any]) -> KnownRun:
    findings = [
        KnownFinding(
            fingerprint=str(found["fingerprint"]),
            severity=Severity(found["severity"]),
            measurements=MappingProxyType({str(name): float(value) for name, value in found["measurements"].items()}),
        )
        for found in entry["findings"]
    ]
    experiment = entry["experiment"]
    return KnownRun(
        path=str(entry["path"]),
        experiment=None if experiment is None else str(experiment),
        findings=MappingProxyType({known.fingerprint: known for known in findings}),
    )


def write(path: Path, entries: Sequence[Entry], tool_version: str) -> Baseline:
    """Keep all findings of the entries at `path`, in one step, and read them back; raises `InputError`."""
    runs = [_run(entry.report, entry, path) for entry in entries if entry.report is not None]
    content = {
        "kind": _KIND,
        "schema_version": _VERSION,
        "tool_version": tool_version,
        "runs": sorted(runs, key=lambda run: str(run["path"])),
    }
    replace_file(path, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode(), like=path)
    return read(path)


def _run(report: Report, entry: Entry, path: Path) -> dict[str, Any]:
    findings = sorted((judged.finding for judged in entry.findings), key=lambda finding: finding.fingerprint)
    return {
        "path": key_of(entry.name, path),
        "experiment": experiment_of(report),
        "findings": [
            {"fingerprint": f.fingerprint, "severity": f.severity.value, "measurements": dict(f.evidence)} for f in findings
        ],
    }


def age_of(finding: Finding, known: KnownRun) -> tuple[Age, str | None]:
    """What `finding` is to the run as it was, and in what it has worsened."""
    before = known.findings.get(finding.fingerprint)
    if before is None:
        return Age.NEW, None
    if finding.severity.rank > before.severity.rank:
        return Age.WORSENED, f"was a {before.severity.value}, is an {finding.severity.value} now"
    probe = _BY_CODE.get(finding.code)
    for metric in probe.metrics if probe else ():
        then, now = before.measurements.get(metric.name), finding.evidence.get(metric.name)
        if then is not None and now is not None and has_worsened(metric, then, now):
            return Age.WORSENED, f"{metric.name} was {then:.3g} and is {now:.3g}, healthy is {metric.healthy}"
    return Age.UNCHANGED, None


def has_worsened(metric: Metric, then: float, now: float) -> bool:
    """Whether a number lies further from its healthy interval than another seed would explain."""
    bound = metric.healthy.low if now < metric.healthy.low else metric.healthy.high
    return gap(metric, now) - gap(metric, then) > WORSE_BY * max(abs(then), abs(bound)) and now not in metric.healthy


def gap(metric: Metric, value: float) -> float:
    """How far `value` is from the healthy interval: 0 within it."""
    return max(metric.healthy.low - value, value - metric.healthy.high, 0.0)


def healed_of(known: KnownRun, report: Report) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The findings of the baseline that are gone: those measured and healed, and those not measured this time."""
    results = {result.code: result for result in report.probes}
    present = {finding.fingerprint for finding in report.findings}
    gone = sorted(fingerprint for fingerprint in known.findings if fingerprint not in present)
    unknown = {code for code, result in results.items() if result.judgement is None}
    return (
        tuple(fingerprint for fingerprint in gone if fingerprint.partition(":")[0] not in unknown),
        tuple(fingerprint for fingerprint in gone if fingerprint.partition(":")[0] in unknown),
    )
