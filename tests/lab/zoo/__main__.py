"""The zoo: `python -m tests.lab.zoo` trains the corpus, lets the tool judge it, and records how often it was right."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.lab.zoo import rehearsing, results, tables
from tests.lab.zoo.corpus import judged, judged_again, with_tries
from tests.lab.zoo.figures import table
from tests.lab.zoo.judge import tool_digest
from tests.lab.zoo.rehearsing import rehearse_all
from tests.lab.zoo.results import CONTEXTS
from tests.lab.zoo.searching import of_this_version, search_all
from tests.lab.zoo.training import Cache, jobs_of, tell, train_all

_ROOT = Path(__file__).parents[3]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.zoo", description=__doc__)
    parser.add_argument("--cache", type=Path, default=_ROOT / ".zoo", help="where trainings are kept")
    parser.add_argument("--real", type=Path, help="an .npz of real gestures, sequences (N, T, 3)")
    parser.add_argument("--jobs", type=int, default=2, help="processes that train and judge")
    parser.add_argument("--stage", choices=("train", "search", "rehearse", "judge", "report", "again", "all"), default="all")
    parser.add_argument("--seconds", type=float, default=rehearsing.SECONDS, help="wall time of each rehearsal")
    parser.add_argument("--most", type=int, help="the most searches to make")
    parser.add_argument("--contexts", help="names of contexts, with commas between; all by default")
    parser.add_argument("--results", type=Path, default=results.PATH, help="the file of results")
    parser.add_argument("--tables", action="store_true", help="write the tables of the results there are, and do nothing else")
    given = parser.parse_args()
    if given.tables:
        if not given.results.exists():
            parser.error(f"{given.results}: no results yet")
        for path, text in tables.made(results.read(given.results)).items():
            path.write_text(text, encoding="utf-8")
        return
    names = None if given.contexts is None else given.contexts.split(",")
    unknown = set(names or ()) - {context.name for context in CONTEXTS}
    if unknown:
        parser.error(f"no such contexts: {', '.join(sorted(unknown))}")
    contexts = [context for context in CONTEXTS if names is None or context.name in names]
    real = None if given.real is None else given.real.resolve()
    cache = Cache(given.cache)
    if given.stage in ("train", "all"):
        train_all(jobs_of(contexts, real), cache, given.jobs, tell)
    if given.stage == "train":
        return
    before = results.read(given.results) if given.results.exists() else []
    if given.stage in ("search", "rehearse"):  # minutes for each run of the results file, so these are no part of all
        runs = [results.run_of(row) for row in before]
        asked = [(run, row) for run, row in zip(runs, before, strict=True) if run.context in contexts]
        if given.stage == "search":
            search_all([run for run, row in asked if of_this_version(row) is None], cache, real, given.jobs, tell, given.most)
        else:
            rehearse_all([run for run, _ in asked], cache, real, given.jobs, given.seconds, tell)
        results.write(given.results, with_tries(before, runs, cache, real), results.tool_of(given.results))
        return
    if given.stage == "again":
        asked_again = [row for row in before if row["context"] in {context.name for context in contexts}]
        rows = judged_again(asked_again, [results.run_of(row) for row in asked_again], cache, real, given.jobs, tell)
        results.write(given.results, results.merged(before, rows, keep_others=True), tool_digest())
        return
    rows = judged(contexts, cache, real, given.jobs, tell)
    if given.stage in ("report", "all"):
        rows = results.merged(before, rows, keep_others=names is not None)
        results.write(given.results, rows, tool_digest())
        rows = results.read(given.results)  # rounded as they are stored: the tables are made from these
        for path, text in tables.made(rows).items():
            path.write_text(text, encoding="utf-8")
        sys.stdout.write(table(rows))


if __name__ == "__main__":
    main()
