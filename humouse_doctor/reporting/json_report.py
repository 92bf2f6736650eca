"""The report as JSON and back: the same report gives the same bytes, and every number is finite."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from humouse_doctor.core.case import DataSummary, Subject
from humouse_doctor.core.errors import InputError
from humouse_doctor.core.pictures import Curve, Pictures, Points
from humouse_doctor.core.probe import Judgement, Kind, ProbeResult, Severity, Status
from humouse_doctor.core.remedy import CodeChange, Edit, Expectation, Interval, Remedy, RemedyStatus, Safety
from humouse_doctor.core.report import SCHEMA_VERSION, Cause, Confidence, Finding, Location, Report, Verdict
from humouse_doctor.core.settings import Origin, Place, Setting, Value
from humouse_doctor.reporting.plain import no_command_in_json

#: How YAML spells the floats that JSON has no number for.
_NOT_FINITE = (".nan", ".inf", "-.inf")


def render(report: Report) -> str:
    """The report as JSON text, ending in a newline."""
    content = to_dict(report)
    pictures = content.pop("pictures")
    return joined(content, "pictures", _packed(pictures))


def joined(content: Mapping[str, Any], key: str, text: str) -> str:
    """`content` as JSON text with one more entry, whose value is JSON text already."""
    head = json.dumps(content, indent=2, ensure_ascii=True, allow_nan=False)
    return no_command_in_json(head.removesuffix("\n}") + f',\n  "{key}": {text.strip()}\n}}\n')


def _packed(pictures: Mapping[str, Any] | None) -> str:
    """The pictures' numbers, a line per picture instead of one per number."""
    if pictures is None:
        return "null"
    rows = (f"    {json.dumps(name)}: {json.dumps(value, allow_nan=False)}" for name, value in pictures.items())
    return "{\n" + ",\n".join(rows) + "\n  }"


def patch_text(report: Report) -> str:
    """Only the suggested patch, as JSON text."""
    content = {"prefix": report.config_prefix, "patch": [_edit(edit) for edit in report.patch]}
    return no_command_in_json(json.dumps(content, indent=2, allow_nan=False) + "\n")


def to_dict(report: Report) -> dict[str, Any]:
    """The report as plain data, in the order it is written."""
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
    """One finding as plain data."""
    where = finding.location
    return {
        "code": finding.code,
        "name": finding.name,
        "kind": finding.kind.value,
        "severity": finding.severity.value,
        "message": finding.message,
        "evidence": dict(finding.evidence),
        "location": {"file": where.file, "line": where.line, "key": where.key},
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
        content = json.loads(text)
        if content["schema_version"] != SCHEMA_VERSION:
            raise InputError(f"{name}: a report of schema {content['schema_version']!r}; this version reads {SCHEMA_VERSION}")
        report = _report(content)
        _require_whole(report, name)
        return report
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{name}: not a report of humouse-doctor ({type(error).__name__}); expected its JSON") from None


def _require_whole(report: Report, name: str) -> None:
    """Raise `InputError` where a part refers to another that is not there."""
    found, offered = {finding.code for finding in report.findings}, {remedy.id for remedy in report.remedies}
    missing = [f"cause {cause.code} has no finding" for cause in report.causes if cause.code not in found]
    missing += [
        f"finding {finding.code} names the remedy {remedy}, which is not there"
        for finding in report.findings
        for remedy in finding.remedies
        if remedy not in offered
    ]
    if missing:
        raise InputError(f"{name}: not a whole report of humouse-doctor ({missing[0]}); write it anew with --format json")


def _report(content: Mapping[str, Any]) -> Report:
    subject, data = content["subject"], content["data"]
    return Report(
        tool_version=str(content["tool_version"]),
        verdict=Verdict(content["verdict"]),
        confidence=Confidence(content["confidence"]),
        sentence=str(content["sentence"]),
        subject=Subject(**{**subject, "remarks": tuple(subject["remarks"])}),
        data=None
        if data is None
        else DataSummary(
            **{
                **data,
                "dropped": MappingProxyType(data["dropped"]),
                "position_mean": tuple(data["position_mean"]),
                "position_std": tuple(data["position_std"]),
            }
        ),
        causes=tuple(Cause(**{**cause, "explains": tuple(cause["explains"])}) for cause in content["causes"]),
        unexplained=tuple(content["unexplained"]),
        findings=tuple(_read_finding(finding) for finding in content["findings"]),
        probes=tuple(_read_result(result) for result in content["probes"]),
        remedies=tuple(_read_remedy(remedy) for remedy in content["remedies"]),
        patch=tuple(_read_edit(edit) for edit in content["patch"]),
        settings=tuple(_read_setting(setting) for setting in content["settings"]),
        cure=None if content["cure"] is None else _read_remedy(content["cure"]),
        config_prefix=str(content["config_prefix"]),
        diff=str(content["diff"]),
        pictures=None if content["pictures"] is None else _read_pictures(content["pictures"]),
    )


def _read_pictures(entry: Mapping[str, Any]) -> Pictures:
    def numbers(values: Any) -> tuple[float, ...]:
        return tuple(float(value) for value in values)

    def paths(values: Any) -> tuple[Points, ...]:
        return tuple(tuple((float(x), float(y)) for x, y in path) for path in values)

    reach = entry["reach"]
    return Pictures(
        space=str(entry["space"]),
        reach=None if reach is None else (float(reach[0]), float(reach[1])),
        gradient_rms=MappingProxyType({str(name): float(value) for name, value in entry["gradient_rms"].items()}),
        steps=tuple(int(step) for step in entry["steps"]),
        curves=tuple(
            Curve(name=str(curve["name"]), movement=numbers(curve["movement"]), spread=numbers(curve["spread"]))
            for curve in entry["curves"]
        ),
        edges=numbers(entry["edges"]),
        shares=MappingProxyType({str(name): numbers(shares) for name, shares in entry["shares"].items()}),
        real_paths=paths(entry["real_paths"]),
        generated_paths=paths(entry["generated_paths"]),
    )


def _read_finding(entry: Mapping[str, Any]) -> Finding:
    return Finding(
        code=entry["code"],
        name=entry["name"],
        kind=Kind(entry["kind"]),
        severity=Severity(entry["severity"]),
        message=entry["message"],
        evidence=MappingProxyType({name: float(value) for name, value in entry["evidence"].items()}),
        location=Location(**entry["location"]),
        remedies=tuple(entry["remedies"]),
    )


def _read_result(entry: Mapping[str, Any]) -> ProbeResult:
    return ProbeResult(
        code=entry["code"],
        status=Status(entry["status"]),
        judgement=None if entry["judgement"] is None else Judgement(entry["judgement"]),
        measurements=MappingProxyType({name: float(value) for name, value in entry["measurements"].items()}),
        reason=entry["reason"],
    )


def _read_remedy(entry: Mapping[str, Any]) -> Remedy:
    infinity = float("inf")
    return Remedy(
        id=entry["id"],
        title=entry["title"],
        why=entry["why"],
        safety=Safety(entry["safety"]),
        status=RemedyStatus(entry["status"]),
        edits=tuple(_read_edit(edit) for edit in entry["patch"]),
        code_hint=entry["code_hint"],
        code_changes=tuple(CodeChange(change) for change in entry["code_changes"]),
        trial=entry["trial"],
        expects=tuple(
            Expectation(
                metric=expected["metric"],
                interval=Interval(
                    low=-infinity if expected["low"] is None else expected["low"],
                    high=infinity if expected["high"] is None else expected["high"],
                ),
            )
            for expected in entry["expects"]
        ),
    )


def _read_edit(entry: Mapping[str, Any]) -> Edit:
    return Edit(key=entry["key"], old=_value(entry["old"]), new=_value(entry["new"]), absent=entry["absent"])


def _read_setting(entry: Mapping[str, Any]) -> Setting:
    place = None
    if entry["file"] is not None:
        place = Place(file=entry["file"], line=entry["line"], column=entry["column"])
    return Setting(key=entry["key"], value=_value(entry["value"]), origin=Origin(entry["origin"]), place=place)


def _value(raw: Any) -> Value:
    if isinstance(raw, list):
        return tuple(_value(part) for part in raw)
    return float(raw.replace(".", "")) if isinstance(raw, str) and raw in _NOT_FINITE else raw
