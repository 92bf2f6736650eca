"""The journal of a long command: the end of every job, on disk as soon as there is one.

It is a file of JSON lines that is only ever appended to. The first line says what it is; each other one is the end of a job. A
line that a kill or a full disk has torn is cut off when the next one is written. Journals can be joined, by `merge` or by
`cat`: further first lines are skipped, and of several ends of one job the first answer counts, or else the last failure.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Annotated, BinaryIO

from msgspec import Meta, Struct

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.text import reason
from humouse_doctor.fleet.jobs import Ended
from humouse_doctor.inputs.files import open_regular
from humouse_doctor.stored.values import MALFORMED, decode

KIND, VERSION = "humouse-doctor journal", "1.0"
_HEAD = json.dumps({"kind": KIND, "schema_version": VERSION}).encode() + b"\n"
#: A stored report has 16 MB at most, and its quotes are escaped here.
_MOST_LINE = 48 << 20


class _Line(Struct, frozen=True, forbid_unknown_fields=True):
    """The end of a job."""

    key: Annotated[str, Meta(pattern=r"^[0-9a-f]{8,128}$(?!\n)")]
    name: Annotated[str, Meta(max_length=20_000)]
    seconds: Annotated[float, Meta(ge=0)]
    answer: str | None = None
    failure: Annotated[str, Meta(max_length=20_000)] | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """The line of a job's end: where it is in the file, in bytes, and whether it holds an answer."""

    offset: int
    length: int
    answered: bool


class Journal:
    """A journal that is open in this process alone; of the answers only the places are held in memory."""

    def __init__(self, path: Path) -> None:
        """Open the journal at `path`, a new one if there is none.

        Raises `InputError` if it is another kind of file, is damaged, cannot be written, or is open in another process; it is
        then as it was.
        """
        self._path = path
        self._places: dict[str, _Place] = {}
        try:
            self._handle: int | None = _opened(path)
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: cannot be used as a journal: {reason(error)}; nothing was changed") from None
        try:
            with open(self._handle, "rb", closefd=False) as stream:
                self._end = self._read(stream)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def __len__(self) -> int:
        """Return the number of jobs that it has an answer of."""
        return sum(place.answered for place in self._places.values())

    def close(self) -> None:
        """Close the file, and give it up for other processes; what it holds is on the disk by then."""
        if self._handle is not None:
            with contextlib.suppress(OSError):
                os.fsync(self._handle)
            os.close(self._handle)
            self._handle = None

    def find(self, key: str) -> Ended | None:
        """Return the end of the job `key` that has an answer, None if there is none."""
        place = self._places.get(key)
        if place is None or not place.answered:
            return None
        assert self._handle is not None
        with open(self._handle, "rb", closefd=False) as stream, _as_input_error(self._path):
            stream.seek(place.offset)
            return _ended(stream.read(place.length))

    def add(self, ended: Ended) -> None:
        """Write the end of a job; raise `InputError` if that fails, as on a full disk, with all earlier ends whole."""
        assert self._handle is not None
        head, line = b"" if self._end else _HEAD, _line(ended)
        try:
            os.ftruncate(self._handle, self._end)  # a torn line
            os.lseek(self._handle, self._end, os.SEEK_SET)
            left = memoryview(head + line)
            while left:
                left = left[os.write(self._handle, left) :]
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, self._end)
            raise InputError(
                f"{self._path}: cannot write: {reason(error)}; the {len(self):,} finished jobs in it stay, and the same"
                " command goes on from there once there is room"
            ) from None
        self._note(ended, self._end + len(head), len(line))
        self._end += len(head) + len(line)

    def _note(self, ended: Ended, offset: int, length: int) -> None:
        before = self._places.get(ended.key)
        if before is None or not before.answered:
            self._places[ended.key] = _Place(offset, length, ended.answer is not None)

    def _read(self, stream: BinaryIO) -> int:
        """Note the places of all ends; return the length of the file without a torn last line."""
        end = 0
        for offset, line in _lines(stream, self._path):
            if line != _HEAD:
                self._note(_checked(line, self._path, offset), offset, len(line))
            end = offset + len(line)
        return end


def merge(sources: Iterable[Path], target: Path) -> int:
    """Write the ends in `sources` into a new journal at `target`, ordered by key; return how many jobs it holds.

    Raises `InputError` for a source that cannot be read, and if `target` exists.
    """
    best: dict[str, tuple[bool, Path, int]] = {}
    for source in sources:
        with _reading(source) as stream:
            for offset, line in _lines(stream, source):
                if line != _HEAD:
                    ended = _checked(line, source, offset)
                    if not best.get(ended.key, (False,))[0]:
                        best[ended.key] = (ended.answer is not None, source, offset)
    if target.exists():
        raise InputError(f"{target}: it exists, and is not overwritten; choose another file")
    with Journal(target) as journal:
        for _, (_, source, offset) in sorted(best.items()):
            with _reading(source) as stream:
                stream.seek(offset)
                journal.add(_checked(stream.readline(_MOST_LINE), source, offset))
    return len(best)


@contextlib.contextmanager
def _as_input_error(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, *MALFORMED) as error:
        raise InputError(f"{path}: cannot read the journal: {reason(error)}") from None


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[BinaryIO]:
    with _as_input_error(path), open_regular(path) as stream:
        yield stream


def _lines(stream: BinaryIO, path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the whole lines of a journal with their places; raise `InputError` for a file that is none."""
    offset = 0
    while line := stream.readline(_MOST_LINE):
        if offset == 0 and line != _HEAD and not _HEAD.startswith(line):
            kind = "a journal of another version" if line.startswith(b'{"kind": "' + KIND.encode()) else "not a journal"
            raise InputError(f"{path}: {kind}; choose another file, nothing was changed")
        if not line.endswith(b"\n"):
            if len(line) == _MOST_LINE:
                raise InputError(f"{path}: a line of it has more than {_MOST_LINE:,} bytes; nothing was changed")
            return
        yield offset, line
        offset += len(line)


def _checked(line: bytes, path: Path, offset: int) -> Ended:
    """Return the end in one line; raise `InputError` if there is none."""
    try:
        return _ended(line)
    except MALFORMED as error:
        raise InputError(
            f"{path}: damaged: its line at byte {offset:,} is not the end of a job ({reason(error)}); nothing was changed"
        ) from None


def _ended(line: bytes) -> Ended:
    """Return the end of a job; raise one of `MALFORMED`."""
    stored = decode(line.decode(), _Line)
    if (stored.answer is None) == (stored.failure is None):
        raise ValueError("neither an answer nor a failure, or both")
    answer = None if stored.answer is None else stored.answer.encode()
    return Ended(stored.key, stored.name, answer, stored.failure, stored.seconds, kept=True)


def _line(ended: Ended) -> bytes:
    content = {"key": ended.key, "name": ended.name, "seconds": round(ended.seconds, 3)}
    end = {"failure": ended.failure} if ended.answer is None else {"answer": ended.answer.decode()}
    return json.dumps({**content, **end}, ensure_ascii=True, allow_nan=False).encode() + b"\n"


def _opened(path: Path) -> int:
    """Return the descriptor of a regular file to read and write, locked for this process; raise `OSError`."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags, 0o666)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is not a file")
        _lock(handle)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _lock(handle: int) -> None:
    """Lock an open file until it is closed."""
    try:
        if sys.platform == "win32":
            import msvcrt  # of Windows alone

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # of the other systems

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        raise OSError(errno.EAGAIN, "another process is writing it; give each its own, and join them afterwards") from None
