"""What the loader's process may still do once it opens a file nobody vouches for: read it, count, and answer.

Limits and hook are a second line of defence: the unpickler that reads the file runs none of its code to begin with.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

#: The exit status of a process that was ended because of what it tried to do.
FORBIDDEN_STATUS = 86

#: Audit events no file of numbers has any business with: code, processes, sockets, files, and the limits themselves.
_FORBIDDEN = (
    "code.", "compile", "cpython.", "ctypes.", "exec", "fcntl.", "ftplib.", "gc.", "glob.", "http.", "imaplib.", "import",
    "marshal.", "mmap.", "msvcrt.", "nntplib.", "open", "os.", "pathlib.", "pickle.", "poplib.", "pty.", "resource.", "shutil.",
    "signal.", "smtplib.", "socket.", "sqlite3.", "subprocess.", "sys.addaudithook", "sys.setprofile", "sys.settrace",
    "syslog.", "tempfile.", "urllib.", "webbrowser.", "winreg.", "_winapi.", "_posixsubprocess.",
)  # fmt: skip


def limit(memory_bytes: int, cpu_s: int) -> None:
    """Let this process take that much memory and time more than it has by now, write no file and leave no core.

    Where the platform has no such limits (Windows), the parent's clock is what is left.
    """
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + 1 + cpu_s
    wanted = [(resource.RLIMIT_CORE, 0, 0), (resource.RLIMIT_FSIZE, 0, 0), (resource.RLIMIT_CPU, seconds, seconds + 1)]
    mapped = _mapped_bytes(resource.getpagesize())
    if mapped is not None:
        wanted.append((resource.RLIMIT_AS, mapped + memory_bytes, mapped + memory_bytes))
    for kind, most, at_last in wanted:
        _, hard = resource.getrlimit(kind)
        allowed = at_last if hard == resource.RLIM_INFINITY else min(at_last, hard)
        resource.setrlimit(kind, (min(most, allowed), allowed))


def _mapped_bytes(page_bytes: int) -> int | None:
    """The address space in use; a build of torch with CUDA maps gigabytes, so that no fixed limit serves."""
    try:
        with open("/proc/self/statm", encoding="ascii") as stream:  # noqa: PTH123  # pathlib would be one more import
            return int(stream.read().split()[0]) * page_bytes
    except (OSError, ValueError, IndexError):
        return None


def lock(ended: Callable[[str], None]) -> None:
    """From here on end the process, after `ended` was told what it was, on anything but reading what is open and counting.

    A hook cannot be taken off again. What has to be imported has to be so by now.
    """
    armed = [True]
    prefixes = _FORBIDDEN
    leave = os._exit

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if armed and event.startswith(prefixes):
            armed.clear()
            try:
                named = arguments[0] if event == "import" else None
                ended(f"{event} {named}" if type(named) is str else event)
            finally:
                leave(FORBIDDEN_STATUS)

    sys.addaudithook(hook)
