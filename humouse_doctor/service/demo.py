"""The command demo: a run that collapses, trained and inspected."""

from __future__ import annotations

import importlib.util
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from humouse_doctor.cases.request import Request
from humouse_doctor.core.view import RunView
from humouse_doctor.service.commands import Display, inspect_run
from humouse_doctor.training.demonstration import Bar, is_demo, train_demo

#: All that a caller needs for this command, from one import.
__all__ = ["Display", "demo"]


#: The folder in the current one that a demo's run is kept in.
FOLDER = Path("humouse-doctor-demo")


def demo(
    directory: Path | None,
    seed: int,
    display: Display,
    bar: Bar,
    progress: Callable[[str], None] = lambda _: None,
    note: Callable[[str], None] = lambda _: None,
) -> RunView:
    """Train the demo's run into `directory`, by default a folder in the current one, and inspect it.

    `note` is told where the run is kept, and whether an older one of the demo's is replaced. The view offers the patch, and the
    page where it can be made. Raises `InputError` if another run than the demo's is there already.
    """
    folder = FOLDER if directory is None else directory
    replaced = is_demo(folder)
    note(f"demo: {'replaces the demo run in' if replaced else 'keeps its run in'} {folder}")
    train_demo(folder, seed, bar)
    view = inspect_run(Request(checkpoint=folder, seed=seed), display, progress=progress)
    page = shlex.join(["humouse-doctor", "inspect", str(folder), "--output", "report.html"])
    if importlib.util.find_spec("jinja2") is None or not page.isprintable():
        return view
    return replace(view, following=(*view.following, page))
