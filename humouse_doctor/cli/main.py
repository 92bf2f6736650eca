"""The program: runs the command line, and turns every way it can end into an exit code and at most one line."""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from humouse_doctor.cli import output as printing
from humouse_doctor.cli.commands import app
from humouse_doctor.cli.libraries import require_room
from humouse_doctor.core.errors import ExitCode, ordinary, require_here
from humouse_doctor.inputs.files import reads_remembered

#: The exit code that a shell expects of a program that Ctrl-C has ended, and the line that says so.
_INTERRUPTED, _INTERRUPTED_LINE = 130, "interrupted"


def run(interrupted: Callable[[], bool] = lambda: False) -> int:
    """Run the command line and return its exit code; no way to end shows a traceback.

    `interrupted` returns True once a signal has come. Errors after that, such as a child's death, are not reported.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # one that is closed is None
            stream.reconfigure(errors="backslashreplace")
    try:
        printing.forget_odd_sizes()
        require_here()
        require_room()
        with reads_remembered():
            code = int(app(standalone_mode=False) or ExitCode.CLEAN)  # click returns the code of an Exit here
        line = _INTERRUPTED_LINE if code == _INTERRUPTED else None
    except (typer.Abort, KeyboardInterrupt):
        code, line = _INTERRUPTED, _INTERRUPTED_LINE
    except Exception as error:
        code, line = _ending(error)
    if line is not None and not interrupted():
        printing.note(f"humouse-doctor: {line}")
    return code


def _ending(error: Exception) -> tuple[int, str]:
    """Return the exit code and the line for the error that ended a command."""
    trouble = ordinary(error)
    if trouble is not None:
        return int(trouble.exit_code), str(trouble).replace("\n", "\\n")  # a name in a message may have one
    shown = getattr(error, "format_message", None)
    if shown is not None:
        return int(ExitCode.USAGE), " ".join(str(shown()).split())
    text = " ".join(str(error).split())
    return int(ExitCode.INTERNAL), f"internal error, please report it: {type(error).__name__}: {text}"
