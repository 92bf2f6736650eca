"""TensorBoard's files of events: the scalars in them, by tag.

A file is a sequence of TFRecords (length, checksum, content, checksum). Each content is an `Event` of TensorFlow in Protocol
Buffers, of which the step and the scalars of its summary are read. Checksums are not checked.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.text import reason
from humouse_doctor.inputs.files import read_bounded

#: The beginning of such a file's name.
EVENTS = "events.out.tfevents."
_MAX_BYTES, _MAX_RECORDS, _MAX_SCALARS, _MAX_TAGS = 64 << 20, 500_000, 500_000, 1_000
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
#: Fields by their numbers: Event.step and .summary; Summary.value; its .tag, .simple_value and .tensor; TensorProto's .dtype,
#: .tensor_content and .float_val.
_STEP, _SUMMARY, _VALUE = 2, 5, 1
_TAG, _SIMPLE, _TENSOR = 1, 2, 8
_DTYPE, _CONTENT, _FLOATS = 1, 4, 5
_DT_FLOAT = 1


def read_events(path: Path) -> Mapping[str, tuple[tuple[int, float], ...]]:
    """Return the finite scalars of a file by tag, each with its step, in order; raise `InputError` in one line.

    A last record that was cut off, as in a training that goes on, is left out.
    """
    found: dict[str, list[tuple[int, float]]] = {}
    try:
        data = read_bounded(path, _MAX_BYTES)
        scalars = 0
        for count, record in enumerate(_records(data)):
            if count >= _MAX_RECORDS:
                raise ValueError(f"it has more than {_MAX_RECORDS:,} records")
            step = 0
            for number, value in _fields(record):
                if number == _STEP and isinstance(value, int):
                    step = value
                elif number == _SUMMARY and isinstance(value, bytes):
                    for tag, scalar in _scalars(value):
                        scalars += 1
                        if scalars > _MAX_SCALARS:
                            raise ValueError(f"it has more than {_MAX_SCALARS:,} scalars")
                        if math.isfinite(scalar) and 0 <= step <= 2**53 and (tag in found or len(found) < _MAX_TAGS):
                            found.setdefault(tag, []).append((step, scalar))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot read the events: {reason(error)}") from None
    return {tag: tuple(rows) for tag, rows in found.items()}


def _records(data: bytes) -> Iterator[bytes]:
    at = 0
    while at + 12 <= len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        if at + 16 + length > len(data):
            if length > _MAX_BYTES:
                raise ValueError("it is no file of events: a record is longer than the file may be")
            return
        yield data[at + 12 : at + 12 + length]
        at += 16 + length


def _fields(message: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """Yield the number and value of each field of a message; raise `ValueError` if it is none."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield number, value
        elif kind == _BYTES:
            length, at = _varint(message, at)
            if at + length > len(message):
                raise ValueError("a field is longer than its message")
            yield number, message[at : at + length]
            at += length
        elif kind in (_FIXED32, _FIXED64):
            size, form = (4, "<f") if kind == _FIXED32 else (8, "<d")
            if at + size > len(message):
                raise ValueError("a field is longer than its message")
            yield number, struct.unpack_from(form, message, at)[0]
            at += size
        else:
            raise ValueError(f"a field has the unknown type {kind}")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if at >= len(message):
            raise ValueError("a number is cut off")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number has too many bytes")


def _scalars(summary: bytes) -> Iterator[tuple[str, float]]:
    for number, value in _fields(summary):
        if number != _VALUE or not isinstance(value, bytes):
            continue
        tag, scalar = "", math.nan
        for part, content in _fields(value):
            if part == _TAG and isinstance(content, bytes):
                tag = content.decode("utf-8", "replace")
            elif part == _SIMPLE and isinstance(content, float):
                scalar = content
            elif part == _TENSOR and isinstance(content, bytes):
                scalar = _of_tensor(content)
        yield tag, scalar


def _of_tensor(tensor: bytes) -> float:
    """Return the number in a float32 tensor of one, NaN for any other."""
    fields = dict(_fields(tensor))
    if fields.get(_DTYPE) != _DT_FLOAT:
        return math.nan
    content = fields.get(_CONTENT) or fields.get(_FLOATS)
    if isinstance(content, bytes) and len(content) == 4:
        return float(struct.unpack("<f", content)[0])
    return content if isinstance(content, float) else math.nan
