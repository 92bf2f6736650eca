"""Reading what may be anything, and writing a file so that it is either the old one or the new one."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import tempfile
from itertools import islice
from pathlib import Path

from humouse_doctor.core.errors import InputError

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def open_regular(path: Path) -> io.BufferedReader:
    """Open a file for reading; a folder, a pipe or a device is an `OSError` that says so, and none is waited for."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            kind = next((words for is_kind, words in _KINDS if is_kind(mode)), "something else")
            raise OSError(errno.EINVAL, f"it is {kind}, not a file")
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


class Bounded(io.BufferedReader):
    """Gives out no more than `most` bytes at a time, whatever size a file claims for its parts."""

    def __init__(self, path: Path, most: int) -> None:
        super().__init__(open_regular(path).detach())
        self._most = most

    def read(self, size: int | None = -1, /) -> bytes:
        """Read `size` bytes, all there are where none is given; raises `ValueError` for more than the bound."""
        asked = self._most + 1 if size is None or size < 0 else size
        data = super().read(min(asked, self._most + 1))
        if len(data) > self._most:
            raise ValueError(f"a part of it is larger than {self._most:,} bytes")
        return data


def below(folder: Path, levels: int, most: int) -> list[Path]:
    """Up to `most` of what lies in a folder and so many levels below it; what cannot be listed is as good as empty.

    Links to folders are followed, as far as the levels go.
    """
    found, level = list[Path](), [folder]
    for _ in range(levels + 1):
        entries = list[Path]()
        for parent in level:
            with contextlib.suppress(OSError), os.scandir(parent) as listed:
                entries.extend(parent / entry.name for entry in islice(listed, most - len(found) - len(entries)))
        found.extend(entries)
        level = [entry for entry in entries if is_folder(entry)]
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


def replace_file(path: Path, data: bytes, like: Path | None = None) -> None:
    """Write `data` beside `path` and rename it there, with the mode of `like` or else of the file it replaces.

    Raises `InputError` where the folder does not let it; the old file is then whole.
    """
    target = Path(os.path.realpath(path))
    temporary: str | None = None
    try:
        mode = _mode(target if like is None else like)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:32]}.", suffix=".tmp")
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(target)
        temporary = None
    except OSError as error:
        raise InputError(f"{path}: cannot write: {error.strerror or error}; nothing was changed") from None
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()


def _mode(path: Path) -> int:
    """The permissions of the file at `path`; where there is none, those the umask leaves to a new one."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        return 0o666 & ~umask
