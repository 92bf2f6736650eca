"""A verdict with its causes and findings to the sentence that a report begins with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.probe import Kind, ProbeResult, Severity
from humouse_doctor.core.report import Cause, Finding, Verdict
from humouse_doctor.diagnosis.causes import explodes
from humouse_doctor.diagnosis.verdict import blind_spot, deciding_codes, is_untrained
from humouse_doctor.probes.registry import current
from humouse_doctor.probes.shared import measures
from humouse_doctor.probes.shared.targets import padding_share

_MAX_CONTRADICTIONS = 3
#: Less padding than this is not worth a sentence.
_SAID_PADDING = 0.25
_NOTHING_KNOWN = (
    "Nothing in this config and data is known to make a warm-up collapse; only a rehearsal or its checkpoint can show more."
)

_BLAMELESS = (
    "The warm-up ended well, by the samples that the run drew after it: the adversarial stage made what is wrong now, and what"
    " in it did is not known here."
)
_THROWN_OFF = (
    "No cause was found in the warm-up, and the samples that the run drew itself grew far too large in the adversarial stage;"
    " what in that stage did it is not known here."
)


def sentence_of(
    case: Case,
    verdict: Verdict,
    by_code: Mapping[str, ProbeResult],
    causes: Sequence[Cause],
    findings: Sequence[Finding],
) -> str:
    """Return the answer in one sentence, with numbers.

    Samples that are far too wide get a sentence of their own: a verdict of collapsed would be read as too alike. A sentence on
    a warm-up that is not to blame comes first, and before it one on a config that is not what the weights were
    trained with. Non-finite weights are named before any of their consequences.
    """
    said = _answer(case, verdict, by_code, causes, findings)
    sick = verdict in (Verdict.COLLAPSED, Verdict.AT_RISK)
    if sick and (wide := _too_wide(by_code, findings, said)):
        said = f"{said} {wide}"
    if sick and case.warm_up_is_blameless:
        said = f"{_BLAMELESS} {said}"
    elif sick and case.grew_since and not causes:
        said = f"{_THROWN_OFF} {said}"
    if not case.contradictions:
        return said
    shown = "; ".join(case.contradictions[:_MAX_CONTRADICTIONS])
    more = "; and more" if len(case.contradictions) > _MAX_CONTRADICTIONS else ""
    return f"The config is not what these weights were trained with: {shown}{more}. {said}"


def _too_wide(by_code: Mapping[str, ProbeResult], findings: Sequence[Finding], said: str) -> str:
    """Return that samples are far too wide, where they are and `said` is not that finding's own message; else nothing."""
    spread = by_code.get("HD101")
    if spread is None or not explodes(spread) or any(f.code == "HD101" and as_sentence(f.message) in said for f in findings):
        return ""
    times = measures.in_words(spread.measurements["spread_ratio"], 1)
    return f"The samples have not shrunk to a point: they are thrown far too wide, {times} times the spread of the targets."


def _answer(
    case: Case,
    verdict: Verdict,
    by_code: Mapping[str, ProbeResult],
    causes: Sequence[Cause],
    findings: Sequence[Finding],
) -> str:
    broken = by_code.get("HD108")
    if broken is not None and broken.measurements.get("non_finite_weights", 0) > 0:
        return as_sentence(current().by_code["HD108"].message(case, broken.measurements))
    if verdict is Verdict.HEALTHY:
        return _of_healthy_run(case, by_code, findings) if case.has_checkpoint else _NOTHING_KNOWN
    if causes:
        return _of_cause(case, causes[0])
    grave = _gravest(verdict, by_code, findings)
    return _of_too_little(case, by_code) if grave is None else as_sentence(grave.message)


def _of_healthy_run(case: Case, by_code: Mapping[str, ProbeResult], findings: Sequence[Finding]) -> str:
    spread, moves, differ = (by_code[code].measurements for code in current().deciding)
    what = "sequences" if measures.is_series(case) else "paths"
    said = (
        f"Generated {what} have {spread['spread_ratio']:.2f} times the spread, {moves['time_std_ratio']:.2f} times the movement"
        f" and {differ['latent_std_ratio']:.2f} times the variety of real ones."
    )
    left_out = [axis for axis in "xy" if all(_without(measured, axis) for measured in (spread, moves, differ))]
    if left_out and measures.is_series(case):
        said += f" Only one channel was compared: in the data channel {'xy'.index(left_out[0])} does not vary."
    elif left_out:
        said += f" Only one axis was compared: in the data {left_out[0]} does not vary."
    still = measures.left_out_channels("spread_ratio", spread)
    if still:
        said += f" {still} of the channels {'does' if still == 1 else 'do'} not vary in the data: not compared."
    padding = padding_share(case)
    if padding >= _SAID_PADDING:
        said += f" {padding:.0%} of the data's steps are padding, where nothing was compared."
    too_much = next((finding for finding in findings if finding.code in current().deciding), None)
    return said if too_much is None else f"{said} This is not a collapse, but {too_much.message}."


def _without(measured: Mapping[str, float], axis: str) -> bool:
    """Return True if the ratios were compared on the other axis alone."""
    by_axis = {name[-1] for name in measured if name.endswith(("_x", "_y"))}
    return bool(by_axis) and axis not in by_axis


def _of_cause(case: Case, cause: Cause) -> str:
    said = as_sentence(cause.message)
    missing = case.lacks(Need.TARGETS) if case.has_checkpoint else None
    return said if missing is None else f"{said} Symptoms could not be measured: {missing}."


def _gravest(verdict: Verdict, by_code: Mapping[str, ProbeResult], findings: Sequence[Finding]) -> Finding | None:
    """Return the finding to mention, None if there are only notes.

    For untrained weights it is that of HD108. With a verdict, the run's own findings come before the tool's.
    """
    grave = [finding for finding in findings if finding.severity is not Severity.NOTE]
    if is_untrained(by_code):
        grave.sort(key=lambda finding: finding.code != "HD108")
    elif verdict is not Verdict.UNDETERMINED:
        grave.sort(key=lambda finding: finding.kind is Kind.TOOL)
    return grave[0] if grave else None


def _of_too_little(case: Case, by_code: Mapping[str, ProbeResult]) -> str:
    codes = deciding_codes(case)
    reasons = {by_code[code].reason for code in codes if code in by_code}
    if by_code:
        reasons.add(blind_spot(case))
    missing = [
        code for code in (current().deciding if case.has_checkpoint else current().before_training) if code not in by_code
    ]
    none = f"not run: {', '.join(missing)}" if by_code else "no probe was run"
    return f"Too little could be measured to tell: {'; '.join(sorted(r for r in reasons if r)) or none}."


def as_sentence(message: str) -> str:
    """Return `message` with a full stop and a capital; a config's key at its beginning keeps its spelling."""
    starts_with_key = "." in message.partition(" ")[0]
    return f"{message if starts_with_key else message[:1].upper() + message[1:]}."
