"""Results to a verdict, its confidence, and the reasons not to call a run healthy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from humouse_doctor.cases import budget
from humouse_doctor.core.case import Case
from humouse_doctor.core.probe import Judgement, ProbeResult, Status
from humouse_doctor.core.report import Cause, Confidence, Verdict
from humouse_doctor.core.spec import Architecture
from humouse_doctor.diagnosis.causes import explodes, is_fired_symptom, lacks
from humouse_doctor.probes.registry import current
from humouse_doctor.probes.shared import targets
from humouse_doctor.probes.untrained import looks_untrained

#: With this one as well the verdict is sure.
_FITTED = "HD105"

#: With fewer targets than this no verdict is sure.
_SURE_TARGETS = 64


def verdict_of(case: Case, by_code: Mapping[str, ProbeResult], causes: Sequence[Cause]) -> Verdict:
    """Return the verdict on a run, from its measurements and the causes that matter."""
    crashed = any(result.status is Status.CRASHED for result in by_code.values())
    if not case.has_checkpoint:
        if causes:
            return Verdict.AT_RISK
        return Verdict.HEALTHY if _known_before_training(case, by_code) and not crashed else Verdict.UNDETERMINED
    if is_untrained(by_code):
        return Verdict.AT_RISK if causes else Verdict.UNDETERMINED
    fired = [result for result in by_code.values() if lacks(result) and not current().by_code[result.code].secondary]
    if any(result.judgement is Judgement.FOUND for result in fired):
        return Verdict.COLLAPSED
    if crashed:
        return Verdict.UNDETERMINED
    if not all(_measured(by_code, code) for code in current().deciding):
        return Verdict.AT_RISK if causes else Verdict.UNDETERMINED
    exploded = any(explodes(result) for result in by_code.values())
    if fired or exploded or causes or _drawn_badly(case, by_code):
        return Verdict.AT_RISK
    return Verdict.HEALTHY if blind_spot(case) is None else Verdict.UNDETERMINED


def confidence_of(case: Case, verdict: Verdict, by_code: Mapping[str, ProbeResult], causes: Sequence[Cause]) -> Confidence:
    """Return the confidence in the verdict, from the share of deciding probes that measured and the number of targets.

    A healthy run whose samples are too large is never sure: they are no collapse, and not like the data either.
    """
    if verdict is Verdict.UNDETERMINED:
        return Confidence.LOW
    if not case.has_checkpoint:
        return Confidence.MEDIUM if case.samples.loss_targets is not None else Confidence.LOW
    deciding = all(_measured(by_code, code) for code in current().deciding)
    overshot = any(is_fired_symptom(result) and not current().by_code[result.code].secondary for result in by_code.values())
    explained = not overshot if verdict is Verdict.HEALTHY else any((cause.support or 0.0) >= 0.5 for cause in causes)
    enough = case.samples.loss_targets is not None and len(case.samples.loss_targets) >= _SURE_TARGETS
    if deciding and _measured(by_code, _FITTED) and explained and enough:
        return Confidence.HIGH
    return Confidence.MEDIUM if deciding else Confidence.LOW


def blind_spot(case: Case) -> str | None:
    """Return why the targets, or before training the config too, show too little for a verdict of healthy.

    Returns None if they show enough, or are not known.
    """
    if case.has_checkpoint:
        return targets.sight_trouble(case)
    return budget.rate_trouble(case) or targets.sight_trouble(case) or targets.loss_trouble(case)


def deciding_codes(case: Case) -> tuple[str, ...]:
    """Return the codes of the probes that have to measure before this case can be called healthy.

    Before training, a head without bounds needs no measurement of its reach.
    """
    if case.has_checkpoint:
        return current().deciding
    reach, scale = current().before_training
    return (scale,) if _is_unbounded(case) else (reach, scale)


def _is_unbounded(case: Case) -> bool:
    heads = () if case.network is None else case.network.heads[:2]
    return case.network is not None and all(head is not None and all(map(math.isinf, head.bounds)) for head in heads)


def is_untrained(by_code: Mapping[str, ProbeResult]) -> bool:
    """Return True if the weights were found to be still at their random start."""
    result = by_code.get("HD108")
    return result is not None and result.status is Status.FOUND and looks_untrained(result.measurements)


def _measured(by_code: Mapping[str, ProbeResult], code: str) -> bool:
    return code in by_code and by_code[code].judgement is not None


def _drawn_badly(case: Case, by_code: Mapping[str, ProbeResult]) -> bool:
    """Return True if the paths that a program drew, or would sum, fail a symptom that elsewhere is only a warning.

    The sum of an output that has settled is a straight line, which is healthy by all other symptoms. In the loss's space a
    fifth of the zoo's healthy runs have such paths.
    """
    if not (case.subject_is_samples or case.spaces_differ):
        return False
    return any(result.judgement is Judgement.FOUND and current().by_code[code].secondary for code, result in by_code.items())


def _known_before_training(case: Case, by_code: Mapping[str, ProbeResult]) -> bool:
    """Return True if each of the two causes that show before training was measured or is impossible, and one was measured.

    A head without bounds reaches everything; the features of a TCN may be of any scale; a run that starts from a
    pretrainer's weights has the scale that its contract (HD207) is about.
    """
    if (
        case.network is None
        or case.samples.loss_targets is None
        or any(code not in by_code for code in current().before_training)
    ):
        return False
    if blind_spot(case) is not None:
        return False
    reach, scale = (_measured(by_code, code) for code in current().before_training)
    unbounded = _is_unbounded(case)
    any_scale = case.network.architecture is Architecture.TCN
    warm_start = not case.settings.integer("training.reconstruction_epochs") and _measured(by_code, "HD207")
    return (reach and (scale or any_scale)) or (scale and unbounded) or (warm_start and (reach or unbounded))
