"""Results to a report: which causes explain which symptoms, the verdict, and the patch that follows.

A cause is *supported* by the symptoms it would bring about that were found; nothing here says it is confirmed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from humouse_doctor import __version__
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Judgement, Kind, Probe, ProbeResult, Severity, Status
from humouse_doctor.core.remedy import Edit, Remedy, RemedyStatus
from humouse_doctor.core.report import Cause, Confidence, Finding, Location, Report, Verdict
from humouse_doctor.core.settings import Settings
from humouse_doctor.core.spec import Activation, Architecture
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.diagnosis.pictures import pictures_of
from humouse_doctor.probes.registry import current
from humouse_doctor.probes.shared import budget, measures
from humouse_doctor.probes.untrained import looks_untrained

if TYPE_CHECKING:
    from humouse_doctor.cases.loading import Loaded

#: With this one as well the verdict is sure.
_FITTED = "HD105"

#: With fewer targets than this no verdict is sure.
_SURE_TARGETS = 64

#: The square of less is no normal float32 any more.
_LEAST_SPREAD = math.sqrt(2.0**-126)


def diagnose(loaded: Loaded, results: Sequence[ProbeResult]) -> Report:
    """Build the report; the same case and results give the same report."""
    case = loaded.case
    by_code = {result.code: result for result in results}
    severities = {result.code: _severity(result, by_code, case) for result in results}
    causes = _causes(case, by_code, severities)
    remedies, by_cause = _remedies(case, causes, by_code)
    findings = sorted(
        [*_probe_findings(case, results, severities, by_cause), *_tool_findings(loaded, results)],
        key=lambda finding: (-finding.severity.rank, finding.code, finding.location.key or ""),
    )
    verdict = _verdict(case, by_code, causes)
    explained = {code for cause in causes for code in cause.explains}
    return Report(
        tool_version=__version__,
        verdict=verdict,
        confidence=_confidence(case, verdict, by_code, causes),
        sentence=_sentence(case, verdict, by_code, causes, findings),
        subject=case.subject,
        data=case.data,
        causes=causes,
        unexplained=tuple(result.code for result in results if _is_fired_symptom(result) and result.code not in explained),
        findings=tuple(findings),
        probes=tuple(sorted(results, key=lambda result: result.code)),
        remedies=remedies,
        patch=_patch(by_cause),
        settings=tuple(case.settings.values()),
        config_prefix=case.settings.prefix,
        pictures=pictures_of(case),
    )


def _is_fired_symptom(result: ProbeResult) -> bool:
    return result.status is Status.FOUND and current().by_code[result.code].kind is Kind.SYMPTOM


def _lacks(result: ProbeResult) -> bool:
    """Whether a symptom fired because there is too little of something: too much of it is no collapse."""
    return _is_fired_symptom(result) and not current().by_code[result.code].overshoots(result.measurements)


def _explodes(result: ProbeResult) -> bool:
    """Whether a symptom is above even what is tolerable."""
    probe = current().by_code[result.code]
    above = any(result.measurements[m.name] > m.tolerable.high for m in probe.metrics if m.name in result.measurements)
    return _is_fired_symptom(result) and probe.overshoots(result.measurements) and above


def _expected(probe: Probe, by_code: Mapping[str, ProbeResult]) -> list[ProbeResult]:
    """The symptoms the cause would bring about that were measured at all."""
    found = [by_code[code] for code in probe.explains if code in by_code]
    return [result for result in found if result.judgement is not None]


def _severity(result: ProbeResult, by_code: Mapping[str, ProbeResult], case: Case) -> Severity | None:
    """How much one result matters, None where nothing was found.

    A symptom of too much is a warning. A cause is as grave as what it shows; one whose every symptom was measured and is
    healthy is a note: true of the config, without effect on this run.
    """
    if result.status is not Status.FOUND:
        return None
    probe = current().by_code[result.code]
    serious = result.judgement is Judgement.FOUND
    if probe.kind is Kind.SYMPTOM and probe.secondary:
        return Severity.WARNING if serious else Severity.NOTE
    if probe.kind is Kind.SYMPTOM:
        return Severity.ERROR if serious and _lacks(result) else Severity.WARNING
    if not case.has_checkpoint:
        return Severity.ERROR if serious else Severity.WARNING
    expected = _expected(probe, by_code)
    known = [by_code[code] for code in (*probe.explains, *probe.sometimes) if code in by_code]
    leading = [symptom for symptom in known if _lacks(symptom) and not current().by_code[symptom.code].secondary]
    shown = {_severity(symptom, by_code, case) for symptom in leading}
    if Severity.ERROR in shown:
        return Severity.ERROR
    if Severity.WARNING in shown or (probe.lasting and serious) or (not expected and serious):
        return Severity.WARNING
    return Severity.NOTE


def _causes(case: Case, by_code: Mapping[str, ProbeResult], severities: Mapping[str, Severity | None]) -> tuple[Cause, ...]:
    """The causes that matter: the found ones first, then those explaining more symptoms, the better supported, by code."""
    ranked = []
    for code, severity in severities.items():
        probe = current().by_code[code]
        if probe.kind is not Kind.CAUSE or severity is None or severity is Severity.NOTE:
            continue
        expected = _expected(probe, by_code)
        shown = [symptom.code for symptom in expected if _lacks(symptom)]
        support = len(shown) / len(expected) if expected else None
        also = [code for code in probe.sometimes if code in by_code and _lacks(by_code[code])]
        fired = tuple(sorted([*shown, *also]))
        cause = Cause(
            code=code,
            name=probe.name,
            support=None if support is None else round(support, 4),
            message=probe.message(case, by_code[code].measurements),
            explains=fired,
        )
        sure = by_code[code].judgement is Judgement.FOUND
        ranked.append((not sure, -len(fired), -(support or 0.0), code, cause))
    return tuple(entry[-1] for entry in sorted(ranked, key=lambda entry: entry[:-1]))


def _remedies(
    case: Case, causes: Iterable[Cause], by_code: Mapping[str, ProbeResult]
) -> tuple[tuple[Remedy, ...], dict[str, tuple[Remedy, ...]]]:
    """All remedies of all causes, each once, and those of each cause."""
    by_id: dict[str, Remedy] = {}
    by_cause = {}
    for cause in causes:
        offered = current().by_code[cause.code].remedies(case, by_code[cause.code].measurements)
        by_cause[cause.code] = offered
        for remedy in offered:
            by_id.setdefault(remedy.id, remedy)
    return tuple(by_id.values()), by_cause


def _patch(by_cause: Mapping[str, tuple[Remedy, ...]]) -> tuple[Edit, ...]:
    """The edits of each cause's first remedy; a key is changed once, by the better supported cause."""
    edits: dict[str, Edit] = {}
    for offered in by_cause.values():
        first = next((remedy for remedy in offered if remedy.status is not RemedyStatus.REFUSED), None)
        for edit in first.edits if first is not None else ():
            edits.setdefault(edit.key, edit)
    return tuple(edits.values())


def _probe_findings(
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
        if probe.key is not None and case.settings.source is not None:
            location = location_of(case.settings, probe.key)
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


def location_of(settings: Settings, key: str) -> Location:
    """The place of `key` in the config, and where its value came from."""
    setting = settings.get(key)
    spelled = settings.in_file.get(key) if setting is None or setting.place is None else setting
    place = None if spelled is None else spelled.place
    return Location(
        file=settings.source if place is None else place.file,
        line=None if place is None else place.line,
        key=key,
        origin=None if setting is None else setting.origin,
    )


def _tool_findings(loaded: Loaded, results: Iterable[ProbeResult]) -> Iterable[Finding]:
    case = loaded.case
    for found in loaded.tool_findings:
        place = found.place
        yield Finding(
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
    for result in results:
        if result.status is Status.CRASHED:
            yield Finding(
                code=ToolCode.PROBE_CRASHED.code,
                name=ToolCode.PROBE_CRASHED.label,
                kind=Kind.TOOL,
                severity=Severity.ERROR,
                message=f"{result.code} crashed, nothing is known from it: {result.reason}",
                evidence=MappingProxyType({}),
                location=Location(file=case.subject.checkpoint or case.subject.config, key=result.code),
            )


def _verdict(case: Case, by_code: Mapping[str, ProbeResult], causes: Sequence[Cause]) -> Verdict:
    fired = [result for result in by_code.values() if _lacks(result) and not current().by_code[result.code].secondary]
    if not case.has_checkpoint:
        if causes:
            return Verdict.AT_RISK
        crashed = any(result.status is Status.CRASHED for result in by_code.values())
        return Verdict.HEALTHY if _known_before_training(case, by_code) and not crashed else Verdict.UNDETERMINED
    if _untrained(by_code):
        return Verdict.AT_RISK if causes else Verdict.UNDETERMINED
    if any(result.judgement is Judgement.FOUND for result in fired):
        return Verdict.COLLAPSED
    if any(result.status is Status.CRASHED for result in by_code.values()):
        return Verdict.UNDETERMINED
    if not all(_measured(by_code, code) for code in current().deciding):
        return Verdict.AT_RISK if causes else Verdict.UNDETERMINED
    exploded = any(_explodes(result) for result in by_code.values())
    if fired or exploded or causes:
        return Verdict.AT_RISK
    return Verdict.HEALTHY if _blind(case) is None else Verdict.UNDETERMINED


def _measured(by_code: Mapping[str, ProbeResult], code: str) -> bool:
    return code in by_code and by_code[code].judgement is not None


def _known_before_training(case: Case, by_code: Mapping[str, ProbeResult]) -> bool:
    """Whether both causes to be seen before training were measured, or one of them and the other cannot be there.

    A head without bounds reaches everything; the features of a TCN may be of any scale; a run that starts from a
    pretrainer's weights has the scale that its contract (HD207) is about.
    """
    wanted = current().before_training
    if case.network is None or case.samples.loss_targets is None or any(code not in by_code for code in wanted):
        return False
    if _blind_before_training(case) is not None:
        return False
    reach, scale = (_measured(by_code, code) for code in wanted)
    unbounded = all(head is Activation.LINEAR for head in case.network.heads[:2])
    any_scale = case.network.architecture is Architecture.TCN
    warm_start = not case.settings.integer("training.reconstruction_epochs") and _measured(by_code, "HD207")
    return (reach and (scale or any_scale)) or (scale and unbounded) or (warm_start and (reach or unbounded))


def _blind_before_training(case: Case) -> str | None:
    """Why the config and its data tell nothing, whatever was measured of them; None where they do, or are not known."""
    return budget.rate_trouble(case) or _blind(case) or _vanishing(case)


def _vanishing(case: Case) -> str | None:
    """Why no loss sees these targets, None where one does or they are not known."""
    if case.samples.loss_targets is None:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        least = float(measures.spread_across(measures.loss_targets(case)).min())
    return f"targets that spread {least:.1e} have no squares in float32, where their loss is" if least < _LEAST_SPREAD else None


def _blind(case: Case) -> str | None:
    """Why these targets leave something unseen, None where they do not or are not known."""
    if case.samples.loss_targets is None:
        return None
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # a spread beyond float64 is a spread
            targets = measures.loss_targets(case)
            measures.require_sequences(targets)
            if targets.shape[1] < measures.MIN_STEPS:
                return f"targets of fewer than {measures.MIN_STEPS} steps show no movement"
            differ = measures.spread_across(targets) > 0
            if not differ.all():
                return f"the targets are all alike{' on one axis' if differ.any() else ''}"
    except NotMeasurable as reason:
        return str(reason)
    return None


def _untrained(by_code: Mapping[str, ProbeResult]) -> bool:
    result = by_code.get("HD108")
    return result is not None and result.status is Status.FOUND and looks_untrained(result.measurements)


def _confidence(case: Case, verdict: Verdict, by_code: Mapping[str, ProbeResult], causes: Sequence[Cause]) -> Confidence:
    if verdict is Verdict.UNDETERMINED:
        return Confidence.LOW
    if not case.has_checkpoint:
        return Confidence.MEDIUM if case.samples.loss_targets is not None else Confidence.LOW
    deciding = all(_measured(by_code, code) for code in current().deciding)
    explained = verdict is Verdict.HEALTHY or any((cause.support or 0.0) >= 0.5 for cause in causes)
    enough = case.samples.loss_targets is not None and len(case.samples.loss_targets) >= _SURE_TARGETS
    if deciding and _measured(by_code, _FITTED) and explained and enough:
        return Confidence.HIGH
    return Confidence.MEDIUM if deciding else Confidence.LOW


def _sentence(
    case: Case,
    verdict: Verdict,
    by_code: Mapping[str, ProbeResult],
    causes: Sequence[Cause],
    findings: Sequence[Finding],
) -> str:
    """The answer in one sentence, with numbers; weights that are not numbers come before all they bring about."""
    broken = by_code.get("HD108")
    if broken is not None and broken.measurements.get("non_finite_weights", 0) > 0:
        return _capital(current().by_code["HD108"].message(case, broken.measurements)) + "."
    if causes and verdict is not Verdict.HEALTHY:
        said = _capital(causes[0].message) + "."
        missing = case.lacks(Need.TARGETS) if case.has_checkpoint else None
        return said if missing is None else f"{said} Symptoms could not be measured: {missing}."
    if verdict is Verdict.HEALTHY and case.has_checkpoint:
        spread, moves, differ = (by_code[code].measurements for code in current().deciding)
        said = (
            f"Generated paths spread {spread['spread_ratio']:.2f}, move {moves['time_std_ratio']:.2f} and differ"
            f" {differ['latent_std_ratio']:.2f} times as much as their targets."
        )
        too_much = next((f for f in findings if f.code in current().deciding), None)
        return said if too_much is None else f"{said} That is no collapse, but {too_much.message}."
    if verdict is Verdict.HEALTHY:
        return "Nothing in this config and data is known to make a warm-up collapse; only its checkpoint can show more."
    grave = [finding for finding in findings if finding.severity is not Severity.NOTE]
    if _untrained(by_code):
        grave.sort(key=lambda finding: finding.code != "HD108")
    elif verdict is not Verdict.UNDETERMINED:
        grave.sort(key=lambda finding: finding.kind is Kind.TOOL)
    if grave:
        return _capital(grave[0].message) + "."
    reasons = {by_code[code].reason for code in (*current().deciding, *current().before_training) if code in by_code}
    if by_code:
        reasons |= {_blind(case) if case.has_checkpoint else _blind_before_training(case)}
    return f"Too little could be measured to tell: {'; '.join(sorted(r for r in reasons if r)) or 'no probe was run'}."


def _capital(text: str) -> str:
    """`text` with a capital, unless it begins with a config's key, which is spelled as it is."""
    return text if "." in text.partition(" ")[0] else text[:1].upper() + text[1:]
