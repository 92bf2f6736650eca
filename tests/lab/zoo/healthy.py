"""Ask the tool about more healthy runs than the corpus has: specificity, from runs of the lattices that were not selected.

They are chosen by a seeded draw, as many of each context as there are, up to a number.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.lab.zoo.contexts import CONTEXTS, Part
from tests.lab.zoo.corpus import lattices
from tests.lab.zoo.figures import Share
from tests.lab.zoo.judge import Question, judge_all, tool_digest
from tests.lab.zoo.selection import Lattice, Run, select
from tests.lab.zoo.training import Cache, job_of, tell
from tests.lab.zoo.truth import Label


def left_out(lattice: Lattice, most: int) -> Iterator[Run]:
    """Yield at most `most` healthy runs of a lattice that are not in the corpus."""
    taken = {run.genome for run in select(lattice)}
    others = [genome for genome, label in lattice.labels.items() if label is Label.HEALTHY and genome not in taken]
    order = np.random.default_rng((1, lattice.context.seed)).permutation(len(others))
    yield from (lattice.run(others[at]) for at in order[:most])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.zoo.healthy", description=__doc__)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--real", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--most", type=int, default=8, help="runs of each context")
    given = parser.parse_args()
    real = None if given.real is None else given.real.resolve()
    cache = Cache(given.cache)
    runs = [run for lattice in lattices(CONTEXTS, cache, real, tell) for run in left_out(lattice, given.most)]
    questions = [
        Question(job=job_of(run.context, run.genome, real), genome=run.genome, folder=cache.folder, tool=tool_digest())
        for run in runs
    ]
    verdicts = [judgement.trained.verdict for judgement in judge_all(questions, given.jobs, tell)]
    for part in Part:
        said = [verdict for run, verdict in zip(runs, verdicts, strict=True) if run.context.part is part]
        sys.stdout.write(f"{part.value}: healthy {Share(hits=said.count('healthy'), total=len(said))}\n")
    for run, verdict in zip(runs, verdicts, strict=True):
        if verdict != "healthy":
            sys.stdout.write(f"  {run.name}: {verdict}\n")


if __name__ == "__main__":
    main()
