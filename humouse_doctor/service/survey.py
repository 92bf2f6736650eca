"""The command survey: all runs below a folder, looked at as `inspect` does, and what they say together."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from humouse_doctor.cases.request import Request
from humouse_doctor.core.errors import ExitCode, InputError, UsageError
from humouse_doctor.core.report import Report
from humouse_doctor.core.settings import Value
from humouse_doctor.core.surveying import Row, State, Survey
from humouse_doctor.core.text import counted, is_url, shortened
from humouse_doctor.core.version import VERSION
from humouse_doctor.core.view import SurveyView
from humouse_doctor.fleet.crews import Crew, alone, crew_for
from humouse_doctor.fleet.jobs import Ended, Job, shard
from humouse_doctor.fleet.journal import Journal
from humouse_doctor.fleet.keys import Keys
from humouse_doctor.fleet.run import run as run_jobs
from humouse_doctor.inputs.config import hydra_record, yaml_text
from humouse_doctor.inputs.files import require_unread
from humouse_doctor.inputs.remote import copies, names
from humouse_doctor.inputs.remote.place import shown
from humouse_doctor.service import commands
from humouse_doctor.service.gate import look, pays
from humouse_doctor.stored import answer as json_answer
from humouse_doctor.stored import survey as stored
from humouse_doctor.survey import discover
from humouse_doctor.survey.answers import spelled, survey_of
from humouse_doctor.survey.discover import Run
from humouse_doctor.survey.rows import refused_row, row_of
from humouse_doctor.survey.sweep import Sweep, short
from humouse_doctor.survey.weights import checkpoint_of, each_once, overwritten

_LISTED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRequest:
    """The folders with runs, or with `merge` files of rows, as paths or URLs; `request` is what all runs share.

    `where` picks runs by `key=value`, `only` the state of those listed. `shard` is the part (K, N) of the runs to look at, by
    their names. `workers`, `cluster` and `journal` are as for a gate. `outputs` are the files that the caller will write.
    """

    paths: tuple[str | Path, ...]
    request: Request
    merge: bool = False
    where: tuple[str, ...] = ()
    only: str | None = None
    shard: tuple[int, int] | None = None
    workers: int | None = None
    cluster: str | None = None
    journal: Path | None = None
    outputs: tuple[Path, ...] = ()


def survey_view(order: SurveyRequest, root: str, progress: Callable[[str], None] = lambda _: None) -> SurveyView:
    """Look at all runs, and return what they say together; raises `DoctorError` with a one-line message.

    A run that cannot be read is a row with its reason.
    """
    runs = dict[str, Run]()
    survey = _merged(order) if order.merge else _looked_at_all(order, progress, runs)
    require_unread(*order.outputs)
    return SurveyView(
        survey=replace(survey, only=None if order.only is None else State(order.only)),
        root=root,
        following=tuple(_following(survey, order.request, runs)),
    )


def _merged(order: SurveyRequest) -> Survey:
    """Return the survey of stored rows; of a run that is in several files the last row counts."""
    rows = {row.run: row for path in order.paths for row in stored.read_rows(copies.local(path))}
    keys = sorted({key for row in rows.values() for key in row.settings})
    asked = _asked(order.where, keys)
    kept = [row for row in rows.values() if all(_has(row.settings.get(key), value) for key, value in asked)]
    if not kept:
        raise InputError(f"{_roots(order)}: none of {counted(len(rows), 'row')} is one{_that(order)}")
    return survey_of(kept, keys, VERSION)


def _looked_at_all(order: SurveyRequest, progress: Callable[[str], None], by_name: dict[str, Run]) -> Survey:
    """Return the survey of the runs below the folders, or of those of them that are asked for, which are put into `by_name`."""
    fetched = [discover.fetched(given, progress, folder=True) for given in order.paths]
    folders = [folder for folder, _ in fetched]
    runs, found = _found(folders)
    notes = [*(note for _, of_folder in fetched for note in of_folder), *found]
    sweep = Sweep()
    checkpoints = [checkpoint_of(run, sweep.add(run)) for run in runs]
    keys = sweep.differing()
    asked = _asked(order.where, sorted(sweep.known()))
    each = each_once(runs, checkpoints)
    chosen = [place for place in each if all(_has(sweep.settings(place, [key])[key], value) for key, value in asked)]
    if not chosen:
        raise UsageError(f"none of {counted(len(runs), 'run')} below {_roots(order)} is one{_that(order)}")
    if sweep.left_out:
        notes.append(f"the runs differ in {counted(sweep.left_out, 'further key')}, which are not compared")
    if order.shard is not None:
        part, parts = order.shard
        chosen = [job.payload for job in shard([_named(runs[place], folders, place) for place in chosen], part, parts)]
        notes.append(f"part {part} of {parts}: {counted(len(chosen), 'run')}; survey --merge puts the parts together")
    gone = overwritten(runs, {place: checkpoints[place] for place in each})
    rows, jobs = list[Row](), list[Job[Request]]()
    key = _digest_of_name if order.journal is None else Keys().of
    for place in chosen:
        if place in gone:
            rows.append(refused_row(runs[place], gone[place], ExitCode.INPUT, sweep.settings(place, keys)))
        else:
            request = replace(order.request, checkpoint=runs[place].path, config=runs[place].config or order.request.config)
            jobs.append(Job(key(request), names.named(str(runs[place].path)), request))
    places = {names.named(str(runs[place].path)): place for place in chosen}
    by_name.update((name, runs[place]) for name, place in places.items())
    progress(f"looking at {counted(len(jobs), 'run')}")
    with contextlib.ExitStack() as stack:
        journal = None if order.journal is None else stack.enter_context(Journal(order.journal))
        crew = stack.enter_context(_crew(order, [job.payload for job in jobs]))
        for number, ended in enumerate(stack.enter_context(closing(run_jobs(jobs, look, crew, journal))), start=1):
            place = places[ended.name]
            row = _row(runs[place], ended, sweep.settings(place, keys))
            rows.append(row)
            progress(f"run {number} of {len(jobs)}: {row.verdict}, {row.run}")
    return replace(survey_of(rows, keys, VERSION), notes=tuple(map(names.named, notes)))


def _crew(order: SurveyRequest, requests: Sequence[Request]) -> Crew:
    """Return who looks at the runs: unless the user says so, more than one process only where that pays."""
    if order.workers is None and order.cluster is None and not pays(requests):
        return alone()
    return crew_for(order.workers or 0, order.cluster)


def _found(folders: Sequence[Path]) -> tuple[list[Run], list[str]]:
    """Return the runs below the folders, each once, and notes on what was not looked at."""
    runs, notes = dict[str, Run](), list[str]()
    for folder in folders:
        found = discover.find(folder)
        notes.extend(found.notes)
        for run in found.runs:
            runs.setdefault(os.path.realpath(run.path), run)
    return list(runs.values()), notes


def _row(run: Run, ended: Ended, settings: Mapping[str, Value]) -> Row:
    if ended.answer is None:
        return refused_row(run, f"{run.path}: {ended.failure}", ExitCode.INPUT, settings)
    answer = json_answer.parse(ended.answer, ended.name)
    if isinstance(answer, Report):
        return row_of(run, answer, settings)
    return refused_row(run, str(answer), answer.exit_code, settings)


def _named(run: Run, folders: Sequence[Path], place: int) -> Job[int]:
    """Return a job for the choice of a part, which goes by the run's name below the folder alone."""
    names = (os.path.relpath(run.path, folder) for folder in folders if run.path.is_relative_to(folder))
    return Job(key=_digest(next(names, str(run.path))), name=str(run.path), payload=place)


def _digest_of_name(request: Request) -> str:
    """Return a key that is good for this call alone, for which no file has to be read."""
    return _digest(str(request.checkpoint))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _roots(order: SurveyRequest) -> str:
    return ", ".join(shown(str(path)) if is_url(str(path)) else str(path) for path in order.paths)


def _asked(where: Sequence[str], keys: Sequence[str]) -> list[tuple[str, str]]:
    """Return the keys and values of --where; raise `UsageError` for one that no run has."""
    found = []
    for text in where:
        name, equals, value = text.partition("=")
        key = short(name.strip())
        if not equals or key not in keys:
            near = [one for one in keys if key and key in one] or difflib.get_close_matches(key, keys, _LISTED) or keys
            known = f"{', '.join(near[:_LISTED])}{', ...' if len(near) > _LISTED else ''}"
            raise UsageError(
                f"--where {shortened(text)}: expected key=value, with a key of these runs: {known or 'there is none'}"
            )
        found.append((key, spelled(yaml_text.parse_scalar(value, "--where"))))
    return found


def _has(value: Value, asked: str) -> bool:
    return spelled(value) == asked


def _that(order: SurveyRequest) -> str:
    return f" with {' and '.join(order.where)}" if order.where else ""


def _following(survey: Survey, shared: Request, runs: Mapping[str, Run]) -> Iterator[str]:
    """Yield the commands to type next: of the worst run, and of the patch of the largest family.

    `runs` are by their names; of stored rows there are none, and a run at a URL has no path then.
    """
    worst = next((row for row in survey.rows if row.state is State.SICK), None)
    if worst is None:
        worst = next((row for row in survey.rows if row.state is State.UNKNOWN), None)
    patched = next((family.example for family in survey.families if family.example.patched), None)
    for command, row in (("inspect", worst), ("suggest-config", patched)):
        if row is None or (is_url(row.run) and row.run not in runs):
            continue
        run = runs.get(row.run) or Run(path=Path(row.run), config=None if row.config is None else Path(row.config))
        request = replace(shared, checkpoint=run.path, config=run.config or shared.config)
        config = request.config or hydra_record.of_run(run.path)
        typed = commands.typed("inspect", request) if command == "inspect" else commands.patch_command(request, config)
        if typed is not None:
            yield typed
