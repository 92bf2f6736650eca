"""What the tool wrote as JSON, read again as if anybody had written it: bounded, and every value of its type."""

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

#: What the readers here, and a look into what is not there, raise for content that is not as the tool writes it.
MALFORMED = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)

#: A report of real gestures has some 8,000 values and 70 kB; a file of a gate has one for each of its inputs.
_MAX_BYTES = 16 << 20
_MAX_VALUES, _MAX_CHARACTERS, _MAX_LEVELS = 200_000, 4_000_000, 64


def load(path: Path) -> Any:
    """The JSON in a file; raises `OSError` where it cannot be read, else one of `MALFORMED`.

    A NaN or an infinity, which are no JSON, are refused; a byte order mark, as Windows' editors write it, is not.
    """
    return json.loads(read_bounded(path, _MAX_BYTES).decode("utf-8-sig"), parse_constant=_refuse)


def _refuse(constant: str) -> float:
    raise ValueError(constant)


def require_bounded(content: object) -> None:
    """Raise `ValueError` for more values, text or levels than what the tool writes of one run."""
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


def shown(value: object) -> str:
    """What stands where something else is expected, short enough for a message."""
    return repr(value) if isinstance(value, int | str) and len(str(value)) < 20 else f"another {type(value).__name__}"


def text(value: object, most: int = 20_000) -> str:
    """`value`, which must be text of up to `most` characters, and of up to a tenth of these lines."""
    if not isinstance(value, str):
        raise TypeError(value)
    if len(value) > most or value.count("\n") > most // 10:
        raise ValueError("longer than any")
    return value


def code(value: object) -> str:
    """`value`, which must be a probe's or the tool's code."""
    if not CODE.fullmatch(text(value)):
        raise ValueError(value)
    return text(value)


def whole(value: object) -> int:
    """`value`, which must be a whole number of 64 bits."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(value)
    if not -(2**63) <= value < 2**63:
        raise ValueError("beyond 64 bits")
    return value


def number(value: object) -> float:
    """`value` as a float, which must be a number and finite."""
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
    """`value`, which must be true or false."""
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def optional(read: Callable[[Any], T], value: object) -> T | None:
    """None, or what `read` makes of `value`."""
    return None if value is None else read(value)


def items(read: Callable[[Any], T], value: object, most: int = 1_000) -> tuple[T, ...]:
    """What `read` makes of each of up to `most` entries of a list."""
    if not isinstance(value, list):
        raise TypeError(value)
    if len(value) > most:
        raise ValueError(f"{len(value)} entries")
    return tuple(read(entry) for entry in value)


def table(read: Callable[[Any], T], value: object) -> Mapping[str, T]:
    """What `read` makes of each value of a mapping of up to 1,000."""
    if not isinstance(value, dict):
        raise TypeError(value)
    if len(value) > 1_000:
        raise ValueError(f"{len(value)} entries")
    return MappingProxyType({key: read(entry) for key, entry in value.items()})


def pair(value: object) -> tuple[float, float]:
    """`value`, which must be a list of two numbers."""
    first, second = items(number, value)
    return first, second
