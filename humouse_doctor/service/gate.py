"""The command gate: runs judged by a policy."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, cast

from humouse_doctor.cases.request import Request
from humouse_doctor.core.errors import DoctorError, InputError, MachineError, UsageError, ordinary
from humouse_doctor.core.gating import Entry, Gate, Policy
from humouse_doctor.core.report import Report
from humouse_doctor.core.text import full_reason
from humouse_doctor.core.version import VERSION
from humouse_doctor.core.view import GateView
from humouse_doctor.fleet.crews import Crew, alone, cores, crew_for
from humouse_doctor.fleet.jobs import Ended, Job, tell
from humouse_doctor.fleet.journal import Journal
from humouse_doctor.fleet.keys import Keys
from humouse_doctor.fleet.run import run
from humouse_doctor.gate import baseline as baselines
from humouse_doctor.gate import comparing
from humouse_doctor.gate import policy as policies
from humouse_doctor.gate.judging import Judge, is_known, refused, worst_first
from humouse_doctor.inputs.files import require_unread
from humouse_doctor.inputs.remote import names
from humouse_doctor.inputs.remote.place import shown
from humouse_doctor.reporting.forms import FailOn
from humouse_doctor.service import commands
from humouse_doctor.service.display import severity_of
from humouse_doctor.stored import answer as json_answer
from humouse_doctor.stored import saved
from humouse_doctor.survey.discover import Run, fetched, runs_at
from humouse_doctor.survey.sweep import Sweep
from humouse_doctor.survey.weights import checkpoint_of, each_once, overwritten

if TYPE_CHECKING:
    from humouse_doctor.verify.bench import Pulse
    from humouse_doctor.verify.runner import Listener

#: Seconds of computing for a look at a small run, with latents fitted and with --quick, and those from which on another
#: process pays: it and its loader import torch anew, which takes 5.
_LOOK_S, _QUICK_S, _PAYS_S = 2.5, 0.2, 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRequest:
    """The inputs of a gate and its rules.

    `inputs` are paths and URLs. `request` holds what they share: config and data for checkpoints, overrides, sizes and the
    seed. `policy` is a file, None for the policy found for `folder`, if there is one; `fail_on` and `require_data`, where
    given, override it. `today` decides which ignores have expired. `outputs` are the files that the caller will write.
    `workers` processes look at the inputs, 0 for one per core, None for as many as pay; or the workers of the `cluster` at
    this address. `journal` is the file that keeps what is known of each input as soon as it is. Without `pictures` the reports
    have none, as thousands of them would fill the memory.
    """

    inputs: tuple[str | Path, ...]
    request: Request
    today: date
    folder: Path
    policy: Path | None = None
    fail_on: FailOn | None = None
    require_data: bool = False
    baseline: Path | None = None
    write_baseline: Path | None = None
    outputs: tuple[Path, ...] = ()
    workers: int | None = None
    cluster: str | None = None
    journal: Path | None = None
    pictures: bool = True


def gate_view(
    request: GateRequest,
    compare: Path | None,
    root: str,
    progress: Callable[[str], None] = lambda _: None,
    listener: Listener[Request, Report | Entry] | None = None,
) -> GateView:
    """Judge every input by the policy, and compare the only one with the report at `compare`; raises `DoctorError`."""
    decided, requests = _decided(request, progress, listener)
    entry = decided.entries[0]
    before = None if compare is None else saved.read(compare, entry.name)
    changed = None if before is None or entry.report is None else comparing.compare(before, entry.report)
    about, following = _following(decided, requests)
    return GateView(gate=decided, comparison=changed, root=root, following=following, about=about)


def _following(decided: Gate, requests: Mapping[str, Request]) -> tuple[str, tuple[str, ...]]:
    """Return the name of the first input that fails and was looked at, and the command to type about it; else nothing."""
    for entry in decided.entries:
        if entry.passed or entry.report is None:
            continue
        request = requests[entry.name]
        following = commands.following_of(entry.report, request)
        if not following or following[0].startswith("humouse-doctor gate"):
            shown = commands.typed("preflight" if request.checkpoint is None else "inspect", request, "--full")
            following = () if shown is None else (shown,)
        return entry.name, following
    return "", ()


def gate(
    order: GateRequest,
    progress: Callable[[str], None] = lambda _: None,
    listener: Listener[Request, Report | Entry] | None = None,
) -> Gate:
    """Judge every input by the policy; one that cannot be read is an entry that fails, and the others go on.

    A folder of runs, such as a multirun of Hydra, stands for each of them.

    Entries and notes depend neither on who looks at the inputs nor on the order in which they do. `listener` receives the
    progress of configs that are rehearsed.
    Raises `UsageError` or `InputError` for what is wrong with the policy or the baseline, and before anything is written
    `UsageError` for an output that was read.
    """
    return _decided(order, progress, listener)[0]


def _decided(
    order: GateRequest,
    progress: Callable[[str], None],
    listener: Listener[Request, Report | Entry] | None,
) -> tuple[Gate, Mapping[str, Request]]:
    """Return the decision of `gate`, and the request for each input that was looked at, by its name."""
    source = policies.find(order.folder) if order.policy is None else order.policy
    policy = Policy() if source is None else policies.read(source)
    if order.fail_on is not None:
        policy = replace(policy, fail_on=severity_of(order.fail_on))
    if order.require_data:
        policy = replace(policy, require_data=True)
    known = None if order.baseline is None else baselines.read(order.baseline)
    if order.write_baseline is not None:
        baselines.require_replaceable(order.write_baseline)
    judge = Judge(policy=policy, today=order.today, folder=None if source is None else source.absolute().parent)
    each: dict[str, Run] = {}
    looked_at = dict[str, Report | Entry]()
    for given in (_local(given, progress) for given in order.inputs):
        if isinstance(given, Entry):
            looked_at[given.name] = given
            continue
        below = runs_at(given)
        if below.notes:  # a gate does not pass what it has not seen
            name = names.named(str(given))
            looked_at[name] = refused(name, InputError(names.named(f"{given}: {'; '.join(below.notes)}")))
        for found in below.runs:
            each.setdefault(os.path.realpath(found.path), found)
    requests = dict[str, Request]()
    for found, reason in _told_apart(list(each.values())):
        name = names.named(str(found.path))
        if reason is not None:
            looked_at[name] = refused(name, InputError(names.named(reason)))
        elif name not in looked_at:
            requests[name] = _request_for(found, order.request)
    looked_at |= _looked_at_all(order, requests, progress, listener)
    require_unread(*order.outputs)
    notes: tuple[str, ...] = ()
    if order.write_baseline is not None:
        reports = {name: found for name, found in looked_at.items() if isinstance(found, Report)}
        unknown = [name for name in looked_at if name not in reports or not is_known(reports[name])]
        if unknown:
            notes = (f"no baseline was written: nothing is known of {', '.join(unknown)}",)
        else:
            known = baselines.write(
                order.write_baseline, [judge.entry(name, report) for name, report in reports.items()], VERSION
            )
    entries = [
        found if isinstance(found, Entry) else judge.entry(name, found, None if known is None else known.run(name, found))
        for name, found in looked_at.items()
    ]
    decided = Gate(
        tool_version=VERSION,
        entries=worst_first(entries),
        policy=policy,
        baseline=None if known is None else str(known.source),
        notes=(*notes, *judge.unused(entries)),
    )
    return decided, requests


def _told_apart(runs: Sequence[Run]) -> Iterator[tuple[Run, str | None]]:
    """Yield the runs of all inputs, each once, with the reason if its weights are gone, written over by another run."""
    sweep = Sweep()
    checkpoints = [None if len(runs) == 1 else checkpoint_of(run, sweep.add(run)) for run in runs]
    each = each_once(runs, checkpoints)
    gone = overwritten(runs, {place: checkpoints[place] for place in each})
    yield from ((runs[place], gone.get(place)) for place in each)


def _looked_at_all(
    order: GateRequest,
    requests: Mapping[str, Request],
    progress: Callable[[str], None],
    listener: Listener[Request, Report | Entry] | None,
) -> dict[str, Report | Entry]:
    """Return the report of each input, or the entry that says why there is none, in the order of `requests`."""
    if any(request.rehearse_s is not None and request.data is None for request in requests.values()):
        raise UsageError("--rehearse trains on the run's own gestures: add --data")
    heard = _Heard(list(requests), progress, listener)
    found = dict[str, Report | Entry]()
    with ExitStack() as stack:
        journal = None if order.journal is None else stack.enter_context(Journal(order.journal))
        key = _numbered(requests) if journal is None else Keys().of
        jobs = [Job(key(one), name, one) for name, one in requests.items()]
        crew = stack.enter_context(_crew(order, list(requests.values())))
        for ended in stack.enter_context(closing(run(jobs, look, crew, journal, heard))):
            answer = _answer(ended, requests[ended.name], pictures=order.pictures)
            heard.ended(requests[ended.name], answer)
            found[ended.name] = answer
    return {name: found[name] for name in requests}


def _numbered(requests: Mapping[str, Request]) -> Callable[[Request], str]:
    """Return keys that are good for this call alone, for which no file has to be read."""
    numbers = {request: f"{number:08x}" for number, request in enumerate(requests.values())}
    return numbers.__getitem__


def _crew(order: GateRequest, requests: Sequence[Request]) -> Crew:
    """Return who looks at the inputs: unless the user says so, more than one process only where that pays."""
    if order.workers is not None or order.cluster is not None:
        return crew_for(order.workers or 0, order.cluster)
    rehearsed = sum(request.rehearse_s is not None for request in requests)
    checkpoints = sum(request.checkpoint is not None for request in requests)
    return crew_for(min(cores(), rehearsed + checkpoints)) if rehearsed > 1 or pays(requests) else alone()


def pays(requests: Iterable[Request]) -> bool:
    """Return True for checkpoints that a second process saves more time with than its own start takes."""
    quick = [request.quick for request in requests if request.checkpoint is not None]
    return sum(_QUICK_S if one else _LOOK_S for one in quick) >= _PAYS_S


def _local(given: str | Path, progress: Callable[[str], None]) -> Path | Entry:
    """Return the path of an input, or an entry that says why a remote file or folder could not be fetched."""
    try:
        found, notes = fetched(given, progress)
        if notes:  # a gate does not pass what it has not seen
            raise InputError(f"{shown(str(given))}: {'; '.join(notes)}")
        return found
    except InputError as error:
        return refused(shown(str(given)), error)


def look(request: Request) -> bytes:
    """Return the report on one input, or the reason why there is none, as JSON; tell of the progress."""
    return json_answer.render(_looked_at(request))


def _looked_at(request: Request) -> Report | DoctorError:
    path = request.checkpoint or request.config
    try:
        return commands.report_on(request, progress=tell, on_pulse=tell)
    except (MachineError, ImportError, MemoryError):  # the machine's trouble, which all inputs would meet
        raise
    except Exception as error:
        return ordinary(error) or DoctorError(f"{path}: internal error, please report it: {full_reason(error)}")


def _answer(ended: Ended, request: Request, *, pictures: bool) -> Report | Entry:
    """Return the report that a job has made of an input, or the entry that says why there is none."""
    if ended.answer is None:
        return refused(ended.name, MachineError(f"{ended.name}: {ended.failure}"))
    found = json_answer.parse(ended.answer, ended.name)
    if not isinstance(found, Report):
        return names.with_names(refused(ended.name, found))
    return commands.with_suggestion(found if pictures else replace(found, pictures=None), request)


@dataclass(slots=True)
class _Heard:
    """Receiver of the jobs' progress: lines of it, and for rehearsals their steps."""

    names: Sequence[str]
    progress: Callable[[str], None]
    listener: Listener[Request, Report | Entry] | None

    def started(self, job: Job[Request]) -> None:
        """Say which input is looked at."""
        if job.payload.rehearse_s is None:
            self.progress(f"input {self.names.index(job.name) + 1} of {len(self.names)}: {job.name}")
        elif self.listener is not None:
            self.listener.started(job.payload)

    def moved(self, job: Job[Request], pulse: object) -> None:
        """Pass on what a job tells."""
        if job.payload.rehearse_s is None and isinstance(pulse, str):
            self.progress(pulse if len(self.names) == 1 else f"{job.name}: {pulse}")
        elif self.listener is not None and not isinstance(pulse, str):
            self.listener.moved(job.payload, cast("Pulse", pulse))

    def ended(self, request: Request, answer: Report | Entry) -> None:
        """Pass on the end of a rehearsal."""
        if request.rehearse_s is not None and self.listener is not None:
            self.listener.ended(request, answer)


def _request_for(run: Run, shared: Request) -> Request:
    """Return the request for one input: a YAML file is a config, all else a checkpoint or a run's folder."""
    path = run.path
    if path.suffix.lower() in (".yaml", ".yml") and not path.is_dir():
        return replace(shared, checkpoint=None, config=path)
    return replace(shared, checkpoint=path, config=run.config or shared.config, rehearse_s=None)
