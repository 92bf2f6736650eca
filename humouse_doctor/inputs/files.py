"""Reading what may be anything, and writing a file so that it is either the old one or the new one."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.core.text import reason

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)

#: What the name of a temporary file has after that of its target.
_TEMPORARY = ".humouse-doctor-"
#: Seconds after which a temporary file is one that a killed process has left, and that a pipe's reader may take to come.
_STALE_S, _PATIENCE_S = 3600.0, 3.0


#: A file of more bytes than this and so many times what is stored of it has holes that would be read for hours.
_MAX_HOLLOW, _MOST_HOLLOW, _BLOCK = 1 << 30, 100, 512


#: Device and number of each file that was read within `reads_remembered`, None outside of it.
_READS: ContextVar[set[tuple[int, int]] | None] = ContextVar("reads", default=None)


@contextlib.contextmanager
def reads_remembered() -> Iterator[None]:
    """Remember within the block which files are read, named or found, so that no result takes the place of one."""
    token = _READS.set(set())
    try:
        yield
    finally:
        _READS.reset(token)


def require_unread(*paths: Path) -> None:
    """Raise `UsageError` where one of `paths` leads, by whatever link, to a file read within `reads_remembered`."""
    reads = _READS.get() or ()
    for path in paths:
        with contextlib.suppress(OSError, ValueError):
            status = path.stat()
            if (status.st_dev, status.st_ino) in reads:
                raise UsageError(f"{path}: it was read as an input, and is not overwritten; choose another file")


def repository(folder: Path) -> Path | None:
    """The top of the repository that a folder lies in: the nearest one upwards with a `.git`, None outside of any."""
    return next((place for place in (folder, *folder.parents) if os.path.exists(place / ".git")), None)  # noqa: PTH110


def open_regular(path: Path) -> io.BufferedReader:
    """Open a file for reading; a folder, a pipe, a device or a huge hole is an `OSError` that says so; none is waited for."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        raise OSError(errno.EINVAL, _no_file(path.stat().st_mode)) from None  # a socket, which nobody can open
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, _no_file(status.st_mode))
        stored = getattr(status, "st_blocks", status.st_size) * _BLOCK  # Windows counts no blocks
        if status.st_size > _MAX_HOLLOW and status.st_size > _MOST_HOLLOW * stored:
            raise OSError(errno.EFBIG, f"it is {status.st_size >> 30:,} GiB with next to nothing stored in it")
        reads = _READS.get()
        if reads is not None:
            reads.add((status.st_dev, status.st_ino))
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_bounded(path: Path, most: int) -> bytes:
    """All bytes of a file; an `OSError` says where it is no file, or has more than `most` bytes."""
    with open_regular(path) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes")
    return data


class Bounded:
    """A file as `zipfile` reads it, never more than `most` bytes at a time, whatever size the file claims for its parts."""

    def __init__(self, stream: BinaryIO, most: int) -> None:
        self._stream, self._most = stream, most
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, size: int = -1, /) -> bytes:
        """Read `size` bytes, all there are where none is given; raises `ValueError` for more than the bound."""
        data = self._stream.read(min(size, self._most + 1) if size >= 0 else self._most + 1)
        if len(data) > self._most:
            raise ValueError(f"a part of it is larger than {self._most:,} bytes")
        return data


def below(folder: Path, levels: int, most: int, *, links: bool) -> list[Path]:
    """Up to `most` of what lies in a folder and so many levels below it; what cannot be listed is as good as empty.

    With `links`, links to folders are followed, as far as the levels go.
    """
    found, level = list[Path](), [folder]
    for _ in range(levels + 1):
        entries = list[Path]()
        for parent in level:
            with contextlib.suppress(OSError), os.scandir(parent) as listed:
                entries.extend(parent / entry.name for entry in islice(listed, most - len(found) - len(entries)))
        found.extend(entries)
        level = [entry for entry in entries if is_folder(entry) and (links or not entry.is_symlink())]
    return found


def is_file(path: Path) -> bool:
    """Whether a file is there; a name that no file can have (too long, with a NUL) is none, and raises nothing."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Whether a folder is there; a name that no folder can have is none, and raises nothing."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def is_stream(path: Path) -> bool:
    """Whether a pipe or a character device is there, which is written as it is and keeps no file."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def require_regular(path: Path) -> None:
    """Raise `InputError` where something is at `path` that is no file and must not be replaced by one."""
    with _as_input_error(path):
        state = _state(path)
        if state is not None:
            _require_regular(state)


def replace_file(
    path: Path,
    data: bytes,
    like: Path | None = None,
    accept: Callable[[Path], None] | None = None,
    *,
    own: bool = False,
) -> None:
    """Write `data` beside `path` and rename it there, with owner and permissions of `like` or else of the file it replaces.

    Set-user-ID and its kind are dropped, as the kernel does it for a file that is written. Another hard link of the old
    file keeps the old content. `accept` may read what was written before it takes the place; what it raises leaves the old
    file there. A process that is killed may leave its temporary file, which a later write of the same file removes.
    Raises `InputError` where the folder does not let it, and for what is no file, `UsageError` for what was read as an
    input, unless it is the tool's `own` to be written anew; the old file is then whole.
    """
    if not own:
        require_unread(path)
    temporary: str | None = None
    try:
        with _as_input_error(path):
            target = Path(os.path.realpath(path))
            old = _state(target)
            if old is not None:
                _require_regular(old)
            model = old if like is None else _state(like)
            # Long names may begin alike, so that a checksum of the whole one tells whose a temporary file is.
            prefix = f".{target.name[:32]}{_TEMPORARY}{zlib.crc32(os.fsencode(target.name)):08x}-"
            _clear(target.parent, prefix)
            handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=prefix, suffix=".tmp")
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                _resemble(stream.fileno(), Path(temporary), model)
                os.fsync(stream.fileno())
        if accept is not None:
            accept(Path(temporary))
        with _as_input_error(path):
            Path(temporary).replace(target)
            temporary = None
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()


@contextlib.contextmanager
def _as_input_error(path: Path) -> Iterator[None]:
    """Say what the system refuses as an `InputError`."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot write: {reason(error)}; nothing was changed") from None


def write_stream(path: Path, data: bytes) -> None:
    """Write `data` into the pipe or device at `path`; raises `InputError`, for a pipe that nobody reads after some seconds."""
    try:
        handle = _opened(path, os.O_WRONLY)
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(handle, left) :]
        finally:
            os.close(handle)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot write: {reason(error)}") from None


def append_file(path: Path, data: bytes) -> None:
    """Write `data` at the end of `path`, all of it or nothing; raises `InputError` as `write_stream` does.

    What another process has appended meanwhile stays, and with it the part of `data` that was written. Raises
    `UsageError` for what was read as an input.
    """
    require_unread(path)
    try:
        handle = _opened(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            before, left = os.fstat(handle), memoryview(data)
            try:
                while left:
                    left = left[os.write(handle, left) :]
            except OSError:
                end = before.st_size + len(data) - len(left)
                if stat.S_ISREG(before.st_mode) and os.fstat(handle).st_size == end:
                    os.ftruncate(handle, before.st_size)
                raise
        finally:
            os.close(handle)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot write: {reason(error)}") from None


def _opened(path: Path, flags: int) -> int:
    """A descriptor for writing; a pipe's reader may come a little later, and is not waited for longer."""
    end = time.monotonic() + _PATIENCE_S
    while (handle := _opened_now(path, flags)) is None:
        if time.monotonic() > end:
            raise OSError(errno.ENXIO, "it is a pipe that nobody reads")
        time.sleep(0.02)
    if hasattr(os, "O_NONBLOCK"):
        os.set_blocking(handle, True)
    return handle


def _opened_now(path: Path, flags: int) -> int | None:
    """The same without waiting, None for a pipe that nobody reads."""
    try:
        return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0), 0o666)
    except OSError as error:
        if error.errno == errno.ENXIO and stat.S_ISFIFO(path.stat().st_mode):
            return None
        raise


def _state(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _require_regular(state: os.stat_result) -> None:
    if not stat.S_ISREG(state.st_mode):
        raise OSError(errno.EINVAL, _no_file(state.st_mode))


def _no_file(mode: int) -> str:
    kind = next((words for is_kind, words in _KINDS if is_kind(mode)), "something else")
    return f"it is {kind}, not a file"


def _clear(folder: Path, prefix: str) -> None:
    """Remove what killed processes have left of the same file; a young one may be another process's that is writing."""
    long_ago = time.time() - _STALE_S
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(prefix) and entry.name.endswith(".tmp") and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    if entry.stat(follow_symlinks=False).st_mtime < long_ago:
                        Path(entry.path).unlink()


def _resemble(handle: int, path: Path, model: os.stat_result | None) -> None:
    """Give a file of our own the group, the permissions and the owner of another, never open to more people on the way."""
    if model is None:
        umask = os.umask(0)
        os.umask(umask)
        path.chmod(0o666 & ~umask)
        return
    mode, chown = stat.S_IMODE(model.st_mode) & 0o777, getattr(os, "fchown", None)
    if chown is not None:
        try:
            chown(handle, -1, model.st_gid)
        except OSError:  # what the old group may, the new one may only where all others may too
            mode &= 0o707 | (mode & 0o007) << 3
    path.chmod(mode)
    if chown is not None:
        with contextlib.suppress(OSError):
            chown(handle, model.st_uid, -1)
