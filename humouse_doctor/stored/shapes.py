"""The contents of the tool's files as types: files are decoded into them, and their JSON Schemas are made from them.

Every field must be there; fields that are not named here are passed over.
The bounds are above anything that the tool writes, since a file may come from anybody. Equal names in `core` have the
same meaning there. Imports msgspec, so that only a command which reads a file may import this module.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from msgspec import Meta, Raw, Struct

from humouse_doctor.core.errors import ExitCode
from humouse_doctor.core.gating import BASELINE_KIND, BASELINE_VERSION, GATE_KIND, GATE_VERSION, Age, Standing
from humouse_doctor.core.outcome import OUTCOME_KIND, OUTCOME_VERSION, Effect
from humouse_doctor.core.probe import Judgement, Kind, Severity, Status
from humouse_doctor.core.remedy import CodeChange, RemedyStatus, Safety
from humouse_doctor.core.report import SCHEMA_VERSION, Confidence, Verdict
from humouse_doctor.core.settings import Origin
from humouse_doctor.core.tool_codes import CODE

T = TypeVar("T")

#: At most 2,000 and 100,000 line feeds: a text of line feeds alone would make a page of as many lines.
LINES, MANY_LINES = r"^(?!(?:[^\n]*\n){2001})", r"^(?!(?:[^\n]*\n){100001})"
Text = Annotated[str, Meta(max_length=20_000, pattern=LINES)]
#: In Python's patterns `$` also matches before a line feed at the end.
Code = Annotated[str, Meta(pattern=rf"^{CODE.pattern}$(?!\n)")]
Whole = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Line = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Pair = tuple[float, float]
Numbers = Annotated[tuple[float, ...], Meta(max_length=10_000)]
Paths = Annotated[tuple[Annotated[tuple[Pair, ...], Meta(max_length=10_000)], ...], Meta(max_length=100)]
Few = Annotated[tuple[T, ...], Meta(max_length=100)]
Items = Annotated[tuple[T, ...], Meta(max_length=1_000)]
Many = Annotated[tuple[T, ...], Meta(max_length=10_000)]
Table = Annotated[dict[str, T], Meta(max_length=1_000)]
#: A config's value, which `stored.report` checks: msgspec knows no type that contains itself.
Value = Annotated[Any, Meta(extra_json_schema={"$ref": "#/$defs/value"})]


class Head(Struct, frozen=True):
    """The fields of any file that say what it is."""

    schema_version: str | int
    kind: str | None = None


class Subject(Struct, frozen=True):
    """The subject of a diagnosis: paths as given, the checkpoint's digest, and remarks on the choices made in reading."""

    name: Text
    checkpoint: Text | None
    config: Text | None
    data: Text | None
    sha256: Annotated[Text, Meta(extra_json_schema={"pattern": "^[0-9a-f]{64}$"})] | None
    seed: Whole
    remarks: Items[Text]


class Data(Struct, frozen=True):
    """The origin of the targets and counts of the data left out."""

    source: Text
    total: Whole
    usable: Whole
    taken: Whole
    length: Whole
    dropped: Table[Whole]
    position_mean: Pair
    position_std: Pair


class Cause(Struct, frozen=True):
    """A cause that the findings support."""

    code: Code
    name: Text
    support: Annotated[
        float | None,
        Meta(
            description="The share of its expected symptoms that were found; null before training.",
            extra_json_schema={"minimum": 0, "maximum": 1},
        ),
    ]
    message: Text
    explains: Items[Code]


class Location(Struct, frozen=True):
    """The place a finding points to."""

    file: Text | None
    line: Line | None
    key: Text | None
    origin: Annotated[Origin | None, Meta(description="Where the value of the key came from; null where that is not known.")]


class Finding(Struct, frozen=True):
    """Something wrong, in one sentence with its numbers."""

    code: Code
    name: Text
    kind: Kind
    severity: Severity
    message: Text
    evidence: Annotated[Table[float], Meta(description="The probe's numbers by metric.")]
    location: Location
    fingerprint: Annotated[Text, Meta(description="Code and key, no numbers: it survives a retraining.")]
    remedies: Annotated[Items[Text], Meta(description="Ids of the report's remedies, best first.")]


class Probe(Struct, frozen=True):
    """The outcome of one probe: its numbers if it measured, else the reason why it did not."""

    code: Code
    status: Status
    judgement: Judgement | None
    measurements: Table[float]
    reason: Text | None


class Edit(Struct, frozen=True):
    """A change of one key."""

    key: Annotated[Text, Meta(description="Without the config's prefix.")]
    old: Value
    new: Value
    absent: Annotated[bool, Meta(description="Whether the file does not spell the key out, so that its line is inserted.")]


class Expectation(Struct, frozen=True):
    """The expected effect of a remedy on a metric."""

    metric: Text
    low: Annotated[float | None, Meta(description="null: no lower bound.")]
    high: Annotated[float | None, Meta(description="null: no upper bound.")]


class Remedy(Struct, frozen=True):
    """A named change with its reason."""

    id: Text
    title: Text
    why: Text
    safety: Safety
    status: Annotated[RemedyStatus, Meta(description="Only trials move a remedy away from unverified.")]
    patch: Items[Edit]
    code_hint: Text | None
    code_changes: Items[CodeChange]
    trial: Text | None
    expects: Items[Expectation]


class Setting(Struct, frozen=True):
    """One value of the config that the probes used; line and column are null without a file."""

    key: Text
    value: Value
    origin: Origin
    file: Text | None
    line: Line | None
    column: Line | None


class Curve(Struct, frozen=True):
    """One group of paths over the steps."""

    name: Text
    movement: Annotated[Numbers, Meta(description="Rms distance from a path's own start, at each step.")]
    spread: Annotated[Numbers, Meta(description="Standard deviation across paths, at each step.")]


class Pictures(Struct, frozen=True):
    """Data of the report's pictures: positions in the loss's space, and a histogram of the values that the loss compares."""

    space: Text
    reach: Pair | None
    gradient_rms: Table[float]
    steps: Many[Whole]
    curves: Few[Curve]
    edges: Items[float]
    shares: Annotated[dict[str, Numbers], Meta(max_length=100)]
    real_paths: Paths
    generated_paths: Paths


class Report(Struct, frozen=True):
    """What --format json writes: the diagnosis of one run. All numbers are finite."""

    schema_version: Annotated[str, Meta(extra_json_schema={"const": SCHEMA_VERSION})]
    tool_version: Text
    verdict: Verdict
    confidence: Confidence
    sentence: Text
    subject: Subject
    data: Data | None
    causes: Annotated[Few[Cause], Meta(description="The likeliest first.")]
    unexplained: Annotated[Items[Code], Meta(description="Symptoms without a cause.")]
    findings: Annotated[Items[Finding], Meta(description="The gravest first.")]
    probes: Annotated[Few[Probe], Meta(description="In code order.")]
    remedies: Items[Remedy]
    patch: Items[Edit]
    cure: Remedy | None
    config_prefix: Text
    settings: Many[Setting]
    diff: Annotated[
        str,
        Meta(
            max_length=1_000_000,
            pattern=MANY_LINES,
            description="The patch as a unified diff of the config, empty where there is none.",
        ),
    ]
    pictures: Pictures | None


class Input(Struct, frozen=True):
    """One input of a gate's decision, whose report is not decoded yet."""

    name: str
    report: Raw


class Inputs(Struct, frozen=True):
    """A gate's decision, of which only the reports are read."""

    inputs: tuple[Input, ...]


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
    findings: tuple[Judged, ...]
    healed: tuple[Text, ...]
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


class Step(Struct, frozen=True):
    """One step of verify's search."""

    arm: Text
    text: Text
    kept: bool


class Change(Struct, frozen=True):
    """A metric's mean over the seeds, before and after."""

    metric: Text
    before: float
    after: float
    difference: Annotated[Pair | None, Meta(description="A 95 % interval; null with a single seed.")]


class Arm(Struct, frozen=True):
    """One variant of the run and its result over the seeds."""

    title: Text
    key: Text
    remedies: Items[Text]
    patch: Items[Edit]
    code_changes: Items[CodeChange]
    seeds: Whole
    healthy_seeds: Whole
    effect: Effect | None
    distance: Annotated[Pair, Meta(description="Distance from health before and after, from 0 to 1.")]
    gain: Annotated[Pair | None, Meta(description="A 95 % interval of the paired difference; null with a single seed.")]
    changes: Items[Change]
    expected: Items[Text]
    notes: Items[Text]


class Trial(Struct, frozen=True):
    """One arm trained with one seed."""

    arm: Annotated[Text, Meta(description="The arm's key.")]
    seed: Whole
    planned: Whole
    steps: Whole
    measurements: Annotated[Table[float], Meta(description="The probes' numbers by code.metric.")]
    healthy: bool
    causes: Items[Text]
    offered: Items[Text]
    losses: Items[float]
    best_constant: float | None
    motionless: float | None
    stopped: Text | None
    failed: Text | None


class Outcome(Struct, frozen=True):
    """What verify writes with --outcome: every arm with its trials, and the changes that cure."""

    kind: Annotated[str, Meta(extra_json_schema={"const": OUTCOME_KIND})]
    schema_version: Annotated[str, Meta(extra_json_schema={"const": OUTCOME_VERSION})]
    tool_version: Text
    fingerprint: Text
    config: Text
    config_values: Annotated[Text, Meta(description="A digest of the config's values.")]
    config_prefix: Text
    data: Text
    checkpoint: Text | None
    own_steps: Whole | None
    steps: Whole
    seeds: Whole
    shortened: Items[Text]
    chosen: Annotated[Text | None, Meta(description="The key of the arm that cures with the least change.")]
    untried: Items[Text]
    warm_start: Items[Text]
    hints: Items[Text]
    path: Items[Step]
    arms: Items[Arm]
    trials: Many[Trial]


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


class Baseline(Struct, frozen=True):
    """What gate --write-baseline writes: the findings of every run that are accepted as known."""

    kind: Annotated[str, Meta(extra_json_schema={"const": BASELINE_KIND})]
    schema_version: Annotated[str, Meta(extra_json_schema={"const": BASELINE_VERSION})]
    tool_version: Text
    runs: Annotated[tuple[KnownRun, ...], Meta(max_length=100_000)]
