from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.lab.faults.commands import GATE, HTML, JSON, SUGGEST, UMASK, VERIFY, Command, Scene, State, Violation
from tests.lab.faults.launcher import IN_PLACE

_ROOT = Path(__file__).parents[3]
#: Imports of a verify, and what makes its trials without training.
_TRAINING = ("humouse_doctor.verify.verification", "tests.lab.faults.no_training")


class Ended(NamedTuple):
    status: int
    events: int
    opened: int


class Server:
    """A process that forks for every command it is given."""

    def __init__(self, planted: str = "", modules: Iterable[str] = ()) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": str(_ROOT),
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "PLANTED_FAULT": planted,
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.lab.faults.launcher", "serve", *modules],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, umask=UMASK,
        )  # fmt: skip

    def run(self, scene: Scene, kill: str) -> Ended:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        job = {"folder": str(scene.folder), "kill": kill, "arguments": scene.command.arguments}
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        told = json.loads(self._process.stdout.readline())
        return Ended(told["status"], *(told["counts"] or (0, 0)))

    def close(self) -> None:
        self._process.communicate(timeout=300)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    started = Server()
    yield started
    started.close()


@pytest.fixture
def training_server() -> Iterator[Server]:
    started = Server(modules=_TRAINING)
    yield started
    started.close()


def violated(scene: Scene) -> str | None:
    try:
        scene.state()
    except Violation as violation:
        return str(violation)
    return None


def every_death(server: Server, command: Command, folder: Path) -> Iterator[tuple[str, Ended, Scene]]:
    """Kill the command at each of its points in turn, from the same files each time."""
    scene = Scene(command, folder / "scene")
    scene.reset()
    whole = server.run(scene, "never")
    assert whole.status == command.code
    scene.remember()
    sizes = sorted({0, 1, *(len(content) // 2 for content in scene.new.values())})
    places = [f"event:{event}" for event in range(1, whole.events + 1)]
    places += [f"bytes:{opened}:{size}" for opened in range(1, whole.opened + 1) for size in sizes]
    for place in places:
        scene.reset()
        yield place, server.run(scene, place), scene


@pytest.mark.parametrize("command", [SUGGEST, JSON, GATE, HTML], ids=lambda command: command.name)
def test_wherever_a_command_is_killed_every_file_is_the_old_one_or_the_new_one(
    command: Command, server: Server, tmp_path: Path
) -> None:
    states: list[State] = []
    for place, ended, scene in every_death(server, command, tmp_path):
        assert ended.status in (-signal.SIGKILL, -signal.SIGXFSZ), place
        states.append(scene.state())

    assert {state.new for state in states} == {0, 1}
    assert any(state.temporaries for state in states)
    assert states[0] == State(0, (), 0)


def test_wherever_verify_is_killed_what_it_keeps_is_whole(training_server: Server, tmp_path: Path) -> None:
    states: list[State] = []
    for place, ended, scene in every_death(training_server, VERIFY, tmp_path):
        assert ended.status in (-signal.SIGKILL, -signal.SIGXFSZ), place
        states.append(scene.state())

    assert {state.new for state in states} == {0, 1}
    assert any(state.temporaries and state.new for state in states)
    assert states[0] == State(0, (), 0)


@pytest.mark.parametrize("command", [SUGGEST, JSON, GATE, HTML], ids=lambda command: command.name)
def test_at_whatever_moment_a_command_is_killed_every_file_is_the_old_one_or_the_new_one(
    command: Command, server: Server, tmp_path: Path
) -> None:
    scene = Scene(command, tmp_path / "scene")
    scene.reset()
    start = time.monotonic()
    assert server.run(scene, "never").status == command.code
    microseconds = int(1e6 * (time.monotonic() - start))
    scene.remember()
    chance = random.Random(0)
    killed = 0
    for _ in range(25):
        scene.reset()
        moment = chance.randrange(microseconds)
        ended = server.run(scene, f"after:{moment}")
        state = scene.state()
        assert ended.status == -signal.SIGKILL or (ended.status, state.new) == (command.code, 1), moment
        killed += ended.status == -signal.SIGKILL

    assert killed > 0


def test_the_next_run_goes_well_whatever_the_last_one_left(server: Server, tmp_path: Path) -> None:
    for _, _, scene in every_death(server, GATE, tmp_path):
        assert server.run(scene, "never").status == GATE.code
        assert scene.state().new == 1


def test_a_file_that_is_written_in_place_is_found_out(tmp_path: Path) -> None:
    planted = Server(IN_PLACE)
    found = []
    for place, _, scene in every_death(planted, JSON, tmp_path):
        violation = violated(scene)
        if violation is not None:
            found.append((place.partition(":")[0], violation))
    planted.close()

    assert {kind for kind, _ in found} == {"bytes"}
    assert all("report.json is neither the old one nor the new one" in words for _, words in found)


def test_a_fault_run_counts_its_rounds_and_fails_on_what_it_finds() -> None:
    words = [sys.executable, "-m", "tests.lab.faults", "--plant", IN_PLACE, "--rounds", "2"]

    ended = subprocess.run(words, cwd=_ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert "neither the old one nor the new one" in ended.stdout
    assert ended.stdout.splitlines()[-1].split()[:2] == ["2", "rounds"]
