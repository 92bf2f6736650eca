"""Errors whose cause the user can fix; each has the exit code that it ends the program with.

DoctorError
├── UsageError       2   an option, a config, a policy or a factory, written by people, that cannot be used as given
├── InputError       3   a file that cannot be read or is refused, and a malformed file that a program wrote: a checkpoint,
│                        data, a saved report, an outcome or a baseline
└── MachineError     3   a machine or a library that does not let the program run; no file is to blame
"""

from __future__ import annotations

import os
from enum import IntEnum

_GONE = "the current folder has been deleted; change to another one"


class ExitCode(IntEnum):
    """The program's exit codes; findings never share one with a failure."""

    CLEAN = 0
    FINDINGS = 1
    USAGE = 2
    INPUT = 3
    INTERNAL = 4


class DoctorError(Exception):
    """A failure described in one line: what happened, where, and what to do."""

    exit_code = ExitCode.INTERNAL


class UsageError(DoctorError):
    """An option or a config that cannot be used as given."""

    exit_code = ExitCode.USAGE


class InputError(DoctorError):
    """A file that cannot be read or is refused."""

    exit_code = ExitCode.INPUT


class MachineError(DoctorError):
    """A failure of the machine, or of a library on it; no file and no option is to blame."""

    exit_code = ExitCode.INPUT


def ordinary(error: BaseException) -> DoctorError | None:
    """Return `error` as a `DoctorError` if the system or a library is to blame; None for a bug of this program."""
    if isinstance(error, DoctorError):
        return error
    text = (str(error).strip().splitlines() or [""])[0]
    if isinstance(error, MemoryError):
        return MachineError(
            "there is not enough memory; close other programs, raise a limit (ulimit -v), or take fewer sequences"
        )
    if isinstance(error, ImportError) and not (error.name or "").startswith("humouse_doctor"):
        cause = error.__cause__  # numpy wraps a page of advice around it
        reason = (str(cause).strip().splitlines() or [text])[0] if isinstance(cause, ImportError) else text
        return MachineError(
            f"a library cannot be loaded: {reason}; free memory, raise a limit (ulimit -v), or install it again"
        )
    if not isinstance(error, OSError):
        return None
    if not _is_here():
        return MachineError(_GONE)
    if isinstance(error.filename, (str, bytes)):
        return InputError(f"{os.fsdecode(error.filename)}: {error.strerror or text}")
    return MachineError(f"the operating system refused: {error.strerror or text}")


def no_process(error: OSError) -> MachineError:
    """Return the error for a system that gives this program no further process or thread."""
    return MachineError(
        f"the system gives no further process ({error.strerror}): close other programs, raise the limit (ulimit -u, or a"
        " container's), or take fewer --workers"
    )


def require_here() -> None:
    """Raise `MachineError` if the current folder has been deleted: relative paths have no meaning then."""
    if not _is_here():
        raise MachineError(_GONE)


def _is_here() -> bool:
    try:
        os.getcwd()  # noqa: PTH109  # without an import of pathlib
    except OSError:
        return False
    return True


class NotMeasurable(Exception):
    """Raised by a probe, with the reason, for a case it cannot measure; the probe is then skipped."""
