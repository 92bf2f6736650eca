"""A report."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from humouse_doctor.core.history import SnapshotKind, StageKind
from humouse_doctor.core.probe import Judgement, Kind, Severity, Status
from humouse_doctor.core.remedy import CodeChange, RemedyStatus, Safety
from humouse_doctor.core.report import SCHEMA_VERSION, Confidence, Verdict
from humouse_doctor.core.settings import Origin
from humouse_doctor.stored.shapes.bounds import (
    MANY_LINES,
    Code,
    Edit,
    Few,
    Items,
    Line,
    Many,
    Numbers,
    Pair,
    Path,
    Paths,
    Table,
    Text,
    Value,
    Whole,
)


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
    position_mean: Numbers
    position_std: Numbers


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
    trial: Annotated[RemedyStatus | None, Meta(description="Confirmed or refuted by trials of verify; null without trials.")]


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
    fingerprint: Annotated[Text, Meta(description="Code and key, no numbers: the same after a retraining.")]
    remedies: Annotated[Items[Text], Meta(description="Ids of the report's remedies, best first.")]


class Probe(Struct, frozen=True):
    """The outcome of one probe: its numbers if it measured, else the reason why it did not."""

    code: Code
    status: Status
    judgement: Judgement | None
    measurements: Table[float]
    reason: Text | None


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


class Stage(Struct, frozen=True):
    """The training that the checkpoint's weights have been through, and the evidence for it."""

    kind: StageKind
    epoch: Annotated[Whole | None, Meta(description="Adversarial epochs behind the weights; null where not known.")]
    start: Annotated[Text, Meta(description="What the adversarial epochs began from; empty where not known.")]
    because: Text


class Snapshot(Struct, frozen=True):
    """Samples that the program drew itself at one epoch, measured like those of a checkpoint."""

    kind: SnapshotKind
    epoch: Whole
    step: Annotated[Whole | None, Meta(description="The step within the run; null at an evaluation.")]
    file: Text
    verdict: Annotated[Verdict | None, Meta(description="null where the file was not measured.")]
    measures: Annotated[Table[float], Meta(description="Ratios to the data: spread, movement, variety, detour, timing.")]
    reason: Annotated[Text, Meta(description="Why it was not measured, else empty.")]


class LossCurve(Struct, frozen=True):
    """A loss over epochs, with the losses of two predictors that know nothing; null where the targets are not known."""

    name: Text
    file: Text
    epochs: Many[Whole]
    values: Numbers
    best_constant: float | None
    motionless: float | None
    unit: Annotated[Literal["epoch", "step"], Meta(description="What the epochs count.")] = "epoch"


class History(Struct, frozen=True):
    """What the files that a run left behind say about it."""

    snapshots: Annotated[Few[Snapshot], Meta(description="In order of time.")]
    unread: Annotated[Whole, Meta(description="Snapshots that were not looked at.")]
    fell_ill: Annotated[Text | None, Meta(description="The first snapshot that is not healthy after a healthy one.")]
    curves: Few[LossCurve]
    observations: Items[Text]


class Rehearsed(Struct, frozen=True):
    """The training that a config without a checkpoint was judged by."""

    steps: Whole
    own_steps: Annotated[Whole, Meta(description="The length of the run's own warm-up.")]
    sequences: Whole
    usable: Annotated[Whole, Meta(description="The sequences that the run's own warm-up has.")]
    seconds: Annotated[float, Meta(description="Wall time of all of it.")]
    seed: Whole
    stopped: Annotated[Text, Meta(description="Why it ended before the time was up, else empty.")]


class FittedPath(Struct, frozen=True):
    """A real path, and the nearest that a fitted latent makes the generator draw."""

    target: Path
    made: Path


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
    ways: Annotated[
        dict[str, Numbers],
        Meta(
            max_length=100,
            description="The share of all movement done at each step, by group; none without a recurrent layer.",
        ),
    ] = {}
    fits: Few[FittedPath] = ()


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
    chosen: Annotated[Items[Text], Meta(description="Ids of the remedies in the patch.")]
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
    stage: Annotated[Stage | None, Meta(description="null without a checkpoint.")]
    history: Annotated[History | None, Meta(description="null unless a run's folder was looked at.")]
    rehearsed: Annotated[Rehearsed | None, Meta(description="null unless a config was rehearsed.")]
    next: Annotated[Items[Text], Meta(description="The commands to type next, each as it stands.")] = ()
