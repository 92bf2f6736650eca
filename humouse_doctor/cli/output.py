"""Destinations of results: stdout for the report, files beside it, stderr for the rest."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TextIO, TypeVar

from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.inputs.files import (
    append_file,
    is_file,
    is_folder,
    is_stream,
    replace_file,
    repository,
    require_regular,
    require_unread,
    write_stream,
)
from humouse_doctor.reporting.forms import Format

if TYPE_CHECKING:
    from humouse_doctor.core.view import View


FormT = TypeVar("FormT", bound=Enum)

_PLAIN_WIDTH = 80
_NARROWEST, _WIDEST = 60, 110
#: The columns of a log, at most.
_WIDEST_LOG = 1000
_SIZES = ("COLUMNS", "LINES")
_SUMMARY = "GITHUB_STEP_SUMMARY"
#: The folders that pipelines say they show paths relative to.
_ROOTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Output(Generic[FormT]):
    """One file to write, and in which form."""

    form: FormT
    path: Path


def note(text: str) -> None:
    """Say one line on stderr; one that is full, closed or gone is no reason for another exit code."""
    from humouse_doctor.core.text import harmless, no_command

    try:
        if sys.stderr is not None:
            sys.stderr.write(no_command(harmless(text).replace("\n", "\\n")) + "\n")
            sys.stderr.flush()
    except OSError:
        _give_up(sys.stderr)


def progress(text: str) -> None:
    """Say on a terminal's stderr what is being done."""
    if sys.stderr is not None and sys.stderr.isatty():
        note(f"... {text}")


def _give_up(stream: TextIO) -> None:
    """Let what a stream still holds go nowhere, which would fail once more when the program ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def write(text: str) -> None:
    """Print to stdout; a reader that has gone away (`| head`) is no reason for another exit code."""
    if sys.stdout is None:
        raise InputError("stdout: cannot write the report: it is closed")
    try:
        sys.stdout.write(text if text.endswith("\n") or not text else text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _give_up(sys.stdout)
    except OSError as error:
        _give_up(sys.stdout)
        raise InputError(f"stdout: cannot write the report: {error.strerror or error}") from None


def write_page(markdown: str) -> None:
    """Print a page of Markdown: laid out on a terminal, as it is elsewhere, where rich is not imported."""
    if sys.stdout is None or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        write(markdown)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console(width=width(), no_color=not colours(), force_terminal=True)
    with console.capture() as laid_out:
        console.print(Markdown(markdown))
    write(laid_out.get())


def outputs(given: Iterable[str], forms: type[FormT], inputs: Sequence[Path | None]) -> tuple[Output[FormT], ...]:
    """The files asked for as FORMAT=PATH, checked before any work; raises `UsageError` or `InputError`."""
    require_free(None, inputs)
    found: list[Output[FormT]] = []
    for text in given:
        name, separator, path = text.partition("=")
        known = [form.value for form in forms]
        if not separator or name not in known or not path:
            raise UsageError(f"--output {text}: expected FORMAT=PATH, FORMAT one of {', '.join(known)}")
        if path == "-":
            raise UsageError(f"--output {text}: expected a file; --format {name} is what stdout shows")
        target = Path(path)
        require_free(target, inputs)
        if any(_same(target, other.path) for other in found):
            raise UsageError(f"{target}: --output names this file twice")
        found.append(Output(form=forms(name), path=target))
    return tuple(found)


def require_free(target: Path | None, inputs: Sequence[Path | None]) -> None:
    """Refuse an empty input path, and a file that would overwrite what is looked at or has no folder, before any work."""
    given = [path for path in inputs if path is not None]
    if any(str(path) == "." for path in given) and "" in sys.argv:
        raise UsageError("an empty path was given; expected a file or a run's folder (. for this one)")
    if target is None:
        return
    if any(_same(target, path) for path in given):
        raise UsageError(f"{target}: --output would overwrite what is looked at; choose another file")
    if is_file(target) and any(_is_open_as(target, handle) for handle in (1, 2)):
        raise UsageError(f"{target}: stdout or stderr goes there too, and would be lost; choose another file")
    if is_folder(target):
        raise InputError(f"{target}: no file can be written there, it is a folder; nothing was changed")
    if not is_folder(Path(_real(target)).parent):
        raise InputError(f"{target}: no file can be written there, its folder is not there; nothing was changed")


def require_kept_apart(target: Path | None, inputs: Sequence[Path | None], files: Sequence[Output[FormT]]) -> None:
    """The same for a file that is read again, so that it can be no pipe and none of the outputs."""
    require_free(target, inputs)
    if target is None:
        return
    require_regular(target)
    if any(_same(target, file.path) for file in files):
        raise UsageError(f"{target}: two options name this file; choose another one")


def _same(one: Path, other: Path) -> bool:
    """Return whether two paths lead to one file, or to one place for it."""
    try:
        return (one.exists() and other.exists() and one.samefile(other)) or _real(one) == _real(other)
    except (OSError, ValueError):  # no file can have such a name
        return False


def _real(path: Path) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return os.path.abspath(path)  # noqa: PTH100  # it is what realpath falls back to


def _is_open_as(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except OSError:
        return False


def deliver(view: View, form: Format, files: Sequence[Output[Format]]) -> None:
    """Render everything, then write the files and stdout; nothing is written where a renderer cannot do its part."""
    from humouse_doctor.core.view import TrialsView
    from humouse_doctor.reporting.rendering import render, step_summary

    shown = render(view, form, width=width(), colour=colours())
    rendered = [(file, render(view, file.form)) for file in files]
    summary = os.environ.get(_SUMMARY) if Format.GITHUB in (form, *(file.form for file in files)) else None
    require_unread(*(file.path for file in files), *([Path(summary)] if summary else []))
    for file, text in rendered:
        save(file.path, text)
        note(f"{file.form.value} report in {file.path}")
    if summary and not isinstance(view, TrialsView):
        _append(Path(summary), step_summary(view))
    write(shown)


def save(path: Path, text: str) -> None:
    """Write a file beside its place and rename it there; a pipe or a device is written as it is."""
    data = text.encode("utf-8", "backslashreplace")
    if is_stream(path):  # renaming a file over it would take its place
        write_stream(path, data)
    else:
        replace_file(path, data)


def _append(path: Path, text: str) -> None:
    try:
        append_file(path, text.encode("utf-8", "backslashreplace"))
    except InputError as error:
        raise InputError(f"{_SUMMARY}: {error}") from None


def root() -> str:
    """The folder that paths are shown relative to: what the pipeline says, else the repository's top, else this one."""
    stated = next((os.environ[name] for name in _ROOTS if os.environ.get(name)), None)
    here = Path.cwd()
    if stated is not None and here.is_relative_to(stated):
        return stated
    return str(repository(here) or here)


def colours() -> bool:
    """Return whether stdout is to have colours: NO_COLOR beats FORCE_COLOR, which beats what the stream is."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or _is_terminal()


def width() -> int:
    """The columns of the terminal, or of a log."""
    if _is_terminal():
        return max(_NARROWEST, min(shutil.get_terminal_size().columns, _WIDEST))
    stated = os.environ.get("COLUMNS", "")
    return max(_NARROWEST, min(int(stated), _WIDEST_LOG)) if _is_size(stated) else _PLAIN_WIDTH


def forget_odd_sizes() -> None:
    """Take sizes that are none out of the environment: libraries read them too, and fail at them."""
    for name in _SIZES:
        if name in os.environ and not _is_size(os.environ[name]):
            del os.environ[name]


def _is_size(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 6 and int(text) > 0


def _is_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()  # one that is closed is None
