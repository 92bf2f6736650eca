"""Files that a command writes, checked before any work is done."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Generic, TypeVar

from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.inputs.files import is_file, is_folder, require_regular

#: The format of a file that is named without one.
_BY_SUFFIX = {
    ".txt": "text",
    ".json": "json",
    ".jsonl": "jsonl",
    ".csv": "csv",
    ".sarif": "sarif",
    ".xml": "junit",
    ".md": "markdown",
    ".html": "html",
    ".htm": "html",
}

FormT = TypeVar("FormT", bound=Enum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output(Generic[FormT]):
    """A file to write, and its format."""

    form: FormT
    path: Path


def outputs(given: Iterable[str], forms: type[FormT], inputs: Sequence[Path | None]) -> tuple[Output[FormT], ...]:
    """Return the files given as FORMAT=PATH, or as a path whose suffix tells the format, checked before any work.

    Raises `UsageError` or `InputError`.
    """
    require_free(None, inputs)
    found: list[Output[FormT]] = []
    for text in given:
        known = [form.value for form in forms]
        name, separator, path = text.partition("=")
        if not separator:
            name, separator, path = _BY_SUFFIX.get(Path(text).suffix.lower(), ""), "=", text
        if not separator or name not in known or not path:
            raise UsageError(
                f"--output {text}: expected FORMAT=PATH, FORMAT one of {', '.join(known)} (or a PATH with its suffix)"
            )
        if path == "-":
            raise UsageError(f"--output {text}: expected a file; for stdout use --format {name}")
        target = Path(path)
        require_free(target, inputs)
        if any(_same(target, other.path) for other in found):
            raise UsageError(f"{target}: --output names this file twice")
        found.append(Output(form=forms(name), path=target))
    return tuple(found)


def require_free(target: Path | None, inputs: Sequence[Path | None]) -> None:
    """Refuse an empty input path, and an output that would overwrite an input or cannot be written, before any work."""
    given = [path for path in inputs if path is not None]
    if any(str(path) == "." for path in given) and "" in sys.argv:
        raise UsageError("an empty path was given; expected a file or a run's folder (. for this one)")
    if target is None:
        return
    if any(_same(target, path) for path in given):
        raise UsageError(f"{target}: --output would overwrite an input; choose another file")
    if is_file(target) and any(_is_open_as(target, handle) for handle in (1, 2)):
        raise UsageError(f"{target}: stdout or stderr is redirected to this file and would be lost; choose another file")
    if is_folder(target):
        raise InputError(f"{target}: cannot write a file there: it is a folder; nothing was changed")
    folder = Path(_real(target)).parent
    if not is_folder(folder):
        raise InputError(f"{target}: cannot write a file there: its folder does not exist; nothing was changed")
    special = os.access(target, os.F_OK) and not is_file(target)  # such as a pipe, beside which no new file is made
    if not special and not os.access(folder, os.W_OK):
        raise InputError(f"{target}: cannot write a file there: its folder may not be written to; nothing was changed")


def require_kept_apart(target: Path | None, inputs: Sequence[Path | None], files: Sequence[Output[FormT]]) -> None:
    """Check a file that is written and later read again: besides `require_free`, it must be neither a pipe nor an output."""
    require_free(target, inputs)
    if target is None:
        return
    require_regular(target)
    if any(_same(target, file.path) for file in files):
        raise UsageError(f"{target}: two options name this file; choose another one")


def _same(one: Path, other: Path) -> bool:
    """Return True if two paths lead to the same file, or to the same place for a new one."""
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
