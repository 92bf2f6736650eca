"""Crews: who does the jobs. This process, worker processes on this machine, or a Dask cluster."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from humouse_doctor.core.errors import UsageError
from humouse_doctor.fleet.jobs import Job
from humouse_doctor.fleet.work import Outcome, done
from humouse_doctor.probes.plugins import wanted

Work = Callable[[Any], bytes]
#: Receives what the job of this key has told.
Hear = Callable[[Job[Any], object], None]


class Crew(ABC):
    """Workers that take jobs and give them back, ended; within a `with` block they stay for the next jobs.

    The blocks may be nested: the outermost one sends the workers away.
    """

    def __init__(self) -> None:
        self._blocks = 0

    def __enter__(self) -> Crew:
        self._blocks += 1
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._blocks -= 1
        if not self._blocks or kind is not None:
            self.close()

    @property
    @abstractmethod
    def workers(self) -> int:
        """The number of jobs that are worked at at a time."""

    @property
    def room(self) -> int:
        """The number of jobs to hand over at a time."""
        return self.workers

    @abstractmethod
    def put(self, work: Work, job: Job[Any]) -> None:
        """Hand over a job; raise `MachineError` if nobody can take it."""

    @abstractmethod
    def take(self, hear: Hear) -> Sequence[tuple[Job[Any], Outcome]]:
        """Wait until something has happened, call `hear` with what was told, and return the jobs that have ended."""

    @abstractmethod
    def drop(self) -> None:
        """Forget all jobs that have been handed over and have not ended."""

    @abstractmethod
    def close(self) -> None:
        """Send the workers away."""


class Alone(Crew):
    """A crew of this process alone: one job after another; a job that ends the process ends everything."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: deque[tuple[Work, Job[Any]]] = deque()

    @property
    def workers(self) -> int:
        """One: the process itself."""
        return 1

    def put(self, work: Work, job: Job[Any]) -> None:
        """Keep the job until it is asked for."""
        self._waiting.append((work, job))

    def take(self, hear: Hear) -> Sequence[tuple[Job[Any], Outcome]]:
        """Run the job."""
        work, job = self._waiting.popleft()
        return [(job, done(work, job.payload, plugins=wanted(), to=lambda pulse: hear(job, pulse)))]

    def drop(self) -> None:
        """Forget the job."""
        self._waiting.clear()

    def close(self) -> None:
        """Do nothing: there is nobody else."""


def cores() -> int:
    """Return the number of cores that this process may use, as a batch system or taskset has set it."""
    if hasattr(os, "sched_getaffinity"):  # Linux alone
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def alone() -> Crew:
    """Return this process as a crew."""
    return Alone()


def local(workers: int) -> Crew:
    """Return a crew of `workers` processes on this machine, with one thread each; they are started as they are needed."""
    from humouse_doctor.fleet.pool import Pool  # a command whose crew is this process does without multiprocessing

    return Pool(workers)


def cluster(address: str, workers: int = 0) -> Crew:
    """Return the workers of a Dask scheduler as a crew; it is joined at once.

    `address` is that of the scheduler, its file (`.json`), `env` for the one in DASK_SCHEDULER_ADDRESS, or `local` for one that
    is started on this machine, with `workers` processes (0: one per core). Raises `UsageError` without the extra [cluster] or
    without such a scheduler.
    """
    try:
        from humouse_doctor.fleet.cluster import Cluster  # of the extra [cluster]
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("dask", "distributed"):
            raise
        raise UsageError("--cluster needs Dask: pip install 'humouse-doctor[cluster]'") from None
    return Cluster(address, workers)


def crew_for(workers: int = 0, cluster_at: str | None = None) -> Crew:
    """Return the crew that a user asks for: `workers` processes on this machine, 0 for one per core, or a cluster."""
    if cluster_at is not None:
        return cluster(cluster_at, workers)
    count = workers or cores()
    return alone() if count == 1 else local(count)
