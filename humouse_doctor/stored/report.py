"""Writing and reading of a report as JSON; equal reports give equal bytes, and every number is finite."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from humouse_doctor.core.case import DataSummary, Subject
from humouse_doctor.core.errors import InputError
from humouse_doctor.core.pictures import Curve, Pictures, Points
from humouse_doctor.core.probe import Judgement, Kind, ProbeResult, Severity, Status
from humouse_doctor.core.remedy import CodeChange, Edit, Expectation, Interval, Remedy, RemedyStatus, Safety
from humouse_doctor.core.report import SCHEMA_VERSION, Cause, Confidence, Finding, Location, Report, Verdict
from humouse_doctor.core.settings import Origin, Place, Setting, Value
from humouse_doctor.core.text import no_command_in_json
from humouse_doctor.probes.registry import unmeasured
from humouse_doctor.stored import values
from humouse_doctor.stored.values import MALFORMED, code, described, flag, items, number, optional, pair, table, text, whole

#: YAML's spellings of the floats that JSON lacks.
_NOT_FINITE = (".nan", ".inf", "-.inf")
#: Bounds above any report: for probes, causes, curves and paths, and for numbers of one curve and settings of one config.
_MANY, _NUMBERS = 100, 10_000
#: The statuses that each judgement allows.
_STATUSES = {
    Judgement.HEALTHY: (Status.HEALTHY,),
    Judgement.BORDERLINE: (Status.FOUND,),
    Judgement.FOUND: (Status.FOUND,),
    None: (Status.SKIPPED, Status.CRASHED),
}


def render(report: Report) -> str:
    """Return the report as JSON text that ends in a newline."""
    content = to_dict(report)
    pictures = content.pop("pictures")
    return joined(content, "pictures", _packed(pictures))


def joined(content: Mapping[str, Any], key: str, text: str) -> str:
    """Return `content` as JSON text with one more entry, whose value is JSON text already."""
    head = json.dumps(content, indent=2, ensure_ascii=True, allow_nan=False)
    return no_command_in_json(head.removesuffix("\n}") + f',\n  "{key}": {text.strip()}\n}}\n')


def _packed(pictures: Mapping[str, Any] | None) -> str:
    """Return the pictures as JSON text with a line per picture instead of one per number."""
    if pictures is None:
        return "null"
    rows = (f"    {json.dumps(name)}: {json.dumps(value, allow_nan=False)}" for name, value in pictures.items())
    return "{\n" + ",\n".join(rows) + "\n  }"


def patch_text(report: Report) -> str:
    """Return only the suggested patch, as JSON text."""
    content = {"prefix": report.config_prefix, "patch": [_edit(edit) for edit in report.patch]}
    return no_command_in_json(json.dumps(content, indent=2, allow_nan=False) + "\n")


def to_dict(report: Report) -> dict[str, Any]:
    """Return the report as plain data, in the order of the file."""
    subject = report.subject
    return {
        "schema_version": SCHEMA_VERSION,
        "tool_version": report.tool_version,
        "verdict": report.verdict.value,
        "confidence": report.confidence.value,
        "sentence": report.sentence,
        "subject": {
            "name": subject.name,
            "checkpoint": subject.checkpoint,
            "config": subject.config,
            "data": subject.data,
            "sha256": subject.sha256,
            "seed": subject.seed,
            "remarks": list(subject.remarks),
        },
        "data": None if report.data is None else _data(report.data),
        "causes": [
            {
                "code": cause.code,
                "name": cause.name,
                "support": cause.support,
                "message": cause.message,
                "explains": list(cause.explains),
            }
            for cause in report.causes
        ],
        "unexplained": list(report.unexplained),
        "findings": [finding_to_dict(finding) for finding in report.findings],
        "probes": [
            {
                "code": result.code,
                "status": result.status.value,
                "judgement": None if result.judgement is None else result.judgement.value,
                "measurements": dict(result.measurements),
                "reason": result.reason,
            }
            for result in report.probes
        ],
        "remedies": [_remedy(remedy) for remedy in report.remedies],
        "patch": [_edit(edit) for edit in report.patch],
        "cure": None if report.cure is None else _remedy(report.cure),
        "config_prefix": report.config_prefix,
        "settings": [_setting(setting) for setting in report.settings],
        "diff": report.diff,
        "pictures": None if report.pictures is None else _pictures(report.pictures),
    }


def _pictures(pictures: Pictures) -> dict[str, Any]:
    return {
        "space": pictures.space,
        "reach": None if pictures.reach is None else list(pictures.reach),
        "gradient_rms": dict(pictures.gradient_rms),
        "steps": list(pictures.steps),
        "curves": [
            {"name": curve.name, "movement": list(curve.movement), "spread": list(curve.spread)} for curve in pictures.curves
        ],
        "edges": list(pictures.edges),
        "shares": {name: list(shares) for name, shares in pictures.shares.items()},
        "real_paths": [[list(point) for point in path] for path in pictures.real_paths],
        "generated_paths": [[list(point) for point in path] for path in pictures.generated_paths],
    }


def _data(data: DataSummary) -> dict[str, Any]:
    return {
        "source": data.source,
        "total": data.total,
        "usable": data.usable,
        "taken": data.taken,
        "length": data.length,
        "dropped": dict(data.dropped),
        "position_mean": list(data.position_mean),
        "position_std": list(data.position_std),
    }


def finding_to_dict(finding: Finding) -> dict[str, Any]:
    """Return one finding as plain data."""
    where = finding.location
    return {
        "code": finding.code,
        "name": finding.name,
        "kind": finding.kind.value,
        "severity": finding.severity.value,
        "message": finding.message,
        "evidence": dict(finding.evidence),
        "location": {
            "file": where.file,
            "line": where.line,
            "key": where.key,
            "origin": None if where.origin is None else where.origin.value,
        },
        "fingerprint": finding.fingerprint,
        "remedies": list(finding.remedies),
    }


def _remedy(remedy: Remedy) -> dict[str, Any]:
    return {
        "id": remedy.id,
        "title": remedy.title,
        "why": remedy.why,
        "safety": remedy.safety.value,
        "status": remedy.status.value,
        "patch": [_edit(edit) for edit in remedy.edits],
        "code_hint": remedy.code_hint,
        "code_changes": [change.value for change in remedy.code_changes],
        "trial": remedy.trial,
        "expects": [
            {"metric": expected.metric, "low": _bound(expected.interval.low), "high": _bound(expected.interval.high)}
            for expected in remedy.expects
        ],
    }


def _edit(edit: Edit) -> dict[str, Any]:
    return {"key": edit.key, "old": _plain(edit.old), "new": _plain(edit.new), "absent": edit.absent}


def _setting(setting: Setting) -> dict[str, Any]:
    place = setting.place
    return {
        "key": setting.key,
        "value": _plain(setting.value),
        "origin": setting.origin.value,
        "file": None if place is None else place.file,
        "line": None if place is None else place.line,
        "column": None if place is None else place.column,
    }


def _plain(value: Value) -> Any:
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return _NOT_FINITE[0 if math.isnan(value) else 1 if value > 0 else 2]
    return value


def _bound(value: float) -> float | None:
    return value if abs(value) != float("inf") else None


def parse(text: str, name: str) -> Report:
    """A report from its JSON; raises `InputError` for anything else."""
    try:
        return from_dict(json.loads(text), name)
    except MALFORMED as error:
        raise not_a_report(name, error) from None


def not_a_report(name: str, error: Exception) -> InputError:
    """The one line for content that no version has written."""
    return InputError(f"{name}: not a report of humouse-doctor ({type(error).__name__}); expected its JSON")


def from_dict(content: Any, name: str) -> Report:
    """Return a report from its plain data; raise `InputError` for anything else."""
    try:
        values.require_bounded(content)
        if content["schema_version"] != SCHEMA_VERSION:
            raise InputError(
                f"{name}: a report of schema {described(content['schema_version'])}; this version reads {SCHEMA_VERSION}"
            )
        report = _report(content)
    except MALFORMED as error:
        raise not_a_report(name, error) from None
    for trouble in (*_missing(report), *_contradictions(report)):
        raise InputError(f"{name}: not a whole report of humouse-doctor ({trouble}); write it anew with --format json")
    return report


def _missing(report: Report) -> Iterator[str]:
    """Yield references to missing parts."""
    found, offered = {finding.code for finding in report.findings}, {remedy.id for remedy in report.remedies}
    yield from (f"cause {cause.code} has no finding" for cause in report.causes if cause.code not in found)
    for finding in report.findings:
        if not offered.issuperset(finding.remedies):
            yield f"finding {finding.code} names a remedy that is not there"


def _contradictions(report: Report) -> Iterator[str]:
    """Yield what no diagnosis says: a status that contradicts its judgement, or a healthy run without measurements."""
    codes = Counter(result.code for result in report.probes)
    yield from (f"probe {code} is there {count} times" for code, count in codes.items() if count > 1)
    for result in report.probes:
        if result.status not in _STATUSES[result.judgement]:
            yield f"probe {result.code} is {result.status.value} by another judgement"
    if report.verdict is not Verdict.HEALTHY:
        return
    if report.causes:
        yield f"it is healthy with the cause {report.causes[0].code}"
    if trouble := unmeasured(report):
        yield f"it is healthy, and {trouble}"


def _report(content: Mapping[str, Any]) -> Report:
    return Report(
        tool_version=text(content["tool_version"]),
        verdict=Verdict(content["verdict"]),
        confidence=Confidence(content["confidence"]),
        sentence=text(content["sentence"]),
        subject=_read_subject(content["subject"]),
        data=optional(_read_data, content["data"]),
        causes=items(_read_cause, content["causes"], _MANY),
        unexplained=items(code, content["unexplained"]),
        findings=items(_read_finding, content["findings"]),
        probes=items(_read_result, content["probes"], _MANY),
        remedies=items(_read_remedy, content["remedies"]),
        patch=items(read_edit, content["patch"]),
        settings=items(_read_setting, content["settings"], _NUMBERS),
        cure=optional(_read_remedy, content["cure"]),
        config_prefix=text(content["config_prefix"]),
        diff=text(content["diff"], 1_000_000),
        pictures=optional(_read_pictures, content["pictures"]),
    )


def _read_subject(entry: Mapping[str, Any]) -> Subject:
    return Subject(
        name=text(entry["name"]),
        checkpoint=optional(text, entry["checkpoint"]),
        config=optional(text, entry["config"]),
        data=optional(text, entry["data"]),
        sha256=optional(text, entry["sha256"]),
        seed=whole(entry["seed"]),
        remarks=items(text, entry["remarks"]),
    )


def _read_data(entry: Mapping[str, Any]) -> DataSummary:
    return DataSummary(
        source=text(entry["source"]),
        total=whole(entry["total"]),
        usable=whole(entry["usable"]),
        taken=whole(entry["taken"]),
        length=whole(entry["length"]),
        dropped=table(whole, entry["dropped"]),
        position_mean=pair(entry["position_mean"]),
        position_std=pair(entry["position_std"]),
    )


def _read_cause(entry: Mapping[str, Any]) -> Cause:
    return Cause(
        code=code(entry["code"]),
        name=text(entry["name"]),
        support=optional(number, entry["support"]),
        message=text(entry["message"]),
        explains=items(code, entry["explains"]),
    )


def _read_pictures(entry: Mapping[str, Any]) -> Pictures:
    pictures = Pictures(
        space=text(entry["space"]),
        reach=optional(pair, entry["reach"]),
        gradient_rms=table(number, entry["gradient_rms"]),
        steps=items(whole, entry["steps"], _NUMBERS),
        curves=items(_read_curve, entry["curves"], _MANY),
        edges=items(number, entry["edges"]),
        shares=table(_numbers, entry["shares"]),
        real_paths=items(_read_path, entry["real_paths"], _MANY),
        generated_paths=items(_read_path, entry["generated_paths"], _MANY),
    )
    lengths = {len(curve.movement) for curve in pictures.curves} | {len(curve.spread) for curve in pictures.curves}
    bins = {len(shares) for shares in pictures.shares.values()}
    if len(pictures.shares) > _MANY or len(pictures.edges) > _NUMBERS // 10:
        raise ValueError("more than is drawn")
    if lengths - {len(pictures.steps)} or 0 in lengths or bins - {len(pictures.edges) - 1} or 0 in bins:
        raise ValueError("a curve or a histogram of another length")
    return pictures


def _read_curve(entry: Mapping[str, Any]) -> Curve:
    return Curve(name=text(entry["name"]), movement=_numbers(entry["movement"]), spread=_numbers(entry["spread"]))


def _read_path(entry: Any) -> Points:
    return items(pair, entry, _NUMBERS)


def _numbers(entry: Any) -> tuple[float, ...]:
    return items(number, entry, _NUMBERS)


def _read_finding(entry: Mapping[str, Any]) -> Finding:
    return Finding(
        code=code(entry["code"]),
        name=text(entry["name"]),
        kind=Kind(entry["kind"]),
        severity=Severity(entry["severity"]),
        message=text(entry["message"]),
        evidence=table(number, entry["evidence"]),
        location=_read_location(entry["location"]),
        remedies=items(text, entry["remedies"]),
    )


def _read_location(entry: Mapping[str, Any]) -> Location:
    return Location(
        file=optional(text, entry["file"]),
        line=optional(_line, entry["line"]),
        key=optional(text, entry["key"]),
        origin=optional(Origin, entry["origin"]),
    )


def _read_result(entry: Mapping[str, Any]) -> ProbeResult:
    return ProbeResult(
        code=code(entry["code"]),
        status=Status(entry["status"]),
        judgement=optional(Judgement, entry["judgement"]),
        measurements=table(number, entry["measurements"]),
        reason=optional(text, entry["reason"]),
    )


def _read_remedy(entry: Mapping[str, Any]) -> Remedy:
    return Remedy(
        id=text(entry["id"]),
        title=text(entry["title"]),
        why=text(entry["why"]),
        safety=Safety(entry["safety"]),
        status=RemedyStatus(entry["status"]),
        edits=items(read_edit, entry["patch"]),
        code_hint=optional(text, entry["code_hint"]),
        code_changes=items(CodeChange, entry["code_changes"]),
        trial=optional(text, entry["trial"]),
        expects=items(_read_expectation, entry["expects"]),
    )


def _read_expectation(entry: Mapping[str, Any]) -> Expectation:
    low, high = optional(number, entry["low"]), optional(number, entry["high"])
    infinity = float("inf")
    interval = Interval(low=-infinity if low is None else low, high=infinity if high is None else high)
    return Expectation(metric=text(entry["metric"]), interval=interval)


def read_edit(entry: Mapping[str, Any]) -> Edit:
    """Return an edit from its plain data; raise one of `MALFORMED`."""
    return Edit(key=text(entry["key"]), old=_value(entry["old"]), new=_value(entry["new"]), absent=flag(entry["absent"]))


def _read_setting(entry: Mapping[str, Any]) -> Setting:
    file = optional(text, entry["file"])
    place = None if file is None else Place(file=file, line=_line(entry["line"]), column=_line(entry["column"]))
    return Setting(key=text(entry["key"]), value=_value(entry["value"]), origin=Origin(entry["origin"]), place=place)


def _value(raw: Any) -> Value:
    if isinstance(raw, list):
        return tuple(_value(part) for part in raw)
    if isinstance(raw, str):
        return float(raw.replace(".", "")) if raw in _NOT_FINITE else raw
    if raw is None or isinstance(raw, bool):
        return raw
    as_float = number(raw)
    return raw if isinstance(raw, int) else as_float


def _line(raw: Any) -> int:
    if whole(raw) < 1:
        raise ValueError(raw)
    return whole(raw)
