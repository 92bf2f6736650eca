"""Names of remote files: the path of a local copy tells the URL that it was fetched from, and every message shows that.

A copy lies two folders below one that is named by a digest; beside them a file holds the copy's place in there and its URL.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from humouse_doctor.core.errors import DoctorError
from humouse_doctor.inputs.files import shortest

#: The variable that names the user's folder of caches, and the folder of the copies in it.
CACHES, _FOLDER = "XDG_CACHE_HOME", Path("humouse-doctor", "remote")
#: The file that tells a copy's URL, named as no part of a copy's path is.
RECORD = "url~"
_KEY = re.compile(r"[0-9a-f]{64}")

T = TypeVar("T")


def root_of_copies() -> Path | None:
    """Return the folder of the copies, None where the user has no folder of caches."""
    stated = Path(os.environ.get(CACHES, ""))
    try:
        caches = stated if stated.is_absolute() else Path.home() / ".cache"
        return Path(os.path.realpath(caches)) / _FOLDER
    except (OSError, RuntimeError, ValueError):
        return None


def is_copy(path: Path | None) -> bool:
    """Return True if `path` is that of a local copy."""
    return path is not None and _is_below(Path(os.path.abspath(path)), root_of_copies())  # noqa: PTH100  # there are no links


def parents(path: Path) -> Sequence[Path]:
    """Return the folders above an absolute path, nearest first; of a copy those that hold nothing else."""
    root = root_of_copies()
    return [folder for folder in path.parents if not _is_below(path, root) or _is_below(folder, root)]


def named(text: str) -> str:
    """Return `text` with its URL in place of the path of each local copy, without what is secret."""
    keys = dict.fromkeys(_KEY.findall(text))
    root = root_of_copies() if keys else None
    if root is None:
        return text
    for key in keys:
        with contextlib.suppress(OSError, ValueError):
            file, url = (root / key / RECORD).read_text(encoding="utf-8").split("\n")
            for folder in dict.fromkeys((root / key, shortest(root / key))):
                copy = folder / file
                text = text.replace(str(copy), url).replace(str(copy.parent), url.rpartition("/")[0])
    return text


def with_names(value: T) -> T:
    """Return a tree of dataclasses, tuples and mappings whose texts are `named`."""
    return _with_names(value)  # type: ignore[no-any-return]


def _with_names(value: Any) -> Any:
    if type(value) is str:  # a member of an enum is text too
        return named(value)
    if type(value) is tuple:
        return tuple(_with_names(part) for part in value)
    if isinstance(value, Mapping):
        return MappingProxyType({_with_names(key): _with_names(part) for key, part in value.items()})
    if not is_dataclass(value) or isinstance(value, type):
        return value
    return replace(value, **{field.name: _with_names(getattr(value, field.name)) for field in fields(value) if field.init})


@contextlib.contextmanager
def names_in_errors() -> Iterator[None]:
    """Let the errors that the block raises name URLs rather than local copies."""
    try:
        yield
    except DoctorError as error:
        text = named(str(error))
        if text == str(error):
            raise
        raise type(error)(text) from None


def _is_below(path: Path, root: Path | None) -> bool:
    return root is not None and root in path.parents
