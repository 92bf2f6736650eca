"""Results to a report: findings with their places, and the causes, the verdict and the sentence that follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from humouse_doctor.core.case import Case, Samples
from humouse_doctor.core.history import History
from humouse_doctor.core.probe import Kind, ProbeResult, Severity, Status
from humouse_doctor.core.remedy import Remedy
from humouse_doctor.core.report import Confidence, Finding, Location, Report
from humouse_doctor.core.settings import Origin, Settings, Value
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.core.verdict import Verdict
from humouse_doctor.core.version import VERSION
from humouse_doctor.diagnosis.causes import causes_of, edits_of, is_fired_symptom, lacks, remedies_of, severity_of
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.diagnosis.pictures import pictures_of
from humouse_doctor.diagnosis.sentence import sentence_of
from humouse_doctor.diagnosis.timeline import compared, outranked
from humouse_doctor.diagnosis.verdict import confidence_of, verdict_of
from humouse_doctor.probes.registry import current
from humouse_doctor.remedies.catalogue import USUAL_RATE
from humouse_doctor.remedies.choice import choose, companions

if TYPE_CHECKING:
    from humouse_doctor.cases.request import Loaded, ToolFinding

#: The causes that follow from the learning rate and the steps.
_BY_RATE = ("HD202", "HD210")


def diagnose(loaded: Loaded, results: Sequence[ProbeResult], history: History | None = None) -> Report:
    """Build the report; the same case, results and history give the same report."""
    case = loaded.case
    by_code = {result.code: result for result in results}
    severities = {result.code: severity_of(result, by_code, case) for result in results}
    causes = causes_of(case, by_code, severities)
    remedies, by_cause = remedies_of(case, causes, by_code)
    findings = _findings(loaded, results, severities, by_cause)
    chosen = choose(by_cause, case)
    chosen = choose(_with_uncovered(case, chosen, by_cause), case)
    chosen = _begun(case, chosen, by_cause)
    verdict, disagreement = verdict_of(case, by_code, causes), ""
    if history is not None:
        verdict, disagreement = outranked(case, verdict, by_code, history)
        history = history if disagreement else compared(case, by_code, history)
    sick = verdict in (Verdict.COLLAPSED, Verdict.AT_RISK) and any(map(lacks, results))
    if sick and case.has_checkpoint and not (case.warm_up_is_blameless or (case.grew_since and not causes)):
        chosen = (*chosen, *companions(chosen, case, by_code))
    remedies = tuple({remedy.id: remedy for remedy in (*remedies, *chosen)}.values())
    sentence = sentence_of(case, verdict, by_code, causes, findings)
    explained = {code for cause in causes for code in cause.explains}
    return Report(
        tool_version=VERSION,
        verdict=verdict,
        confidence=Confidence.LOW if disagreement else confidence_of(case, verdict, by_code, causes),
        sentence=f"{disagreement[:1].upper()}{disagreement[1:]}. {sentence}" if disagreement else sentence,
        subject=case.subject,
        data=case.data,
        causes=causes,
        unexplained=tuple(result.code for result in results if is_fired_symptom(result) and result.code not in explained),
        findings=findings,
        probes=tuple(sorted(results, key=lambda result: result.code)),
        remedies=remedies,
        patch=edits_of(chosen),
        chosen=tuple(remedy.id for remedy in chosen),
        settings=tuple(case.settings.values()),
        config_prefix=case.settings.prefix,
        pictures=pictures_of(case),
        stage=case.stage,
        history=history,
    )


def _with_uncovered(
    case: Case, chosen: Sequence[Remedy], by_cause: Mapping[str, tuple[Remedy, ...]]
) -> dict[str, tuple[Remedy, ...]]:
    """Return the remedies by cause, with those of the causes that the usual learning rate would uncover.

    At a rate that is far too high the steps seem to suffice for any scale, and weights that it has driven off show nothing of
    what else is wrong. So the run at the usual rate is judged by its config and data alone, as before a training. What was
    measured of a cause stays, but for what follows from the rate.
    """
    key = "training.lr.generator"
    if key not in case.settings or all(remedy.id != "usual-rate" for remedy in chosen):
        return dict(by_cause)
    hidden = _needed(_not_run_yet(case, key, USUAL_RATE)) if "HD212" in by_cause else {}
    usual = replace(case, settings=case.settings.changed(key, USUAL_RATE))
    by_rate = {
        result.code: current().by_code[result.code].remedies(usual, result.measurements)
        for result in examine(usual, [current().by_code[code] for code in _BY_RATE])
        if result.status is Status.FOUND
    }
    return {**by_cause, **{code: found for code, found in hidden.items() if code not in by_cause}, **by_rate}


def _not_run_yet(case: Case, key: str, value: Value) -> Case:
    """Return the same run with another setting, before its warm-up: its config and data alone are known."""
    known = case.samples
    return replace(
        case,
        settings=case.settings.changed(key, value),
        samples=Samples(sequences=known.sequences, lengths=known.lengths, loss_targets=known.loss_targets),
        weights=None,
        stage=None,
    )


def _needed(planned: Case) -> dict[str, tuple[Remedy, ...]]:
    """Return the remedies of the causes that a config and data alone have, by code."""
    by_code = {result.code: result for result in examine(planned)}
    severities = {code: severity_of(result, by_code, planned) for code, result in by_code.items()}
    return remedies_of(planned, causes_of(planned, by_code, severities), by_code)[1]


def _begun(case: Case, chosen: tuple[Remedy, ...], by_cause: Mapping[str, Sequence[Remedy]]) -> tuple[Remedy, ...]:
    """Return the patch with what the warm-up that it lets run needs, by its config and data alone: none has run so far."""
    key = "training.reconstruction_epochs"
    begins = next((remedy for remedy in chosen if remedy.id == "keep-warm-up"), None)
    epochs = [] if begins is None else [edit.new for edit in begins.edits if edit.key == key]
    if begins is None or not epochs or key not in case.settings:
        return chosen
    planned = _not_run_yet(case, key, epochs[0])
    needed = _needed(planned)
    needed = _with_uncovered(planned, choose(needed, planned), needed)
    longer = {edit.key: edit for edit in edits_of(choose(needed, planned))}
    begins = replace(begins, edits=tuple(longer.get(edit.key, edit) for edit in begins.edits))
    others = {code: found for code, found in by_cause.items() if code not in needed}
    return choose({"begins": (begins,), **needed, **others}, planned)


def location_of(settings: Settings, key: str) -> Location:
    """Return the place of `key` in the config, and the origin of its value."""
    setting = settings.get(key)
    spelled = settings.in_file.get(key) if setting is None or setting.place is None else setting
    place = None if spelled is None else spelled.place
    return Location(
        file=settings.source if place is None else place.file,
        line=None if place is None else place.line,
        key=key,
        origin=None if setting is None else setting.origin,
    )


def _findings(
    loaded: Loaded,
    results: Sequence[ProbeResult],
    severities: Mapping[str, Severity | None],
    by_cause: Mapping[str, tuple[Remedy, ...]],
) -> tuple[Finding, ...]:
    """Return all findings, the most severe first, then by code and key."""
    case = loaded.case
    findings = [
        *_of_probes(case, results, severities, by_cause),
        *(_of_tool(case, found) for found in loaded.tool_findings),
        *(_of_crash(case, result) for result in results if result.status is Status.CRASHED),
    ]
    return tuple(sorted(findings, key=lambda finding: (-finding.severity.rank, finding.code, finding.location.key or "")))


def _of_probes(
    case: Case,
    results: Iterable[ProbeResult],
    severities: Mapping[str, Severity | None],
    by_cause: Mapping[str, tuple[Remedy, ...]],
) -> Iterable[Finding]:
    for result in results:
        severity = severities[result.code]
        if severity is None:
            continue
        probe = current().by_code[result.code]
        stated = None if probe.key is None else case.settings.get(probe.key)
        if probe.key is not None and case.settings.source is not None:
            location = location_of(case.settings, probe.key)
        elif stated is not None and stated.origin is Origin.CHECKPOINT:
            location = Location(file=case.subject.checkpoint, key=stated.key, origin=stated.origin)
        else:
            location = Location(file=case.subject.checkpoint)
        yield Finding(
            code=result.code,
            name=probe.name,
            kind=probe.kind,
            severity=severity,
            message=probe.message(case, result.measurements),
            evidence=result.measurements,
            location=location,
            remedies=tuple(remedy.id for remedy in by_cause.get(result.code, ())),
        )


def _of_tool(case: Case, found: ToolFinding) -> Finding:
    place = found.place
    return Finding(
        code=found.code.code,
        name=found.code.label,
        kind=Kind.TOOL,
        severity=Severity.WARNING if found.serious else Severity.NOTE,
        message=found.message,
        evidence=MappingProxyType({}),
        location=Location(
            file=place.file if place else (case.settings.source if found.key else case.subject.checkpoint),
            line=place.line if place else None,
            key=found.key,
        ),
    )


def _of_crash(case: Case, result: ProbeResult) -> Finding:
    return Finding(
        code=ToolCode.PROBE_CRASHED.code,
        name=ToolCode.PROBE_CRASHED.label,
        kind=Kind.TOOL,
        severity=Severity.ERROR,
        message=f"{result.code} crashed, nothing is known from it: {result.reason}",
        evidence=MappingProxyType({}),
        location=Location(file=case.subject.checkpoint or case.subject.config, key=result.code),
    )
