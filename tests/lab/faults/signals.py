"""Interrupt commands at many points: `python -m tests.lab.faults.signals --step 0.02 --until 2 --only probes,inspect`.

SIGINT goes to the whole process group, as from a terminal; SIGTERM goes to the program alone. An interrupted command must
end soon with 130 or 143 and one line, leaving no child and no partial file. A signal that comes before the interpreter has
reached this package gets Python's own answer, and is counted separately. Exits with 1 if anything else was seen.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from humouse_doctor.fleet.journal import Journal
from humouse_doctor.stored import outcome
from tests.conftest import small_run
from tests.verify.runs import is_running, write_config, write_data

_ROOT = Path(__file__).parents[3]
_MARK = "HUMOUSE_DOCTOR_SWEEP"
#: The time limits for a command to end, and for its children after it, on a busy machine.
_PATIENCE_S, _GRACE_S = 20.0, 2.0
_LINES = {signal.SIGINT: "humouse-doctor: interrupted", signal.SIGTERM: "humouse-doctor: terminated"}
_SIGNALS = {"INT": signal.SIGINT, "TERM": signal.SIGTERM}
_TINY = ("--data", "gestures.npz", "--max-sequences", "64")
_VERIFY = ("verify", "run.yaml", *_TINY, "--steps", "200", "--seeds", "4", "--patch", "slow-gates", "--outcome", "kept.json")
_TRAINER = ("--trainer", f"{sys.executable} sleeper.py {{overrides}}", "--trainer-checkpoint", "left.pt")
COMMANDS: Mapping[str, Sequence[str]] = {
    "probes": ("probes",),
    "explain": ("explain", "HD201"),
    "show": ("show", "report.json"),
    "preflight": ("preflight", "run.yaml", *_TINY, "-o", "html=report.html"),
    "suggest-config": ("suggest-config", "-c", "run.yaml", *_TINY, "--write"),
    "inspect": ("inspect", "trained", "-o", "json=inspected.json"),
    "gate": ("gate", "trained", "run.yaml", "--write-baseline", "known.json"),
    "gate-many": ("gate", "trained", "run.yaml", "--workers", "2", "--journal", "kept.jsonl"),
    "demo": ("demo",),
    "verify": (*_VERIFY, "--workers", "2"),
    "verify-trainer": (*_VERIFY, *_TRAINER),
}
_SLEEPER = """\
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
time.sleep(600)
"""


def prepare(folder: Path) -> None:
    """Write the files that the commands read."""
    folder.mkdir()
    write_config(folder)
    write_data(folder)
    small_run("sick", folder / "trained")
    (folder / "sleeper.py").write_text(_SLEEPER, encoding="utf-8")
    words = [sys.executable, "-m", "humouse_doctor", "preflight", "run.yaml", *_TINY, "-f", "json"]
    told = subprocess.run(words, cwd=folder, env=_environment(folder), capture_output=True, check=False)
    (folder / "report.json").write_bytes(told.stdout)


def _environment(folder: Path) -> dict[str, str]:
    caches = {"PYTHONPATH": str(_ROOT)}
    return {**os.environ, **caches, "TMPDIR": str(folder / "tmp"), _MARK: str(folder), "OMP_NUM_THREADS": "1"}


def _left(session: int, mark: str) -> Iterator[str]:
    """Return the running processes of a session, or with the mark in their environment."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid() or not is_running(int(entry.name)):
            continue
        try:
            fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            marked = f"{_MARK}={mark}\0".encode() in (entry / "environ").read_bytes()
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if int(fields[3]) == session or marked:
            yield f"{entry.name} {words[:80]}"


@dataclass(slots=True)
class Sweep:
    """The results of all interruptions."""

    origin: Path
    folder: Path
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    slowest: dict[str, float] = field(default_factory=dict)
    first: dict[tuple[str, str], float] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def once(self, name: str, number: signal.Signals, after: float) -> bool:
        """Interrupt a command after `after` seconds; return False if it had ended by then."""
        if self.folder.exists():
            shutil.rmtree(self.folder)
        shutil.copytree(self.origin, self.folder)
        (self.folder / "tmp").mkdir()
        process = subprocess.Popen(
            [sys.executable, "-m", "humouse_doctor", *COMMANDS[name]], cwd=self.folder, env=_environment(self.folder),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        time.sleep(after)
        running = process.poll() is None
        begun = time.monotonic()
        if running:
            os.killpg(process.pid, number) if number is signal.SIGINT else process.send_signal(number)
        try:
            out, err = process.communicate(timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._violated(name, number, after, f"alive after {_PATIENCE_S:g} s")
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
        took = time.monotonic() - begun
        while (left := list(_left(process.pid, str(self.folder)))) and time.monotonic() - begun < took + _GRACE_S:
            time.sleep(0.02)
        if left:
            self._violated(name, number, after, f"left {left}")
            for line in left:
                os.kill(int(line.split()[0]), signal.SIGKILL)
        if running:
            self.slowest[name] = max(self.slowest.get(name, 0.0), took)
        phase = self._phase(number, process.returncode, out, err)
        if phase is None:
            self._violated(name, number, after, f"exit {process.returncode}, stderr {err[-600:]!r}")
            phase = "WRONG"
        if phase == "interrupted":
            self.first.setdefault((name, number.name), after)
        self.counts[name, number.name, phase] += 1
        for found in self._wrong_files():
            self._violated(name, number, after, found)
        return running

    @staticmethod
    def _phase(number: signal.Signals, code: int, out: str, err: str) -> str | None:
        lines = [line for line in err.splitlines() if not line.startswith(("... ", "demo: ")) and " report in " not in line]
        if code == 128 + number:
            return "interrupted" if lines == [_LINES[number]] else None
        ours = "/humouse_doctor/" in err  # pip's finder of an editable install has the name too, and runs before this package
        if code in (-number, 1) and not ours and not out and (err == "" or "KeyboardInterrupt" in err):
            return "before this package was reached"
        return "ended before" if code in (0, 1) and "Traceback" not in err else None

    def _wrong_files(self) -> Iterator[str]:
        known = {path.name for path in self.origin.iterdir()} | {"tmp", "verify-logs", "run.yaml.bak"}
        written = {"report.html", "inspected.json", "known.json", "kept.json", "kept.jsonl", "humouse-doctor-demo"}
        for path in self.folder.iterdir():
            if path.name not in known | written:
                yield f"a file is left: {path.name}"
        yield from (
            f"left in the temporary folder: {path.name}" for path in (self.folder / "tmp").iterdir() if not _is_foreign(path)
        )
        if (self.folder / "kept.json").exists():
            outcome.read(self.folder / "kept.json")
        if (self.folder / "kept.jsonl").exists():
            Journal(self.folder / "kept.jsonl").close()

    def _violated(self, name: str, number: signal.Signals, after: float, words: str) -> None:
        self.violations.append(f"{name}, {number.name} after {after:.2f} s: {words}")
        print(f"VIOLATED: {self.violations[-1]}", flush=True)


def _is_foreign(path: Path) -> bool:
    """Return True for a file that torch leaves in the temporary folder."""
    return re.match(r"torchinductor_|pymp-", path.name) is not None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.faults.signals", description=__doc__)
    parser.add_argument("--step", type=float, default=0.02)
    parser.add_argument("--start", type=float, default=0.0)
    parser.add_argument("--until", type=float, default=2.0)
    parser.add_argument("--only", default=",".join(COMMANDS))
    parser.add_argument("--signals", default="INT,TERM")
    parser.add_argument("--seconds", type=float, default=1e9, help="stop after these")
    options = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder, "origin"))
        sweep = Sweep(Path(folder, "origin"), Path(folder, "scene"))
        for name in options.only.split(","):
            for number in (_SIGNALS[one] for one in options.signals.split(",")):
                after = options.start
                while after <= options.until and time.monotonic() - start < options.seconds and sweep.once(name, number, after):
                    after += options.step
    for (name, of, phase), count in sorted(sweep.counts.items()):
        print(f"{count:6,}  {name}, {of}: {phase}")
    print("first interrupted after", {f"{name} {of}": round(after, 2) for (name, of), after in sweep.first.items()})
    print("slowest to end", {name: round(took, 2) for name, took in sweep.slowest.items()})
    print(f"{sum(sweep.counts.values()):6,}  signals in {time.monotonic() - start:.0f} s, {len(sweep.violations)} violations")
    return 1 if sweep.violations else 0


if __name__ == "__main__":
    sys.exit(main())
