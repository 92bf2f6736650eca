"""Baselines: findings a team has accepted, identified by fingerprint and compared by their numbers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.core.gating import BASELINE_KIND, BASELINE_VERSION, Age, Entry, Standing
from humouse_doctor.core.probe import Severity
from humouse_doctor.core.remedy import Interval
from humouse_doctor.core.report import Finding, Report, Verdict
from humouse_doctor.core.text import is_url, reason
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.inputs.files import is_file, replace_file
from humouse_doctor.probes.registry import current

if TYPE_CHECKING:
    from humouse_doctor.stored.shapes.baseline import KnownRun as StoredRun

_OWN_CODES = tuple(tool.code for tool in ToolCode)

#: Verdicts from best to worst.
BY_GRAVITY = (Verdict.HEALTHY, Verdict.UNDETERMINED, Verdict.AT_RISK, Verdict.COLLAPSED)

#: A number has worsened if it moved away from health by more than this share of itself (or of its healthy bound, if larger).
#: Of 232 pairs of the examples' sick runs trained with another seed (12 runs, 5 seeds each), 95 % moved by
#: less than 0.22 in their worst number and 99 % by less than 0.34.
WORSE_BY = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFinding:
    """A finding in a baseline: its fingerprint, severity and measurements."""

    fingerprint: str
    severity: Severity
    measurements: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRun:
    """A run in a baseline.

    `path` is relative to the baseline's folder, unless they share no folder but the root. `verdict` is None if the baseline
    does not have the run; `sha256` is the checkpoint's digest, where it is known. `remark` says how the run was found if not by
    its path.
    """

    path: str
    experiment: str | None
    verdict: Verdict | None
    findings: Mapping[str, KnownFinding]
    sha256: str | None = None
    remark: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """All runs of one baseline file."""

    source: Path
    runs: tuple[KnownRun, ...]

    def run(self, name: str, report: Report) -> KnownRun:
        """Return the run with that path, or else the only run of the same `experiment_name`.

        A retraining has a new folder but keeps its name. A run that the baseline does not have is returned without known
        findings.
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
    """Return a run's name in the baseline: its URL, or its path relative to the baseline's folder, valid in any checkout."""
    if is_url(name):
        return name
    full, folder = Path(os.path.abspath(name)), Path(os.path.abspath(baseline)).parent  # noqa: PTH100  # keeps symlinks
    together = next((above for above in (folder, *folder.parents) if full.is_relative_to(above)), None)
    if together is None or together == together.parent:
        return full.as_posix()
    return Path(os.path.relpath(full, folder)).as_posix()


def experiment_of(report: Report) -> str | None:
    """Return the run's `experiment_name`, None if its config has none."""
    value = next((setting.value for setting in report.settings if setting.key == "experiment_name"), None)
    return value if isinstance(value, str) and value else None


def read(path: Path) -> Baseline:
    """Read a baseline from its file; raise `InputError` if it is unreadable or not a baseline."""
    from humouse_doctor.stored import values  # msgspec, which only reading needs
    from humouse_doctor.stored.shapes.baseline import Baseline as Stored

    try:
        text = values.load(path)
        stored = values.decode_file(text, Stored, str(path), "a baseline", BASELINE_VERSION, BASELINE_KIND)
    except OSError as error:
        raise InputError(f"{path}: cannot read the baseline: {reason(error)}; make it with --write-baseline") from None
    except values.MALFORMED as error:
        raise InputError(f"{path}: not a baseline of humouse-doctor ({reason(error)}); make it with --write-baseline") from None
    return Baseline(source=path, runs=tuple(map(_read_run, stored.runs)))


def require_replaceable(path: Path) -> None:
    """Raise `UsageError` if the file at `path` is not a baseline.

    A shell may have expanded a pattern of inputs in the place of `--write-baseline`'s file.
    """
    from humouse_doctor.stored import values  # msgspec, which only reading needs
    from humouse_doctor.stored.shapes.bounds import Head

    if not is_file(path):
        return
    try:
        is_ours = path.stat().st_size == 0 or values.decode(values.load(path), Head).kind == BASELINE_KIND
    except OSError as error:
        raise InputError(f"{path}: cannot read the baseline: {error.strerror or error}; nothing was changed") from None
    except values.MALFORMED:
        is_ours = False
    if not is_ours:
        raise UsageError(
            f"{path}: --write-baseline would overwrite a file that is not a baseline; choose another path, or remove the file"
        )


def _read_run(stored: StoredRun) -> KnownRun:
    from humouse_doctor.stored.values import same  # msgspec, which only reading needs

    findings = {found.fingerprint: same(found, KnownFinding) for found in stored.findings}
    return KnownRun(
        path=stored.path,
        experiment=stored.experiment,
        verdict=stored.verdict,
        findings=MappingProxyType(findings),
        sha256=stored.sha256,
    )


def write(path: Path, entries: Sequence[Entry], tool_version: str) -> Baseline:
    """Write the entries' findings to `path` in one step, and read them back; raise `InputError`.

    Findings that the policy ignores are left out: otherwise they would still be accepted after the ignore expires.
    """
    runs = [_run(entry.report, entry, path) for entry in entries if entry.report is not None]
    content = {
        "kind": BASELINE_KIND,
        "schema_version": BASELINE_VERSION,
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
        "sha256": report.subject.sha256,
        "findings": [
            {"fingerprint": f.fingerprint, "severity": f.severity.value, "measurements": dict(f.evidence)} for f in findings
        ],
    }


def age_of(finding: Finding, known: KnownRun, verdict: Verdict, thresholds: Mapping[str, Interval]) -> tuple[Age, str | None]:
    """Return the age of `finding` compared with the baseline, and how it has worsened.

    `verdict` is the run's verdict now. The policy's `thresholds`, by `code.metric`, replace the healthy intervals.
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


#: The fingerprint of a breach of the policy's `verdicts`.
_VERDICT_BREACH = f"{ToolCode.POLICY_BREACH.code}:verdicts"


def _watched(finding: Finding, thresholds: Mapping[str, Interval]) -> Iterator[tuple[str, Interval, str]]:
    """Yield each number by which a finding can worsen, its required interval, and the words for that requirement."""
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
    """Return True if a number moved away from its healthy interval by more than another seed would explain."""
    bound = healthy.low if now < healthy.low else healthy.high
    return gap(healthy, now) - gap(healthy, then) > WORSE_BY * max(abs(then), abs(bound))


def gap(healthy: Interval, value: float) -> float:
    """Return the distance of `value` from the healthy interval, 0 within it."""
    return max(healthy.low - value, value - healthy.high, 0.0)


def healed_of(known: KnownRun, report: Report, findings: Sequence[Finding]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the findings of the baseline that are healed, and notes on those that are gone without being healed.

    A finding that was not measured this time is not healed. Neither is one that is gone while the weights are the same: then
    only the config, the data or the tool differ. `findings` are all current ones, including the gate's own.
    """
    present = {finding.fingerprint for finding in findings}
    gone = sorted(fingerprint for fingerprint in known.findings if fingerprint not in present)
    measured = {result.code for result in report.probes if result.judgement is not None}
    same = known.sha256 is not None and known.sha256 == report.subject.sha256
    healed, notes = list[str](), list[str]()
    for fingerprint in gone:
        if _probe_of(fingerprint) not in {*measured, None}:
            notes.append(f"{fingerprint} of the baseline was not measured this time: not healed")
        elif same and fingerprint.partition(":")[0] not in _OWN_CODES:
            notes.append(f"{fingerprint} of the baseline is gone, but the weights are the same: not healed")
        else:
            healed.append(fingerprint)
    return tuple(healed), tuple(notes)


def _probe_of(fingerprint: str) -> str | None:
    """Return the probe that must measure before a finding counts as gone, None if no probe is involved."""
    code, _, key = fingerprint.partition(":")
    if code == ToolCode.POLICY_BREACH.code:
        code = key.partition(".")[0] if "." in key else code
    return None if code in _OWN_CODES else code
