"""Decoding of the tool's own JSON, which is not trusted: straight from the bytes into `shapes`, whose bounds hold."""

from __future__ import annotations

import codecs
import json
import math
import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.text import shortened
from humouse_doctor.inputs.files import read_bounded
from humouse_doctor.stored.shapes.bounds import Head, Inputs

T = TypeVar("T")

#: Errors of the functions here for content that the tool did not write; msgspec's own are a `ValueError`.
MALFORMED = (ValueError, KeyError, TypeError, RecursionError)

#: A report of real gestures has some 8,000 values and 70 kB; a gate's file has one report for each input.
_MAX_BYTES, _MAX_RUN_BYTES, _MAX_VALUES = 16 << 20, 4_000_000, 200_000
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def load(path: Path) -> bytes:
    """Return the bytes of a file without a Windows editor's byte order mark; raise `OSError` if it cannot be read."""
    return read_bounded(path, _MAX_BYTES).removeprefix(codecs.BOM_UTF8)


def decode(data: bytes, shape: type[T]) -> T:
    """Return JSON as a `shape`; raise one of `MALFORMED`. NaN and infinity are refused, since they are not JSON."""
    try:
        return msgspec.json.decode(data, type=shape)
    except msgspec.DecodeError as error:
        return msgspec.convert(_with_lone_surrogates(data, error), shape)


def decode_file(data: bytes, shape: type[T], name: str, what: str, version: str, kind: str | None = None) -> T:
    """Return a whole file as a `shape`; raise `InputError` if it is `what` of another version, else one of `MALFORMED`."""
    head = decode(data, Head)
    if head.kind != kind:
        raise ValueError("another kind of file")
    if head.schema_version != version:
        raise InputError(f"{name}: {what} of schema {shortened(repr(head.schema_version), 20)}; this version reads {version}")
    return decode(data, shape)


def reports(data: bytes) -> list[tuple[str, bytes]]:
    """Return the name of each input of a gate's decision with its report as JSON; raise one of `MALFORMED`."""
    try:
        return [(entry.name, bytes(entry.report)) for entry in msgspec.json.decode(data, type=Inputs).inputs]
    except msgspec.DecodeError as error:
        entries = _with_lone_surrogates(data, error)["inputs"]
    return [(entry["name"], json.dumps(entry["report"]).encode()) for entry in entries]


def _with_lone_surrogates(data: bytes, refused: msgspec.DecodeError) -> Any:
    """Return JSON that msgspec has `refused` for lone surrogates, which spell the bytes of a name that is not UTF-8."""
    if isinstance(refused, msgspec.ValidationError) or not _SURROGATE.search(data):
        raise refused
    require_bounded(data, runs=2)
    return json.loads(data, parse_constant=_finite, parse_float=_finite)


def _finite(number: str) -> float:
    if not math.isfinite(float(number)):
        raise ValueError("Number out of range")
    return float(number)


def require_bounded(data: bytes, runs: int = 1) -> None:
    """Raise `ValueError` for more bytes, or more values, than the tool writes for so many runs.

    Values are counted by the characters that begin or divide them, so that those within text count too.
    """
    if len(data) > runs * _MAX_RUN_BYTES or sum(map(data.count, (b",", b":", b"[", b"{"))) > runs * _MAX_VALUES:
        raise ValueError("more than a run has")


def same(stored: object, kind: type[T]) -> T:
    """Return a shape as the type of `core` whose fields have the same names; raise `ValueError`."""
    return msgspec.convert(stored, kind, from_attributes=True)
