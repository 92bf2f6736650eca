"""Jobs to trials: those already kept are taken as they are, the others run in worker processes, one per core."""

from __future__ import annotations

import contextlib
import copyreg
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import MappingProxyType
from typing import Any, Protocol, cast

from humouse_doctor.core.errors import DoctorError, UsageError
from humouse_doctor.core.outcome import Trial
from humouse_doctor.probes.plugins import using, wanted
from humouse_doctor.verify.bench import Job, Pulse, Tick

_SAFE_PATH = "PYTHONSAFEPATH"


class Makes(Protocol):
    """What makes a trial: this package's own warm-up, or the user's program."""

    def run(self, job: Job, tick: Tick) -> Trial:
        """Make the trial of `job`, telling its steps."""


class Show(Protocol):
    """Where progress is shown: one line per trial."""

    def started(self, job: Job) -> None:
        """A trial was taken up."""

    def moved(self, job: Job, pulse: Pulse) -> None:
        """It goes on."""

    def ended(self, job: Job, trial: Trial) -> None:
        """It is over."""


class Keep(Protocol):
    """Where finished trials are kept."""

    def find(self, job: Job) -> Trial | None:
        """The trial of `job` where it was made before."""

    def add(self, trial: Trial) -> None:
        """Keep one more."""


def _read_only(content: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(content)


def _reduce_proxy(proxy: MappingProxyType[Any, Any]) -> tuple[Any, tuple[dict[Any, Any]]]:
    return _read_only, (dict(proxy),)


copyreg.pickle(MappingProxyType, _reduce_proxy)  # read-only mappings travel between processes


@dataclass(slots=True)
class _Worker:
    """A process that makes one trial after another, the line to it, and what it is at."""

    process: BaseProcess
    line: Connection[Any, Any]
    job: Job | None = None


@dataclass(slots=True)
class Runner:
    """Makes trials on one bench with at most `workers` at a time; 1 stays in this process."""

    bench: Makes
    keep: Keep
    show: Show
    workers: int
    _started: list[_Worker] = field(default_factory=list)
    made: list[Trial] = field(default_factory=list)

    def trials(self, jobs: Sequence[Job]) -> list[Trial]:
        """The trials of `jobs`, in their order; raises `UsageError` where a worker dies."""
        known = {job: self.keep.find(job) for job in jobs}
        missing = [job for job, trial in known.items() if trial is None]
        made = {}
        for job, trial in self._shared_out(missing) if self.workers > 1 and len(missing) > 1 else self._here(missing):
            self.keep.add(trial)
            self.show.ended(job, trial)
            made[job] = trial
        found = [known[job] or made[job] for job in jobs]
        self.made.extend(trial for trial in found if trial not in self.made)
        return found

    def _here(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Trial]]:
        for job in jobs:
            self.show.started(job)
            with one_thread():
                yield job, self.bench.run(job, partial(self.show.moved, job))

    def _shared_out(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Trial]]:
        self._start(min(self.workers, len(jobs)))
        waiting = deque(jobs)
        try:
            while waiting or any(worker.job for worker in self._started):
                for worker in self._started:
                    if worker.job is None and waiting:
                        worker.job = waiting.popleft()
                        self.show.started(worker.job)
                        worker.line.send((self.bench, worker.job))
                at_work = {worker.line: worker for worker in self._started if worker.job is not None}
                for line in wait(list(at_work)):
                    worker = at_work[cast("Connection[Any, Any]", line)]
                    told = worker.line.recv()
                    assert worker.job is not None
                    if isinstance(told, Pulse):
                        self.show.moved(worker.job, told)
                    elif isinstance(told, Exception):
                        raise told
                    else:
                        job, worker.job = worker.job, None
                        yield job, told
        except (EOFError, ConnectionError):  # of a line, whose other end is gone
            raise UsageError("a trial's process died (out of memory?); try --workers 1 or fewer --max-sequences") from None

    def _start(self, count: int) -> None:
        """See that there are `count` workers; all that are new start side by side."""
        context = multiprocessing.get_context("spawn")
        while len(self._started) < count:
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, wanted()), daemon=True)
            with _not_interrupted(), _importing_nothing_from_here():
                process.start()
            theirs.close()
            self._started.append(_Worker(process, ours))

    def close(self) -> None:
        """End the worker processes, whatever they are at."""
        for worker in self._started:
            worker.process.kill()
        for worker in self._started:
            worker.process.join()
            worker.line.close()
        self._started.clear()


@contextlib.contextmanager
def _not_interrupted() -> Iterator[None]:
    """Keep SIGINT from what is started in the block: a terminal sends it to all, and only this process is to answer."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows has none
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _importing_nothing_from_here() -> Iterator[None]:
    """Let interpreters that are started in the block not look into the current folder for modules (Python 3.11 and later).

    Each begins with `-c`, and would run a `multiprocessing.py` that anybody has put there. What this interpreter imports
    from is told to it afterwards.
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


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread in the block: these networks are too small to share out, and every core has its trial."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _work(line: Connection[Any, Any], plugins: bool) -> None:
    """Make the trials that come down `line`; the process ends with its parent, even where that was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    with using(plugins=plugins), contextlib.suppress(EOFError, ConnectionError):  # the parent needs no more
        while True:
            bench, job = line.recv()
            try:
                with one_thread():
                    told: Trial | Exception = bench.run(job, line.send)
            except Exception as error:  # it is the parent's to tell
                told = (
                    error if isinstance(error, (DoctorError, MemoryError)) else RuntimeError(f"{type(error).__name__}: {error}")
                )
            line.send(told)


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
