"""Work through the zoo's tasks with the tool's own crews: a worker that dies costs its task one retry, and no other."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from humouse_doctor.fleet.crews import crew_for
from humouse_doctor.fleet.jobs import Job
from humouse_doctor.fleet.run import run

T = TypeVar("T")
_NICENESS = 10


def each(tasks: Sequence[T], work: Callable[[T], str], workers: int, say: Callable[[str], None]) -> None:
    """Call a module's function with each task, `workers` at a time (1: in this process), and say the lines it returns."""
    jobs = [Job(f"{number:08x}", f"task {number}", (work, task, os.getpid())) for number, task in enumerate(tasks)]
    for at, ended in enumerate(run(jobs, _line, crew_for(workers)), start=1):
        line = f"FAILED: {ended.failure}" if ended.answer is None else ended.answer.decode()
        say(f"[{at}/{len(jobs)}] {line}")


def _line(asked: tuple[Callable[[T], str], T, int]) -> bytes:
    work, task, parent = asked
    if os.getpid() != parent:  # a worker is a background process, of low priority
        os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)
    torch.set_num_threads(1)
    return work(task).encode()
