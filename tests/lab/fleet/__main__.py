"""Measure many runs: `python -m tests.lab.fleet FOLDER COUNT [--only serial,pool,dask,bare,memory]`.

COUNT runs are made in FOLDER (see `runs`), and looked at by `gate --quick`, once each way: in one process, with two workers,
with two workers of a Dask cluster, and by a plain loop over the probes. Wall, CPU seconds and the largest memory of the
program's own process are printed, and whether all wrote the same bytes. Run it on a quiet machine.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from humouse_doctor.cases.request import Request
from humouse_doctor.fleet.jobs import Ended
from humouse_doctor.fleet.journal import Journal
from humouse_doctor.fleet.keys import Keys
from humouse_doctor.service.gate import look
from tests.lab.fleet.runs import TURNS, make

WAYS = {"serial": ("--workers", "1"), "pool": ("--workers", "2"), "dask": ("--workers", "2", "--cluster", "local")}
BARE = """
import sys
from pathlib import Path
from humouse_doctor.cases.request import Request
from humouse_doctor.service.commands import report_on
for name in sys.argv[1:]:
    report_on(Request(checkpoint=Path(name), quick=True))
"""


def timed(label: str, words: list[str]) -> tuple[float, float]:
    """Run a command; print and return its wall and its CPU seconds."""
    begun = time.monotonic()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    largest = 0
    while True:
        ended, status, used = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        try:
            lines = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines()
            largest = max(largest, *(int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
        except OSError:
            pass
        time.sleep(0.2)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall, cpu = time.monotonic() - begun, used.ru_utime + used.ru_stime
    code, load = process.returncode, os.getloadavg()[0]
    print(f"{label:24} wall {wall:7.1f} s  CPU {cpu:7.1f} s  {largest >> 10:5} MiB  exit {code}  load {load:.1f}", flush=True)
    return wall, cpu


def gated(label: str, runs: list[Path], *options: str) -> tuple[float, float]:
    return timed(label, [sys.executable, "-m", "humouse_doctor", "gate", *map(str, runs), "--quick", *options])


def memory(runs: list[Path], folder: Path) -> None:
    """Print the memory of a gate whose journal has all its answers, which are those of the first runs."""
    answers = [look(Request(checkpoint=run, quick=True)) for run in runs[: len(TURNS)]]
    for count in (len(runs) // 10, len(runs)):
        path = folder / f"kept-{count}.jsonl"
        path.unlink(missing_ok=True)
        with Journal(path) as journal:
            keys = Keys()
            for number, run in enumerate(runs[:count]):
                key = keys.of(Request(checkpoint=run, quick=True))
                journal.add(Ended(key, str(run), answers[number % len(TURNS)], None, 1.0))
        gated(f"kept, {count} runs", runs[:count], "--journal", str(path), "-o", f"json={folder}/kept.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("--only", default="bare,serial,pool,dask")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    runs = make(asked.folder / "runs", asked.count)
    spent: dict[str, tuple[float, float]] = {}
    for way in asked.only.split(","):
        if way == "memory":
            memory(runs, asked.folder)
        elif way == "bare":
            spent[way] = timed(way, [sys.executable, "-c", BARE, *map(str, runs)])
        else:
            spent[way] = gated(way, runs, *WAYS[way], "-o", f"json={asked.folder}/{way}.json")
    files = [asked.folder / f"{way}.json" for way in spent if way in WAYS]
    if len(files) > 1:
        print("same bytes:", len({file.read_bytes() for file in files}) == 1)
    for way, (wall, cpu) in spent.items():
        for other in ("bare", "serial", "pool"):
            if other in spent and other != way:
                print(f"{way} / {other}: wall {wall / spent[other][0]:.2f}, CPU {cpu / spent[other][1]:.2f}")


if __name__ == "__main__":
    main()
