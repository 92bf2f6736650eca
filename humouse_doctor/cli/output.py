"""Standard streams and the terminal: stdout for the report, stderr for the rest."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.text import harmless, no_command, reason
from humouse_doctor.inputs.files import repository
from humouse_doctor.inputs.remote.names import named

_PLAIN_WIDTH = 80
_NARROWEST, _WIDEST = 60, 110
#: The columns of a log, at most.
_WIDEST_LOG = 1000
#: Seconds between two lines of progress in a log.
_LOG_EVERY_S = 5.0
_SIZES = ("COLUMNS", "LINES")
#: The variables in which pipelines name the folder that they show paths relative to.
_ROOTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


def note(text: str) -> None:
    """Print one line on stderr, with remote files by their URLs; if stderr is full, closed or gone, the exit code stays."""
    try:
        if sys.stderr is not None:
            sys.stderr.write(no_command(harmless(named(text)).replace("\n", "\\n")) + "\n")
            sys.stderr.flush()
    except OSError:
        _give_up(sys.stderr)


def progress(text: str) -> None:
    """Print a line of progress on stderr, if it is a terminal."""
    if sys.stderr is not None and sys.stderr.isatty():
        note(f"... {text}")


class Spoken:
    """Progress of long work on stderr: every line of it on a terminal, and in a log one every some seconds."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def __call__(self, text: str) -> None:
        """Print a line, unless a log has had one just now."""
        if sys.stderr is None or not sys.stderr.isatty():
            if time.monotonic() - self._said < _LOG_EVERY_S:
                return
            self._said = time.monotonic()
        note(f"... {text}")


@contextlib.contextmanager
def kept_in(journal: Path | None) -> Iterator[None]:
    """Say how to go on if the work within the block is interrupted, and a journal keeps what is done."""
    try:
        yield
    except BaseException as ending:
        if journal is not None and not isinstance(ending, Exception | SystemExit | GeneratorExit):
            note(f"... what is done is kept in {journal}; the same command goes on from there")
        raise


def _give_up(stream: TextIO) -> None:
    """Discard the text that a stream still holds: writing it would fail again when the program ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def write(text: str) -> None:
    """Print to stdout; if its reader has gone away (`| head`), the exit code stays the same."""
    if sys.stdout is None:
        raise InputError("stdout: cannot write the report: it is closed")
    try:
        sys.stdout.write(text if text.endswith("\n") or not text else text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _give_up(sys.stdout)
    except OSError as error:
        _give_up(sys.stdout)
        raise InputError(f"stdout: cannot write the report: {reason(error)}") from None


def write_page(markdown: str) -> None:
    """Print a page of Markdown: formatted on a terminal, unchanged elsewhere."""
    if sys.stdout is None or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        write(markdown)
        return
    from rich.console import Console  # slower to import than all else that a page needs
    from rich.markdown import Markdown

    console = Console(width=width(), no_color=not colours(), force_terminal=True)
    with console.capture() as laid_out:
        console.print(Markdown(markdown))
    write(laid_out.get())


def root() -> str:
    """Return the folder that paths are shown relative to: the pipeline's, else the repository's top, else the current one."""
    stated = next((os.environ[name] for name in _ROOTS if os.environ.get(name)), None)
    here = Path.cwd()
    if stated is not None and here.is_relative_to(stated):
        return stated
    return str(repository(here) or here)


def colours() -> bool:
    """Return True if stdout gets colours: NO_COLOR beats FORCE_COLOR, which beats the kind of stream."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or _is_terminal()


@contextlib.contextmanager
def environment_of_colours(wanted: bool) -> Iterator[None]:
    """Let the environment say for the block that colours are wanted, or that they are not; stderr goes by it too."""
    before = dict(os.environ)
    os.environ.pop("FORCE_COLOR" if not wanted else "NO_COLOR", None)
    os.environ["FORCE_COLOR" if wanted else "NO_COLOR"] = "1"
    if wanted and os.environ.get("TERM") == "dumb":
        del os.environ["TERM"]
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def width() -> int:
    """Return the number of columns of the terminal, or of a log."""
    if _is_terminal():
        return max(_NARROWEST, min(shutil.get_terminal_size().columns, _WIDEST))
    stated = os.environ.get("COLUMNS", "")
    return max(_NARROWEST, min(int(stated), _WIDEST_LOG)) if _is_size(stated) else _PLAIN_WIDTH


def forget_odd_sizes() -> None:
    """Remove invalid terminal sizes from the environment: libraries read them too, and fail on them."""
    for name in _SIZES:
        if name in os.environ and not _is_size(os.environ[name]):
            del os.environ[name]


def _is_size(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 6 and int(text) > 0


def _is_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()  # one that is closed is None
