"""Decode the tool's own JSON, which is not trusted, straight into the types of `shapes`, which enforce its bounds."""

from __future__ import annotations

import errno
import json
import math
import re
import sys
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.text import shortened
from humouse_doctor.inputs.files import read_bounded
from humouse_doctor.stored.shapes.bounds import Head, Inputs

T = TypeVar("T")

#: The name that stands for stdin.
STDIN = "-"
#: Errors of the functions here for content that the tool did not write; msgspec's own are a `ValueError`.
MALFORMED = (ValueError, KeyError, TypeError, RecursionError)

#: A report of real gestures has some 8,000 values and 70 kB; a gate's file has one report for each input.
_MAX_BYTES, _MAX_CHARACTERS, _MAX_VALUES = 16 << 20, 4_000_000, 200_000
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def load(path: Path) -> str:
    """Return the text of a file, or of stdin for `-`; raise `OSError` if it cannot be read, `ValueError` if it is not UTF-8.

    A byte order mark from a Windows editor is left out.
    """
    if str(path) == STDIN:
        data = sys.stdin.buffer.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise OSError(errno.EFBIG, f"it has more than {_MAX_BYTES:,} bytes")
        return data.decode("utf-8-sig")
    return read_bounded(path, _MAX_BYTES).decode("utf-8-sig")


def decode(text: str, shape: type[T]) -> T:
    """Return JSON as a `shape`; raise one of `MALFORMED`. NaN and infinity are refused, since they are not JSON."""
    try:
        return msgspec.json.decode(text, type=shape)
    except msgspec.DecodeError as error:
        return msgspec.convert(_with_lone_surrogates(text, error), shape)


def decode_file(text: str, shape: type[T], name: str, what: str, version: str, kind: str | None = None) -> T:
    """Return a whole file as a `shape`; raise `InputError` if it is `what` of another version, else one of `MALFORMED`."""
    head = decode(text, Head)
    if head.kind != kind:
        raise ValueError("another kind of file")
    if head.schema_version != version:
        raise InputError(f"{name}: {what} of schema {shortened(repr(head.schema_version), 20)}; this version reads {version}")
    return decode(text, shape)


def reports(text: str) -> list[tuple[str, str]]:
    """Return the name of each input of a gate's decision with its report as JSON; raise one of `MALFORMED`."""
    try:
        return [(entry.name, bytes(entry.report).decode()) for entry in msgspec.json.decode(text, type=Inputs).inputs]
    except msgspec.DecodeError as error:
        entries = _with_lone_surrogates(text, error)["inputs"]
    return [(entry["name"], json.dumps(entry["report"])) for entry in entries]


def _with_lone_surrogates(text: str, refused: msgspec.DecodeError) -> Any:
    """Return JSON that msgspec has `refused` for lone surrogates, which spell the bytes of a name that is not UTF-8."""
    if isinstance(refused, msgspec.ValidationError) or not _SURROGATE.search(text):
        raise refused
    require_bounded(text, runs=2)
    return json.loads(text, parse_constant=_finite, parse_float=_finite)


def _finite(number: str) -> float:
    if not math.isfinite(float(number)):
        raise ValueError("Number out of range")
    return float(number)


def require_bounded(text: str, runs: int = 1) -> None:
    """Raise `ValueError` for more characters, or more values, than the tool writes for so many runs.

    Values are counted by the characters that begin or divide them, so that those within text count too.
    """
    if len(text) > runs * _MAX_CHARACTERS or sum(map(text.count, ",:[{")) > runs * _MAX_VALUES:
        raise ValueError("more than a run has")


def same(stored: object, kind: type[T]) -> T:
    """Convert what was stored to `kind`, a type of `core` with the same field names; raise `ValueError` for a refused value."""
    return msgspec.convert(stored, kind, from_attributes=True)
