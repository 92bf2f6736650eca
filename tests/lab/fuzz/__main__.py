"""Feed readers with damaged files and check the results: `python -m tests.lab.fuzz all --seconds 60`.

A target makes an input from a seeded random state, reads it, and describes how that ended. An input that broke a rule, or
is otherwise worth a look, is saved in --keep. `all` shares the time among the targets. To add a target, add a line to
TARGETS.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.lab.fuzz.checkpoints import Checkpoints
from tests.lab.fuzz.configs import Configs
from tests.lab.fuzz.data import Data
from tests.lab.fuzz.environment import Environments
from tests.lab.fuzz.logs import Logs
from tests.lab.fuzz.names import Names
from tests.lab.fuzz.patches import Patches
from tests.lab.fuzz.sizes import Sizes
from tests.lab.fuzz.stored import Stored
from tests.lab.fuzz.target import Failure, Outcome, Target

TARGETS: dict[str, Callable[[Path, int], Target]] = {
    "checkpoints": Checkpoints,
    "data": Data,
    "configs": Configs,
    "logs": Logs,
    "patches": Patches,
    "sizes": Sizes,
    "stored": Stored,
    "names": Names,
    "environment": Environments,
}

#: The number of outcomes printed per target, the most frequent first; failures are printed as they occur.
_MOST_SHOWN = 20
FAILED = "BROKE THE RULES: "


def tried(target: Target) -> Outcome:
    try:
        return target.once()
    except Failure as failure:
        return Outcome(f"{FAILED}{failure}", failure.data)


def run(name: str, seconds: float, most: int, seed: int, keep: Path) -> int:
    """Try inputs on one target and print the outcomes; return the number that broke the rules."""
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, TARGETS[name](Path(folder), seed) as target:
        end = time.monotonic() + seconds
        while time.monotonic() < end and counts.total() < most:
            outcome = tried(target)
            counts[outcome.words] += 1
            if outcome.worth_a_look is not None:
                keep.mkdir(parents=True, exist_ok=True)
                kept = keep / f"{name}-{seed}-{counts.total()}"
                kept.write_bytes(outcome.worth_a_look)
                print(f"kept {kept}: {outcome.words}", flush=True)
    failures = sum(count for words, count in counts.items() if words.startswith(FAILED))
    shown = counts.most_common(_MOST_SHOWN)
    for words, count in shown:
        print(f"{count:8,}  {words}")
    rest = counts.total() - sum(count for _, count in shown)
    print(f"{rest:8,}  in {len(counts) - len(shown)} other ways")
    print(f"{counts.total():8,}  inputs for {name} in {seconds:.0f} s, {failures} of them broke the rules", flush=True)
    return failures


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.fuzz", description=__doc__)
    parser.add_argument("target", choices=[*TARGETS, "all"])
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to go on, all targets together")
    parser.add_argument("--inputs", type=int, default=sys.maxsize, help="how many inputs for a target, at most")
    parser.add_argument("--seed", type=int, default=0, help="the same seed makes the same inputs, in the same order")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"), help="where inputs are kept that break the rules")
    options = parser.parse_args(arguments)
    names = list(TARGETS) if options.target == "all" else [options.target]
    keep = options.keep.absolute()
    failures = [run(name, options.seconds / len(names), options.inputs, options.seed, keep) for name in names]
    return 1 if any(failures) else 0


if __name__ == "__main__":
    sys.exit(main())
