"""Reading of objects of foreign classes as plain data, with an inert stand-in for every class that a file names.

This also reads a module that was pickled whole: its tensors lie in its state as dictionaries. Neither the file's code nor
the code it names is imported or run.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import re
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

import torch
from torch import Tensor

from humouse_doctor.inputs.checkpoints import protocol

#: Modules that torch refuses whatever else is allowed.
BLOCKED = ("sys", "os", "posix", "nt")
MAX_NAMES = 1_000
_MAX_TRIES = 64
_BEFORE_OBJECT = 3  # pickles of a legacy file: magic number, protocol, system


class InertObject:
    """A stand-in for an object of a foreign class, with its arguments and state as they were read."""

    __slots__ = ("args", "state")
    args: tuple[object, ...]
    state: object

    def __new__(cls, *args: object) -> InertObject:
        """Accept any arguments, as the foreign class may."""
        inert = object.__new__(cls)
        inert.args, inert.state = args, None
        return inert

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        self.state = state


class _Dict:
    """A stand-in for a dictionary of a foreign class; torch does not fill subclasses of dict."""

    def __new__(cls, *_: object) -> OrderedDict[object, object]:  # type: ignore[misc]  # on purpose
        """Return an empty dictionary, whatever the arguments."""
        return OrderedDict()


class _List:
    """A stand-in for a list of a foreign class."""

    def __new__(cls, *_: object) -> list[object]:  # type: ignore[misc]  # on purpose
        """Return an empty list, whatever the arguments."""
        return []


def foreign_names(stream: BinaryIO, *, archive: bool) -> list[str]:
    """Return the globals in a file that `torch.load(weights_only=True)` refuses; in a damaged pickle, those before the damage.

    Those for which a stand-in is registered are not among them.
    """
    pickled = _pickle_of_archive(stream) if archive else _sections(stream)[1]
    named = b"".join(pickled[start : _second_line_end(pickled, start)] for start in _globals(pickled))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as names_alone:  # torch searches archives, and knows the names it allows
        names_alone.writestr("archive/data.pkl", b"\x80\x02" + named + b".")
        names_alone.writestr("archive/version", b"3\n")
    made.seek(0)
    try:
        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(made))
    except (pickle.UnpicklingError, UnicodeDecodeError, RuntimeError):  # a name that is not text
        return []


def _pickle_of_archive(stream: BinaryIO) -> bytes:
    stream.seek(0)
    with zipfile.ZipFile(stream) as archive:
        return archive.read(next(name for name in archive.namelist() if name.partition("/")[2] == "data.pkl"))


def _sections(stream: BinaryIO) -> tuple[bytes, bytes, bytes]:
    """Split a legacy file in three: magic number, protocol and system; the object's pickle up to any damage; the rest."""
    stream.seek(0)
    data = stream.read()
    start = 0
    for _ in range(_BEFORE_OBJECT):
        start = _end_of_pickle(data, start)
    end = _end_of_pickle(data, start)
    return data[:start], data[start:end], data[end:]


def _end_of_pickle(data: bytes, start: int) -> int:
    return max((place + 1 for _, _, place in _operations(data, start)), default=start)


def _operations(data: bytes, start: int = 0) -> Iterator[tuple[str, object, int]]:
    """Yield name, argument and position of each operation, until the pickle ends or is damaged."""
    stream = io.BytesIO(data)
    stream.seek(start)
    try:
        for code, argument, place in pickletools.genops(stream):
            yield code.name, argument, start if place is None else place
    except (ValueError, IndexError, UnicodeError):
        return


def _globals(pickled: bytes) -> list[int]:
    """Return the position of each global that is named in full."""
    return [place for name, _, place in _operations(pickled) if name == "GLOBAL"]


def _second_line_end(data: bytes, start: int) -> int:
    return data.index(b"\n", data.index(b"\n", start) + 1) + 1


def without_sources(stream: BinaryIO) -> BinaryIO:
    """Return a legacy file in which classes are named without the source code that torch.save added.

    `weights_only` refuses the quadruples ("module", class, file, source). Their texts are moved to the bottom of the
    stack, since later operations may refer to them.
    """
    before, pickled, rest = _sections(stream)
    operations = list(_operations(pickled))
    ends = [place for _, _, place in operations[1:]] + [len(pickled)]
    pieces = [pickled[place:end] for (_, _, place), end in zip(operations, ends, strict=True)]
    texts: list[bytes] = []
    says_module: set[object] = set()
    opened = 0
    for number, (name, argument, _) in enumerate(operations):
        if name == "MARK":
            opened = number
        elif "BINPUT" in name and operations[number - 1][1] == "module":
            says_module.add(argument)
        elif name == "BINPERSID" and _is_module(operations[opened + 1], says_module):
            for place in range(opened, number + 1):
                kind = operations[place - 1 if "BINPUT" in operations[place][0] else place][0]
                if kind == "BINUNICODE":
                    texts.append(pieces[place])
                if kind != "GLOBAL":
                    pieces[place] = b""
    return io.BytesIO(before + b"".join([*pieces[:1], *texts, *pieces[1:]]) + rest)


def _is_module(operation: tuple[str, object, int], says_module: set[object]) -> bool:
    name, argument, _ = operation
    return argument == "module" if name == "BINUNICODE" else "BINGET" in name and argument in says_module


def load_with_stand_ins(load: Callable[[list[tuple[Any, str]]], object], names: Iterable[str]) -> object:
    """Return the result of `load` with a stand-in for each of `names`.

    Only a failed load shows which names are dictionaries or lists; each such name takes another try.
    """
    known = list(names)
    stand_ins: list[Any] = [type(f"_Inert_{number}_", (InertObject,), {"__slots__": ()}) for number in range(len(known))]
    for _ in range(_MAX_TRIES):
        try:
            return load(list(zip(stand_ins, known, strict=True)))
        except pickle.UnpicklingError as error:  # noqa: PERF203  # further tries are rare
            filled = re.search(r"but got <class '[\w.]*_Inert_(\d+)_'>", str(error))
            if filled is None:
                raise
            stand_ins[int(filled.group(1))] = _List if re.search("append|extend", str(error)) else _Dict
    return load(list(zip(stand_ins, known, strict=True)))


def as_dict(value: object) -> dict[Any, Any] | None:
    """Return `value` as a dictionary: itself, a module's tensors, or an object's attributes; None for other values."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, InertObject):
        return None
    state = _state_of(value)
    if state is None:
        return None
    return dict(_tensors_of(value)) if isinstance(dict.get(state, "_modules"), dict) else state


def _state_of(inert: InertObject) -> dict[Any, Any] | None:
    state = inert.state
    if isinstance(state, tuple) and len(state) == 2:  # attributes and slots
        state = state[0]
    return state if isinstance(state, dict) else None


def _tensors_of(module: InertObject) -> Iterator[tuple[str, Tensor]]:
    """Yield a module's parameters and buffers with their `state_dict` names; its depth was checked before."""
    todo: list[tuple[str, InertObject]] = [("", module)]
    seen: set[int] = set()
    count = 0
    while todo:
        prefix, current = todo.pop()
        state = _state_of(current)
        if state is None or id(current) in seen:
            continue
        seen.add(id(current))
        passing = dict.get(state, "_non_persistent_buffers_set")
        for kind in ("_parameters", "_buffers"):
            held = dict.get(state, kind)
            for name, value in dict.items(held) if isinstance(held, dict) else ():
                if isinstance(value, Tensor) and isinstance(name, str) and not (isinstance(passing, set) and name in passing):
                    yield prefix + name, value
                    count += 1
        inside = dict.get(state, "_modules")
        children = [] if not isinstance(inside, dict) else list(dict.items(inside))
        todo.extend((f"{prefix}{name}.", child) for name, child in reversed(children) if isinstance(child, InertObject))
        if count > protocol.MAX_TENSORS:
            return  # so many tensors are refused
