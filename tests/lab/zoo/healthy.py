"""Ask the tool about every healthy run that the corpus does not have: specificity, from many runs.

They are the healthy runs of the lattices that were not selected, and all those of the sound contexts.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.lab.blocks import replaced
from tests.lab.zoo import results
from tests.lab.zoo.contexts import CONTEXTS, Part
from tests.lab.zoo.corpus import lattices
from tests.lab.zoo.figures import share
from tests.lab.zoo.judge import Question, judge_all, tool_digest
from tests.lab.zoo.selection import Lattice, Run, select
from tests.lab.zoo.sound import SOUND
from tests.lab.zoo.training import Cache, job_of, jobs_of, tell, train_all
from tests.lab.zoo.truth import Label

Row = Mapping[str, Any]
PATH = Path(__file__).with_name("healthy.json")
PAGE = Path(__file__).parents[3] / "docs" / "accuracy.md"
_BEGIN, _END = "<!-- healthy: made by python -m tests.lab.zoo.healthy -->", "<!-- healthy ends -->"
#: The columns: every part of the corpus with what was left out of it, and the sound contexts with and without a sum.
_COLUMNS = ("calibration", "held-out", "summed", "sound", "sound, summed")


def healthy_ones(lattice: Lattice) -> Iterator[Run]:
    """Yield the healthy runs of a lattice that are not in the corpus."""
    taken = set() if lattice.context.part is Part.SOUND else {run.genome for run in select(lattice)}
    for genome, label in lattice.labels.items():
        if label is Label.HEALTHY and genome not in taken:
            yield lattice.run(genome)


def asked(runs: Sequence[Run], cache: Cache, real: Path | None, workers: int) -> list[Row]:
    """Return one row for each run with the tool's answer."""
    questions = [
        Question(job=job_of(run.context, run.genome, real), genome=run.genome, folder=cache.folder, tool=tool_digest())
        for run in runs
    ]
    return [
        {
            "column": run.context.part.value + (", summed" if run.context.part is Part.SOUND and run.context.sums else ""),
            "kind": run.context.kind.value,
            "run": run.name,
            "margin": float(f"{min(run.numbers.margins):.3g}"),
            "verdict": judgement.trained.verdict,
            "causes": list(judgement.trained.causes),
            "symptoms": list(judgement.trained.symptoms),
        }
        for run, judgement in zip(runs, judge_all(questions, workers, tell), strict=True)
    ]


def of_corpus() -> list[Row]:
    """Return the healthy runs of the corpus as they were judged, those of later parts left out."""
    return [
        {"column": row["part"], "kind": row["kind"], "run": f"{row['context']}/{row['genome']}", **row["trained"]}
        for row in results.read(results.PATH)
        if row["truth"] == "healthy" and row["part"] in _COLUMNS
    ]


def table(rows: Sequence[Row]) -> str:
    """Return the share called healthy, with Wilson's intervals: by column, all together, and by kind of generator."""

    def called(some: Sequence[Row], verdicts: Sequence[str]) -> str:
        return str(share(some, lambda row: row["verdict"] in verdicts))

    parts = {column: [row for row in rows if row["column"] == column] for column in _COLUMNS}
    parts["all"] = list(rows)
    kinds = sorted({row["kind"] for row in rows})
    lines = [f"| | {' | '.join(parts)} |", f"|---|{'---|' * len(parts)}"]
    lines.append(f"| called healthy | {' | '.join(called(some, ('healthy',)) for some in parts.values())} |")
    lines.append(f"| not called collapsed | {' | '.join(called(some, ('healthy', 'at-risk')) for some in parts.values())} |")
    lines += ["", "| | called healthy |", "|---|---|"]
    lines += [f"| {kind} | {called([row for row in rows if row['kind'] == kind], ('healthy',))} |" for kind in kinds]
    return "\n".join(lines) + "\n"


def page(rows: Sequence[Row]) -> str:
    """Return docs/accuracy.md with the table of the rows and of the corpus."""
    return replaced(PAGE.read_text(encoding="utf-8"), _BEGIN, _END, table([*of_corpus(), *rows]))


def read() -> list[Row]:
    """Return the stored rows."""
    rows: list[Row] = json.loads(PATH.read_text(encoding="utf-8"))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.zoo.healthy", description=__doc__)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--train", action="store_true", help="train the sound contexts, and ask nothing")
    given = parser.parse_args()
    real, cache = given.real.resolve(), Cache(given.cache)
    if given.train:
        cheapest_first = sorted(SOUND, key=lambda context: context.length * context.hidden * context.full_steps)
        train_all(jobs_of(cheapest_first, real), cache, given.jobs, tell)
        return
    found = lattices((*CONTEXTS, *SOUND), cache, real, tell)
    rows = asked([run for lattice in found for run in healthy_ones(lattice)], cache, real, given.jobs)
    PATH.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n", encoding="utf-8")
    PAGE.write_text(page(rows), encoding="utf-8")
    sound = Counter(label.value for lattice in found if lattice.context.part is Part.SOUND for label in lattice.labels.values())
    sys.stdout.write(f"runs of the sound contexts: {dict(sound)}\n")
    for row in rows:
        if row["verdict"] != "healthy":
            sys.stdout.write(f"  {row['run']}: {row['verdict']} {row['causes']} {row['symptoms']}, margin {row['margin']}\n")


if __name__ == "__main__":
    main()
