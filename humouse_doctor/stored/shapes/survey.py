"""A survey, and one of its rows, which is also a line of JSON lines."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from humouse_doctor.core.errors import ExitCode
from humouse_doctor.core.report import Confidence
from humouse_doctor.core.surveying import ROW_KIND, SURVEY_KIND, SURVEY_VERSION
from humouse_doctor.stored.shapes.bounds import Few, Items, Many, Paths, Table, Text, Value, Whole
from humouse_doctor.stored.shapes.report import Finding


class Row(Struct, frozen=True):
    """One run of a survey."""

    kind: Annotated[str, Meta(extra_json_schema={"const": ROW_KIND})]
    schema_version: Annotated[str, Meta(extra_json_schema={"const": SURVEY_VERSION})]
    run: Annotated[Text, Meta(description="The path to give to inspect.")]
    config: Annotated[Text | None, Meta(description="The config to give with it; null where inspect finds it.")]
    data: Text | None
    checkpoint: Text | None
    verdict: Literal["collapsed", "at-risk", "unreadable", "undetermined", "healthy"]
    exit_code: ExitCode
    confidence: Confidence | None
    sentence: Text
    causes: Annotated[Few[Text], Meta(description="Code and name of each, the likeliest first.")]
    findings: Annotated[Few[Finding], Meta(description="The warnings and errors.")]
    numbers: Annotated[Table[float], Meta(description="Generated over real: spread, movement, variety, detour.")]
    settings: Annotated[Table[Value], Meta(description="The keys in which the runs differ; null where a run has none.")]
    paths: Annotated[Paths, Meta(description="A few generated paths from their starts, in sizes of the largest real path.")]
    patched: Annotated[bool, Meta(description="True if its report has a patch of its config.")]


class Share(Struct, frozen=True):
    """Runs with one value of a setting, or a range of it."""

    value: Text
    sick: Whole
    known: Annotated[Whole, Meta(description="Sick and healthy runs; those of which too little is known are left out.")]
    low: Annotated[float, Meta(description="Lower bound of the share of sick runs (Wilson, 95 %).")]
    high: float


class Separation(Struct, frozen=True):
    """The shares of sick runs by a setting: an association, not a cause."""

    key: Text
    also: Annotated[Items[Text], Meta(description="Keys that have always changed together with this one.")]
    shares: Items[Share]
    p: Annotated[float, Meta(description="How often shares differ as much if the runs are shuffled.")]
    corrected: Annotated[float, Meta(description="The same, corrected for the number of settings (Holm).")]


class Branch(Struct, frozen=True):
    """An end of the tree: the runs that meet all of its conditions."""

    conditions: Items[Text]
    sick: Whole
    known: Whole


class Family(Struct, frozen=True):
    """The sick runs with one first cause."""

    cause: Annotated[Text, Meta(description="Empty for runs without a cause.")]
    runs: Whole
    shared: Annotated[Table[Text], Meta(description="Settings that all of them share and not all others have.")]
    example: Text


class Survey(Struct, frozen=True):
    """What survey --format json writes: a row per run, the worst first, and what they say together."""

    kind: Annotated[str, Meta(extra_json_schema={"const": SURVEY_KIND})]
    schema_version: Annotated[str, Meta(extra_json_schema={"const": SURVEY_VERSION})]
    tool_version: Text
    exit_code: ExitCode
    keys: Many[Text]
    counts: Annotated[Table[Whole], Meta(description="Sick, healthy and unknown ones of all runs, also of those not listed.")]
    separations: Annotated[Many[Separation], Meta(description="The clearest first.")]
    untested: Annotated[Text, Meta(description="Why no setting could be tested, else empty.")]
    tree: Items[Branch]
    best: Annotated[Items[Text], Meta(description="Healthy runs, by the deciding number that is furthest from the data's.")]
    families: Items[Family]
    notes: Items[Text]
    rows: tuple[Row, ...]
