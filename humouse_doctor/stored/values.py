"""Readers of the tool's own JSON, which is not trusted: sizes are bounded and every value's type is checked."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from humouse_doctor.core.tool_codes import CODE
from humouse_doctor.inputs.files import read_bounded

T = TypeVar("T")

#: Errors of the readers here, and of missing parts, for content that the tool did not write.
MALFORMED = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)

#: A report of real gestures has some 8,000 values and 70 kB; a gate's file has one report for each input.
_MAX_BYTES = 16 << 20
_MAX_VALUES, _MAX_CHARACTERS, _MAX_LEVELS = 200_000, 4_000_000, 64


def load(path: Path) -> Any:
    """Read the JSON in a file; raise `OSError` if it cannot be read, else one of `MALFORMED`.

    NaN and infinity are refused, since they are not JSON; a byte order mark from a Windows editor is accepted.
    """
    return json.loads(read_bounded(path, _MAX_BYTES).decode("utf-8-sig"), parse_constant=_refuse)


def _refuse(constant: str) -> float:
    raise ValueError(constant)


def require_bounded(content: object) -> None:
    """Raise `ValueError` for more values, text or levels than the tool writes for one run."""
    todo: list[tuple[object, int]] = [(content, 0)]
    values = characters = 0
    while todo:
        value, level = todo.pop()
        values += 1
        if isinstance(value, dict):
            todo.extend((part, level + 1) for pair in value.items() for part in pair)
        elif isinstance(value, list):
            todo.extend((part, level + 1) for part in value)
        elif isinstance(value, str):
            characters += len(value)
        if level > _MAX_LEVELS or values + len(todo) > _MAX_VALUES or characters > _MAX_CHARACTERS:
            raise ValueError("more than a run has")


def described(value: object) -> str:
    """Return an unexpected value in a form for messages: itself if it is short, else its type."""
    return repr(value) if isinstance(value, int | str) and len(str(value)) < 20 else f"<{type(value).__name__}>"


def text(value: object, most: int = 20_000) -> str:
    """Return `value`, which must be text of at most `most` characters and `most // 10` line feeds."""
    if not isinstance(value, str):
        raise TypeError(value)
    if len(value) > most or value.count("\n") > most // 10:
        raise ValueError("longer than any")
    return value


def code(value: object) -> str:
    """Return `value`, which must be a probe's or the tool's code."""
    if not CODE.fullmatch(text(value)):
        raise ValueError(value)
    return text(value)


def whole(value: object) -> int:
    """Return `value`, which must be a whole number of 64 bits."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(value)
    if not -(2**63) <= value < 2**63:
        raise ValueError("beyond 64 bits")
    return value


def number(value: object) -> float:
    """Return `value` as a float; it must be a finite number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(value)
    try:
        found = float(value)
    except OverflowError:
        raise ValueError("beyond all floats") from None
    if not math.isfinite(found):
        raise ValueError(value)
    return found


def flag(value: object) -> bool:
    """Return `value`, which must be true or false."""
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def optional(read: Callable[[Any], T], value: object) -> T | None:
    """Return None for None, else `read(value)`."""
    return None if value is None else read(value)


def items(read: Callable[[Any], T], value: object, most: int = 1_000) -> tuple[T, ...]:
    """Return `read` of each entry of a list, which must have at most `most`."""
    if not isinstance(value, list):
        raise TypeError(value)
    if len(value) > most:
        raise ValueError(f"{len(value)} entries")
    return tuple(read(entry) for entry in value)


def table(read: Callable[[Any], T], value: object) -> Mapping[str, T]:
    """Return `read` of each value of a mapping, which must have at most 1,000."""
    if not isinstance(value, dict):
        raise TypeError(value)
    if len(value) > 1_000:
        raise ValueError(f"{len(value)} entries")
    return MappingProxyType({key: read(entry) for key, entry in value.items()})


def pair(value: object) -> tuple[float, float]:
    """Return `value`, which must be a list of two numbers."""
    first, second = items(number, value)
    return first, second
