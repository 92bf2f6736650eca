"""The command demo: a run that collapses, trained and inspected."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from humouse_doctor.cases.request import Request
from humouse_doctor.core.view import RunView
from humouse_doctor.service.commands import Display, inspect_run
from humouse_doctor.training.demonstration import Bar, train_demo

#: All that a caller needs for this command, from one import.
__all__ = ["Display", "demo"]


def demo(directory: Path | None, seed: int, display: Display, progress: Callable[[str], None], bar: Bar) -> RunView:
    """Train the demo's run into `directory` and inspect it; without one, use a temporary folder and remove it.

    Raises `InputError` if another run than the demo's is there already.
    """
    if directory is None:
        with tempfile.TemporaryDirectory(prefix="humouse-doctor-demo-") as folder:
            return demo(Path(folder), seed, display, progress, bar)
    train_demo(directory, seed, bar)
    return inspect_run(Request(checkpoint=directory, seed=seed), display, progress=progress)
