"""Progress bars on stderr, if that is a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from humouse_doctor.cli.output import note
from humouse_doctor.core.text import harmless

if TYPE_CHECKING:
    from rich.progress import TaskID

    from humouse_doctor.core.outcome import Trial
    from humouse_doctor.verify.bench import Job, Pulse


class Bar:
    """A progress bar on stderr, if that is a terminal."""

    def __init__(self, total: int, label: str) -> None:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("loss {task.fields[loss]:.4g}"))
        self._progress = Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal)
        self._task = self._progress.add_task(label, total=total, loss=float("nan"))

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, step: int, loss: float) -> None:
        """Move the bar to `step`."""
        self._progress.update(self._task, completed=step, loss=loss)


class Trials:
    """A progress bar per trial on stderr if that is a terminal; otherwise a line for each trial that ends."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), TextColumn("{task.fields[said]}"))
        self._bars = console.is_terminal
        self._progress = Progress(*columns, TimeRemainingColumn(), console=console, disable=not self._bars)
        self._tasks: dict[Job, TaskID] = {}

    def __enter__(self) -> Trials:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def started(self, job: Job) -> None:
        """Show a bar for `job`."""
        label = f"{harmless(job.arm.title)[:48]}, seed {job.seed}"
        self._tasks[job] = self._progress.add_task(label, total=job.steps, said="")

    def moved(self, job: Job, pulse: Pulse) -> None:
        """Move the bar of `job`, and show its loss beside those of the two predictors that learn nothing."""
        said = f"loss {pulse.loss:.4g} (constant {pulse.best_constant:.4g}, motionless {pulse.motionless:.4g})"
        self._progress.update(self._tasks[job], completed=pulse.step, said=said)

    def ended(self, job: Job, trial: Trial) -> None:
        """Show the result of `trial` in a few words."""
        said = trial.failed or trial.stopped or ("healthy" if trial.healthy else f"{', '.join(trial.causes) or 'not healthy'}")
        self._progress.update(self._tasks[job], completed=trial.steps, said=said)
        if not self._bars:
            note(f"... {job.arm.title}, seed {job.seed}: {said}")
