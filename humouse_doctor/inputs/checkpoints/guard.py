"""Restrictions on the loader's process while it reads an untrusted file: it may only read, compute and answer.

Limits and audit hook are a second line of defence: the unpickler that reads the file runs none of its code.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

#: The exit status of a process that was ended for a forbidden operation.
FORBIDDEN_STATUS = 86

#: Audit events that reading numbers never needs: code, processes, sockets, files, and the limits themselves.
_FORBIDDEN = (
    "code.", "compile", "cpython.", "ctypes.", "exec", "fcntl.", "ftplib.", "gc.", "glob.", "http.", "imaplib.", "import",
    "marshal.", "mmap.", "msvcrt.", "nntplib.", "open", "os.", "pathlib.", "pickle.", "poplib.", "pty.", "resource.", "shutil.",
    "signal.", "smtplib.", "socket.", "sqlite3.", "subprocess.", "sys.addaudithook", "sys.setprofile", "sys.settrace",
    "syslog.", "tempfile.", "urllib.", "webbrowser.", "winreg.", "_winapi.", "_posixsubprocess.",
)  # fmt: skip


def limit(memory_bytes: int, cpu_s: int) -> None:
    """Limit the further memory and time of this process, and forbid it to write files or leave a core.

    A platform without such limits (Windows) has only the parent's clock.
    """
    try:
        import resource  # not on Windows
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
    """Return the address space in use: torch with CUDA maps gigabytes, so no fixed limit would work."""
    try:
        with open("/proc/self/statm", encoding="ascii") as stream:  # noqa: PTH123  # pathlib would be one more import
            return int(stream.read().split()[0]) * page_bytes
    except (OSError, ValueError, IndexError):
        return None


def lock(ended: Callable[[str], None]) -> None:
    """End the process on any forbidden event from now on, after a call of `ended` with that event.

    The hook cannot be removed. All imports must be done before.
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
