"""Jobs to trials: those already kept are taken as they are, the others run in worker processes, one per core."""

from __future__ import annotations

import contextlib
import copyreg
import multiprocessing
import os
import queue
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.queues import Queue
from types import MappingProxyType
from typing import Any, Protocol

from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.outcome import Trial
from humouse_doctor.verify.bench import Job, Pulse, Tick

_LOOK_EVERY_S = 0.1
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
class Runner:
    """Makes trials on one bench with at most `workers` at a time; 1 stays in this process."""

    bench: Makes
    keep: Keep
    show: Show
    workers: int
    _pool: ProcessPoolExecutor | None = None
    _told: Queue[tuple[Job, Pulse]] | None = None
    made: list[Trial] = field(default_factory=list)

    def trials(self, jobs: Sequence[Job]) -> list[Trial]:
        """The trials of `jobs`, in their order; raises `UsageError` where a worker dies."""
        known = {job: self.keep.find(job) for job in jobs}
        missing = [job for job, trial in known.items() if trial is None]
        made = {}
        for job, trial in self._pooled(missing) if self.workers > 1 and len(missing) > 1 else self._here(missing):
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

    def _pooled(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Trial]]:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            with _importing_nothing_from_here():
                self._told = context.Queue()
            self._pool = ProcessPoolExecutor(
                max_workers=self.workers, mp_context=context, initializer=_start, initargs=(self._told,)
            )
        running: dict[Future[Trial], Job] = {}
        waiting = list(jobs)
        try:
            while waiting or running:
                while waiting and len(running) < self.workers:
                    job = waiting.pop(0)
                    self.show.started(job)
                    with _importing_nothing_from_here():
                        running[self._pool.submit(_work, self.bench, job)] = job
                done, _ = wait(running, timeout=_LOOK_EVERY_S, return_when=FIRST_COMPLETED)
                self._listen()
                for future in done:
                    yield running.pop(future), future.result()
        except BrokenProcessPool:
            raise UsageError("a trial's process died (out of memory?); try --workers 1 or fewer --max-sequences") from None

    def _listen(self) -> None:
        assert self._told is not None
        with contextlib.suppress(queue.Empty):
            while True:
                self.show.moved(*self._told.get_nowait())

    def close(self) -> None:
        """End the worker processes, whatever they are at."""
        if self._pool is None:
            return
        for process in list((self._pool._processes or {}).values()):
            process.terminate()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = None


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


_TOLD: Queue[tuple[Job, Pulse]] | None = None


def _start(told: Queue[tuple[Job, Pulse]]) -> None:
    """Prepare a worker: it ends with its parent, even where that was killed."""
    global _TOLD
    _TOLD = told
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _work(bench: Makes, job: Job) -> Trial:
    def tick(pulse: Pulse) -> None:
        if _TOLD is not None:
            _TOLD.put((job, pulse))

    with one_thread():
        return bench.run(job, tick)
