"""The file of a watch: JSON lines, appended as the training goes on and read back with bounds."""

from __future__ import annotations

import math
import os
from pathlib import Path
from types import MappingProxyType

import msgspec

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.text import reason, shortened
from humouse_doctor.core.watching import WATCH_VERSION, Beginning, Ending, Moment, Watched
from humouse_doctor.inputs.files import open_regular
from humouse_doctor.stored.shapes import watch as shapes

_MAX_BYTES = 24 << 20
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
                start=part.start,
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
    reader = Reader(path)
    reader.more()
    return reader.watched


class Reader:
    """A reader of a watch's file that goes on where it stopped, while the file grows."""

    def __init__(self, path: Path) -> None:
        self._path, self._at, self._line = path, 0, 0
        self._beginning: Beginning | None = None
        self._moments: list[Moment] = []
        self._ending: Ending | None = None

    @property
    def watched(self) -> Watched:
        """What has been read; raises `InputError` if no watch has begun."""
        if self._beginning is None:
            raise InputError(f"{self._path}: no watch has begun in it")
        return Watched(beginning=self._beginning, moments=tuple(self._moments), ending=self._ending)

    def more(self) -> bool:
        """Read the lines that were added; True if there are any. Raises `InputError` for a line that is none of a watch."""
        try:
            with open_regular(self._path) as stream:
                if stream.seek(0, os.SEEK_END) < self._at:
                    raise InputError(f"{self._path}: it has become shorter while it was read")
                stream.seek(self._at)
                data = stream.read(_MAX_BYTES - self._at + 1)
        except OSError as error:
            raise InputError(f"{self._path}: cannot read the watch: {reason(error)}") from None
        whole = data.rfind(b"\n") + 1  # what follows the last line feed is not written yet, or was cut off
        self._at += whole
        if self._at + len(data) - whole > _MAX_BYTES:
            raise InputError(f"{self._path}: more than {_MAX_BYTES >> 20} MiB; not a watch of humouse-doctor")
        for line in data[:whole].splitlines():
            self._line += 1
            self._take(line)
        return whole > 0

    def _take(self, line: bytes) -> None:
        try:
            found = _DECODER.decode(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{self._path}:{self._line}: not a line of a watch: {reason(error)}") from None
        match found:
            case shapes.Beginning():
                if found.schema_version != WATCH_VERSION:
                    version = shortened(found.schema_version, 20)
                    raise InputError(f"{self._path}: a watch of schema {version}; this version reads {WATCH_VERSION}")
                self._beginning, self._ending = _beginning(found), None
                self._moments = [moment for moment in self._moments if moment.step <= found.start]
            case shapes.Moment():
                while self._moments and self._moments[-1].step >= found.step:
                    self._moments.pop()
                self._moments.append(_moment(found))
            case shapes.Ending():
                self._ending = Ending(step=found.step, verdict=found.verdict, sentence=found.sentence)


def _beginning(line: shapes.Beginning) -> Beginning:
    return Beginning(
        tool_version=line.tool_version,
        generator=line.generator,
        steps=line.steps,
        every=line.every,
        start=line.start,
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
