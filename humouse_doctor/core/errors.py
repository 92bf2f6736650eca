"""What can go wrong for a reason the user can mend; each knows the exit code it ends the program with.

DoctorError
├── UsageError       2   what people write: an option, a config, a policy or a factory that cannot be used as given
└── InputError       3   a file that cannot be read or is refused, and what programs write: a checkpoint, data, a saved
                         report, an outcome or a baseline that is not what it should be
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The program's exit codes; findings never share one with a failure."""

    CLEAN = 0
    FINDINGS = 1
    USAGE = 2
    INPUT = 3
    INTERNAL = 4


class DoctorError(Exception):
    """A failure with one line that says what, where and what to do."""

    exit_code = ExitCode.INTERNAL


class UsageError(DoctorError):
    """An option or a config that cannot be used as given."""

    exit_code = ExitCode.USAGE


class InputError(DoctorError):
    """A file that cannot be read or is refused."""

    exit_code = ExitCode.INPUT


class NotMeasurable(Exception):
    """A probe's way of saying, with the reason, that this case does not let it measure: it is skipped."""
