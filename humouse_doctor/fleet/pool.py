"""A pool of worker processes on this machine.

It is not `concurrent.futures.ProcessPoolExecutor`, which breaks as a whole when a process dies, and does not say at whose job:
with one of 20 jobs that kills its process, 6 were answered. Here each process has a connection of its own and one job at a
time: the job of a process that has died is known, all others go on, and jobs can tell of their progress. The processes are
spawned, since a fork copies torch's locks in whatever state they are.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any, cast

from humouse_doctor.core.errors import MachineError, no_process
from humouse_doctor.core.text import full_reason
from humouse_doctor.fleet.crews import Crew, Hear, Work
from humouse_doctor.fleet.jobs import Job
from humouse_doctor.fleet.work import Answered, Died, Failed, Halted, Lost, Outcome, done
from humouse_doctor.probes.plugins import wanted

#: The environment that an interpreter is started with for jobs. It has one thread, and imports nothing from the current folder
#: (Python 3.11 and later): a spawned one runs `python -c "from multiprocessing ..."`, and would run any `multiprocessing.py`
#: there. It receives this interpreter's import path afterwards. glibc keeps freed memory for the next tensors instead of giving
#: it back: forty steps of a warm-up (two layers of 64, 100 steps, batches of 64) take 8.2 s in place of 10.0, and 62,000 page
#: faults in place of 811,000.
OF_WORKERS = {
    "PYTHONSAFEPATH": "1",
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
}
#: A process that ends before it has taken a job is started again, so many times in a row if it ends by itself, and so many if
#: something kills it.
_STARTS, _KILLED_STARTS = 3, 30
#: Seconds for a process whose connection has closed to end.
_END_S = 5.0


@dataclass(frozen=True, slots=True)
class _Ready:
    """Says that a worker has started."""


@dataclass(frozen=True, slots=True)
class _Told:
    """Progress of a worker's job."""

    pulse: object


@dataclass(slots=True)
class _Worker:
    """A worker process, the connection to it, and its current job."""

    process: BaseProcess
    line: Connection[Any, Any]
    job: Job[Any] | None = None
    ready: bool = False

    def takes(self, work: Work, job: Job[Any]) -> bool:
        """Send a job to the process; return False if it has died."""
        try:
            self.line.send((work, job.payload, wanted()))
        except ConnectionError:
            return False
        self.job = job
        return True

    def kill(self) -> None:
        """End the process, and the loader that it may have started; both are in the process's own group."""
        with contextlib.suppress(ProcessLookupError, PermissionError, AttributeError):  # not on Windows, or not a group yet
            assert self.process.pid is not None
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join()
        self.line.close()


class Pool(Crew):
    """At most `workers` processes, each with one job at a time."""

    def __init__(self, workers: int) -> None:
        super().__init__()
        self._most = workers
        self._workers: list[_Worker] = []
        self._failed_starts = 0

    @property
    def workers(self) -> int:
        """The processes, each of which has one job: to hand over the next one takes a tenth of a millisecond."""
        return self._most

    def put(self, work: Work, job: Job[Any]) -> None:
        """Send a job to an idle process, or to a new one."""
        for worker in [worker for worker in self._workers if worker.job is None]:
            if worker.takes(work, job):
                return
            self._remove(worker)  # it has died while it had nothing to do
        worker = self._started()
        if not worker.takes(work, job):
            worker.job = job  # `take` finds how it has ended

    def take(self, hear: Hear) -> Sequence[tuple[Job[Any], Outcome]]:
        """Wait for the processes at work, and return the jobs that have ended or whose process has died."""
        ended: list[tuple[Job[Any], Outcome]] = []
        at_work = {worker.line: worker for worker in self._workers if worker.job is not None}
        for line in wait(list(at_work)):
            worker = at_work[cast("Connection[Any, Any]", line)]
            job = worker.job
            assert job is not None
            try:
                said = worker.line.recv()
            except (EOFError, OSError):  # the other end of the connection is gone
                ended.append((job, self._end_of(worker)))
                continue
            match said:
                case _Ready():
                    worker.ready, self._failed_starts = True, 0
                case _Told():
                    hear(job, said.pulse)
                case Answered() | Failed() | Halted():
                    worker.job = None
                    ended.append((job, said))
        return ended

    def drop(self) -> None:
        """Kill the processes that have a job."""
        for worker in [worker for worker in self._workers if worker.job is not None]:
            self._remove(worker)

    def close(self) -> None:
        """Kill all processes."""
        for worker in list(self._workers):
            self._remove(worker)

    def _remove(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.kill()

    def _end_of(self, worker: _Worker) -> Died | Lost:
        """Return how a process has ended; raise `MachineError` if none can be started any more."""
        worker.process.join(_END_S)
        code = worker.process.exitcode
        how = _how_it_ended(code)
        self._remove(worker)
        if worker.ready:
            return Died(how=how)
        self._failed_starts += 1
        if self._failed_starts >= (_KILLED_STARTS if code is not None and code < 0 else _STARTS):
            raise MachineError(f"a worker process ends before it has begun to work ({how}); try --workers 1")
        return Lost()

    def _started(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,), daemon=True)
        with environment(OF_WORKERS), not_interrupted(), _without_main():
            try:
                process.start()
            except OSError as error:
                raise no_process(error) from None
            finally:
                theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker


def _how_it_ended(code: int | None) -> str:
    """Return the end of a process in a few words."""
    if code == -9:
        return "signal 9: out of memory?"
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"signal {-code}, {signal.Signals(-code).name}"
    return f"exit status {code}"


@contextlib.contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables within the block, for processes that are started in it."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def not_interrupted() -> Iterator[None]:
    """Block SIGINT for processes started here: a terminal sends it to all, and only this process should answer it."""
    if not hasattr(signal, "pthread_sigmask"):  # not on Windows
        yield
        return
    resource_tracker.ensure_running()  # started together with the first process, it would unblock SIGINT for that one
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """Hide the main module from processes started here, which would import it: a script may do anything on import."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _serve(line: Connection[Any, Any]) -> None:
    """Do the jobs received over `line`; the process ends with its parent, even if the parent was killed."""
    if hasattr(os, "setpgid"):  # a group of its own, which is killed as a whole
        os.setpgid(0, 0)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    with contextlib.suppress(EOFError, ConnectionError):  # the parent has closed the connection
        line.send(_Ready())
        while True:
            try:
                work, payload, plugins = line.recv()
            except (AttributeError, ImportError) as error:  # the parent's module is not found here
                line.send(Halted(reason=full_reason(error)))
                continue
            line.send(done(work, payload, plugins=plugins, to=lambda pulse: line.send(_Told(pulse))))


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
