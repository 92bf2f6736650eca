"""A gate's decision."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

from humouse_doctor.core.errors import ExitCode
from humouse_doctor.core.gating import GATE_KIND, GATE_VERSION, Age, Standing
from humouse_doctor.core.probe import Severity
from humouse_doctor.stored.shapes.bounds import Code, Items, Table, Text
from humouse_doctor.stored.shapes.report import Finding, Report


class Ignore(Struct, frozen=True):
    """A finding that the policy accepts."""

    code: Code
    path: Text | None
    reason: Text
    expires: date | None


class Bounds(Struct, frozen=True):
    """A threshold of the policy; null: no such bound."""

    low: float | None
    high: float | None


class Policy(Struct, frozen=True):
    """The conditions under which a run passes."""

    source: Text | None
    fail_on: Severity | None
    select: Items[Text]
    require_data: bool
    verdicts: Items[Literal["healthy", "at-risk", "collapsed"]]
    thresholds: Table[Bounds]
    ignore: Items[Ignore]


class Judged(Struct, frozen=True):
    """A finding with its standing."""

    finding: Finding
    standing: Standing
    reason: Text | None
    age: Annotated[Age | None, Meta(description="Compared with the baseline; null without one.")]


class Entry(Struct, frozen=True):
    """The result of one input."""

    name: Text
    exit_code: ExitCode
    verdict: Literal["healthy", "at-risk", "collapsed", "undetermined", "unreadable"]
    sentence: Text
    findings: Annotated[tuple[Judged, ...], Meta(description="Those of the report, and those of the gate itself.")]
    healed: Annotated[tuple[Text, ...], Meta(description="Fingerprints of the baseline that were measured and are gone.")]
    notes: tuple[Text, ...]
    report: Report | None


class Gate(Struct, frozen=True):
    """What gate --format json writes: every input with its report, worst first."""

    kind: Annotated[str, Meta(extra_json_schema={"const": GATE_KIND})]
    schema_version: Annotated[str, Meta(extra_json_schema={"const": GATE_VERSION})]
    tool_version: Text
    exit_code: ExitCode
    policy: Policy
    baseline: Text | None
    notes: tuple[Text, ...]
    inputs: tuple[Entry, ...]
