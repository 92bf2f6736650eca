"""Run all stages after training: select the corpus, ask the tool, and apply its patches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tests.lab.zoo import rehearsing, searching
from tests.lab.zoo.contexts import Context
from tests.lab.zoo.figures import Row
from tests.lab.zoo.genome import Genome
from tests.lab.zoo.judge import FIX_A, Judgement, Question, judge_all, patched, tool_digest
from tests.lab.zoo.networks import trainable
from tests.lab.zoo.results import answers, rehearsal, row
from tests.lab.zoo.selection import Lattice, Run, lattice_of, select
from tests.lab.zoo.training import Cache, Job, has_gestures, job_of, jobs_of, train_all
from tests.lab.zoo.truth import Label

#: A run after a change.
_Changed = tuple[Context, Genome]
Say = Callable[[str], None]


def lattices(contexts: Iterable[Context], cache: Cache, real: Path | None, say: Say) -> list[Lattice]:
    """Return the contexts whose every run is trained; report the others."""
    found = []
    for context in contexts:
        jobs = jobs_of([context], real)
        lattice = lattice_of(jobs, cache) if jobs else None
        if lattice is None:
            say(f"{context.name}: left out, not trained")
        else:
            found.append(lattice)
    return found


def judged_again(
    rows: Sequence[Row], runs: Sequence[Run], cache: Cache, real: Path | None, workers: int, say: Say
) -> list[Row]:
    """Return the rows of `runs` with what the tool answers now; their truth and their cures stay, so that no lattice is needed.

    The runs are trained again where the cache has none of them. One whose label is then another, by the last digits of another
    machine, stays as it was judged. A patch is trained only where its remedies have changed.
    """
    asked = [index for index, run in enumerate(runs) if has_gestures(run.context, real)]
    train_all(_in_order({(runs[index].context, runs[index].genome) for index in asked}, real), cache, workers, say)
    same = []
    for index in asked:
        run = runs[index]
        numbers = cache.numbers(job_of(run.context, run.genome, real).key)
        assert numbers is not None, "trained just now"
        if numbers[run.genome.steps].label is run.label:
            same.append(index)
        else:
            say(f"{run.name}: now {numbers[run.genome.steps].label.value}, stays as it was judged")
    judgements = dict(zip(same, judge_all([_question(runs[index], cache, real) for index in same], workers, say), strict=True))
    moved = {
        index: _moves(runs[index], judgement)[0]
        for index, judgement in judgements.items()
        if list(judgement.trained.remedies) != rows[index]["trained"]["remedies"]
    }
    train_all(_in_order({changed for changed in moved.values() if changed is not None}, real), cache, workers, say)
    found = list(rows)
    for index, judgement in judgements.items():
        patch = _became(moved[index], cache, real) if index in moved else rows[index]["patch"]
        found[index] = {**rows[index], **answers(judgement), "patch": patch}
    return found


def with_tries(rows: Iterable[Row], runs: Iterable[Run], cache: Cache, real: Path | None) -> list[Row]:
    """Return the rows of `runs` with the searches and rehearsals that are in the cache; searches of another
    version are dropped, and the others stay as they are.
    """
    found = []
    for one, run in zip(rows, runs, strict=True):
        if not has_gestures(run.context, real):
            found.append(one)
            continue
        searched, rehearsed = searching.found(run, cache, real), rehearsing.found(run, cache, real)
        found.append(
            {
                **one,
                "search": searching.of_this_version(one) if searched is None else searched.became,
                "search_version": searching.SEARCH_VERSION,
                "rehearsed": one.get("rehearsed") if rehearsed is None else rehearsal(rehearsed),
            }
        )
    return found


def judged(contexts: Iterable[Context], cache: Cache, real: Path | None, workers: int, say: Say) -> list[Row]:
    """Judge the corpus, and train the patched runs that the lattice does not contain."""
    by_context = {lattice.context.name: lattice for lattice in lattices(contexts, cache, real, say)}
    runs = [run for lattice in by_context.values() for run in select(lattice)]
    judgements = judge_all([_question(run, cache, real) for run in runs], workers, say)
    tries = [(run, _moves(run, judgement)) for run, judgement in zip(runs, judgements, strict=True)]
    wanted = {changed for _, changes in tries for changed in changes if changed is not None}
    train_all(_in_order(wanted, real), cache, workers, say)
    rows = []
    for (run, changes), judgement in zip(tries, judgements, strict=True):
        patch, fix_a = (_became(changed, cache, real) for changed in changes)
        lattice = by_context[run.context.name]
        rows.append(row(run, lattice, judgement, patch=patch, fix_a=fix_a))
    return with_tries(rows, runs, cache, real)


def _question(run: Run, cache: Cache, real: Path | None) -> Question:
    job = job_of(run.context, run.genome, real)
    return Question(job=job, genome=run.genome, folder=cache.folder, tool=tool_digest())


def _moves(run: Run, judgement: Judgement) -> tuple[_Changed | None, _Changed | None]:
    """Return a collapsed run after the tool's patch, and after Fix A; None where it does not change."""
    if run.label is not Label.COLLAPSED:
        return None, None
    fixed = run.genome.moved(FIX_A)
    return (
        patched(run.context, run.genome, judgement.trained.remedies),
        (run.context, fixed) if fixed != run.genome and trainable(run.context, fixed) else None,
    )


def _became(changed: _Changed | None, cache: Cache, real: Path | None) -> str:
    if changed is None:
        return "unmapped"
    context, genome = changed
    found = cache.numbers(job_of(context, genome, real).key)
    assert found is not None, "trained just now"
    return "cured" if found[genome.steps].label is Label.HEALTHY else "not cured"


def _in_order(wanted: Iterable[tuple[Context, Genome]], real: Path | None) -> Sequence[Job]:
    jobs = {job.key: job for job in (job_of(context, genome, real) for context, genome in wanted)}
    return sorted(jobs.values(), key=lambda job: job.name)
