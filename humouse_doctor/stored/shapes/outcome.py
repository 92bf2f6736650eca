"""The outcome of a run's trials."""

from typing import Annotated

from msgspec import Meta, Struct

from humouse_doctor.core.outcome import OUTCOME_KIND, OUTCOME_VERSION, Effect
from humouse_doctor.core.remedy import CodeChange
from humouse_doctor.stored.shapes.bounds import Edit, Items, Many, Pair, Table, Text, Whole


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
    patch: Annotated[Items[Text], Meta(description="Ids of the remedies in the patch that its diagnosis would suggest.")]
    losses: Items[float]
    best_constant: float | None
    motionless: float | None
    stopped: Text | None
    failed: Text | None
    out_of_time: bool


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
    needed: Annotated[Items[Text], Meta(description="The parts of it without which the run was not healthy.")]
    confirmed: Annotated[Items[Text], Meta(description="Codes of the causes that the trials speak for.")]
    refuted: Annotated[Items[Text], Meta(description="Codes of the causes that the trials speak against.")]
    untried: Items[Text]
    warm_start: Items[Text]
    hints: Items[Text]
    path: Items[Step]
    arms: Items[Arm]
    trials: Many[Trial]
