"""Files of fsspec's file systems, which find their credentials themselves."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs

from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.core.text import counted, reason
from humouse_doctor.inputs.remote.place import PACKAGES, Answer, Place, a_folder

#: The words of file systems for the time at which a file was written.
_TIMES = ("LastModified", "last_modified", "mtime", "updated", "created")
#: Seconds since 1970 that every file system can note, below this bound.
_LAST_TIME = 2.0**32

# These log errors that they raise too, a page each, which Python would print where nobody has set up logging.
for _package in ("adlfs", "azure", "botocore", "fsspec", "gcsfs", "huggingface_hub", "s3fs"):
    logging.getLogger(_package).addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A file below a folder: its `path` from there, bytes, a tag that stands for its content, and seconds since 1970."""

    path: str
    size: int | None
    tag: str
    changed: float | None


@dataclass(frozen=True, slots=True)
class Listing:
    """The files below a folder, and a sentence on each kind of thing that was not looked at."""

    files: tuple[Listed, ...]
    notes: tuple[str, ...]


class Folder:
    """A remote folder."""

    def __init__(self, place: Place) -> None:
        """Find its file system; raise `UsageError` without the scheme's package."""
        self._place = place
        self._system, self._path = _system(place)

    def listed(self, most: int, levels: int) -> Listing:
        """Return all files, of at most `most` entries and so many levels of folders; raise what the file system raises."""
        self._system.invalidate_cache()
        waiting, files, seen, deep, unreadable = [(self._path, 0)], list[Listed](), 0, 0, list[str]()
        while waiting and seen < most:
            folder, level = waiting.pop()
            try:
                entries = self._system.ls(folder, detail=True)
            except Exception as error:  # as each file system likes
                if not level:
                    raise
                shown = self._place.below(self._below(folder)).shown
                unreadable.append(f"{shown} ({self._place.without_secrets(reason(error, 2000))})")
                continue
            for entry in sorted(entries, key=lambda entry: str(entry["name"]), reverse=True)[: most - seen]:
                seen += 1
                name = str(entry["name"]).rstrip("/")
                if name == folder.rstrip("/"):  # an object that stands for the folder, or is no folder
                    if not level and len(entries) == 1 and entry.get("type") == "file" and entry.get("size"):
                        raise InputError(f"{self._place.shown}: a file, where a folder is expected")
                elif entry.get("type") != "directory":
                    files.append(_listed(entry, self._below(name)))
                elif level < levels:
                    waiting.append((name, level + 1))
                else:
                    deep += 1
        notes = []
        if unreadable:
            notes.append(f"{counted(len(unreadable), 'folder')} could not be listed, the first {unreadable[0]}")
        if seen >= most:
            notes.append(f"only the first {most:,} entries were looked at; survey the folders below one by one")
        if deep:
            notes.append(f"{counted(deep, 'folder')} more than {levels} levels down: left out")
        return Listing(tuple(files), tuple(notes))

    @contextlib.contextmanager
    def opened(self, file: Listed) -> Iterator[Answer]:
        """Open a file that was listed; raise what the file system raises."""
        with self._system.open(f"{self._path.rstrip('/')}/{file.path}", "rb") as stream:
            yield Answer(stream=stream, size=file.size, tag=file.tag)

    def _below(self, name: str) -> str:
        return name.removeprefix(self._path).strip("/")


def _listed(entry: dict[str, Any], path: str) -> Listed:
    size, told = entry.get("size"), repr(sorted((key, str(value)) for key, value in entry.items()))
    return Listed(
        path=path,
        size=size if isinstance(size, int) else None,
        tag=hashlib.sha256(told.encode(errors="surrogateescape")).hexdigest(),
        changed=next((seconds for key in _TIMES if (seconds := _seconds(entry.get(key))) is not None), None),
    )


def _seconds(value: object) -> float | None:
    """Return a time as seconds since 1970, None for one that is not told or that no file can have; UTC without a zone."""
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value.replace("Z", "+00:00"))
        if isinstance(value, datetime):
            value = (value if value.tzinfo else value.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        return None
    return float(value) if isinstance(value, int | float) and 0 <= value < _LAST_TIME else None


@contextlib.contextmanager
def opened(place: Place) -> Iterator[Answer]:
    """Open a file; raise `UsageError` for a folder and without the scheme's package, or what the file system raises."""
    system, path = _system(place)
    system.invalidate_cache()
    found = system.info(path)
    if found.get("type") == "directory":
        raise a_folder(place)
    size = found.get("size")
    with system.open(path, "rb") as stream:
        yield Answer(stream=stream, size=size if isinstance(size, int) else None, tag=str(system.ukey(path)))


def _system(place: Place) -> tuple[AbstractFileSystem, str]:
    """Return the file system of a place, and its name there."""
    scheme = place.url.scheme
    try:
        system, path = url_to_fs(place.url.geturl())
    except ImportError:
        package = PACKAGES[scheme]
        raise UsageError(f"{place.shown}: {scheme}:// needs a package that is not installed: pip install {package}") from None
    return system, str(path)
