"""Run jobs: take finished trials from the store, and run the others in worker processes, one per core."""

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
from typing import Any, Protocol, cast

from humouse_doctor.core.errors import DoctorError, UsageError
from humouse_doctor.core.outcome import Trial
from humouse_doctor.networks.numerics import one_thread
from humouse_doctor.probes.plugins import using, wanted
from humouse_doctor.verify.bench import Job, OnPulse, Pulse
from humouse_doctor.verify.trial_store import TrialStore

_SAFE_PATH = "PYTHONSAFEPATH"


class TrialMaker(Protocol):
    """Anything that runs a trial: this package's own warm-up, or the user's program."""

    def run(self, job: Job, on_pulse: OnPulse) -> Trial:
        """Run the trial of `job`; call `on_pulse` with its progress."""


class ProgressListener(Protocol):
    """Receiver of the trials' progress."""

    def started(self, job: Job) -> None:
        """Note that a trial has started."""

    def moved(self, job: Job, pulse: Pulse) -> None:
        """Note a trial's progress."""

    def ended(self, job: Job, trial: Trial) -> None:
        """Note that a trial has ended."""


def _read_only(content: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(content)


def _reduce_proxy(proxy: MappingProxyType[Any, Any]) -> tuple[Any, tuple[dict[Any, Any]]]:
    return _read_only, (dict(proxy),)


copyreg.pickle(MappingProxyType, _reduce_proxy)  # read-only mappings can then be sent between processes


@dataclass(slots=True)
class _Worker:
    """A worker process, the connection to it, and its current job."""

    process: BaseProcess
    line: Connection[Any, Any]
    job: Job | None = None
    begun: float = 0.0


@dataclass(slots=True)
class Runner:
    """Run trials with at most `workers` processes; with 1, run them in this process."""

    maker: TrialMaker
    store: TrialStore
    listener: ProgressListener
    workers: int
    _started: list[_Worker] = field(default_factory=list)
    made: list[Trial] = field(default_factory=list)
    _spent_s: float = 0.0
    _steps: int = 0

    def trials(self, jobs: Sequence[Job]) -> list[Trial]:
        """Return the trials of `jobs`, in their order; raise `UsageError` if a worker dies."""
        known = {job: self.store.find(job) for job in jobs}
        missing = [job for job, trial in known.items() if trial is None]
        made = {}
        for job, trial in self._shared_out(missing) if self.workers > 1 and len(missing) > 1 else self._here(missing):
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

    def _took(self, trial: Trial, begun: float) -> None:
        self._spent_s += time.monotonic() - begun
        self._steps += trial.steps

    def _here(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Trial]]:
        for job in jobs:
            self.listener.started(job)
            begun = time.monotonic()
            with one_thread():
                trial = self.maker.run(job, partial(self.listener.moved, job))
            self._took(trial, begun)
            yield job, trial

    def _shared_out(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Trial]]:
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
                        self._took(answer, worker.begun)
                        yield job, answer
        except (EOFError, ConnectionError):  # the other end of a connection is gone
            raise UsageError("a trial's process died (out of memory?); try --workers 1 or fewer --max-sequences") from None

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
    """Run the trials received over `line`.

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
                    answer: Trial | Exception = maker.run(job, line.send)
            except Exception as error:  # the parent reports it
                answer = (
                    error if isinstance(error, (DoctorError, MemoryError)) else RuntimeError(f"{type(error).__name__}: {error}")
                )
            line.send(answer)


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
