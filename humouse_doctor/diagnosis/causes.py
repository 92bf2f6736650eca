"""Results to causes: the severity of each result, the symptoms that each cause explains, and possible remedies.

A cause is *supported* by those of its expected symptoms that were found; it is not confirmed by them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from humouse_doctor.core.case import Case
from humouse_doctor.core.probe import Judgement, Kind, Probe, ProbeResult, Severity, Status
from humouse_doctor.core.remedy import Edit, Lever, Remedy
from humouse_doctor.core.report import Cause
from humouse_doctor.probes.registry import current

#: Levers of what a generator is asked for, and of what it can emit.
_ASKED = {Lever.SPACE, Lever.HEAD}


def is_fired_symptom(result: ProbeResult) -> bool:
    """Return True if the result is a symptom that was found."""
    return result.status is Status.FOUND and current().by_code[result.code].kind is Kind.SYMPTOM


def lacks(result: ProbeResult) -> bool:
    """Return True if the result is a symptom of too little of something; too much of something is not a collapse."""
    return is_fired_symptom(result) and not current().by_code[result.code].overshoots(result.measurements)


def explodes(result: ProbeResult) -> bool:
    """Return True if the result is a symptom above even the tolerable interval."""
    probe = current().by_code[result.code]
    above = any(result.measurements[m.name] > m.tolerable.high for m in probe.metrics if m.name in result.measurements)
    return is_fired_symptom(result) and probe.overshoots(result.measurements) and above


def _expected(probe: Probe, by_code: Mapping[str, ProbeResult]) -> list[ProbeResult]:
    """Return the measured ones of the symptoms that the cause would produce."""
    found = [by_code[code] for code in probe.explains if code in by_code]
    return [result for result in found if result.judgement is not None]


def severity_of(result: ProbeResult, by_code: Mapping[str, ProbeResult], case: Case) -> Severity | None:
    """Return the severity of one result, None if nothing was found.

    A symptom of too much is a warning. A cause is as severe as the symptoms it explains. If all of its symptoms were measured
    and are healthy, it is a note: the config has the cause, but this run does not suffer from it. It is also a note if later
    epochs have moved weights that were healthy after the warm-up: their symptoms do not come from a warm-up's cause.
    """
    if result.status is not Status.FOUND:
        return None
    probe = current().by_code[result.code]
    serious = result.judgement is Judgement.FOUND
    if probe.kind is Kind.SYMPTOM and probe.secondary:
        return Severity.WARNING if serious else Severity.NOTE
    if probe.kind is Kind.SYMPTOM:
        return Severity.ERROR if serious and lacks(result) else Severity.WARNING
    if not case.has_checkpoint:
        return Severity.ERROR if serious else Severity.WARNING
    if case.warm_up_is_blameless:
        return Severity.WARNING if probe.lasting and serious else Severity.NOTE
    expected = _expected(probe, by_code)
    known = [by_code[code] for code in (*probe.explains, *probe.sometimes) if code in by_code]
    shown = {
        severity_of(symptom, by_code, case)
        for symptom in known
        if lacks(symptom) and not current().by_code[symptom.code].secondary
    }
    if Severity.ERROR in shown:
        return Severity.ERROR
    if Severity.WARNING in shown or (probe.lasting and serious) or (not expected and serious):
        return Severity.WARNING
    return Severity.NOTE


def causes_of(case: Case, by_code: Mapping[str, ProbeResult], severities: Mapping[str, Severity | None]) -> tuple[Cause, ...]:
    """Return the causes that matter: found ones first, then by explained symptoms, support and code.

    Found causes of the targets' space or scale, or of the head's reach, come before one of the drive (HD203): nothing that
    moves the state helps a generator to what it is not asked for or cannot emit.
    """
    ranked = []
    for code, severity in severities.items():
        probe = current().by_code[code]
        if probe.kind is not Kind.CAUSE or severity is None or severity is Severity.NOTE:
            continue
        expected = _expected(probe, by_code)
        shown = [symptom.code for symptom in expected if lacks(symptom) or (probe.either_side and is_fired_symptom(symptom))]
        support = len(shown) / len(expected) if expected else None
        also = [code for code in probe.sometimes if code in by_code and lacks(by_code[code])]
        fired = tuple(sorted([*shown, *also]))
        cause = Cause(
            code=code,
            name=probe.name,
            support=None if support is None else round(support, 4),
            message=probe.message(case, by_code[code].measurements),
            explains=fired,
        )
        found = by_code[code].judgement is Judgement.FOUND
        ranked.append((not found, -len(fired), -(support or 0.0), code, cause))
    causes = [entry[-1] for entry in sorted(ranked, key=lambda entry: entry[:-1])]
    known = {entry[-1].code for entry in ranked if not entry[0]}
    first = next((index for index, cause in enumerate(causes) if _levers(cause) == {Lever.DRIVE}), len(causes))
    asked = [cause for cause in causes[first:] if cause.code in known and _levers(cause) & _ASKED]
    return (*causes[:first], *asked, *(cause for cause in causes[first:] if cause not in asked))


def _levers(cause: Cause) -> set[Lever]:
    return set(current().by_code[cause.code].levers)


def remedies_of(
    case: Case, causes: Iterable[Cause], by_code: Mapping[str, ProbeResult]
) -> tuple[tuple[Remedy, ...], dict[str, tuple[Remedy, ...]]]:
    """Return all remedies of all causes, each once, and those of each cause by its code."""
    by_id: dict[str, Remedy] = {}
    by_cause = {}
    for cause in causes:
        offered = current().by_code[cause.code].remedies(case, by_code[cause.code].measurements)
        by_cause[cause.code] = offered
        for remedy in offered:
            by_id.setdefault(remedy.id, remedy)
    return tuple(by_id.values()), by_cause


def edits_of(chosen: Iterable[Remedy]) -> tuple[Edit, ...]:
    """Return the edits of some remedies; a key is changed once, by the first of them."""
    edits: dict[str, Edit] = {}
    for remedy in chosen:
        for edit in remedy.edits:
            edits.setdefault(edit.key, edit)
    return tuple(edits.values())
