"""The lines of a watch's file: one for its beginning, one for each glance, and one for its end."""

from typing import Annotated

from msgspec import Meta, Struct

from humouse_doctor.core.verdict import Verdict
from humouse_doctor.core.watching import WATCH_VERSION
from humouse_doctor.stored.shapes.bounds import Code, Few, Text

Step = Annotated[int, Meta(ge=0, le=2**53)]
Short = Annotated[str, Meta(max_length=200)]


class Beginning(Struct, frozen=True, tag_field="line", tag="begin"):
    """The first line of a watch; a resumed training begins again in the same file."""

    schema_version: Annotated[str, Meta(extra_json_schema={"const": WATCH_VERSION})]
    tool_version: Short
    generator: Short
    steps: Annotated[Step | None, Meta(description="Optimiser steps of the whole training; null if unknown.")]
    every: Step
    start: Annotated[Step, Meta(description="The steps before it: more than 0 in a training that was resumed.")]
    best_constant: Annotated[float | None, Meta(description="The loss of the best constant; null if unknown.")]
    motionless: Annotated[float | None, Meta(description="The loss of the best motionless sequences; null if unknown.")]


class Moment(Struct, frozen=True, tag_field="line", tag="look"):
    """One glance at the generator."""

    step: Step
    now: Annotated[Verdict, Meta(description="The verdict if the training ended here.")]
    outlook: Annotated[Verdict, Meta(description="The verdict on its end, at its pace so far; undetermined: too early to say.")]
    causes: Annotated[Few[Code], Meta(description="The likeliest first.")]
    measures: Annotated[
        dict[Short, float],
        Meta(max_length=50, description="Ratios to the data by name, such as spread."),
    ]
    loss: Annotated[float | None, Meta(description="The training's own loss; null if it was not recorded or is not finite.")]


class Ending(Struct, frozen=True, tag_field="line", tag="end"):
    """The last line, which a training that was cut off does not have."""

    step: Step
    verdict: Verdict
    sentence: Text


class Watch(Struct, frozen=True):
    """One line of the file: its beginning, a glance or its end."""

    lines: list[Beginning | Moment | Ending]
