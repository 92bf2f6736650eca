"""The command tail: a watched training while it goes on, or once it has ended."""

from __future__ import annotations

from pathlib import Path

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.watching import WATCH_FILE, Watched
from humouse_doctor.inputs.files import below, changed_at
from humouse_doctor.reporting import watch_text
from humouse_doctor.stored.watch import Reader

#: A logger's folder of one run lies below the folder of all.
_LEVELS, _MAX_ENTRIES = 4, 50_000


class Followed:
    """A watch's file that is read on as it grows."""

    def __init__(self, path: Path) -> None:
        self.path = found_below(path)
        self._reader = Reader(self.path)
        self._reader.more()

    @property
    def watched(self) -> Watched:
        """The watch as far as it is written."""
        return self._reader.watched

    @property
    def ended(self) -> bool:
        """True once the training has ended."""
        return self.watched.ending is not None

    def more(self) -> bool:
        """Read what was added; True if there is any."""
        return self._reader.more()

    def screen(self, *, width: int, colour: bool) -> str:
        """Return the watch as a screen."""
        return watch_text.render(self.watched, width=width, colour=colour)

    def line(self) -> str:
        """Return the last glance in one line."""
        return watch_text.line(self.watched)

    def answer(self) -> str:
        """Return the end in one line, empty if there is none."""
        return watch_text.answer(self.watched)


def found_below(path: Path) -> Path:
    """Return the file of a watch, or the newest one in or below a folder; raise `InputError` if there is none."""
    if not path.is_dir():
        return path
    files = [one for one in below(path, _LEVELS, _MAX_ENTRIES, links=True) if one.name == WATCH_FILE]
    if not files:
        raise InputError(
            f"{path}: no {WATCH_FILE} in it or below; a training writes one with humouse_doctor.watch(..., history=FOLDER)"
        )
    return max(files, key=lambda one: (changed_at(one) or 0.0, str(one)))
