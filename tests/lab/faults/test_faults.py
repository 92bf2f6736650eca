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

from tests.lab.faults.__main__ import main
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


def violated(scene: Scene, left: Path) -> str | None:
    try:
        scene.state(left)
    except Violation as violation:
        return str(violation)
    return None


def shape(state: State) -> tuple[int, int, int]:
    return state.new, len(state.temporaries), state.backups


class Deaths:
    """The points at which a command can be killed, each tried from the same files."""

    def __init__(self, server: Server, command: Command, folder: Path) -> None:
        self.scene = Scene(command, folder / "scene")
        self._server, self._copies = server, folder / "copies"
        self.scene.reset()
        whole = server.run(self.scene, f"copies:{self._copies}")
        assert whole.status == command.code
        self.scene.remember()
        sizes = sorted({0, 1, *(len(content) // 2 for content in self.scene.new.values())})
        self._events = range(1, whole.events + 1)
        self._bytes = [f"bytes:{opened}:{size}" for opened in range(1, whole.opened + 1) for size in sizes]

    def copied(self) -> Iterator[tuple[str, Path]]:
        """Return each point and what a kill leaves there; of a kill between two calls, what one run showed at the second."""
        yield from ((f"event:{event}", self._copies / str(event)) for event in self._events)
        yield from self._killed(self._bytes)

    def killed(self) -> Iterator[tuple[str, Path]]:
        """Return each point and what a kill has left there."""
        yield from self._killed([*(f"event:{event}" for event in self._events), *self._bytes])

    def _killed(self, places: Iterable[str]) -> Iterator[tuple[str, Path]]:
        for place in places:
            self.scene.reset()
            assert self._server.run(self.scene, place).status in (-signal.SIGKILL, -signal.SIGXFSZ), place
            yield place, self.scene.folder


@pytest.mark.parametrize("command", [SUGGEST, JSON, GATE, HTML], ids=lambda command: command.name)
def test_wherever_a_command_is_killed_every_file_is_the_old_one_or_the_new_one(
    command: Command, server: Server, tmp_path: Path
) -> None:
    deaths = Deaths(server, command, tmp_path)
    states: list[State] = [deaths.scene.state(left) for _, left in deaths.copied()]

    assert {state.new for state in states} == {0, 1}
    assert any(state.temporaries for state in states)
    assert states[0] == State(0, (), 0)


def test_wherever_verify_is_killed_what_it_keeps_is_whole(training_server: Server, tmp_path: Path) -> None:
    deaths = Deaths(training_server, VERIFY, tmp_path)
    states: list[State] = [deaths.scene.state(left) for _, left in deaths.copied()]

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
    """And what a kill leaves is what a copy showed of it."""
    deaths = Deaths(server, GATE, tmp_path)
    shown = {place: shape(deaths.scene.state(left)) for place, left in deaths.copied()}
    for place, left in deaths.killed():
        assert shape(deaths.scene.state(left)) == shown[place]
        assert server.run(deaths.scene, "never").status == GATE.code
        assert deaths.scene.state().new == 1


def test_a_file_that_is_written_in_place_is_found_out(tmp_path: Path) -> None:
    planted = Server(IN_PLACE)
    found = []
    deaths = Deaths(planted, JSON, tmp_path)
    for place, left in deaths.copied():
        violation = violated(deaths.scene, left)
        if violation is not None:
            found.append((place.partition(":")[0], violation))
    planted.close()

    assert {kind for kind, _ in found} == {"bytes"}
    assert all("report.json is neither the old one nor the new one" in words for _, words in found)


def test_a_fault_run_counts_its_rounds_and_fails_on_what_it_finds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["faults", "--plant", IN_PLACE, "--rounds", "1"])

    assert main() == 1

    out = capsys.readouterr().out
    assert "neither the old one nor the new one" in out
    assert out.splitlines()[-1].split()[:2] == ["1", "rounds"]
