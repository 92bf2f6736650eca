"""Local copies of remote files, in the user's cache.

A copy lies in a folder named by a digest of its URL and of the tag that the server gives its content, or of the content itself.
Python's own library speaks HTTP and HTTPS; the other schemes are file systems of fsspec, which comes with torch.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from humouse_doctor.core.errors import DoctorError, InputError, MachineError
from humouse_doctor.core.text import is_url, reason
from humouse_doctor.inputs.files import replace_file
from humouse_doctor.inputs.remote.names import CACHES, RECORD, is_copy, root_of_copies
from humouse_doctor.inputs.remote.place import HTTP, Absent, Answer, Place

#: The most bytes of one file, as of a local checkpoint, and of all copies together.
MOST_BYTES, MOST_KEPT = 8 << 30, 20 << 30
#: Seconds for all of a file, and for which a copy counts as in use.
LONGEST_S, _IN_USE_S = 3600.0, 3600.0
_CHUNK = 1 << 20
#: The end of the name of a file that belongs to one with this suffix.
_BESIDE = {".npz": ".meta.json"}
#: The beginning of the name of a copy that is not finished.
_PART = ".part-"

T = TypeVar("T")


def local(given: str | Path) -> Path:
    """Return a path as it is, and for a URL the path of a local copy of its file.

    Raises `UsageError` for a URL that cannot be used, and `InputError` for a file that cannot be fetched.
    """
    text = str(given)
    if not is_url(text):
        return Path(given)
    place = Place.of(text)
    copy = _fetched(place)
    beside = _BESIDE.get(copy.suffix.lower())
    if beside is not None:
        with contextlib.suppress(Absent):
            _fetched(place.with_end(beside), copy.parent)
    return copy


def _fetched(place: Place, folder: Path | None = None) -> Path:
    """Return the path of a copy, in a folder of its own or in `folder`; raise `InputError` if there is none to have."""
    root = root_for(place)
    with plain_errors(place), part_file(root) as part:
        copy = within(LONGEST_S, lambda end: _copied(place, root, part, folder, end))
        os.utime(copy.parent.parent)
        trim(root)
    return copy


def root_for(place: Place) -> Path:
    """Return the folder of the copies, which is made if it is not there; raise `MachineError` if there can be none."""
    root = root_of_copies()
    if root is None:
        raise MachineError(f"{place.shown}: there is no folder to keep it in; set {CACHES} to one")
    with plain_errors(place):
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return root


@contextlib.contextmanager
def part_file(root: Path) -> Iterator[Path]:
    """Give the name of a file for a copy that is not finished, which is removed unless it has been moved."""
    part = root / f"{_PART}{os.urandom(8).hex()}"
    try:
        yield part
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


@contextlib.contextmanager
def plain_errors(place: Place) -> Iterator[None]:
    """Raise `InputError`, as one line without secrets, in place of what a file system of another package raises."""
    try:
        yield
    except (DoctorError, MemoryError):
        raise
    except FileNotFoundError as error:
        if is_local(error):
            raise InputError(f"{place.shown}: its copy was removed while it was fetched; try again") from None
        raise Absent(f"{place.shown}: there is no such file or folder") from None
    except Exception as error:  # a file system of another package raises what it likes
        cause = getattr(error, "reason", None)  # of what HTTP raises
        why = place.without_secrets(reason(cause if isinstance(cause, Exception) else error, 2000))
        if isinstance(error, PermissionError) and error.filename is None:  # not of a file of this machine
            raise InputError(f"{place.shown}: access is denied ({why}); check the name and the credentials") from None
        raise InputError(f"{place.shown}: cannot be fetched: {why}") from None


def is_local(error: OSError) -> bool:
    """Return True for an error at a copy in the cache, rather than at a remote file."""
    return isinstance(error.filename, str) and is_copy(Path(error.filename))


def within(seconds: float, work: Callable[[float], T]) -> T:
    """Return the result of `work`, which is given the monotonic time it has to end by; raise `TimeoutError` if it does not.

    It runs in a thread, since a server that sends a header byte by byte can hold up its reader for long.
    """
    results, errors, end = list[T](), list[Exception](), time.monotonic() + seconds

    def run() -> None:
        try:
            results.append(work(end))
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"not done after {seconds:,.0f} s")
    return results[0]


def _copied(place: Place, root: Path, part: Path, folder: Path | None, end: float) -> Path:
    """Fetch a file into `part` and move it to its place, unless a copy of this content is there."""
    with _opened(place) as answer:
        if folder is None and answer.tag is not None:
            there = root / key(place, answer.tag) / place.file
            if there.is_file():
                return there
        digest = received(place, answer, part, end)
    if folder is None:
        own = root / key(place, answer.tag or digest)
        (own / place.file).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(own / RECORD, f"{place.file.as_posix()}\n{place.shown}".encode(), own=True)
        part.replace(own / place.file)
        return own / place.file
    part.replace(folder / place.file.name)
    return folder / place.file.name


def _opened(place: Place) -> contextlib.AbstractContextManager[Answer]:
    """Open a file by what speaks its scheme."""
    if place.url.scheme in HTTP:
        from humouse_doctor.inputs.remote import http  # what most commands do without

        return http.opened(place)
    from humouse_doctor.inputs.remote import filesystems  # fsspec, which other URLs do without

    return filesystems.opened(place)


def received(place: Place, answer: Answer, part: Path, end: float) -> str:
    """Write the bytes of a file to `part`, as many as were announced and no more than the bound; return their SHA-256."""
    digest, count, most = hashlib.sha256(), 0, f"more than {MOST_BYTES >> 30} GiB are not fetched; refused"
    if answer.size is not None and answer.size > MOST_BYTES:
        raise InputError(f"{place.shown}: {answer.size:,} bytes are announced, and {most}")
    with open(part, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as target:  # Path.open takes no opener
        while data := answer.stream.read(_CHUNK):
            count += len(data)
            if count > MOST_BYTES:
                raise InputError(f"{place.shown}: it does not end, and {most}")
            if time.monotonic() > end:
                raise TimeoutError(f"not done after {LONGEST_S:,.0f} s")
            digest.update(data)
            target.write(data)
    if answer.size is not None and count != answer.size:
        raise InputError(f"{place.shown}: {count:,} bytes came of the {answer.size:,} that were announced; try again")
    return digest.hexdigest()


def key(place: Place, tag: str) -> str:
    """Return the name of the folder of a copy of the content that `tag` stands for."""
    return hashlib.sha256(f"{place.bare}\n{tag}".encode()).hexdigest()


def trim(root: Path) -> None:
    """Remove what killed processes have left, and beyond the bound the copies that were not used for longest."""
    aged, now = list[tuple[float, int, Path]](), time.time()
    with os.scandir(root) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                used = entry.stat(follow_symlinks=False).st_mtime
                if entry.is_dir(follow_symlinks=False):
                    held = sum(path.stat().st_size for path in Path(entry.path).rglob("*") if path.is_file())
                    aged.append((used, held, Path(entry.path)))
                elif entry.name.startswith(_PART) and now - used > LONGEST_S:
                    Path(entry.path).unlink()
    over = sum(held for _, held, _ in aged) - MOST_KEPT
    for used, held, folder in sorted(aged):
        if over > 0 and now - used > _IN_USE_S:
            shutil.rmtree(folder, ignore_errors=True)
            over -= held
