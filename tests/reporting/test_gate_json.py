from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

from humouse_doctor.cases.request import Request
from humouse_doctor.core.gating import GATE_VERSION, Gate, Ignore, Policy
from humouse_doctor.core.remedy import Edit, Interval
from humouse_doctor.core.report import SCHEMA_VERSION, Report, Verdict
from humouse_doctor.core.settings import Origin, Setting, Value
from humouse_doctor.gate.judging import judged_alone
from humouse_doctor.service.commands import report_on
from humouse_doctor.stored import gate as gate_json
from humouse_doctor.stored import report as json_report
from tests.conftest import Golden
from tests.gate.builders import judge, policies, reports
from tests.reporting.builders import collapsed, gated, healthy

_SCHEMAS = {name: json.loads(gate_json.schema(name)) for name in ("report", "gate")}
_REGISTRY: Registry[Any] = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in _SCHEMAS.values()
)


def _faults(name: str, text: str) -> list[str]:
    validator = Draft202012Validator(_SCHEMAS[name], registry=_REGISTRY, format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(_strictly(text))]


def _strictly(text: str) -> Any:
    """Return the content of JSON `text`; fail on NaN and infinity."""

    def refuse(name: str) -> None:
        raise ValueError(name)

    return json.loads(text, parse_constant=refuse)


def test_the_json_is_as_it_was(golden: Golden) -> None:
    golden("gated.json", gate_json.render(gated()))


@pytest.mark.parametrize("name", ["report", "gate"])
def test_a_published_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(_SCHEMAS[name])


@pytest.mark.parametrize("report", [collapsed(), healthy()], ids=["collapsed", "healthy"])
def test_a_report_is_what_its_schema_says(report: Report) -> None:
    assert _faults("report", json_report.render(report)) == []


def test_a_gate_is_what_its_schema_says() -> None:
    ignore = Ignore(code="HD204", reason="known", path="runs/*", expires=date(2027, 1, 31))
    bounds = {"HD103.time_std_ratio": Interval(low=0.4), "HD101.spread_ratio": Interval(low=0.4, high=3.0)}
    policy = Policy(fail_on=None, ignores=(ignore,), thresholds=bounds, verdicts=(Verdict.HEALTHY,))

    assert _faults("gate", gate_json.render(gated())) == []
    assert _faults("gate", gate_json.render(replace(gated(), policy=policy, baseline=None))) == []


@given(of=reports(), policy=policies())
def test_any_decision_is_what_its_schema_says(of: Report, policy: Policy) -> None:
    gate = Gate(tool_version="0.1.0", entries=(judge(policy).entry("x", of),), policy=policy)

    assert _faults("gate", gate_json.render(gate)) == []


def test_a_real_report_and_its_gate_are_what_their_schemas_say(collapsed_run: Path) -> None:
    report = report_on(Request(checkpoint=collapsed_run, samples=32))

    assert report.diff
    assert report.pictures is not None
    assert _faults("report", json_report.render(report)) == []
    assert _faults("gate", gate_json.render(judged_alone(report, Policy(), "0.1.0"))) == []
    assert json_report.parse(json_report.render(report), "x") == replace(report, suggest=None, search=None)


def test_a_key_that_no_schema_has_is_a_fault() -> None:
    report = _strictly(json_report.render(collapsed()))
    report["findings"][0]["more"] = 1
    gate = _strictly(gate_json.render(gated()))
    del gate["inputs"][0]["healed"]
    gate["inputs"][0]["report"]["verdict"] = "sick"

    assert len(_faults("report", json.dumps(report))) == 1
    assert len(_faults("gate", json.dumps(gate))) == 2


@pytest.mark.parametrize("name", ["report", "gate"])
def test_every_object_of_a_schema_is_closed_and_names_all_its_keys(name: str) -> None:
    objects = [part for part in _parts(_SCHEMAS[name]) if "properties" in part and isinstance(part["properties"], dict)]

    assert len(objects) > 2
    for part in objects:
        if "type" in part:
            assert part["additionalProperties"] is False
            assert part["required"] == list(part["properties"])


def _parts(schema: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for part in schema.values():
            yield from _parts(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _parts(part)


def test_the_gates_verdicts_are_the_reports_and_unreadable() -> None:
    every, parts = {verdict.value for verdict in Verdict}, _SCHEMAS["gate"]["$defs"]

    assert set(parts["entry"]["properties"]["verdict"]["enum"]) == {*every, "unreadable"}
    assert set(parts["policy"]["properties"]["verdicts"]["items"]["enum"]) == every - {"undetermined"}


def test_a_schema_is_that_of_the_version_written() -> None:
    for name, version in (("report", SCHEMA_VERSION), ("gate", GATE_VERSION)):
        assert _SCHEMAS[name]["$id"] == f"urn:humouse-doctor:{name}:{version}"
        assert _SCHEMAS[name]["properties"]["schema_version"]["const"] == version
    assert f'"urn:humouse-doctor:report:{SCHEMA_VERSION}#/$defs/finding"' in gate_json.schema("gate")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf], ids=str)
def test_a_value_that_is_not_finite_comes_back_as_it_was(value: float) -> None:
    setting = Setting(key="training.betas", value=(0.5, (value,)), origin=Origin.EXPLICIT)
    edit = Edit(key="training.warmup_noise_std", old=value, new=0.0)
    text = json_report.render(replace(healthy(), verdict=Verdict.UNDETERMINED, settings=(setting,), patch=(edit,)))

    read = json_report.parse(text, "x")

    assert _faults("report", text) == []
    (_, (back,)) = cast("tuple[float, tuple[float]]", read.settings[0].value)
    assert repr((back, read.patch[0].old)) == repr((value, value))


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text().filter(lambda text: text[:1] not in "-."),
    lambda parts: st.lists(parts, max_size=3).map(tuple),
    max_leaves=4,
)


@given(value=_VALUES)
def test_any_value_of_a_config_comes_back_as_it_was(value: Value) -> None:
    setting = Setting(key="training.betas", value=value, origin=Origin.EXPLICIT)
    text = json_report.render(replace(healthy(), verdict=Verdict.UNDETERMINED, settings=(setting,)))

    (read,) = json_report.parse(text, "x").settings

    assert repr(read.value) == repr(value)
    assert _faults("report", text) == []
    assert text.isascii()


def test_a_report_inside_a_gate_is_the_report_itself() -> None:
    hostile = "x\u2028\x85\x0c\x1c\ud800\n.pt"
    report = collapsed(hostile)

    content = _strictly(gate_json.render(judged_alone(report, Policy(), "0.1.0")))

    inside = content["inputs"][0]
    assert inside["name"] == hostile
    assert json_report.parse(json.dumps(inside["report"]), "x") == report


def test_an_input_without_a_report_has_none() -> None:
    content = _strictly(gate_json.render(gated()))

    assert [(each["name"], each["report"] is None) for each in content["inputs"]] == [
        ("runs/generator_x.pt", False), ("runs/cut.pt", True), ("runs/well.pt", False),
    ]  # fmt: skip


def test_a_gate_over_nothing_is_json_too() -> None:
    assert _strictly(gate_json.render(Gate(tool_version="0.1.0", entries=())))["inputs"] == []
