"""The workers of a Dask cluster as a crew.

Whoever can reach a Dask scheduler can run code on its workers, and sends this process what it unpickles. So only a scheduler
that the user has named is joined, here and nowhere else in the package.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import queue
import signal
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import dask
from distributed import Client, Future, KilledWorker, LocalCluster, Security

from humouse_doctor.core.errors import MachineError, UsageError
from humouse_doctor.core.text import full_reason, reason
from humouse_doctor.core.version import VERSION
from humouse_doctor.fleet.crews import Crew, Hear, Work, cores
from humouse_doctor.fleet.jobs import Job
from humouse_doctor.fleet.pool import OF_WORKERS, environment, not_interrupted
from humouse_doctor.fleet.work import Answered, Died, Failed, Halted, Lost, Outcome, done
from humouse_doctor.inputs.files import is_file, is_folder
from humouse_doctor.probes.plugins import wanted

#: The addresses that are words, and the variable that one of them stands for.
_LOCAL, _ENV, _VARIABLE = "local", "env", "DASK_SCHEDULER_ADDRESS"
#: Seconds to wait for a scheduler that is to be joined, for one that has gone away, and for a first worker.
_JOIN_S, _AWAY_S, _NOBODY_S = 30.0, 120.0, 600.0
#: Seconds between two looks at the scheduler, and the jobs that each worker has waiting or at work.
_LOOK_EVERY_S, _AHEAD = 2.0, 2
#: How a cluster of this machine differs from Dask's defaults. A job's first death is told at once, and a worker has one job at
#: a time. What Dask measures of itself all the while took a tenth of a core per worker, and takes a seventh of that so.
_CONFIG = {
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.monitor-interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.admin.tick.interval": "1s",
    "distributed.deploy.lost-worker-timeout": "60s",  # on a busy machine it takes longer than Dask's 15 to start one again
}
#: No page about the cluster is served, and what is asks for a port of its own.
_HTTP = "127.0.0.1:0"
#: Held by the job at work: torch's seeds and threads belong to a process, and so does its folder.
_ONE_AT_A_TIME = Lock()


class _Client(Client):
    """A client that is closed by this module alone: one that could not join would wait for itself and print a traceback."""

    def __del__(self) -> None:
        """Do nothing."""


class Cluster(Crew):
    """The workers of a scheduler; jobs cannot tell of their progress."""

    def __init__(self, address: str, workers: int = 0) -> None:
        """Join the scheduler, or start one; raise `UsageError` if it is not there."""
        super().__init__()
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # it would print pages about what is handled here
        self._stack = contextlib.ExitStack()
        self._address = _resolved(address)
        self._ended: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
        self._jobs: dict[Future[Any], Job[Any]] = {}
        self._unsent: list[Job[Any]] = []
        self._looked, self._found, self._seen = -_LOOK_EVERY_S, 0, time.monotonic()
        self._session = uuid.uuid4().hex[:8]
        self._handed = 0
        self._started: LocalCluster | None = None
        self._wanted = workers or cores()
        try:
            self._client = self._joined(workers)
        except BaseException:
            self._stack.close()
            raise

    def _joined(self, workers: int) -> Client:
        if self._address != _LOCAL:
            if workers:
                raise UsageError("--workers: a scheduler has workers of its own; it goes with --cluster local alone")
            return self._client_of(self._address)
        with not_interrupted():  # its threads and processes keep SIGINT blocked
            self._stack.enter_context(dask.config.set(_CONFIG))
            self._stack.enter_context(environment(OF_WORKERS))
            self._started = started = self._local_one()
            self._stack.callback(started.close, timeout=5)
            client = self._client_of(started)
            self._stack.callback(_kill_workers, started)
            return client

    def _local_one(self) -> LocalCluster:
        """Start a cluster on this machine; raise `MachineError` if its processes do not start."""
        try:
            return LocalCluster(
                n_workers=self._wanted,
                threads_per_worker=1,
                dashboard_address=_HTTP,
                scheduler_kwargs={"dashboard": False},
                silence_logs=logging.CRITICAL,
                security=_security(),
            )
        except RuntimeError as error:  # of Dask, whose processes import the script that was started once more
            raise MachineError(
                f"--cluster local: Dask's workers did not start ({reason(error)}); if your own script starts this, it needs"
                ' `if __name__ == "__main__":`, and --workers does without Dask'
            ) from None

    def _client_of(self, scheduler: str | LocalCluster) -> Client:
        try:
            if isinstance(scheduler, str) and scheduler.endswith(".json"):
                if not is_file(Path(scheduler)):  # Dask would wait for it
                    raise ValueError("no such file")
                client = _Client(scheduler_file=scheduler, timeout=_JOIN_S, set_as_default=False)
            else:
                client = _Client(scheduler, timeout=_JOIN_S, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise UsageError(f"--cluster {self._address}: no Dask scheduler answers there ({reason(error)})") from None
        self._stack.callback(client.close, timeout=5)
        return client

    @property
    def workers(self) -> int:
        """The workers that there are just now, one at least."""
        now = time.monotonic()
        if now - self._looked > _LOOK_EVERY_S:
            self._looked = now
            with contextlib.suppress(Exception):  # the scheduler is away; `take` waits for it
                self._found = len(self._client.nthreads())
            if self._found:
                self._seen = now
            if self._started is not None and self._found < self._wanted:
                self._started.scale(self._wanted)  # in the place of those that Dask has given up
        return max(1, self._found)

    @property
    def room(self) -> int:
        """Two jobs per worker, so that none waits for the network."""
        return _AHEAD * self.workers

    def put(self, work: Work, job: Job[Any]) -> None:
        """Submit a job."""
        self._handed += 1
        task = pickle.dumps((work, job.payload))
        here = os.getcwd()  # noqa: PTH109  # it is a word for another machine
        key = f"humouse-doctor-{self._session}-{self._handed}-{job.key[:16]}"
        try:
            future = self._client.submit(at_worker, task, wanted(), VERSION, here, key=key, pure=False)
        except Exception:  # the client has lost its scheduler, which Dask says in many ways
            self._unsent.append(job)
            return
        self._jobs[future] = job
        future.add_done_callback(self._ended.put)

    def take(self, hear: Hear) -> Sequence[tuple[Job[Any], Outcome]]:  # noqa: ARG002  # nothing is told
        """Wait for a job to end; raise `MachineError` if the scheduler stays away, or has no workers."""
        ended: list[tuple[Job[Any], Outcome]] = [(job, Lost()) for job in self._unsent]
        self._unsent.clear()
        while not ended:
            try:
                future = self._ended.get(timeout=_LOOK_EVERY_S)
            except queue.Empty:
                if self.workers and self._looked - self._seen > _NOBODY_S:
                    raise MachineError(f"the scheduler at {self._address} has no workers; start some") from None
                continue
            job = self._jobs.pop(future, None)
            if job is not None:  # it has not been dropped
                ended.append((job, self._outcome_of(future)))
            future.release()
        if any(isinstance(outcome, Lost) for _, outcome in ended):
            self._wait_for_scheduler()
        return ended

    def _outcome_of(self, future: Future[Any]) -> Outcome:
        try:
            if future.status == "finished":
                found = future.result(timeout=_AWAY_S)
                if isinstance(found, Answered | Failed | Halted):
                    return found
                return Halted(reason=f"the scheduler at {self._address} has answered with something else")
            if future.status == "error":
                error = future.exception(timeout=_AWAY_S)
                if isinstance(error, KilledWorker):
                    return Died(how="killed by its machine or by Dask: out of memory?")
                why = full_reason(error)
                return Halted(reason=f"a worker of {self._address} cannot do it ({why}); it needs humouse-doctor {VERSION}")
        except Exception:  # the scheduler or a worker has gone away in this moment, which Dask says in many ways
            return Lost()
        return Lost()

    def _wait_for_scheduler(self) -> None:
        """Wait until the scheduler is there; raise `MachineError` if it stays away."""
        end = time.monotonic() + _AWAY_S
        while time.monotonic() < end:
            with contextlib.suppress(Exception):  # as in `_outcome_of`
                if self._client.status == "closed":
                    self._client = self._client_of(self._address)
                if self._client.status == "running" and self._client.nthreads() is not None:
                    return
            time.sleep(0.5)
        raise MachineError(
            f"the scheduler at {self._address} has gone away and not come back in {_AWAY_S:.0f} s; with a --journal the same"
            " command goes on from what is done"
        )

    def drop(self) -> None:
        """Cancel all jobs."""
        futures = list(self._jobs)
        self._jobs.clear()
        self._unsent.clear()
        if futures:
            with contextlib.suppress(Exception):  # the scheduler may be away
                self._client.cancel(futures, force=True)

    def close(self) -> None:
        """Leave the scheduler, and end one that was started here."""
        with contextlib.suppress(Exception):  # it may be away
            self._stack.close()


def _resolved(address: str) -> str:
    if address != _ENV:
        return address
    found = os.environ.get(_VARIABLE)
    if not found:
        raise UsageError(f"--cluster env: {_VARIABLE} is not set; give the scheduler's address")
    return found


def _security() -> Security | None:
    """Return keys for a cluster on this machine, which other users of it then cannot join; None without `cryptography`."""
    try:
        keys: Security = Security.temporary()
    except ImportError:
        return None
    return keys


def _kill_workers(started: LocalCluster) -> None:
    """Kill the worker processes of a cluster on this machine: asked to end, they would finish their jobs first."""
    for nanny in started.workers.values():
        nanny.auto_restart = False
        pid = None if nanny.process is None else nanny.process.pid
        if pid is not None:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def at_worker(task: bytes, plugins: bool, version: str, folder: str) -> Answered | Failed | Halted:
    """Do a job in a worker's process, in the folder that its paths are relative to."""
    if version != VERSION:
        return Halted(reason=f"a worker has humouse-doctor {VERSION}, and this is {version}; results would differ")
    if not is_folder(Path(folder)):
        return Halted(reason=f"{folder} is not there on a worker's machine; all need the same file system")
    with _ONE_AT_A_TIME, _in(folder):
        work, payload = pickle.loads(task)  # noqa: S301  # nosec B301  # of the client, whose code this process runs anyway
        return done(work, payload, plugins=plugins, to=lambda _: None)


@contextlib.contextmanager
def _in(folder: str) -> Iterator[None]:
    before = os.getcwd()  # noqa: PTH109  # as it is given to chdir
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
