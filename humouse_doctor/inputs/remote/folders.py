"""Local copies of remote folders: in the same tree, the files below one that may be parts of runs.

The copy of a folder lies where that of one file would, in a folder named by a digest of the URL alone. A file beside it has the
tags that the files' contents were listed with; what is listed with another one is fetched again.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from humouse_doctor.core.errors import DoctorError, InputError
from humouse_doctor.core.text import counted
from humouse_doctor.inputs.files import replace_file
from humouse_doctor.inputs.parts import may_be_part
from humouse_doctor.inputs.remote import copies
from humouse_doctor.inputs.remote.filesystems import Folder, Listed
from humouse_doctor.inputs.remote.names import RECORD
from humouse_doctor.inputs.remote.place import Place

#: The file with the tags, named as no part of a copy's path is.
_TAGS = "tags~"
#: The file that a process locks while it changes a copy.
_LOCK = "lock~"
#: The most bytes of a name on usual file systems.
_LONGEST_NAME = 255
#: Files that are fetched at a time: of many small ones most of the time is spent on waiting for a server.
_AT_A_TIME = 8
#: Weights that are not fetched, as neither `survey` nor `inspect` takes them for a generator's in a local folder.
_LEFT = re.compile(r"discriminator.*\.(pt|pth|ckpt|safetensors)$|^optimi[sz]er\.pth?$")


def local(given: str, most: int, levels: int, progress: Callable[[str], None] = lambda _: None) -> tuple[Path, tuple[str, ...]]:
    """Return the path of a local copy of the folder at a URL, and a sentence on each kind of thing that was left out.

    At most `most` entries are listed, and so many levels of folders. Raises `UsageError` for a URL that cannot be used, and
    `InputError` for a folder that cannot be listed and a file that cannot be fetched.
    """
    place = Place.of_folder(given)
    root = copies.root_for(place)
    progress(f"listing {place.shown}")
    with copies.plain_errors(place):
        folder = Folder(place)
        listing = copies.within(copies.LONGEST_S, lambda _: folder.listed(most, levels))
    parts = {file.path: file for file in listing.files if _is_part(file.path.rpartition("/")[2])}
    above = {str(folder) for path in parts for folder in PurePosixPath(path).parents}
    files = {path: file for path, file in parts.items() if path not in above and _can_be_here(path)}
    held = sum(file.size or 0 for file in files.values())
    if held > copies.MOST_KEPT:
        raise InputError(
            f"{place.shown}: {counted(len(files), 'file')} of {held >> 30} GiB below it, and more than"
            f" {copies.MOST_KEPT >> 30} are not fetched; name the folders below it one by one"
        )
    own = root / copies.key(place, "")
    copy = own / place.file
    with copies.plain_errors(place), _locked(own, lambda: progress(f"waiting for another process that fetches {place.shown}")):
        copy.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(own / RECORD, f"{place.file.as_posix()}\n{place.shown}".encode(), own=True)
        os.utime(own)
        tags = _tags(own)
        new = [file for file in files.values() if not _is_there(copy / file.path, file, tags)]
        _remove_all_but(copy, files)
        progress(f"fetching {len(new):,} of {counted(len(files), 'file')} below {place.shown}")
        kept = {path: tags[path] for path in files.keys() & tags.keys() - {file.path for file in new}}
        try:
            gone = _fetch(place, folder, new, copy, kept, root)
        finally:
            with contextlib.suppress(DoctorError):  # then all is fetched anew next time
                replace_file(own / _TAGS, json.dumps(kept).encode(), own=True)
        copies.trim(root)
    notes, odd = list(listing.notes), sorted(place.below(path).shown for path in parts.keys() - files.keys())
    if odd:
        notes.append(f"{counted(len(odd), 'file')} of a name that no copy can have, the first {odd[0]}")
    if gone:
        notes.append(f"{counted(len(gone), 'file')} could not be found when fetched, the first {min(gone)}")
    return copy, tuple(notes)


@contextlib.contextmanager
def _locked(own: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Keep other processes from changing a copy, after those that do so now; call `waiting` if there are any."""
    from filelock import FileLock, Timeout  # comes with torch, as fsspec does

    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(own / _LOCK, mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waiting()
        try:
            lock.acquire(timeout=copies.LONGEST_S)
        except Timeout:
            raise TimeoutError("another process has been fetching it for an hour") from None
    try:
        yield
    finally:
        lock.release()


def _is_part(name: str) -> bool:
    return may_be_part(name) and _LEFT.search(name) is None


def _can_be_here(path: str) -> bool:
    """Return True for the path of a file in a folder of this system, of which every part can be printed."""
    parts = path.split("/")
    return (
        all(part not in (".", "..", "") and part.isprintable() and "\\" not in part for part in parts)
        and all(len(os.fsencode(part)) <= _LONGEST_NAME for part in parts)
        and not PurePosixPath(path).is_absolute()
        and Path(path).drive == ""
    )


def _tags(own: Path) -> dict[str, str]:
    """Return the tags of the files that were fetched before, by their paths."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads((own / _TAGS).read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}


def _is_there(path: Path, file: Listed, tags: Mapping[str, str]) -> bool:
    try:
        return tags.get(file.path) == file.tag and file.size in (None, path.stat().st_size)
    except OSError:
        return False


def _remove_all_but(copy: Path, files: Mapping[str, Listed]) -> None:
    """Remove copies of files that are there no more, and the folders that are then empty."""
    for path in sorted(copy.rglob("*"), reverse=True):  # a folder comes after what lies in it
        if path.is_dir():
            with contextlib.suppress(OSError):  # there is something in it
                path.rmdir()
        elif path.relative_to(copy).as_posix() not in files:
            path.unlink(missing_ok=True)


def _fetch(place: Place, folder: Folder, files: Sequence[Listed], copy: Path, kept: dict[str, str], root: Path) -> list[str]:
    """Fetch files, several at a time, and note their tags in `kept`; return the URLs of those that are not there.

    Raises `InputError` for one that cannot be fetched.
    """
    todo, errors, gone = iter(files), list[Exception](), list[str]()

    def work(end: float) -> None:
        try:
            while not errors and (file := next(todo, None)) is not None:
                at = place.below(file.path)
                if _fetch_one(at, folder, file, copy / file.path, root, end):
                    kept[file.path] = file.tag
                else:  # removed since it was listed, or archived
                    gone.append(at.shown)
        except Exception as error:
            errors.append(error)

    def all_of_them(end: float) -> None:
        threads = [threading.Thread(target=work, args=(end,), daemon=True) for _ in range(min(_AT_A_TIME, len(files)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    copies.within(copies.LONGEST_S, all_of_them)
    if errors:
        raise errors[0]
    return gone


def _fetch_one(place: Place, folder: Folder, file: Listed, target: Path, root: Path, end: float) -> bool:
    """Fetch a file that was listed; return False if it is not there."""
    with copies.plain_errors(place), copies.part_file(root) as part:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.unlink(missing_ok=True)  # what cannot be fetched anew is not there
        try:
            with folder.opened(file) as answer:
                copies.received(place, answer, part, end)
        except FileNotFoundError as error:
            if copies.is_local(error):
                raise
            return False
        part.replace(target)
        seconds = file.changed or 0.0  # of several checkpoints the newest is taken, without times the last by its name
        os.utime(target, (seconds, seconds))
    return True
