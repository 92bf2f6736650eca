"""Rows of the table of measurements: which numbers are in it, and how they are formatted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from humouse_doctor.cases import budget
from humouse_doctor.core.gating import Entry, Gate
from humouse_doctor.core.probe import Judgement, Kind, Metric, ProbeResult, Severity, Status
from humouse_doctor.core.remedy import ANY, CODE_IN_WORDS, Remedy, RemedyStatus
from humouse_doctor.core.report import Cause, Finding, Report, Verdict
from humouse_doctor.probes.registry import current
from humouse_doctor.probes.shared import measures

#: The probes that count a warm-up's steps.
_STEPS = ("HD202", "HD210")


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRow:
    """One number; `code` is empty after a probe's first row, `healthy` and `status` are empty if the number judges nothing."""

    code: str
    metric: str
    value: str
    healthy: str
    status: str


def measured(report: Report) -> Iterator[MetricRow]:
    """Yield a row for each metric with a healthy interval, judged by its own value; the JSON report has the other metrics.

    A probe without such a metric gets one row: its first metric, with the probe's own judgement. A probe that this version does
    not know gets a row for each of its numbers. A number that is not healthy is as severe as its probe's finding.
    """
    for result in report.probes:
        if result.status in (Status.HEALTHY, Status.FOUND):
            yield from _rows(result, severity_of(report, result.code))


def severity_of(report: Report, code: str) -> Severity | None:
    """Return the severity of what the probe `code` has found, None if that is nothing."""
    return next((found.severity for found in report.findings if found.code == code), None)


def _rows(result: ProbeResult, severity: Severity | None) -> Iterator[MetricRow]:
    probe = current().by_code.get(result.code)
    known = [metric for metric in (probe.metrics if probe else ()) if metric.name in result.measurements]
    unknown = [Metric(name=name, unit="", meaning="") for name in result.measurements]
    judging = [metric for metric in known if metric.healthy != ANY]
    for place, metric in enumerate(judging or known[:1] or unknown):
        value = result.measurements[metric.name]
        judgement = None if place and not judging else result.judgement
        if judging and judgement is not None:  # a probe may judge a number healthy that is outside its interval
            judgement = min(metric.judge(value), judgement, key=list(Judgement).index)
        yield MetricRow(
            code="" if place else result.code,
            metric=metric.name,
            value=format_number(value, metric.unit),
            healthy=str(metric.healthy) if judging else "",
            status=_status(judgement, severity),
        )


def _status(judgement: Judgement | None, severity: Severity | None) -> str:
    """Return the word for a number: healthy, or the severity of what it makes; empty without a judgement."""
    if judgement is None or judgement is Judgement.HEALTHY:
        return "" if judgement is None else judgement.value
    return judgement.value if severity is None else severity.value


def missing(results: Iterable[ProbeResult]) -> Iterator[tuple[str, str]]:
    """Return the probes that did not measure, grouped by reason, e.g. `skipped HD104, HD105`."""
    found: dict[tuple[Status, str], list[str]] = {}
    for result in results:
        if result.status in (Status.SKIPPED, Status.CRASHED):
            found.setdefault((result.status, result.reason or ""), []).append(result.code)
    for (status, reason), codes in found.items():
        yield f"{status.value} {', '.join(codes)}", reason


def without_cause(report: Report) -> tuple[str, ...]:
    """Return what a report without a cause cannot see and the next two experiments; empty where there is a cause or no need."""
    sick = report.verdict in (Verdict.COLLAPSED, Verdict.AT_RISK)
    if not sick or report.causes or report.before_training:
        return ()
    causes = [result for result in report.probes if _is_cause(result.code)]
    skipped = [f"{codes.partition(' ')[2]} ({reason})" for codes, reason in missing(causes)]
    search = report.search or "humouse-doctor verify CONFIG --data DATA --search"
    alone = (
        "First experiment: train on 32 of the sequences alone. A generator that cannot repeat these has a fault in its network"
        " or its loss; one that can needs more steps or more room."
    )
    return (
        "No probe looks at the loss's other terms, a critic, what a decoder was fed in training, or errors in the data.",
        *_unlooked_at(report),
        alone,
        f"Second experiment: four times the steps, and a tenth of the learning rate. For a run of humouse: {search}",
        *((f"Not measured: {'; '.join(skipped)}.",) if skipped else ()),
    )


def _unlooked_at(report: Report) -> Iterator[str]:
    """Return that channels which do not vary in the data were left out, where some were."""
    still = max((measures.left_out_channels("spread_ratio", result.measurements) for result in report.probes), default=0)
    if still:
        yield (
            f"Channels that do not vary in the data ({still} here) were left out. A loss compares them too, and one with a"
            " large value may take up all the steps: subtract each channel's mean, and divide by its std where it varies."
        )


def code_title(remedy: Remedy) -> str:
    """Return what a remedy changes in the code: its title, or for a cure of several parts those that are in the code."""
    if remedy.status is RemedyStatus.CONFIRMED and remedy.edits and remedy.code_changes:
        return ", ".join(CODE_IN_WORDS[change] for change in remedy.code_changes)
    return remedy.title


def steps_of_patch(report: Report) -> str:
    """Return how many steps the patch's epochs are, against those that the scale as it is would need; empty if unknown."""
    edit = next((edit for edit in report.patch if edit.key == "training.reconstruction_epochs"), None)
    found = {name: value for result in report.probes for name, value in result.measurements.items() if result.code in _STEPS}
    available, needed = found.get("steps_available"), found.get("steps_needed", 0.0)
    if edit is None or available is None or not (isinstance(edit.old, int) and isinstance(edit.new, int) and edit.old > 0):
        return ""
    steps = available * edit.new / edit.old
    said = f"{edit.new:,} epochs are {budget.in_words(steps)} steps"
    if needed <= steps or report.cure is not None:
        return said
    return f"{said}; the old scale would take {budget.in_words(needed)}"


def by_hand(report: Report) -> tuple[str, ...]:
    """Return the titles of the chosen remedies that change a config where none was given, so that there is no patch of them."""
    if report.subject.config is not None:
        return ()
    return tuple(remedy.title for remedy in report.chosen_remedies if not remedy.edits and remedy.code_hint is None)


def next_words(report: Report, following: Sequence[str]) -> str:
    """Return the heading of the commands to type next."""
    if not following or not following[0].startswith("humouse-doctor suggest-config"):
        return "Next"
    if not report.patch:
        return "Next, what to change in full"
    return "Next, the patch as overrides" if "--emit" in following[0] else "Next, the patch as a diff"


def next_of_gate(gate: Gate, following: Sequence[str], about: str) -> str:
    """Return the heading of the commands to type next after a gate, for the input named `about`, or the only one."""
    alone = len(gate.entries) == 1
    report = next((entry.report for entry in gate.entries if alone or entry.name == about), None)
    said = "Next" if report is None else next_words(report, following)
    return said if alone or report is None else f"{said}, for {about}"


def failing_words(entry: Entry) -> str:
    """Return the failing finding to look at first, by code and name, and how many more fail; empty if none does."""
    if entry.leading is None:
        return ""
    more = len({judged.finding.code for judged in entry.failing}) - 1
    return f"{entry.leading.finding.code} {entry.leading.finding.name}" + (f" and {more} more" if more else "")


def trials_file(config: str) -> str:
    """Return the name of a file for the trials of a run, in the current folder; `verify` refuses that of another config."""
    path = PurePath(config)
    name = path.parent.parent.name if path.parent.name == ".hydra" else path.stem
    return "-".join(filter(None, (re.sub(r"[^\w.]+", "-", name).strip("-."), "trials.json")))


def brief(finding: Finding) -> str:
    """Return a finding in a few words, empty for a probe that has none."""
    probe = current().by_code.get(finding.code)
    return "" if probe is None else probe.brief(finding.evidence)


def _is_cause(code: str) -> bool:
    """Return True if the probe `code` is known and names a cause."""
    probe = current().by_code.get(code)
    return probe is not None and probe.kind is Kind.CAUSE


def format_number(value: float, unit: str) -> str:
    """Format a measured number for a table."""
    if unit in ("count", "flag", "epochs"):
        return f"{value:.0f}"
    if unit == "steps":
        return budget.in_words(value)
    return f"{value:.3g}" if abs(value) >= 0.001 or value == 0 else f"{value:.1e}"


def unit_of(name: str) -> str:
    """Return the unit of a metric by its `code.metric`, empty if this version does not know it."""
    metric = current().metrics.get(name)
    return "" if metric is None else metric.unit


def support_of(cause: Cause, *, measured: bool) -> str:
    """Return what speaks for a cause: the trials of a verify, and its symptoms if any were `measured`."""
    tried = "" if cause.trial is None else f"{cause.trial.value} by trials; "
    if cause.support is None and not cause.explains:
        return tried + ("no symptom was measured" if measured else "before training: no symptom to support it yet")
    return f"{tried}supported by {', '.join(cause.explains) or 'no symptom'}{_share_of(cause)}"


def _share_of(cause: Cause) -> str:
    """Return, to follow a cause's symptoms, the share found of those that it always produces; empty if all were."""
    if cause.support in (None, 1) or not cause.explains:
        return ""
    return (
        f", {cause.support:.0%} of the symptoms it always produces" if cause.support else ", none of which it always produces"
    )
