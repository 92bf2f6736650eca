"""Safe reading of untrusted paths, and atomic writing: a file is either the old one or the new one."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
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

#: The part of a temporary file's name that follows its target's name.
_TEMPORARY = ".humouse-doctor-"
#: The bytes of a file's beginning that say what it is.
_HEAD = 256
#: Seconds until a temporary file counts as left behind by a killed process, and seconds to wait for a pipe's reader.
_STALE_S, _PATIENCE_S = 3600.0, 3.0

#: A file larger than this, and larger than so many times its stored bytes, has holes that would take hours to read.
_MAX_HOLLOW, _MOST_HOLLOW, _BLOCK = 1 << 30, 100, 512


#: Device and inode of each file read within `reads_remembered`, None outside of it.
_READS: ContextVar[set[tuple[int, int]] | None] = ContextVar("reads", default=None)


@contextlib.contextmanager
def reads_remembered() -> Iterator[set[tuple[int, int]]]:
    """Remember the files read within the block, so that no result overwrites an input; yield the set they are put in."""
    reads = set[tuple[int, int]]()
    token = _READS.set(reads)
    try:
        yield reads
    finally:
        _READS.reset(token)


def remember(reads: Iterable[tuple[int, int]]) -> None:
    """Remember files that another process has read for this one."""
    known = _READS.get()
    if known is not None:
        known.update(reads)


def require_unread(*paths: Path) -> None:
    """Raise `UsageError` if one of `paths` leads, through any link, to a file read within `reads_remembered`."""
    reads = _READS.get() or ()
    for path in paths:
        with contextlib.suppress(OSError, ValueError):
            status = path.stat()
            if (status.st_dev, status.st_ino) in reads:
                raise UsageError(f"{path}: it was read as an input, and is not overwritten; choose another file")


def repository(folder: Path) -> Path | None:
    """Return the top of the repository around a folder, its nearest parent with a `.git`; None outside of any."""
    return next((place for place in (folder, *folder.parents) if os.path.exists(place / ".git")), None)  # noqa: PTH110


def open_regular(path: Path) -> io.BufferedReader:
    """Open a file for reading, without ever waiting; raise `OSError` for a folder, a pipe, a device or a huge sparse file."""
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
    """Return all bytes of a file; raise `OSError` if it is not a regular file or has more than `most` bytes."""
    with open_regular(path) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes")
    return data


class Bounded:
    """A file for `zipfile` that reads at most `most` bytes at a time, whatever size the file claims for its parts."""

    def __init__(self, stream: BinaryIO, most: int) -> None:
        self._stream, self._most = stream, most
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, size: int = -1, /) -> bytes:
        """Read `size` bytes, or all of them by default; raise `ValueError` for more than the bound."""
        data = self._stream.read(min(size, self._most + 1) if size >= 0 else self._most + 1)
        if len(data) > self._most:
            raise ValueError(f"one entry in it is larger than {self._most:,} bytes")
        return data


def below(folder: Path, levels: int, most: int, *, links: bool) -> list[Path]:
    """List up to `most` entries of a folder and of `levels` below it; a folder that cannot be listed counts as empty.

    With `links`, links to folders are followed too.
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
    """Return True if `path` is a file; False for a name that no file can have (too long, with a NUL)."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_stored(path: Path) -> bool:
    """Return True if `path` is JSON that this tool has stored; it begins with its schema, as no index of shards does."""
    if path.suffix.lower() != ".json" or not is_file(path):
        return False
    try:
        with open_regular(path) as stream:
            return b'"schema_version"' in stream.read(_HEAD)
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Return True if `path` is a folder; False for a name that no folder can have."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def changed_at(path: Path) -> float | None:
    """Return the time of a file's last change in seconds; None if it is not a file, or is gone by now."""
    try:
        state = path.stat()
    except (OSError, ValueError):
        return None
    return state.st_mtime if stat.S_ISREG(state.st_mode) else None


def shortest(path: Path) -> Path:
    """Return a path relative to the current folder where it lies below that, else absolute."""
    full, here = Path(os.path.abspath(path)), Path.cwd()  # noqa: PTH100  # with symlinks kept
    return full.relative_to(here) if full.is_relative_to(here) else full


def is_stream(path: Path) -> bool:
    """Return True if `path` is a pipe or a character device, which is written to directly and holds no data."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def require_regular(path: Path) -> None:
    """Raise `InputError` if `path` is something other than a file, which must not be replaced by one."""
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
    """Write `data` to a temporary file beside `path` and rename it to `path`.

    The new file gets the owner and permissions of `like`, or else of the file it replaces. Set-user-ID and similar bits
    are dropped, as the kernel does on a write. Another hard link of the old file keeps the old content. `accept` may
    check the temporary file before it is renamed; if it raises, the old file stays. A killed process may leave its
    temporary file, which a later write of the same file removes.

    Raises `InputError` if the folder is not writable or `path` is not a regular file, and `UsageError` if `path` was read
    as an input, unless it is the tool's `own` file. The old file is then unchanged.
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
            # Long names may begin alike, so a checksum of the whole name tells which file a temporary one belongs to.
            prefix = f".{target.name[:32]}{_TEMPORARY}{zlib.crc32(os.fsencode(target.name)):08x}-"
            _clear(target.parent, prefix)
            # Its name is known before there is a file: mkstemp's would be lost to a signal between the two.
            temporary = str(target.parent / f"{prefix}{os.urandom(4).hex()}.tmp")
            with open(temporary, "xb", opener=_private) as stream:  # Path.open takes no opener
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


def _private(name: str, flags: int) -> int:
    """Open a new file that only its owner may read."""
    return os.open(name, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)


@contextlib.contextmanager
def _as_input_error(path: Path) -> Iterator[None]:
    """Turn a refusal by the system into an `InputError`."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot write: {reason(error)}; nothing was changed") from None


def write_stream(path: Path, data: bytes) -> None:
    """Write `data` into the pipe or device at `path`.

    Raises `InputError` if that fails, or if nobody reads a pipe within some seconds.
    """
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
    """Append `data` to `path`, all of it or nothing.

    If another process has appended meanwhile, its data stay, and with them the written part of `data`. Raises
    `InputError` as `write_stream` does, and `UsageError` if `path` was read as an input.
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
    """Return a descriptor for writing; wait a few seconds for a pipe's reader."""
    end = time.monotonic() + _PATIENCE_S
    while (handle := _opened_now(path, flags)) is None:
        if time.monotonic() > end:
            raise OSError(errno.ENXIO, "it is a pipe that nobody reads")
        time.sleep(0.02)
    if hasattr(os, "O_NONBLOCK"):
        os.set_blocking(handle, True)
    return handle


def _opened_now(path: Path, flags: int) -> int | None:
    """Return a descriptor for writing without waiting, None for a pipe that nobody reads."""
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
    """Remove temporary files of killed processes; a young one may belong to a process that is still writing."""
    long_ago = time.time() - _STALE_S
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(prefix) and entry.name.endswith(".tmp") and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    if entry.stat(follow_symlinks=False).st_mtime < long_ago:
                        Path(entry.path).unlink()


def _resemble(handle: int, path: Path, model: os.stat_result | None) -> None:
    """Give a file group, permissions and owner of another, without opening it to more people at any moment."""
    if model is None:
        umask = os.umask(0)
        os.umask(umask)
        path.chmod(0o666 & ~umask)
        return
    mode, chown = stat.S_IMODE(model.st_mode) & 0o777, getattr(os, "fchown", None)
    if chown is not None:
        try:
            chown(handle, -1, model.st_gid)
        except OSError:  # the new group keeps only the rights that all others have
            mode &= 0o707 | (mode & 0o007) << 3
    path.chmod(mode)
    if chown is not None:
        with contextlib.suppress(OSError):
            chown(handle, model.st_uid, -1)
