"""The protocol between this process and the loader's: JSON and raw bytes, which the receiver checks again.

A file that has taken over the loader could send any answer, so no answer is trusted: sizes are bounded before memory is
allocated, and text is made harmless.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import IO

from humouse_doctor.core.arrays import AnyArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.text import shortened
from humouse_doctor.inputs.checkpoints.container import Kind

#: The line that the loader writes when it is ready for a question.
READY = b"humouse-doctor loader 1\n"
#: The dtypes that are sent; others are widened before, or refused.
DTYPES = ("float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool")
_MAX_HEADER_BYTES = 32 << 20
#: No generator has a tenth as many tensors, and torch takes seconds to create more.
MAX_TENSORS = 10_000
MAX_NAME = 10_000
#: The statistics in a pretrainer's file, two numbers each.
STATISTICS = ("position_mean", "position_std")
#: The loader's words for a file that may hold generated sequences in the place of a checkpoint.
BARE_SEQUENCES = "holds a bare tensor of sequences"
_MAX_TEXT = 1_000
_MAX_REMARKS = 32
_MAX_SETTINGS = 4_096
_MAX_FOREIGN = 4_096
_MAX_RANK = 64
_CHUNK_BYTES = 8 << 20

Plain = None | bool | int | float | str


class Content(Enum):
    """The kind of content expected in a file."""

    GENERATOR = "generator"
    GESTURES = "gestures"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request to read one file, or all shards of one checkpoint, within limits that hold from then on.

    `states` are the states of the files when they were checked (`container.state_of`); a file in another state is refused.
    """

    kind: Kind
    files: tuple[str, ...]
    states: tuple[tuple[int, ...], ...]
    content: Content
    salvage: bool
    max_bytes: int
    memory_bytes: int
    cpu_s: int

    def text(self) -> bytes:
        """Return the question as one line."""
        fields = {
            "kind": self.kind.value,
            "files": self.files,
            "states": self.states,
            "content": self.content.value,
            "salvage": self.salvage,
            "max_bytes": self.max_bytes,
            "memory_bytes": self.memory_bytes,
            "cpu_s": self.cpu_s,
        }
        return json.dumps(fields).encode("ascii") + b"\n"

    @staticmethod
    def parse(line: bytes) -> Question:
        """Return the question from a line that `text` has made."""
        fields = json.loads(line)
        return Question(
            kind=Kind(fields["kind"]),
            files=tuple(fields["files"]),
            states=tuple(tuple(state) for state in fields["states"]),
            content=Content(fields["content"]),
            salvage=fields["salvage"],
            max_bytes=fields["max_bytes"],
            memory_bytes=fields["memory_bytes"],
            cpu_s=fields["cpu_s"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The content of a file: arrays by name, statistics, plain config values, remarks, and names of foreign code.

    `stated` are the settings that a training framework wrote beside the weights. `refusal` is the reason why the file was
    refused, else None.
    """

    arrays: Mapping[str, AnyArray] = field(default_factory=lambda: MappingProxyType({}))
    statistics: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: MappingProxyType({}))
    config: Mapping[str, Plain] = field(default_factory=lambda: MappingProxyType({}))
    stated: Mapping[str, Plain] = field(default_factory=lambda: MappingProxyType({}))
    remarks: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    refusal: str | None = None


class BadFrame(Exception):
    """Raised for an answer that breaks the protocol."""


def has_room(shape: Sequence[int], max_bytes: int) -> bool:
    """Return True if an array of `shape` may be sent: NumPy supports its rank, and it is not too large.

    The product of its extents is limited to `max_bytes`, with 1 for an extent of zero: an empty array must not have an
    enormous extent beside the empty one.
    """
    return len(shape) <= _MAX_RANK and math.prod(max(size, 1) for size in shape) <= max(max_bytes, 1)


def is_statistic(name: str, values: Sequence[float]) -> bool:
    """Return True if `values` can be the mean or std of positions: two finite numbers, a std above zero."""
    return len(values) == 2 and all(map(math.isfinite, values)) and (name != "position_std" or min(values) > 0)


def send(answer: Answer, stream: IO[bytes]) -> None:
    """Write `answer` with its arrays."""
    tensors = [(name, array.dtype.name, array.shape) for name, array in answer.arrays.items()]
    send_parts(answer, tensors, answer.arrays.values(), stream)


def send_parts(
    answer: Answer, tensors: Iterable[tuple[str, str, tuple[int, ...]]], arrays: Iterable[AnyArray], stream: IO[bytes]
) -> None:
    """Write `answer` with `arrays` that are created one at a time; `tensors` holds their names, dtypes and shapes."""
    header = {
        "tensors": [(name, dtype, list(shape)) for name, dtype, shape in tensors],
        "statistics": {name: list(values) for name, values in answer.statistics.items()},
        "config": dict(answer.config),
        "stated": dict(answer.stated),
        "remarks": answer.remarks,
        "foreign": answer.foreign,
        "refusal": answer.refusal,
    }
    text = json.dumps(header).encode("ascii")
    stream.write(len(text).to_bytes(8, "little") + text)
    for array in arrays:
        if array.size:
            data = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
            for start in range(0, len(data), _CHUNK_BYTES):
                stream.write(data[start : start + _CHUNK_BYTES])
    stream.flush()


def receive(stream: IO[bytes], max_bytes: int) -> Answer:
    """Read an answer with at most `max_bytes` of numbers; raise `BadFrame` for anything malformed."""
    length = int.from_bytes(_exactly(stream, 8), "little")
    if length > _MAX_HEADER_BYTES:
        raise BadFrame("its header is too long")
    header = _header(_exactly(stream, length))
    tensors = _tensors(header.get("tensors"), max_bytes)
    answer = Answer(
        statistics=MappingProxyType(_statistics(header.get("statistics"))),
        config=MappingProxyType(_config(header.get("config"))),
        stated=MappingProxyType(_config(header.get("stated"))),
        remarks=_texts(header.get("remarks"), _MAX_REMARKS),
        foreign=_texts(header.get("foreign"), _MAX_FOREIGN),
        refusal=None if header.get("refusal") is None else _text(header.get("refusal")),
        arrays=MappingProxyType({name: _array(stream, dtype, shape) for name, dtype, shape in tensors}),
    )
    if stream.read(1):
        raise BadFrame("it is longer than announced")
    return answer


def _header(text: bytes) -> dict[str, object]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        raise BadFrame("its header is not JSON") from None
    if not isinstance(header, dict):
        raise BadFrame("its header is not a JSON object")
    return header


def _exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise BadFrame("cut off")
    return data


def _tensors(entries: object, max_bytes: int) -> list[tuple[str, str, tuple[int, ...]]]:
    """Return names, dtypes and shapes; raise `BadFrame` if they are malformed or exceed `max_bytes` together."""
    if not isinstance(entries, list) or len(entries) > MAX_TENSORS:
        raise BadFrame("too many tensors")
    found: dict[str, tuple[str, str, tuple[int, ...]]] = {}
    total = 0
    for entry in entries:
        if not isinstance(entry, list) or len(entry) != 3:
            raise BadFrame("a tensor lacks its name, dtype or shape")
        name, dtype, shape = entry
        if not isinstance(name, str) or len(name) > MAX_NAME or name in found or dtype not in DTYPES:
            raise BadFrame("a tensor has an invalid name or dtype")
        if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
            raise BadFrame("a tensor has an invalid shape")
        if not has_room(shape, max_bytes):
            raise BadFrame("its tensors are larger than the file")
        total += math.prod(shape) * np.dtype(dtype).itemsize
        if total > max_bytes:
            raise BadFrame("its tensors are larger than the file")
        found[name] = (name, dtype, tuple(shape))
    return list(found.values())


def _array(stream: IO[bytes], dtype: str, shape: tuple[int, ...]) -> AnyArray:
    flat = np.empty(math.prod(shape), dtype="uint8" if dtype == "bool" else dtype)
    view = flat.view(np.uint8).data
    while len(view):
        read = stream.readinto(view)  # type: ignore[attr-defined]  # of a pipe's buffered reader
        if not read:
            raise BadFrame("cut off")
        view = view[read:]
    # a byte other than 0 and 1 is not a valid bool, and confuses code that reads it as one
    return (flat != 0 if dtype == "bool" else flat).reshape(shape)


def _statistics(entries: object) -> dict[str, tuple[float, ...]]:
    if not isinstance(entries, dict) or not all(name in STATISTICS for name in entries):
        raise BadFrame("no statistics")
    for name, values in entries.items():
        is_pair = isinstance(values, list) and all(type(value) is float for value in values)
        if not is_pair or not is_statistic(name, values):
            raise BadFrame("statistics that are not two plausible numbers")
    return {name: tuple(values) for name, values in entries.items()}


def _config(entries: object) -> dict[str, Plain]:
    if not isinstance(entries, dict) or len(entries) > _MAX_SETTINGS:
        raise BadFrame("its config is too large")
    for value in entries.values():
        if not (value is None or isinstance(value, bool | int | float | str)):
            raise BadFrame("its config has a value that is neither a number nor a text")
    return {
        shortened(name, _MAX_TEXT): shortened(value, _MAX_TEXT) if isinstance(value, str) else value
        for name, value in entries.items()
    }


def _texts(entries: object, most: int) -> tuple[str, ...]:
    if not isinstance(entries, list) or len(entries) > most:
        raise BadFrame("too many lines")
    return tuple(_text(entry) for entry in entries)


def _text(entry: object) -> str:
    if not isinstance(entry, str):
        raise BadFrame("a line is not text")
    return shortened(entry, _MAX_TEXT)
