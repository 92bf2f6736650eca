"""Kill commands while they write: `python -m tests.lab.faults --rounds 200`.

Half of the rounds kill the command itself with SIGKILL at a random time; the others kill it at a call that changes its
folder, or in the middle of a file (tests/lab/faults/launcher.py). After each round the folder is checked: every file is
either the old or the new one, with its mode; backups are complete; and at most one temporary file is left. Exits with 1 if
a check fails.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.lab.faults.commands import GATE, HTML, JSON, SUGGEST, UMASK, VERIFY, Command, Scene, State, Violation
from tests.lab.faults.launcher import IN_PLACE

#: The order of the commands; verify gets few turns, since torch makes it slow to start.
_TURNS = (SUGGEST, JSON, GATE, SUGGEST, JSON, GATE, HTML, SUGGEST, JSON, GATE, HTML, SUGGEST, JSON, GATE, VERIFY)
_ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Measured:
    """The measurements of a run that was not killed."""

    seconds: float
    events: int
    opened: int
    largest: int


class Rounds:
    """All rounds of one call: a scene for each command, and the counts."""

    def __init__(self, folder: Path, seed: int, planted: str) -> None:
        self._random = random.Random(seed)
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(_ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PLANTED_FAULT": planted,
        }
        self._scenes = {
            command.name: Scene(command, folder / f"scene{number}") for number, command in enumerate(dict.fromkeys(_TURNS))
        }
        self._measured: dict[str, Measured] = {}
        self.counts: Counter[tuple[str, str]] = Counter()
        self.violations: list[str] = []

    def once(self, command: Command) -> None:
        scene = self._scenes[command.name]
        whole = self._measured.get(command.name) or self._measure(command, scene)
        scene.reset()
        match self._random.choice(("moment", "moment", "event", "bytes")):
            case "moment":
                where = f"after {self._random.uniform(0, 1.05 * whole.seconds):.3f} s"
                code = self._killed_after(command, scene, float(where.split()[1]))
            case "event":
                where = f"event:{self._random.randint(1, whole.events)}"
                code = self._launched(command, scene, where).returncode
            case _:
                where = f"bytes:{self._random.randint(1, whole.opened)}:{self._random.randrange(whole.largest)}"
                code = self._launched(command, scene, where).returncode
        try:
            self._count(command, code, scene.state())
        except Violation as violation:
            self.violations.append(f"{command.name}, killed {where}: {violation}")

    def _count(self, command: Command, code: int, state: State) -> None:
        if code >= 0:
            if code != command.code or not state.new:
                raise Violation(f"it ended by itself with {code}, and {state.new} new files")
            phase = "ended before it was killed"
        elif state.new:
            phase = "killed after: new"
        elif state.temporaries or state.backups:
            phase = "killed during: old"
        else:
            phase = "killed before: old"
        self.counts[command.name, phase] += 1
        if state.temporaries:
            self.counts[command.name, "of these with a temporary file left"] += 1

    def _measure(self, command: Command, scene: Scene) -> Measured:
        scene.reset()
        self._launched(command, scene, "never")  # the first run also fills the libraries' caches
        scene.reset()
        start = time.monotonic()
        ended = self._launched(command, scene, "never")
        seconds = time.monotonic() - start
        if ended.returncode != command.code:
            raise SystemExit(f"{command.name} ended with {ended.returncode}: {ended.stderr}")
        scene.remember()
        _, events, opened = ended.stderr.splitlines()[-1].split()
        largest = max(path.stat().st_size for path in scene.folder.iterdir() if path.suffix != ".npz")
        self._measured[command.name] = Measured(seconds, int(events), int(opened), largest)
        return self._measured[command.name]

    def _launched(self, command: Command, scene: Scene, kill: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "tests.lab.faults.launcher", kill, *command.arguments]
        return subprocess.run(
            words, cwd=scene.folder, env=self._environment, umask=UMASK, capture_output=True, text=True, check=False
        )

    def _killed_after(self, command: Command, scene: Scene, seconds: float) -> int:
        """Kill the command itself after a time; unless a fault is planted, its process does not import the launcher."""
        module = ["tests.lab.faults.launcher", "never"] if self._environment["PLANTED_FAULT"] else ["humouse_doctor"]
        process = subprocess.Popen(
            [sys.executable, "-m", *module, *command.arguments],
            cwd=scene.folder, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            umask=UMASK, start_new_session=True,
        )  # fmt: skip
        try:
            return process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return process.wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.faults", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="the same seed draws the same places")
    parser.add_argument("--plant", choices=[IN_PLACE], default="", help="a fault that must be found")
    options = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        rounds = Rounds(Path(folder), options.seed, options.plant)
        for number in range(options.rounds):
            rounds.once(_TURNS[number % len(_TURNS)])
    for (command, phase), count in sorted(rounds.counts.items()):
        print(f"{count:6,}  {command}: {phase}")
    for violation in rounds.violations:
        print(f"VIOLATED: {violation}")
    print(f"{options.rounds:6,}  rounds in {time.monotonic() - start:.0f} s, {len(rounds.violations)} violations")
    return 1 if rounds.violations else 0


if __name__ == "__main__":
    sys.exit(main())
