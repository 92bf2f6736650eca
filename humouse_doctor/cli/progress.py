"""Progress bars on stderr, if that is a terminal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Column

from humouse_doctor.cli.output import note
from humouse_doctor.core.text import harmless, harmless_line
from humouse_doctor.core.verdict import Verdict

if TYPE_CHECKING:
    from rich.progress import TaskID

    from humouse_doctor.cases.request import Request
    from humouse_doctor.core.gating import Entry
    from humouse_doctor.core.outcome import Trial
    from humouse_doctor.core.report import Report
    from humouse_doctor.verify.bench import Job, Pulse


#: The seconds between two lines of a log.
_NOTE_S = 10.0


class Bar:
    """A progress bar on stderr, if that is a terminal."""

    def __init__(self, total: int, label: str) -> None:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"))
        self._progress = Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal)
        self._task = self._progress.add_task(label, total=total, said="starting")

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, step: int, loss: float) -> None:
        """Move the bar to `step`."""
        self._progress.update(self._task, completed=step, said=f"loss {loss:.4g}")


class Trials:
    """A progress bar for all trials and one per running trial on stderr if that is a terminal; otherwise a line for each end.

    The first bar shows the time of the `budget_s`, None if there is no limit.
    """

    def __init__(self, budget_s: float | None) -> None:
        console = Console(stderr=True)
        columns = _whole_names()
        self._bars = console.is_terminal
        self._progress = Progress(*columns, console=console, disable=not self._bars)
        self._budget_s = budget_s
        self._begun = time.monotonic()
        self._done = 0
        self._all = self._progress.add_task("all trials", total=budget_s, said="reading")
        self._tasks: dict[Job, TaskID] = {}

    def __enter__(self) -> Trials:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def started(self, job: Job) -> None:
        """Show a bar for `job`."""
        self._tasks[job] = self._progress.add_task(harmless_line(job.arm.title), total=job.steps, said=f"seed {job.seed}")
        self._tell()

    def moved(self, job: Job, pulse: Pulse) -> None:
        """Move the bar of `job`, and show its loss beside that of the best constant."""
        said = (
            f"seed {job.seed}, step {pulse.step:,} of {job.steps:,}, loss {pulse.loss:.3g} (constant {pulse.best_constant:.3g})"
        )
        self._progress.update(self._tasks[job], completed=pulse.step, said=said)
        self._tell()

    def ended(self, job: Job, trial: Trial) -> None:
        """Show the result of `trial` in a few words."""
        said = trial.failed or trial.stopped or ("healthy" if trial.healthy else f"{', '.join(trial.causes) or 'not healthy'}")
        self._done += 1
        self._progress.remove_task(self._tasks[job])
        del self._tasks[job]
        self._tell()
        line = f"... {job.arm.title}, seed {job.seed}: {said} ({self._standing()})"
        if self._bars:
            self._progress.console.print(harmless(line), markup=False, highlight=False)
        else:
            note(line)

    def _tell(self) -> None:
        self._progress.update(self._all, completed=time.monotonic() - self._begun, said=self._standing())

    def _standing(self) -> str:
        """Return the trials that have ended and are running, the time taken, and the time left where there is a limit."""
        taken = time.monotonic() - self._begun
        left = "" if self._budget_s is None else f", at most {_clock(max(0.0, self._budget_s - taken))} left"
        return f"{self._done} done, {len(self._tasks)} running, {_clock(taken)}{left}"


def _clock(seconds: float) -> str:
    """Format a duration as minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _whole_names() -> tuple[ProgressColumn, ...]:
    """Return the columns of several bars; a name or a state that is too long goes on in the next line, and none is cut."""
    name, said = (Column(overflow="fold", no_wrap=False, min_width=16) for _ in range(2))
    return (
        TextColumn("{task.description}", markup=False, table_column=name),
        BarColumn(bar_width=12),
        TextColumn("{task.fields[said]}", markup=False, table_column=said),
    )


class Rehearsals:
    """A bar of its time per rehearsed config on stderr if that is a terminal; otherwise a line every ten seconds."""

    def __init__(self, seconds: float) -> None:
        console = Console(stderr=True)
        columns = _whole_names()
        self._bars = console.is_terminal
        self._progress = Progress(*columns, console=console, disable=not self._bars)
        self._seconds = seconds
        self._tasks: dict[Request, TaskID] = {}
        self._begun: dict[Request, float] = {}
        self._noted: dict[Request, float] = {}

    def __enter__(self) -> Rehearsals:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def started(self, job: Request) -> None:
        """Show a bar for a config."""
        self._begun[job] = self._noted[job] = time.monotonic()
        self._tasks[job] = self._progress.add_task(harmless_line(str(job.config)), total=self._seconds, said="reading")

    def moved(self, job: Request, pulse: Pulse) -> None:
        """Move the bar of a config, and show its step and its loss."""
        now = time.monotonic()
        said = f"step {pulse.step:,} of {pulse.planned:,}, loss {pulse.loss:.3g}"
        self._progress.update(self._tasks[job], completed=now - self._begun[job], said=said)
        if not self._bars and now - self._noted[job] >= _NOTE_S:
            self._noted[job] = now
            note(f"... {job.config}: {said} (best constant {pulse.best_constant:.3g}) after {now - self._begun[job]:.0f} s")

    def ended(self, job: Request, answer: Report | Entry, /) -> None:
        """Show the verdict on a config."""
        taken = time.monotonic() - self._begun[job]
        verdict = answer.verdict.value if isinstance(answer.verdict, Verdict) else answer.verdict
        said = f"{verdict} after {taken:.0f} s"
        self._progress.update(self._tasks[job], completed=self._seconds, said=said)
        if not self._bars:
            note(f"... {job.config}: {said}")
