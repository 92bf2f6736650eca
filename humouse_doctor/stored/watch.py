"""The file of a watch: JSON lines, appended as the training goes on and read back with bounds."""

from __future__ import annotations

import math
from pathlib import Path
from types import MappingProxyType

import msgspec

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.text import reason
from humouse_doctor.core.watching import WATCH_VERSION, Beginning, Ending, Moment, Watched
from humouse_doctor.inputs.files import read_bounded
from humouse_doctor.stored.shapes import watch as shapes

_MAX_BYTES, _MAX_LINES = 64 << 20, 200_000
_Line = shapes.Beginning | shapes.Moment | shapes.Ending
_DECODER = msgspec.json.Decoder(_Line)


def line_of(part: Beginning | Moment | Ending) -> bytes:
    """Return one line of the file, with its line feed."""
    match part:
        case Beginning():
            shape: _Line = shapes.Beginning(
                schema_version=WATCH_VERSION,
                tool_version=part.tool_version,
                generator=part.generator[:200],
                steps=part.steps,
                every=part.every,
                best_constant=part.best_constant,
                motionless=part.motionless,
            )
        case Moment():
            shape = shapes.Moment(
                step=part.step,
                now=part.now,
                outlook=part.outlook,
                causes=part.causes,
                measures={name: float(f"{value:.6g}") for name, value in part.measures.items()},
                loss=None if part.loss is None or not math.isfinite(part.loss) else float(f"{part.loss:.6g}"),
            )
        case Ending():
            shape = shapes.Ending(step=part.step, verdict=part.verdict, sentence=part.sentence)
    return msgspec.json.encode(shape) + b"\n"


def read(path: Path) -> Watched:
    """Read the last watch in a file; raise `InputError` in one line. A last line that was cut off is left out.

    A resumed training begins again in the same file: its moments follow those before its first step.
    """
    try:
        data = read_bounded(path, _MAX_BYTES)
    except OSError as error:
        raise InputError(f"{path}: cannot read the watch: {reason(error)}") from None
    lines = data.split(b"\n")
    if len(lines) > _MAX_LINES:
        raise InputError(f"{path}: more than {_MAX_LINES:,} lines; not a watch of humouse-doctor")
    beginning: Beginning | None = None
    moments: list[Moment] = []
    ending: Ending | None = None
    for number, line in enumerate(lines[:-1], start=1):  # what follows the last line feed was cut off, or is nothing
        try:
            found = _DECODER.decode(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}:{number}: not a line of a watch: {reason(error)}") from None
        match found:
            case shapes.Beginning():
                if found.schema_version != WATCH_VERSION:
                    raise InputError(
                        f"{path}: a watch of schema {found.schema_version[:20]}; this version reads {WATCH_VERSION}"
                    )
                beginning, ending = _beginning(found), None
            case shapes.Moment():
                while moments and moments[-1].step >= found.step:
                    moments.pop()
                moments.append(_moment(found))
            case shapes.Ending():
                ending = Ending(step=found.step, verdict=found.verdict, sentence=found.sentence)
    if beginning is None:
        raise InputError(f"{path}: no watch has begun in it")
    return Watched(beginning=beginning, moments=tuple(moments), ending=ending)


def _beginning(line: shapes.Beginning) -> Beginning:
    return Beginning(
        tool_version=line.tool_version,
        generator=line.generator,
        steps=line.steps,
        every=line.every,
        best_constant=line.best_constant,
        motionless=line.motionless,
    )


def _moment(line: shapes.Moment) -> Moment:
    return Moment(
        step=line.step,
        now=line.now,
        outlook=line.outlook,
        causes=line.causes,
        measures=MappingProxyType(line.measures),
        loss=line.loss,
    )
