"""A gate's baseline."""

from typing import Annotated

from msgspec import Meta, Struct

from humouse_doctor.core.gating import BASELINE_KIND, BASELINE_VERSION
from humouse_doctor.core.probe import Severity
from humouse_doctor.core.report import Verdict
from humouse_doctor.stored.shapes.bounds import Items, Table, Text


class KnownFinding(Struct, frozen=True):
    """A finding that a team has accepted."""

    fingerprint: Text
    severity: Severity
    measurements: Table[float]


class KnownRun(Struct, frozen=True):
    """A run of a baseline."""

    path: Annotated[Text, Meta(description="Relative to the baseline's folder.")]
    experiment: Text | None
    verdict: Verdict
    findings: Items[KnownFinding]
    sha256: Annotated[Text | None, Meta(description="The checkpoint's digest.")] = None


class Baseline(Struct, frozen=True):
    """What gate --write-baseline writes: the findings of every run that are accepted as known."""

    kind: Annotated[str, Meta(extra_json_schema={"const": BASELINE_KIND})]
    schema_version: Annotated[str, Meta(extra_json_schema={"const": BASELINE_VERSION})]
    tool_version: Text
    runs: Annotated[tuple[KnownRun, ...], Meta(max_length=100_000)]
