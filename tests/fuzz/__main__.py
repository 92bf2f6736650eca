"""Feeds readers with damaged files and watches what becomes of them: `python -m tests.fuzz checkpoints --seconds 60`.

A target makes an input from a seeded random state, reads it, and says how that ended; an input that broke a rule, or is
worth a look, is kept under --keep. Another target is one more line in TARGETS.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.fuzz import checkpoints
from tests.fuzz.target import Failure, Outcome, Target

TARGETS: dict[str, type[Target]] = {"checkpoints": checkpoints.Checkpoints}


FAILED = "BROKE THE RULES: "


def tried(target: Target) -> Outcome:
    try:
        return target.once()
    except Failure as failure:
        return Outcome(f"{FAILED}{failure}", failure.data)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to go on")
    parser.add_argument("--seed", type=int, default=0, help="the same seed makes the same inputs, in the same order")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"), help="where inputs are kept that break the rules")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, TARGETS[options.target](Path(folder), options.seed) as target:
        end = time.monotonic() + options.seconds
        while time.monotonic() < end:
            outcome = tried(target)
            counts[outcome.words] += 1
            if outcome.worth_a_look is not None:
                options.keep.mkdir(parents=True, exist_ok=True)
                kept = options.keep / f"{options.target}-{options.seed}-{counts.total()}"
                kept.write_bytes(outcome.worth_a_look)
                print(f"kept {kept}: {outcome.words}", flush=True)
    failures = sum(count for words, count in counts.items() if words.startswith(FAILED))
    for words, count in counts.most_common():
        print(f"{count:8,}  {words}")
    print(f"{counts.total():8,}  inputs in {options.seconds:.0f} s, {failures} of them broke the rules")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
