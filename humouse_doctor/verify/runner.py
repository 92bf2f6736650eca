"""Run trials that are not in the store yet, one per core or with the workers of a cluster."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar, cast

from humouse_doctor.core.outcome import Trial
from humouse_doctor.fleet import jobs as fleet
from humouse_doctor.fleet.crews import Crew, alone
from humouse_doctor.fleet.pool import Pool
from humouse_doctor.fleet.run import run
from humouse_doctor.networks.numerics import one_thread
from humouse_doctor.stored import outcome as outcome_json
from humouse_doctor.verify.bench import Bench, Job, OnPulse, Pulse
from humouse_doctor.verify.trial_store import TrialStore

JobT = TypeVar("JobT", contravariant=True)
AnswerT = TypeVar("AnswerT", contravariant=True)


class TrialMaker(Protocol):
    """Anything that makes trials: this package's own warm-up, or the user's program."""

    def run(self, job: Job, on_pulse: OnPulse) -> Trial:
        """Run `job`; call `on_pulse` with its progress."""


class Listener(Protocol[JobT, AnswerT]):
    """Receiver of the jobs' progress."""

    def started(self, job: JobT) -> None:
        """Note that a job has started."""

    def moved(self, job: JobT, pulse: Pulse) -> None:
        """Note a job's progress."""

    def ended(self, job: JobT, answer: AnswerT, /) -> None:
        """Note that a job has ended."""


ProgressListener = Listener[Job, Trial]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """A trial to make; `seconds_left` are those until its deadline, None without one, as of `at` in seconds since the epoch."""

    maker: TrialMaker
    job: Job
    seconds_left: float | None
    at: float


def made(task: _Task) -> bytes:
    """Make a trial, and return it as JSON."""
    maker = task.maker
    if isinstance(maker, Bench) and task.seconds_left is not None:  # the clock of another machine began elsewhere
        maker = replace(maker, deadline=time.monotonic() + task.seconds_left - (time.time() - task.at))
    with one_thread():
        return outcome_json.render_trial(maker.run(task.job, fleet.tell))


@dataclass(frozen=True, slots=True)
class _Heard:
    """Receiver of the progress of a crew's jobs, which are trials."""

    listener: ProgressListener

    def started(self, job: fleet.Job[_Task]) -> None:
        """Note that a trial has started."""
        self.listener.started(job.payload.job)

    def moved(self, job: fleet.Job[_Task], pulse: object) -> None:
        """Note a trial's progress."""
        self.listener.moved(job.payload.job, cast("Pulse", pulse))


@dataclass(slots=True, kw_only=True)
class Runner:
    """Run trials, each once: finished ones are taken from the store."""

    maker: TrialMaker
    listener: ProgressListener
    crew: Crew
    store: TrialStore
    made: list[Trial] = field(default_factory=list)
    _spent_s: float = 0.0
    _steps: int = 0

    def trials(self, jobs: Sequence[Job]) -> list[Trial]:
        """Return the trials of `jobs`, in their order; one whose process dies twice has failed."""
        known = {job: self.store.find(job) for job in jobs}
        tasks = {f"{number:08x}": self._task(job) for number, (job, trial) in enumerate(known.items()) if trial is None}
        one_here = len(tasks) == 1 and isinstance(self.crew, Pool)  # it takes less time than to start a process
        ends = run(
            [fleet.Job(key, task.job.arm.title, task) for key, task in tasks.items()],
            made,
            alone() if one_here else self.crew,
            listener=_Heard(self.listener),
        )
        fresh = {}
        with closing(ends):
            for ended in ends:
                job = tasks[ended.key].job
                if ended.answer is None:
                    trial = Trial(arm=job.arm.key, seed=job.seed, planned=job.steps, failed=ended.failure)
                else:
                    trial = outcome_json.parse_trial(ended.answer)
                self._spent_s += ended.seconds
                self._steps += trial.steps
                if not trial.out_of_time:  # with more time there is more to say
                    self.store.add(trial)
                self.listener.ended(job, trial)
                fresh[job] = trial
        found = [known[job] or fresh[job] for job in jobs]
        self.made.extend(trial for trial in found if trial not in self.made)
        return found

    def _task(self, job: Job) -> _Task:
        deadline = self.maker.deadline if isinstance(self.maker, Bench) else None
        left = None if deadline is None else deadline - time.monotonic()
        return _Task(maker=self.maker, job=job, seconds_left=left, at=time.time())

    @property
    def seconds_per_step(self) -> float:
        """The mean wall time of a step, its share of the examination included; 0 before the first trial."""
        return self._spent_s / self._steps if self._steps else 0.0
