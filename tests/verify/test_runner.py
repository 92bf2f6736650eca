from __future__ import annotations

import os
import pickle
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.outcome import AS_IT_IS, Trial
from humouse_doctor.fleet.crews import crew_for
from humouse_doctor.probes.plugins import using
from humouse_doctor.stored.outcome import parse_trial
from humouse_doctor.verify.bench import Bench, Job, OnPulse, ignore_pulse
from humouse_doctor.verify.runner import Runner, _Task, made
from humouse_doctor.verify.trial_store import TrialStore
from tests.verify.builders import GATES, outcome, trial
from tests.verify.runs import Listener, QuickMaker


@contextmanager
def runner(workers: int) -> Iterator[tuple[Runner, Listener]]:
    told = Listener()
    with crew_for(workers) as crew:
        yield Runner(maker=QuickMaker(), store=TrialStore(None, outcome()), listener=told, crew=crew), told


def jobs(seeds: Sequence[int], steps: int = 3) -> list[Job]:
    return [Job(arm=GATES, seed=seed, steps=steps) for seed in seeds]


def test_trials_come_in_the_order_of_their_jobs_and_are_made_once() -> None:
    with runner(1) as (made, told):
        first = made.trials(jobs([4, 2, 3]))
        again = made.trials(jobs([2, 5, 4, 2]))

        assert [one.seed for one in first] == [4, 2, 3]
        assert [one.seed for one in again] == [2, 5, 4, 2]
        assert again[0] == first[1]
        assert [seed for _, seed in told.taken_up] == [4, 2, 3, 5]
        assert [one.seed for one in made.made] == [4, 2, 3, 5]
        assert {one.measurements["process"] for one in first} == {float(os.getpid())}


def test_every_step_is_told_as_it_is_taken() -> None:
    with runner(1) as (made, told):
        made.trials(jobs([0], steps=4))

        assert [pulse.step for pulse in told.pulses] == [1, 2, 3, 4]


def test_several_trials_at_a_time_are_made_elsewhere_in_order_and_one_whose_process_dies_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if sys.version_info >= (3, 11):
        for name in ("multiprocessing", "pickle", "torch", "humouse_doctor"):  # of which none is imported
            Path(f"{name}.py").write_text("raise SystemExit('planted')\n")
    before = dict(os.environ)
    with runner(2) as (made, told), using(plugins=False):
        found = made.trials(jobs([4, 2, 3, 1]))

        assert [one.seed for one in found] == [4, 2, 3, 1]
        processes = {one.measurements["process"] for one in found}
        assert float(os.getpid()) not in processes
        assert len(processes) <= 2
        assert {one.measurements["plugins"] for one in found} == {0.0}  # as it was chosen here
        assert {one.measurements["deaf to SIGINT"] for one in found} == {1.0}  # a terminal sends it to all
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        assert {one.measurements["threads"] for one in found} == {1.0}
        assert sorted(one.seed for one in told.over) == [1, 2, 3, 4]
        assert sorted(one.seed for one in made.made) == [1, 2, 3, 4]

        again = made.trials(jobs([1, 13, 6, 7]))

        assert again[0] == found[3]
        assert again[1].failed == "its process died twice (exit status 1)"
        assert [one.failed for one in again[2:]] == [None, None]
        assert {one.measurements["process"] for one in again[2:]} & processes  # one takes seconds to start
        assert made.store.find(jobs([13])[0]) is None  # it is tried again
    assert dict(os.environ) == before


def test_a_trial_travels_between_processes() -> None:
    one = trial(AS_IT_IS, 3)

    assert pickle.loads(pickle.dumps(one)) == one


class Clocked(Bench):
    """A bench whose trials say how long there is until their deadline."""

    def run(self, job: Job, on_pulse: OnPulse = ignore_pulse) -> Trial:
        assert self.deadline is not None
        return Trial(arm="", seed=0, planned=1, measurements=MappingProxyType({"left": self.deadline - time.monotonic()}))


def test_a_deadline_holds_on_a_machine_whose_clock_began_elsewhere() -> None:
    nothing: Any = None
    bench = Clocked(config=Path(), overrides=(), read=nothing, gestures=nothing, base_steps=1, deadline=-1e9)
    task = _Task(maker=bench, job=jobs([0])[0], seconds_left=100.0, at=time.time() - 40.0)

    found = parse_trial(made(pickle.loads(pickle.dumps(task))))

    assert found.measurements["left"] == pytest.approx(60.0, abs=5.0)


@pytest.mark.parametrize("answer", [b"", b"{}", b"\xff", b'{"arm": 1}'])
def test_an_answer_that_is_no_trial_is_refused(answer: bytes) -> None:
    with pytest.raises(InputError, match="has not answered with a trial"):
        parse_trial(answer)
