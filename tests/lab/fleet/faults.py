"""Kill what does the work, and count what is lost: `python -m tests.lab.fleet.faults [pool ...] --rounds 100`.

`pool`, `dask`   rounds of 30 jobs, in each of which one or two workers are killed at random moments
`restart`        a scheduler and its workers are killed in the middle of 60 jobs, and started again
`parent`         the program is killed in the middle; what is left of its processes is counted, and the journal goes on
`full`           the journal's disk is full in the middle; then there is room again
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from humouse_doctor.core.errors import DoctorError
from humouse_doctor.fleet.crews import Crew, cluster, local
from humouse_doctor.fleet.jobs import Job
from humouse_doctor.fleet.journal import Journal
from humouse_doctor.fleet.run import run
from tests.lab.fleet.work import slept
from tests.verify.runs import is_running

_JOBS = 30


def _jobs(count: int) -> list[Job[int]]:
    return [Job(f"{number:08x}", f"job {number}", number) for number in range(count)]


def _workers(parent: int) -> list[int]:
    """Return the worker processes below `parent`."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes()
            above = int((entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
        except OSError:
            continue
        if above == parent and b"spawn_main" in words:
            found.append(int(entry.name))
    return found


def _kill(moments: Sequence[float], over: threading.Event, seen: Counter[str]) -> None:
    """Kill a worker after each of `moments`, in seconds, until it is `over`."""
    for moment in moments:
        workers = [] if over.wait(moment) else _workers(os.getpid())
        if workers:
            os.kill(random.choice(workers), signal.SIGKILL)
            seen["kills"] += 1


def killed_at_random(crew: Crew, rounds: int, seed: int) -> None:
    chance, seen = random.Random(seed), Counter[str]()
    begun = time.monotonic()
    with crew, tempfile.TemporaryDirectory() as folder:
        list(run(_jobs(2), slept, crew))
        for number in range(rounds):
            over = threading.Event()
            moments = [chance.uniform(0, 0.3) for _ in range(chance.choice((1, 2)))]
            killer = threading.Thread(target=_kill, args=(moments, over, seen))
            killer.start()
            path = Path(folder) / f"{number}.jsonl"
            with Journal(path) as journal:
                ends = list(run(_jobs(_JOBS), slept, crew, journal))
            over.set()
            killer.join()
            right = {one.key for one in ends if one.answer and json.loads(one.answer)["square"] == int(one.key, 16) ** 2}
            with Journal(path) as journal:
                again = list(run(_jobs(_JOBS), slept, crew, journal))
            seen["rounds"] += 1
            seen["jobs"] += _JOBS
            seen["answered"] += len(right)
            seen["answered twice"] += len(ends) - len({one.key for one in ends})
            seen["died twice"] += sum(one.failure is not None for one in ends)
            seen["lost"] += _JOBS - len({one.key for one in ends})
            seen["answered after one more call"] += len({one.key for one in again if one.answer})
    print(f"{type(crew).__name__}: {dict(seen)} in {time.monotonic() - begun:.0f} s", flush=True)


def _cluster(port: int) -> list[subprocess.Popen[bytes]]:
    """Start a scheduler and two workers, in processes of their own."""
    where = f"tcp://127.0.0.1:{port}"
    words = [
        ["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"],
        *[["distributed.cli.dask_worker", where, "--nthreads", "1", "--no-dashboard"]] * 2,
    ]
    silent = subprocess.DEVNULL
    return [
        subprocess.Popen([sys.executable, "-m", *each], stdout=silent, stderr=silent, start_new_session=True) for each in words
    ]


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def restarted() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    processes = _cluster(port)
    deadline = time.monotonic() + 120
    while True:
        try:
            crew = cluster(f"tcp://127.0.0.1:{port}")
            break
        except DoctorError:
            if time.monotonic() > deadline:
                raise
    ends, begun = [], time.monotonic()
    try:
        with crew:
            for one in run(_jobs(60), slept, crew):
                ends.append(one)
                if len(ends) == 20:
                    _end(processes)
                    processes = _cluster(port)
    finally:
        _end(processes)
    answered, twice = len({one.key for one in ends if one.answer}), len(ends) - len({one.key for one in ends})
    print(f"restart: {answered} of 60 answered, {twice} twice, in {time.monotonic() - begun:.0f} s", flush=True)


_PARENT = """
import sys
from pathlib import Path
from humouse_doctor.fleet.crews import crew_for
from humouse_doctor.fleet.journal import Journal
from humouse_doctor.fleet.run import run
from tests.lab.fleet.faults import _jobs
from tests.lab.fleet.work import slept
if __name__ == "__main__":
    with Journal(Path(sys.argv[1])) as journal, crew_for(2, None if sys.argv[2] == "pool" else "local") as crew:
        for number, one in enumerate(run(_jobs(400), slept, crew, journal)):
            print(number, one.kept, flush=True)
"""


def parent_killed(kind: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        script, path = Path(folder) / "parent.py", Path(folder) / "journal"
        script.write_text(_PARENT, encoding="utf-8")
        words = [sys.executable, str(script), str(path), kind]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
        process = subprocess.Popen(words, stdout=subprocess.PIPE, env=environment)
        assert process.stdout is not None
        for _ in range(100):
            process.stdout.readline()
        below = _workers(process.pid)
        process.kill()
        process.wait()
        begun = time.monotonic()
        while any(map(is_running, below)) and time.monotonic() < begun + 60:
            time.sleep(0.05)
        took, left = time.monotonic() - begun, sum(map(is_running, below))
        with Journal(path) as journal:
            kept = len(journal)
        told = subprocess.run(words, capture_output=True, env=environment, check=True).stdout.decode().splitlines()
        again = sum(line.endswith("True") for line in told)
        print(
            f"parent killed ({kind}): {len(below)} workers, {left} left after {took:.1f} s; {kept} kept, {again} of them taken"
            f" from the journal, {len(told)} of 400 ended",
            flush=True,
        )


def disk_full() -> None:
    import resource

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal"
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, limits[1]))
        said = ""
        try:
            with Journal(path) as journal, local(2) as crew:
                list(run(_jobs(100), slept, crew, journal))
        except DoctorError as error:
            said = str(error).replace(folder, "...")
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        with Journal(path) as journal, local(2) as crew:
            kept, ends = len(journal), list(run(_jobs(100), slept, crew, journal))
    taken = sum(one.kept for one in ends)
    print(f"full: {said!r}; then {taken} of {kept} kept taken, {sum(one.answer is not None for one in ends)} of 100 answered")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["pool", "parent", "full", "restart", "dask"])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0, help="of the moments at which workers are killed")
    asked = parser.parse_args()
    for what in asked.what:
        match what:
            case "pool":
                killed_at_random(local(2), asked.rounds, asked.seed)
            case "dask":
                killed_at_random(cluster("local", 2), asked.rounds, asked.seed)
            case "restart":
                restarted()
            case "parent":
                parent_killed("pool")
                parent_killed("dask")
            case "full":
                disk_full()


if __name__ == "__main__":
    main()
