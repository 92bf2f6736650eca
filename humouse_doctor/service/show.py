"""The command show: a saved report or outcome once more."""

from __future__ import annotations

import shlex
from pathlib import Path

from humouse_doctor.cases.request import Request
from humouse_doctor.core.errors import DoctorError, UsageError
from humouse_doctor.core.outcome import Outcome
from humouse_doctor.core.view import RunView, TrialsView
from humouse_doctor.inputs.remote import names
from humouse_doctor.inputs.remote.place import HIDDEN
from humouse_doctor.service.display import Beside, Display, view_of
from humouse_doctor.stored import saved

#: All that a caller needs for this command, from one import.
__all__ = ["Display", "show_saved"]


def show_saved(path: Path, display: Display) -> RunView | TrialsView:
    """Show the report or outcome saved at `path` again; `-` is stdin. Raises `DoctorError` with one line.

    The outcome that `display` names marks the report's remedies; the config that both belong to is read for this.
    """
    if path.suffix == ".jsonl":
        raise UsageError(f"{path}: the file of a watch is shown by humouse-doctor tail {shlex.quote(str(path))} --once")
    beside = Beside.read(display)
    found = saved.read_any(path)
    if isinstance(found, Outcome):
        if beside.before is not None or beside.outcome is not None:
            raise UsageError(f"{path}: an outcome of verify, and --compare and --outcome are for a report")
        return TrialsView(outcome=found, following=() if str(path) == "-" else _after_trials(found, path))
    if beside.outcome is not None:
        from humouse_doctor.service.trials import marked, overrides_of  # few reports are shown beside trials

        found = marked(found, beside.outcome, beside.outcome_path, overrides_of(found))
    return view_of(found, display, beside, () if str(path) == "-" else _shown_in_full(path))


def _shown_in_full(path: Path) -> tuple[str, ...]:
    """Return the command that shows all of a saved file, nothing if its name cannot be printed."""
    command = shlex.join(["humouse-doctor", "show", names.named(str(path)), "--full"])
    return (command,) if command.isprintable() and HIDDEN not in command else ()


def _after_trials(outcome: Outcome, path: Path) -> tuple[str, ...]:
    """Return the command to type after trials: the cure's patch where config and data are still here, else all of them."""
    from humouse_doctor.service.commands import patch_command  # few files that are shown are trials

    if outcome.chosen is None or not _is_here(outcome):
        return _shown_in_full(path)
    run = Request(
        checkpoint=None if outcome.checkpoint is None else Path(outcome.checkpoint),
        config=Path(outcome.config),
        data=Path(outcome.data),
    )
    command = patch_command(run, run.config, "--outcome", names.named(str(path)))
    return _shown_in_full(path) if command is None else (command,)


def _is_here(outcome: Outcome) -> bool:
    """Return True if the files of the trials can be read, and the config has the values of the trials by itself."""
    from humouse_doctor.inputs.config import reader  # as above
    from humouse_doctor.verify.marks import config_values  # as above

    named = [name for name in (outcome.checkpoint, outcome.data) if name is not None]
    try:
        here = config_values(reader.read(Path(outcome.config)).settings) == outcome.config_values
        return here and all(Path(name).exists() for name in named)
    except (DoctorError, OSError, ValueError):
        return False
