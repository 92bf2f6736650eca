"""Follow a watched training: a screen that is drawn anew on a terminal, a line per look elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from humouse_doctor.cli import output
from humouse_doctor.core.errors import ExitCode
from humouse_doctor.core.verdict import Verdict

if TYPE_CHECKING:
    from humouse_doctor.service.tail import Followed

_SICK = (Verdict.COLLAPSED, Verdict.AT_RISK)


def follow(followed: Followed, *, once: bool, every: float) -> ExitCode:
    """Show the watch until it ends, or what there is with `once`; look at its file every so many seconds."""
    if once:
        output.write(followed.screen(width=output.width(), colour=output.colours()))
    elif sys.stdout is not None and sys.stdout.isatty():
        _on_screen(followed, every)
    else:
        _as_lines(followed, every)
    watched = followed.watched
    last = watched.ending.verdict if watched.ending else watched.moments[-1].outlook if watched.moments else None
    return ExitCode.FINDINGS if last in _SICK else ExitCode.CLEAN


def _on_screen(followed: Followed, every: float) -> None:
    from rich.live import Live  # a log needs none of it
    from rich.text import Text

    def drawn() -> Text:
        return Text.from_ansi(followed.screen(width=output.width(), colour=output.colours()).rstrip("\n"))

    with Live(drawn(), auto_refresh=False, redirect_stdout=False, redirect_stderr=False) as live:
        while not followed.ended:
            time.sleep(every)
            if followed.more():
                live.update(drawn(), refresh=True)


def _as_lines(followed: Followed, every: float) -> None:
    output.write(followed.line())
    while not followed.ended:
        time.sleep(every)
        if followed.more():
            output.write(followed.line())
    output.write(followed.answer())
