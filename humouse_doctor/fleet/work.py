"""One job's work, wherever it is done: in this process, in a worker's, or on another machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from humouse_doctor.core.errors import DoctorError, MachineError, ordinary
from humouse_doctor.core.text import full_reason
from humouse_doctor.fleet.jobs import P, telling
from humouse_doctor.inputs.files import reads_remembered
from humouse_doctor.probes.plugins import using


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The end of a job that has an answer; `reads` are device and inode of each file that was read for it."""

    answer: bytes
    seconds: float
    reads: frozenset[tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The end of a job that failed by itself, with the reason in one line."""

    reason: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Halted:
    """The end of all jobs: the machine's trouble, which each of them would meet."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Died:
    """The death of the process that a job was run in, in a few words."""

    how: str


@dataclass(frozen=True, slots=True)
class Lost:
    """A job that has not been run, or whose answer is gone, through no fault of its own."""


Outcome = Answered | Failed | Halted | Died | Lost


def done(work: Callable[[P], bytes], payload: P, *, plugins: bool, to: Callable[[object], None]) -> Answered | Failed | Halted:
    """Do the work; `plugins` says whether probes of installed packages are included, `to` is called with what is told."""
    begun = time.monotonic()
    try:
        with using(plugins=plugins), telling(to), reads_remembered() as reads:
            answer = work(payload)
        if not isinstance(answer, bytes):
            raise TypeError(f"an answer of {type(answer).__name__}, not bytes")
    except (MachineError, ImportError, MemoryError) as error:
        return Halted(reason=str(ordinary(error) or full_reason(error)))
    except Exception as error:
        reason = str(error) if isinstance(error, DoctorError) else f"internal error, please report it: {full_reason(error)}"
        return Failed(reason=" ".join(reason.split()), seconds=time.monotonic() - begun)
    return Answered(answer=answer, seconds=time.monotonic() - begun, reads=frozenset(reads))
