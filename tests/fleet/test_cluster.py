from __future__ import annotations

import json
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from humouse_doctor.core.errors import MachineError, UsageError
from humouse_doctor.core.version import VERSION
from humouse_doctor.fleet import crews
from humouse_doctor.fleet.jobs import Job
from humouse_doctor.fleet.run import run
from humouse_doctor.fleet.work import Answered, Failed, Halted
from tests.fleet.test_run import by_name, jobs
from tests.fleet.works import varied

distributed = pytest.importorskip("distributed")
from humouse_doctor.fleet import cluster  # noqa: E402  # it needs Dask

pytestmark = pytest.mark.filterwarnings("ignore")  # Dask's own, of what it uses


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Return the address of a scheduler with one worker, in this process: others take seconds to start."""
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None, silence_logs=50
    ) as started:
        yield started.scheduler_address


def test_a_clusters_workers_do_the_jobs_one_at_a_time(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", address)
    Path("data").write_bytes(b"")

    ends = list(run(jobs("look", "fail", "read data", "tell 1", "sleep 0.01"), varied, crews.crew_for(cluster_at="env")))
    with pytest.raises(MachineError, match=r"^no-machine: no such library$"):
        list(run(jobs("no-machine"), varied, crews.crew_for(cluster_at=address)))
    monkeypatch.setattr(cluster, "at_worker", _of_another_version)
    with pytest.raises(MachineError, match=rf"a worker has humouse-doctor {VERSION}, and this is 0\.0\.1; results would"):
        list(run(jobs("look"), varied, crews.crew_for(cluster_at=address)))

    found = by_name(ends)
    assert len(found) == 5
    assert {name: one.failure for name, one in found.items() if one.failure} == {
        "fail": "internal error, please report it: ValueError: on purpose"
    }
    assert json.loads(found["look"].answer or b"")["process"] == os.getpid()


_AT_WORKER = cluster.at_worker


def _of_another_version(task: bytes, plugins: bool, _: str, folder: str) -> object:
    return _AT_WORKER(task, plugins, "0.0.1", folder)


class Future:
    """One that has ended as a test says."""

    def __init__(self, status: str, error: Exception | None = None, result: object = None) -> None:
        self.status, self._error, self._result = status, error, result

    def exception(self, timeout: float) -> Exception | None:
        return self._error

    def result(self, timeout: float) -> object:
        if self._result is None:
            raise TimeoutError
        return self._result


def test_every_end_of_a_future_is_understood() -> None:
    crew = object.__new__(cluster.Cluster)
    crew._address = "tcp://there"
    killed = distributed.KilledWorker("key", None, 0)

    found = [
        crew._outcome_of(one)
        for one in (
            Future("error", killed),
            Future("error", ModuleNotFoundError("No module named 'humouse_doctor'")),
            Future("cancelled"),
            Future("lost"),
            Future("finished"),  # and gone before it came over
            Future("finished", result={"answer": "{}"}),
            Future("finished", result=Failed(reason="r", seconds=1.0)),
        )
    ]

    assert [type(one).__name__ for one in found] == ["Died", "Halted", "Lost", "Lost", "Lost", "Halted", "Failed"]
    assert "No module named 'humouse_doctor'" in str(found[1])


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    there = cluster.at_worker(pickle.dumps((varied, "look")), False, VERSION, str(tmp_path))
    missing = cluster.at_worker(b"", False, VERSION, str(tmp_path / "missing"))

    assert isinstance(there, Answered)
    assert isinstance(missing, Halted)
    assert missing.reason.endswith("missing is not there on a worker's machine; all need the same file system")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("env", 0), "--cluster env: DASK_SCHEDULER_ADDRESS is not set"),
        (("nonsense", 0), "--cluster nonsense: no Dask scheduler answers there"),
        (("missing.json", 0), "--cluster missing.json: no Dask scheduler answers there"),
        (("tcp://127.0.0.1:9", 2), "--workers: a scheduler has workers of its own"),
    ],
)
def test_a_scheduler_that_is_not_there_is_a_mistake_of_the_command(
    asked: tuple[str, int], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    monkeypatch.setattr(cluster, "_JOIN_S", 0.2)

    with pytest.raises(UsageError, match=said) as refused:
        crews.cluster(*asked)

    assert "\n" not in str(refused.value)


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.delitem(sys.modules, "humouse_doctor.fleet.cluster")
    monkeypatch.setitem(sys.modules, "dask", None)

    with pytest.raises(UsageError, match=r"--cluster needs Dask: pip install 'humouse-doctor\[cluster\]'"):
        crews.crew_for(cluster_at="local")


def test_no_scheduler_is_joined_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def joined(*_: Any) -> None:
        raise AssertionError("joined")

    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:9")
    monkeypatch.setattr(cluster, "_Client", joined)

    with crews.crew_for(1) as crew:
        assert [one.name for one in run([Job("00000001", "a", "look")], varied, crew)] == ["a"]


def test_workers_that_do_not_start_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr(cluster, "LocalCluster", refuse)

    with pytest.raises(MachineError, match=r"--cluster local: Dask's workers did not start \(Nanny failed.*--workers does"):
        crews.crew_for(1, "local")
