"""Time a few steps of a run's warm-up, so that a slow machine gets shorter trials."""

from __future__ import annotations

import time
from dataclasses import replace

from humouse_doctor.core.outcome import AS_IT_IS
from humouse_doctor.networks.numerics import one_thread
from humouse_doctor.training.warm_up import train
from humouse_doctor.verify.bench import Bench

_TIMED_STEPS = 3


def seconds_per_step(bench: Bench) -> float:
    """Return the wall time of one step of the run as it is, in seconds."""
    with one_thread():
        rehearsal = bench.rehearsal(replace(bench.job(AS_IT_IS, 0), steps=1))
        train(rehearsal.warm_up, rehearsal.targets, rehearsal.conditions)  # the first step includes torch's own start
        begun = time.monotonic()
        timed = replace(rehearsal.warm_up, steps=_TIMED_STEPS)
        train(timed, rehearsal.targets, rehearsal.conditions)
        return (time.monotonic() - begun) / _TIMED_STEPS
