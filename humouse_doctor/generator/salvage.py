"""Reading objects of foreign classes as plain data: every class a file names is replaced by a stand-in that only keeps.

Works on a module that was pickled whole, too: its tensors lie in its state as dictionaries. None of the file's code, and
none of the code it names, is imported or run.
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

#: Modules torch refuses whatever else is allowed.
BLOCKED = ("sys", "os", "posix", "nt")
_MAX_NAMES = 1_000
_MAX_TRIES = 20
_MAX_TENSORS = 100_000
_OBJECT_SECTION = 3  # of a legacy file: magic number, protocol, system, object


class Kept:
    """What stands for an object of a foreign class: its arguments and its state, as they were read."""

    __slots__ = ("args", "state")
    args: tuple[object, ...]
    state: object

    def __new__(cls, *args: object) -> Kept:
        """Take any arguments, as the class it stands for may."""
        kept = object.__new__(cls)
        kept.args, kept.state = args, None
        return kept

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        self.state = state


def foreign_names(stream: BinaryIO, *, archive: bool) -> list[str]:
    """The globals a file refers to that `weights_only` does not know, in order; empty where its pickle makes no sense.

    Stand-ins that are registered at that time count as known.
    """
    stream.seek(0)
    try:
        names = torch.serialization.get_unsafe_globals_in_checkpoint(stream if archive else _as_archive(stream))
    except Exception:  # a pickle too odd to be looked through is not read anyway
        return []
    finally:
        stream.seek(0)
    return sorted(names)


def _as_archive(stream: BinaryIO) -> BinaryIO:
    """The object's pickle of a legacy file in an archive, since torch looks through these alone."""
    for _ in range(_OBJECT_SECTION):
        _skip_pickle(stream)
    start = stream.tell()
    _skip_pickle(stream)
    end = stream.tell()
    stream.seek(start)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("archive/data.pkl", stream.read(end - start))
        archive.writestr("archive/version", b"3\n")
    made.seek(0)
    return made


def _skip_pickle(stream: BinaryIO) -> None:
    for _ in pickletools.genops(stream):
        pass


def load_keeping(load: Callable[[list[tuple[Any, str]]], object], names: Iterable[str]) -> object:
    """What `load` returns with a stand-in for each of `names`.

    Which of them stand for dictionaries and lists shows only when they are filled; then it starts again.
    """
    known = list(names)[:_MAX_NAMES]
    stand_ins: list[Any] = [type(f"_Kept_{number}_", (Kept,), {"__slots__": ()}) for number in range(len(known))]
    for _ in range(_MAX_TRIES):
        try:
            return load(list(zip(stand_ins, known, strict=True)))
        except pickle.UnpicklingError as error:  # noqa: PERF203  # a second try is rare
            filled = re.search(r"but got <class '[\w.]*_Kept_(\d+)_'>", str(error))
            if filled is None:
                raise
            stand_ins[int(filled.group(1))] = _new_list if re.search("append|extend", str(error)) else _new_dict
    return load(list(zip(stand_ins, known, strict=True)))


def _new_dict(*_: object) -> OrderedDict[object, object]:
    return OrderedDict()


def _new_list(*_: object) -> list[object]:
    return []


def as_dict(value: object) -> dict[Any, Any] | None:
    """A dictionary of what `value` holds by name: itself, a module's tensors, or an object's attributes; else None."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, Kept):
        return None
    state = _state_of(value)
    if state is None:
        return None
    return dict(_tensors_of(value)) if isinstance(dict.get(state, "_modules"), dict) else state


def _state_of(kept: Kept) -> dict[Any, Any] | None:
    state = kept.state
    if isinstance(state, tuple) and len(state) == 2:  # attributes and slots
        state = state[0]
    return state if isinstance(state, dict) else None


def _tensors_of(module: Kept) -> Iterator[tuple[str, Tensor]]:
    """A module's parameters and buffers as its `state_dict` would name them."""
    todo: list[tuple[str, Kept]] = [("", module)]
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
        todo.extend((f"{prefix}{name}.", child) for name, child in reversed(children) if isinstance(child, Kept))
        if count > _MAX_TENSORS or len(prefix) > _MAX_TENSORS:
            return
