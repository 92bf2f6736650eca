from __future__ import annotations

import errno
import hashlib
import json
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from humouse_doctor.core.errors import MachineError
from humouse_doctor.fleet.crews import Crew, alone, crew_for, local
from humouse_doctor.fleet.jobs import Ended, Job, shard, tell
from humouse_doctor.fleet.journal import Journal
from humouse_doctor.fleet.run import run
from humouse_doctor.inputs.files import reads_remembered
from humouse_doctor.probes.plugins import using
from tests.fleet.works import double, varied


def jobs(*payloads: str) -> list[Job[str]]:
    return [Job(hashlib.sha256(one.encode()).hexdigest(), one.split()[0], one) for one in payloads]


@dataclass(slots=True)
class Heard:
    started_: list[str] = field(default_factory=list)
    pulses: list[tuple[str, object]] = field(default_factory=list)

    def started(self, job: Job[str]) -> None:
        self.started_.append(job.name)

    def moved(self, job: Job[str], pulse: object) -> None:
        self.pulses.append((job.name, pulse))


def by_name(ends: Sequence[Ended]) -> dict[str, Ended]:
    assert len({one.name for one in ends}) == len(ends)
    return {one.name: one for one in ends}


def test_jobs_end_in_this_process_one_by_one_and_a_failure_is_its_jobs_own(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"")
    heard = Heard()
    with reads_remembered() as reads:
        ends = list(
            run(jobs("look", "fail", "refuse runs/3", f"read {tmp_path}/data", "tell 1 2"), varied, alone(), None, heard)
        )

    assert [one.name for one in ends] == heard.started_ == ["look", "fail", "refuse", "read", "tell"]
    assert heard.pulses == [("tell", "1"), ("tell", "2")]
    assert [one.failure for one in ends] == [
        None, "internal error, please report it: ValueError: on purpose", "runs/3: refused", None, None,
    ]  # fmt: skip
    assert json.loads(ends[0].answer or b"")["process"] == os.getpid()
    status = (tmp_path / "data").stat()
    assert reads == {(status.st_dev, status.st_ino)}  # so that no result overwrites it
    tell("heard by nobody")


def test_the_machines_trouble_ends_everything_and_names_the_job(tmp_path: Path) -> None:
    with (
        Journal(tmp_path / "kept") as journal,
        pytest.raises(MachineError, match=r"^no-machine: no such library$"),
    ):
        list(run(jobs("look", "no-machine", "fail"), varied, alone(), journal))

    with Journal(tmp_path / "kept") as journal:
        assert len(journal) == 1


def test_a_worker_that_the_system_refuses_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(multiprocessing.get_context("spawn").Process, "start", refused)
    with pytest.raises(MachineError, match=r"^the system gives no further process \(Resource .*\): .* fewer --workers$"):
        list(run([Job("0", "a", 1)], double, local(2)))


def test_what_the_journal_has_comes_first_and_failures_are_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    with Journal(path) as journal, closing(run(jobs("look", "fail", "tell"), varied, alone(), journal)) as ends:
        first = [next(ends), next(ends)]  # and an interruption

    with Journal(path) as journal:
        again = list(run(jobs("tell", "fail", "look"), varied, alone(), journal))

    assert [(one.name, one.kept) for one in again] == [("look", True), ("tell", False), ("fail", False)]
    assert again[0].answer == first[0].answer
    assert path.read_text().count('"name": "fail"') == 2


def test_two_jobs_with_one_key_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="two jobs have the same key"):
        list(run(jobs("look", "look"), varied, alone()))


def test_every_job_is_in_one_shard_and_stays_there_when_others_come() -> None:
    many = [Job(hashlib.sha256(bytes([one])).hexdigest(), str(one), one) for one in range(200)]

    parts = [shard(many, k, 4) for k in range(1, 5)]

    assert sorted(job.payload for part in parts for job in part) == list(range(200))
    assert all(30 < len(part) < 70 for part in parts)
    assert shard(many[::3], 2, 4) == [job for job in parts[1] if job in many[::3]]
    with pytest.raises(ValueError, match="part 0 of 4"):
        shard(many, 0, 4)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_process_that_dies_costs_its_job_one_more_try_and_the_others_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "script.py"
    script.write_text("raise SystemExit('imported by a worker')\n")
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(script), raising=False)
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    (tmp_path / "data").write_bytes(b"")
    asked = jobs("die", "look", f"die-once {tmp_path}/once", f"read {tmp_path}/data", "fail", "tell 1 2", "sleep 0.01")
    heard, before, threads = Heard(), dict(os.environ), threading.enumerate()

    with local(2) as crew, using(plugins=False), reads_remembered() as reads:
        ends = list(run(asked, varied, crew, listener=heard))
        with pytest.raises(MachineError, match=r"^no-machine: no such library$"):
            list(run(jobs("no-machine"), varied, crew))

    found = by_name(ends)
    assert {name: one.failure for name, one in found.items() if one.failure} == {
        "die": "its process died twice (signal 9: out of memory?)",
        "fail": "internal error, please report it: ValueError: on purpose",
    }
    assert len(found) == len(asked)
    assert {one.name for one in ends[-2:]} == {"die", "die-once"}  # alone, when the others were done
    assert sorted(heard.started_) == sorted(found)
    assert heard.pulses == [("tell", "1"), ("tell", "2")]
    status = (tmp_path / "data").stat()
    assert reads == {(status.st_dev, status.st_ino)}
    seen = [json.loads(one.answer) for one in ends if one.answer]
    assert os.getpid() not in {one["process"] for one in seen}
    assert {(one["deaf"], one["plugins"], one["threads"], one["torch"]) for one in seen} == {(True, False, "1", False)}
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert dict(os.environ) == before
    # no process and no thread is left, whose pipes would be closed as the program ends: that printed a traceback once
    assert (multiprocessing.active_children(), threading.enumerate()) == ([], threads)


def test_answers_depend_on_nobody_who_gives_them() -> None:
    class Backwards(type(alone())):  # type: ignore[misc]  # a crew that has its own order
        @property
        def room(self) -> int:
            return 3

        def put(self, work: object, job: Job[int]) -> None:
            self._waiting.appendleft((work, job))

    many = [Job(f"{one:08x}", str(one), one) for one in range(8)]
    crews: list[Crew] = [alone(), Backwards()]

    first, second = ([(one.name, one.answer) for one in run(many, double, crew)] for crew in crews)

    assert first != second
    assert sorted(first) == sorted(second)


def test_a_crew_is_as_large_as_asked() -> None:
    assert crew_for(1).workers == 1
    assert type(crew_for(1)) is type(alone())
    assert crew_for(3).workers == 3
