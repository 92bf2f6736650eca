"""Measure what a job costs beside its work, and the memory: `python -m tests.lab.fleet.scale [--most 100000] [--cluster]`.

The jobs do nothing and answer with 2 kB. Each line is a process of its own, with a journal that is opened again afterwards.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from humouse_doctor.fleet.crews import crew_for
from humouse_doctor.fleet.jobs import Job
from humouse_doctor.fleet.journal import Journal
from humouse_doctor.fleet.run import run
from tests.lab.fleet.work import nothing


def measured(count: int, workers: int, cluster: str | None) -> None:
    jobs = [Job(f"{number:08x}", str(number), number) for number in range(count)]
    with tempfile.TemporaryDirectory() as folder, crew_for(workers, cluster) as crew:
        path = Path(folder) / "journal"
        list(run(jobs[:2], nothing, crew))  # the workers have started by then
        begun = time.monotonic(), time.process_time()
        with Journal(path) as journal:
            ended = sum(1 for _ in run(jobs, nothing, crew, journal))
        wall, cpu = time.monotonic() - begun[0], time.process_time() - begun[1]
        largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        again = time.process_time()
        with Journal(path) as journal:
            kept = sum(one.kept for one in run(jobs, nothing, crew, journal))
        again = time.process_time() - again
    where = f"cluster {cluster}" if cluster else f"{workers} worker(s)"
    print(
        f"{where:16} {count:7,} jobs: {1e3 * wall / count:7.3f} ms wall and {1e3 * cpu / count:7.3f} ms CPU here each,"
        f" {largest} MiB; ended {ended:,}; kept {kept:,}, {1e3 * again / count:.3f} ms CPU each",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=100_000)
    parser.add_argument("--cluster", action="store_true")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        measured(int(asked.one[0]), int(asked.one[1]), None if asked.one[2] == "-" else asked.one[2])
        return
    counts = [count for count in (1_000, 10_000, 100_000) if count <= asked.most]
    for workers, cluster in ((1, "-"), (2, "-"), *(((2, "local"),) if asked.cluster else ())):
        for count in counts:
            words = ["-m", "tests.lab.fleet.scale", "--one", str(count), str(workers), cluster]
            subprocess.run([sys.executable, *words], check=True)


if __name__ == "__main__":
    main()
