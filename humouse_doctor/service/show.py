"""The command show: a saved report or outcome once more."""

from __future__ import annotations

import shlex
from pathlib import Path

from humouse_doctor.core.errors import UsageError
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
        return TrialsView(outcome=found)
    if beside.outcome is not None:
        from humouse_doctor.service.trials import marked, overrides_of  # few reports are shown beside trials

        found = marked(found, beside.outcome, beside.outcome_path, overrides_of(found))
    command = shlex.join(["humouse-doctor", "show", names.named(str(path)), "--full"])
    typed = str(path) != "-" and command.isprintable() and HIDDEN not in command
    return view_of(found, display, beside, (command,) if typed else ())
