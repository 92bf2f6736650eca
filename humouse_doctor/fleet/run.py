"""Run jobs with a crew, so that none is lost and none is answered twice."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace

from humouse_doctor.core.errors import MachineError
from humouse_doctor.fleet.crews import Crew
from humouse_doctor.fleet.jobs import Ended, Job, Listener, P
from humouse_doctor.fleet.journal import Journal
from humouse_doctor.fleet.work import Answered, Died, Failed, Halted, Lost
from humouse_doctor.inputs.files import remember

#: A job that the crew has lost is handed over again, unless as many were lost in a row without an end of any.
_MOST_LOST = 1_000


def run(
    jobs: Sequence[Job[P]],
    work: Callable[[P], bytes],
    crew: Crew,
    journal: Journal | None = None,
    listener: Listener[P] | None = None,
) -> Generator[Ended, None, None]:
    """Yield the end of every job, those that `journal` has an answer of first, and the others in the order in which they end.

    `work` is a function of a module, and returns JSON as bytes, which the caller checks as it would a file. Its exceptions are
    its job's failure, but for the machine's trouble, raised as `MachineError`. Each end is in the journal before it is
    yielded. A job whose process has died is run once more when all others are done, alone, so that it is not blamed for
    another's greed; if the process dies again, that is the job's failure. Failures are tried again by the next call.

    `listener` receives the progress. Raises `ValueError` for two jobs with one key.
    """
    if len({job.key for job in jobs}) < len(jobs):
        raise ValueError("two jobs have the same key")
    left: list[Job[P]] = []
    for job in jobs:
        kept = None if journal is None else journal.find(job.key)
        if kept is None:
            left.append(job)
        else:
            yield replace(kept, name=job.name)
    for ended in _worked_off(left, work, crew, listener):
        if journal is not None:
            journal.add(ended)
        yield ended


def _worked_off(
    jobs: Sequence[Job[P]], work: Callable[[P], bytes], crew: Crew, listener: Listener[P] | None
) -> Iterator[Ended]:
    """Yield the end of every job; only a window of them is with the crew at a time."""
    waiting, suspects = deque(jobs), deque[Job[P]]()
    started, tried = set[str](), set[str]()
    at_work, lost, alone = 0, 0, False

    def hear(job: Job[P], pulse: object) -> None:
        if listener is not None:
            listener.moved(job, pulse)

    with crew:
        try:
            while waiting or suspects or at_work:
                while not alone and ((waiting and at_work < crew.room) or (suspects and not at_work)):
                    alone = not waiting
                    job = suspects.popleft() if alone else waiting.popleft()
                    if listener is not None and job.key not in started:
                        listener.started(job)
                    started.add(job.key)
                    crew.put(work, job)
                    at_work += 1
                for job, outcome in crew.take(hear):
                    at_work, alone = at_work - 1, False
                    match outcome:
                        case Answered():
                            remember(outcome.reads)
                            yield Ended(job.key, job.name, outcome.answer, None, outcome.seconds)
                        case Failed():
                            yield Ended(job.key, job.name, None, outcome.reason, outcome.seconds)
                        case Halted():
                            raise MachineError(f"{job.name}: {outcome.reason}")
                        case Died() if job.key in tried:
                            yield Ended(job.key, job.name, None, f"its process died twice ({outcome.how})", 0.0)
                        case Died():
                            tried.add(job.key)
                            suspects.append(job)
                        case Lost():
                            (suspects if job.key in tried else waiting).appendleft(job)
                    lost = lost + 1 if isinstance(outcome, Lost) else 0
                    if lost > _MOST_LOST:
                        raise MachineError(f"{job.name}: its crew loses it again and again; nothing more is tried")
        finally:
            crew.drop()
