"""Run jobs in worker processes, one per core: trials that are not in the store yet, and rehearsals."""

from __future__ import annotations

import contextlib
import copyreg
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar, cast

from humouse_doctor.core.errors import DoctorError, UsageError
from humouse_doctor.core.outcome import Trial
from humouse_doctor.networks.numerics import one_thread
from humouse_doctor.probes.plugins import using, wanted
from humouse_doctor.verify.bench import Job, OnPulse, Pulse
from humouse_doctor.verify.trial_store import TrialStore

_SAFE_PATH = "PYTHONSAFEPATH"


JobT = TypeVar("JobT")
AnswerT = TypeVar("AnswerT")
JobT_contra = TypeVar("JobT_contra", contravariant=True)
AnswerT_co = TypeVar("AnswerT_co", covariant=True)
AnswerT_contra = TypeVar("AnswerT_contra", contravariant=True)


class Maker(Protocol[JobT_contra, AnswerT_co]):
    """Anything that runs jobs: trials of this package's own warm-up or of the user's program, and rehearsals."""

    def run(self, job: JobT_contra, on_pulse: OnPulse) -> AnswerT_co:
        """Run `job`; call `on_pulse` with its progress."""


class Listener(Protocol[JobT_contra, AnswerT_contra]):
    """Receiver of the jobs' progress."""

    def started(self, job: JobT_contra) -> None:
        """Note that a job has started."""

    def moved(self, job: JobT_contra, pulse: Pulse) -> None:
        """Note a job's progress."""

    def ended(self, job: JobT_contra, answer: AnswerT_contra, /) -> None:
        """Note that a job has ended."""


TrialMaker = Maker[Job, Trial]
ProgressListener = Listener[Job, Trial]


def _read_only(content: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(content)


def _reduce_proxy(proxy: MappingProxyType[Any, Any]) -> tuple[Any, tuple[dict[Any, Any]]]:
    return _read_only, (dict(proxy),)


copyreg.pickle(MappingProxyType, _reduce_proxy)  # read-only mappings can then be sent between processes


@dataclass(slots=True)
class _Worker(Generic[JobT]):
    """A worker process, the connection to it, and its current job."""

    process: BaseProcess
    line: Connection[Any, Any]
    job: JobT | None = None
    begun: float = 0.0


@dataclass(slots=True, kw_only=True)
class Pool(Generic[JobT, AnswerT]):
    """Run jobs with at most `workers` processes; with 1, run them in this process.

    `advice` says what to try where a process died.
    """

    maker: Maker[JobT, AnswerT]
    listener: Listener[JobT, AnswerT]
    workers: int
    advice: str = "--workers 1 or fewer --max-sequences"
    _started: list[_Worker[JobT]] = field(default_factory=list)

    def answers(self, jobs: Sequence[JobT]) -> Iterator[tuple[JobT, AnswerT, float]]:
        """Yield each job with its answer and its wall time, in seconds, as it ends; raise `UsageError` if a worker dies."""
        return self._shared_out(jobs) if self.workers > 1 and len(jobs) > 1 else self._here(jobs)

    def _here(self, jobs: Sequence[JobT]) -> Iterator[tuple[JobT, AnswerT, float]]:
        for job in jobs:
            self.listener.started(job)
            begun = time.monotonic()
            with one_thread():
                answer = self.maker.run(job, partial(self.listener.moved, job))
            yield job, answer, time.monotonic() - begun

    def _shared_out(self, jobs: Sequence[JobT]) -> Iterator[tuple[JobT, AnswerT, float]]:
        self._start(min(self.workers, len(jobs)))
        waiting = deque(jobs)
        try:
            while waiting or any(worker.job for worker in self._started):
                for worker in self._started:
                    if worker.job is None and waiting:
                        worker.job, worker.begun = waiting.popleft(), time.monotonic()
                        self.listener.started(worker.job)
                        worker.line.send((self.maker, worker.job))
                at_work = {worker.line: worker for worker in self._started if worker.job is not None}
                for line in wait(list(at_work)):
                    worker = at_work[cast("Connection[Any, Any]", line)]
                    answer = worker.line.recv()
                    assert worker.job is not None
                    if isinstance(answer, Pulse):
                        self.listener.moved(worker.job, answer)
                    elif isinstance(answer, Exception):
                        raise answer
                    else:
                        job, worker.job = worker.job, None
                        yield job, answer, time.monotonic() - worker.begun
        except (EOFError, ConnectionError):  # the other end of a connection is gone
            raise UsageError(f"a trial's process died (out of memory?); try {self.advice}") from None

    def _start(self, count: int) -> None:
        """Start workers side by side until there are `count`."""
        context = multiprocessing.get_context("spawn")
        if sys.platform != "win32":  # starting it with the first worker would let SIGINT in again
            from multiprocessing import resource_tracker

            with _importing_nothing_from_here():
                resource_tracker.ensure_running()
        while len(self._started) < count:
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, wanted()), daemon=True)
            with _importing_nothing_from_here(), _not_interrupted():
                process.start()
            theirs.close()
            self._started.append(_Worker(process, ours))

    def close(self) -> None:
        """Kill the worker processes."""
        for worker in self._started:
            worker.process.kill()
        for worker in self._started:
            worker.process.join()
            worker.line.close()
        self._started.clear()


@dataclass(slots=True, kw_only=True)
class Runner(Pool[Job, Trial]):
    """Run trials, each once: finished ones are taken from the store."""

    store: TrialStore
    made: list[Trial] = field(default_factory=list)
    _spent_s: float = 0.0
    _steps: int = 0

    def trials(self, jobs: Sequence[Job]) -> list[Trial]:
        """Return the trials of `jobs`, in their order; raise `UsageError` if a worker dies."""
        known = {job: self.store.find(job) for job in jobs}
        made = {}
        for job, trial, seconds in self.answers([job for job, trial in known.items() if trial is None]):
            self._spent_s += seconds
            self._steps += trial.steps
            if not trial.out_of_time:  # with more time there is more to say
                self.store.add(trial)
            self.listener.ended(job, trial)
            made[job] = trial
        found = [known[job] or made[job] for job in jobs]
        self.made.extend(trial for trial in found if trial not in self.made)
        return found

    @property
    def seconds_per_step(self) -> float:
        """The mean wall time of a step, its share of the examination included; 0 before the first trial."""
        return self._spent_s / self._steps if self._steps else 0.0


@contextlib.contextmanager
def _not_interrupted() -> Iterator[None]:
    """Block SIGINT for processes started here: a terminal sends it to all, and only this process should answer it."""
    if not hasattr(signal, "pthread_sigmask"):  # not on Windows
        yield
        return
    resource_tracker.ensure_running()  # started with the first process, it would unblock SIGINT for that one
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _importing_nothing_from_here() -> Iterator[None]:
    """Keep interpreters started here from importing modules from the current folder (Python 3.11 and later).

    A spawned interpreter runs `python -c "from multiprocessing ..."`, and would run any `multiprocessing.py` in that
    folder. It receives this interpreter's import path afterwards.
    """
    before = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SAFE_PATH]
        else:
            os.environ[_SAFE_PATH] = before


def _work(line: Connection[Any, Any], plugins: bool) -> None:
    """Run the jobs received over `line`.

    The process ends with its parent, even if the parent was killed.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    with using(plugins=plugins), contextlib.suppress(EOFError, ConnectionError):  # the parent has closed the connection
        while True:
            maker, job = line.recv()
            try:
                with one_thread():
                    answer = maker.run(job, line.send)
            except Exception as error:  # the parent reports it
                answer = (
                    error if isinstance(error, (DoctorError, MemoryError)) else RuntimeError(f"{type(error).__name__}: {error}")
                )
            line.send(answer)


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
