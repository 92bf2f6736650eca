"""Writing and reading of a report as JSON; equal reports give equal bytes, and every number is finite."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from humouse_doctor.core.case import DataSummary, Subject
from humouse_doctor.core.errors import InputError
from humouse_doctor.core.history import History, Stage
from humouse_doctor.core.pictures import Pictures
from humouse_doctor.core.probe import Judgement, ProbeResult, Status
from humouse_doctor.core.remedy import Edit, Expectation, Interval, Remedy
from humouse_doctor.core.report import SCHEMA_VERSION, Cause, Finding, Rehearsed, Report, Verdict
from humouse_doctor.core.settings import Place, Setting, Value
from humouse_doctor.core.text import no_command_in_json, reason
from humouse_doctor.probes.registry import unmeasured

if TYPE_CHECKING:
    from humouse_doctor.stored.shapes import bounds
    from humouse_doctor.stored.shapes import report as shapes

#: YAML's spellings of the floats that JSON lacks.
_NOT_FINITE = (".nan", ".inf", "-.inf")
#: Most of a report's parts are of these types.
_PLAIN_TYPES = frozenset((float, int, str, bool, type(None)))
#: The statuses that each judgement allows.
_STATUSES = {
    Judgement.HEALTHY: (Status.HEALTHY,),
    Judgement.BORDERLINE: (Status.FOUND,),
    Judgement.FOUND: (Status.FOUND,),
    None: (Status.SKIPPED, Status.CRASHED),
}


def render(report: Report, following: Sequence[str] = ()) -> str:
    """Return the report as JSON text that ends in a newline; `following` are the commands to type next.

    They are not read back: a file from elsewhere tells nobody what to type.
    """
    content = to_dict(report, following)
    pictures = content.pop("pictures")
    return joined(content, "pictures", _packed(pictures))


def joined(content: Mapping[str, Any], key: str, text: str) -> str:
    """Return `content` as JSON text with one more entry, whose value is JSON text already."""
    return no_command_in_json(_spread(content).removesuffix("\n}") + f',\n  "{key}": {text.strip()}\n}}\n')


def _spread(content: Mapping[str, Any]) -> str:
    """Return `content` as `json.dumps` with an indent of 2 writes it, in a third of its time where msgspec is there already."""
    msgspec = sys.modules.get("msgspec")  # whoever writes many reports has read them, and one is not worth the import
    if msgspec is not None:
        compact = json.dumps(content, ensure_ascii=True, allow_nan=False)
        with contextlib.suppress(msgspec.DecodeError):  # half of a surrogate pair, in a name that is not UTF-8
            return str(msgspec.json.format(compact, indent=2))
    return json.dumps(content, indent=2, ensure_ascii=True, allow_nan=False)


def _packed(pictures: Mapping[str, Any] | None) -> str:
    """Return the pictures as JSON text with a line per picture instead of one per number."""
    if pictures is None:
        return "null"
    rows = (f"    {json.dumps(name)}: {json.dumps(value, allow_nan=False)}" for name, value in pictures.items())
    return "{\n" + ",\n".join(rows) + "\n  }"


def patch_text(report: Report) -> str:
    """Return only the suggested patch, and what has to change in the code for it, as JSON text."""
    code = [
        {"remedy": remedy.id, "changes": plain(remedy.code_changes), "hint": remedy.code_hint}
        for remedy in report.chosen_remedies
        if remedy.code_hint is not None
    ]
    content = {"prefix": report.config_prefix, "patch": plain(report.patch), "code": code}
    return no_command_in_json(json.dumps(content, indent=2, allow_nan=False) + "\n")


def to_dict(report: Report, following: Sequence[str] = ()) -> dict[str, Any]:
    """Return the report as plain data, in the order of the file."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool_version": report.tool_version,
        "verdict": report.verdict.value,
        "confidence": report.confidence.value,
        "sentence": report.sentence,
        "next": list(following),
        "subject": plain(report.subject),
        "stage": plain(report.stage),
        "history": plain(report.history),
        "rehearsed": plain(report.rehearsed),
        "data": plain(report.data),
        "causes": plain(report.causes),
        "unexplained": list(report.unexplained),
        "findings": [finding_to_dict(finding) for finding in report.findings],
        "probes": plain(report.probes),
        "remedies": [_remedy(remedy) for remedy in report.remedies],
        "patch": plain(report.patch),
        "chosen": list(report.chosen),
        "cure": None if report.cure is None else _remedy(report.cure),
        "config_prefix": report.config_prefix,
        "settings": [_setting(setting) for setting in report.settings],
        "diff": report.diff,
        "pictures": plain(report.pictures),
    }


def plain(part: object) -> Any:
    """Return a part of a report as plain data: a dataclass as a dict of its fields in their order.

    A config's value that is not finite is spelled as in YAML; measured numbers are finite.
    """
    kind = type(part)
    if kind in _PLAIN_TYPES:
        return part
    match part:
        case tuple():
            return list(part) if _PLAIN_TYPES.issuperset(map(type, part)) else [plain(value) for value in part]
        case Edit():
            return {"key": part.key, "old": spelled(part.old), "new": spelled(part.new), "absent": part.absent}
        case _ if is_dataclass(kind):
            return {name: plain(getattr(part, name)) for name in _names(kind)}
        case Enum():
            return part.value
        case Mapping():
            return {key: plain(value) for key, value in part.items()}
    return part


@functools.cache
def _names(kind: type) -> tuple[str, ...]:
    """Return the names of the fields of a dataclass."""
    return tuple(field.name for field in fields(kind))


def finding_to_dict(finding: Finding) -> dict[str, Any]:
    """Return one finding as plain data."""
    content: dict[str, Any] = plain(finding)
    remedies = content.pop("remedies")
    return {**content, "fingerprint": finding.fingerprint, "remedies": remedies}


def _remedy(remedy: Remedy) -> dict[str, Any]:
    return {
        "id": remedy.id,
        "title": remedy.title,
        "why": remedy.why,
        "safety": remedy.safety.value,
        "status": remedy.status.value,
        "patch": plain(remedy.edits),
        "code_hint": remedy.code_hint,
        "code_changes": plain(remedy.code_changes),
        "trial": remedy.trial,
        "expects": [
            {"metric": expected.metric, "low": _bound(expected.interval.low), "high": _bound(expected.interval.high)}
            for expected in remedy.expects
        ],
    }


def _setting(setting: Setting) -> dict[str, Any]:
    place = setting.place
    return {
        "key": setting.key,
        "value": spelled(setting.value),
        "origin": setting.origin.value,
        "file": None if place is None else place.file,
        "line": None if place is None else place.line,
        "column": None if place is None else place.column,
    }


def spelled(value: Value) -> Any:
    """Return a config's value as JSON has it: a number that is not finite is spelled as in YAML."""
    if isinstance(value, tuple):
        return [spelled(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return _NOT_FINITE[0 if math.isnan(value) else 1 if value > 0 else 2]
    return value


def _bound(value: float) -> float | None:
    return value if abs(value) != float("inf") else None


def parse(text: str, name: str) -> Report:
    """Return a report from its JSON; raise `InputError` for anything else."""
    from humouse_doctor.stored import values  # msgspec, which only reading needs
    from humouse_doctor.stored.shapes import report as shapes

    try:
        values.require_bounded(text)
        report = _report(values.decode_file(text, shapes.Report, name, "a report", SCHEMA_VERSION))
    except values.MALFORMED as error:
        raise not_a_report(name, error) from None
    for trouble in (*_missing(report), *_contradictions(report)):
        raise InputError(f"{name}: not a whole report of humouse-doctor ({trouble}); write it anew with --format json")
    return report


def not_a_report(name: str, error: Exception) -> InputError:
    """Return the error for content that no version of the tool has written."""
    return InputError(f"{name}: not a report of humouse-doctor ({reason(error)}); expected its JSON")


def _missing(report: Report) -> Iterator[str]:
    """Yield each reference to a part that is missing."""
    found, offered = {finding.code for finding in report.findings}, {remedy.id for remedy in report.remedies}
    yield from (f"cause {cause.code} has no finding" for cause in report.causes if cause.code not in found)
    for finding in report.findings:
        if not offered.issuperset(finding.remedies):
            yield f"finding {finding.code} names a remedy that is not there"


def _contradictions(report: Report) -> Iterator[str]:
    """Yield each contradiction in a report: a status against its judgement, or a healthy verdict without measurements."""
    codes = Counter(result.code for result in report.probes)
    yield from (f"probe {code} is there {count} times" for code, count in codes.items() if count > 1)
    for result in report.probes:
        if result.status not in _STATUSES[result.judgement]:
            yield f"probe {result.code} has the status {result.status.value}, which contradicts its judgement"
    if report.verdict is not Verdict.HEALTHY:
        return
    if report.causes:
        yield f"it is healthy with the cause {report.causes[0].code}"
    if trouble := unmeasured(report):
        yield f"it is healthy, and {trouble}"


def _report(stored: shapes.Report) -> Report:
    from humouse_doctor.stored.values import same  # msgspec, which only reading needs

    return Report(
        tool_version=stored.tool_version,
        verdict=stored.verdict,
        confidence=stored.confidence,
        sentence=stored.sentence,
        subject=same(stored.subject, Subject),
        data=None if stored.data is None else same(stored.data, DataSummary),
        causes=same(stored.causes, tuple[Cause, ...]),
        unexplained=stored.unexplained,
        findings=same(stored.findings, tuple[Finding, ...]),
        probes=same(stored.probes, tuple[ProbeResult, ...]),
        remedies=tuple(map(_read_remedy, stored.remedies)),
        patch=tuple(map(read_edit, stored.patch)),
        chosen=stored.chosen,
        settings=tuple(map(_read_setting, stored.settings)),
        cure=None if stored.cure is None else _read_remedy(stored.cure),
        config_prefix=stored.config_prefix,
        diff=stored.diff,
        pictures=None if stored.pictures is None else _drawable(same(stored.pictures, Pictures)),
        stage=None if stored.stage is None else same(stored.stage, Stage),
        history=None if stored.history is None else _told(same(stored.history, History)),
        rehearsed=None if stored.rehearsed is None else same(stored.rehearsed, Rehearsed),
    )


def _told(history: History) -> History:
    if any(not curve.values or len(curve.epochs) != len(curve.values) for curve in history.curves):
        raise ValueError("a curve of another length")
    return history


def _drawable(pictures: Pictures) -> Pictures:
    lengths = {len(curve.movement) for curve in pictures.curves} | {len(curve.spread) for curve in pictures.curves}
    lengths |= set(map(len, pictures.ways.values()))
    bins = {len(shares) for shares in pictures.shares.values()}
    if lengths - {len(pictures.steps)} or 0 in lengths or bins - {len(pictures.edges) - 1} or 0 in bins:
        raise ValueError("a curve or a histogram of another length")
    return pictures


def _read_remedy(stored: shapes.Remedy) -> Remedy:
    return Remedy(
        id=stored.id,
        title=stored.title,
        why=stored.why,
        safety=stored.safety,
        status=stored.status,
        edits=tuple(map(read_edit, stored.patch)),
        code_hint=stored.code_hint,
        code_changes=stored.code_changes,
        trial=stored.trial,
        expects=tuple(map(_read_expectation, stored.expects)),
    )


def _read_expectation(stored: shapes.Expectation) -> Expectation:
    low = -math.inf if stored.low is None else stored.low
    return Expectation(metric=stored.metric, interval=Interval(low=low, high=math.inf if stored.high is None else stored.high))


def read_edit(stored: bounds.Edit) -> Edit:
    """Return an edit; raise `ValueError` for a value that no config has."""
    return Edit(key=stored.key, old=read_value(stored.old), new=read_value(stored.new), absent=stored.absent)


def _read_setting(stored: shapes.Setting) -> Setting:
    place = None
    if stored.file is not None:
        if stored.line is None or stored.column is None:
            raise ValueError("a setting of a file without line and column")
        place = Place(file=stored.file, line=stored.line, column=stored.column)
    return Setting(key=stored.key, value=read_value(stored.value), origin=stored.origin, place=place)


def read_value(raw: object, levels: int = 60) -> Value:
    """Return a config's value from JSON; raise `ValueError` for one that no config has."""
    match raw:
        case list() if levels:
            return tuple(read_value(part, levels - 1) for part in raw)
        case str():
            return float(raw.replace(".", "")) if raw in _NOT_FINITE else raw
        case int() | float() if abs(raw) <= sys.float_info.max:
            return raw
        case None:
            return None
    raise ValueError("not a value of a config")
