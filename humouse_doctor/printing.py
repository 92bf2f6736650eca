"""Where results go: stdout for the report, files beside it, stderr for the rest."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.reporting.forms import Format, PlainFormat

if TYPE_CHECKING:
    from humouse_doctor.core.outcome import Outcome
    from humouse_doctor.reporting.rendering import Exhibit

FormT = TypeVar("FormT", bound=Enum)

_PLAIN_WIDTH = 80
_NARROWEST, _WIDEST = 60, 110
_SUMMARY = "GITHUB_STEP_SUMMARY"
#: The folders that pipelines say they show paths relative to.
_ROOTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Output(Generic[FormT]):
    """One file to write, and in which form."""

    form: FormT
    path: Path


def note(text: str) -> None:
    """Say a line on stderr."""
    from humouse_doctor.reporting.plain import harmless

    sys.stderr.write(harmless(text) + "\n")


def progress(text: str) -> None:
    """Say on a terminal's stderr what is being done."""
    if sys.stderr.isatty():
        note(f"... {text}")


def write(text: str) -> None:
    """Print to stdout; a reader that has gone away (`| head`) is no reason for another exit code."""
    try:
        sys.stdout.write(text if text.endswith("\n") or not text else text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise InputError(f"stdout: cannot write the report: {error.strerror or error}") from None


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
        if any(target.absolute() == other.path.absolute() for other in found):
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
    if any(target.exists() and path.exists() and target.samefile(path) for path in given):
        raise UsageError(f"{target}: --output would overwrite what is looked at; choose another file")
    if target.is_dir() or not target.absolute().parent.is_dir():
        raise InputError(f"{target}: no file can be written there; nothing was changed")


def deliver(exhibit: Exhibit, form: Format, files: Sequence[Output[Format]]) -> None:
    """Render everything, then write the files and stdout; nothing is written where a renderer cannot do its part."""
    from humouse_doctor.reporting.rendering import render, step_summary

    shown = render(exhibit, form, width=width(), colour=colours())
    rendered = [(file, render(exhibit, file.form)) for file in files]
    for file, text in rendered:
        save(file.path, text)
        note(f"{file.form.value} report in {file.path}")
    summary = os.environ.get(_SUMMARY)
    if summary and Format.GITHUB in (form, *(file.form for file in files)):
        _append(Path(summary), step_summary(exhibit))
    write(shown)


def deliver_outcome(outcome: Outcome, form: PlainFormat, files: Sequence[Output[PlainFormat]]) -> None:
    """The same for what trials have shown."""
    from humouse_doctor.reporting import outcome_json, outcome_text

    def rendered(form: PlainFormat, columns: int = _PLAIN_WIDTH, colour: bool = False) -> str:
        if form is PlainFormat.JSON:
            return outcome_json.render(outcome)
        return outcome_text.render(outcome, width=columns, colour=colour)

    for file in files:
        save(file.path, rendered(file.form))
        note(f"{file.form.value} report in {file.path}")
    write(rendered(form, width(), colours()))


def save(path: Path, text: str) -> None:
    """Write a file beside its place and rename it there; a pipe or a device is written as it is."""
    from humouse_doctor.core.files import replace_file

    data = text.encode("utf-8", "backslashreplace")
    if not path.exists() or path.is_file():
        replace_file(path, data, like=path)
        return
    try:
        with path.open("wb") as stream:  # renaming a file over it would take its place
            stream.write(data)
    except OSError as error:
        raise InputError(f"{path}: cannot write: {error.strerror or error}") from None


def _append(path: Path, text: str) -> None:
    try:
        with path.open("ab") as stream:
            stream.write(text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise InputError(f"{path} ({_SUMMARY}): cannot write: {error.strerror or error}") from None


def root() -> str:
    """The folder that paths are shown relative to: what the pipeline says, else the repository's top, else this one."""
    stated = next((os.environ[name] for name in _ROOTS if os.environ.get(name)), None)
    here = Path.cwd()
    if stated is not None and here.is_relative_to(stated):
        return stated
    return str(next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here))


def colours() -> bool:
    """Whether stdout is to have colours: NO_COLOR beats FORCE_COLOR, which beats what the stream is."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty()


def width() -> int:
    """The columns of the terminal, or of a log."""
    if sys.stdout.isatty():
        return max(_NARROWEST, min(shutil.get_terminal_size().columns, _WIDEST))
    stated = os.environ.get("COLUMNS", "")
    return int(stated) if stated.isdigit() and stated != "0" else _PLAIN_WIDTH
