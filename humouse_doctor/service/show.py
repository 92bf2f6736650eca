"""The command show: a saved report once more."""

from __future__ import annotations

from pathlib import Path

from humouse_doctor.core.view import RunView
from humouse_doctor.service.display import Beside, Display, view_of
from humouse_doctor.stored import saved

#: All that a caller needs for this command, from one import.
__all__ = ["Display", "show_saved"]


def show_saved(path: Path, display: Display) -> RunView:
    """Show the report saved at `path` again; raises `DoctorError` with a one-line message."""
    beside = Beside.read(display)
    return view_of(saved.read(path), display, beside)
