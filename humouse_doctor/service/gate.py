"""The command gate: runs judged by a policy."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from humouse_doctor.cases.request import Request
from humouse_doctor.core.errors import DoctorError, MachineError, UsageError, ordinary
from humouse_doctor.core.gating import Entry, Gate, Policy
from humouse_doctor.core.report import Report
from humouse_doctor.core.text import full_reason
from humouse_doctor.core.version import VERSION
from humouse_doctor.core.view import GateView
from humouse_doctor.gate import baseline as baselines
from humouse_doctor.gate import comparing
from humouse_doctor.gate import policy as policies
from humouse_doctor.gate.judging import Judge, is_known, refused, worst_first
from humouse_doctor.inputs.files import require_unread
from humouse_doctor.reporting.forms import FailOn
from humouse_doctor.service import commands
from humouse_doctor.service.display import severity_of
from humouse_doctor.stored import saved
from humouse_doctor.survey.discover import Run, runs_at

if TYPE_CHECKING:
    from humouse_doctor.verify.bench import OnPulse, Pulse
    from humouse_doctor.verify.runner import Listener


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRequest:
    """The inputs of a gate and its rules.

    `request` holds what all inputs share: config and data for checkpoints, overrides, sizes and the seed. `policy` is a
    file, None for the policy found for `folder`, if there is one; `fail_on` and `require_data`, where given, override
    it. `today` decides which ignores have expired. `outputs` are the files that the caller will write.
    """

    inputs: tuple[Path, ...]
    request: Request
    today: date
    folder: Path
    policy: Path | None = None
    fail_on: FailOn | None = None
    require_data: bool = False
    baseline: Path | None = None
    write_baseline: Path | None = None
    outputs: tuple[Path, ...] = ()


def gate_view(
    request: GateRequest,
    compare: Path | None,
    root: str,
    progress: Callable[[str], None] = lambda _: None,
    listener: Listener[Request, Report | Entry] | None = None,
) -> GateView:
    """Judge every input by the policy, and compare the only one with the report at `compare`; raises `DoctorError`."""
    decided = gate(request, progress, listener)
    entry = decided.entries[0]
    before = None if compare is None else saved.read(compare, entry.name)
    changed = None if before is None or entry.report is None else comparing.compare(before, entry.report)
    return GateView(gate=decided, comparison=changed, root=root)


def gate(
    order: GateRequest,
    progress: Callable[[str], None] = lambda _: None,
    listener: Listener[Request, Report | Entry] | None = None,
) -> Gate:
    """Judge every input by the policy; one that cannot be read is an entry that fails, and the others go on.

    A folder of runs, such as a multirun of Hydra, stands for each of them.

    Configs are rehearsed if the request says so, one per core at a time; `listener` receives their progress.
    Raises `UsageError` or `InputError` for what is wrong with the policy or the baseline, and before anything is written
    `UsageError` for an output that was read.
    """
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
    each: dict[Path, Run] = {}
    for run in chain.from_iterable(map(runs_at, order.inputs)):
        each.setdefault(run.path.absolute(), run)
    requests = {str(run.path): _request_for(run, order.request) for run in each.values()}
    rehearsed = _rehearsed(list(requests.values()), listener)
    looked_at = dict[str, Report | Entry]()
    for number, (name, request) in enumerate(requests.items(), start=1):
        if request not in rehearsed:
            progress(f"input {number} of {len(requests)}: {name}")
        looked_at[name] = rehearsed[request] if request in rehearsed else _looked_at(request, progress)
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
    return Gate(
        tool_version=VERSION,
        entries=worst_first(entries),
        policy=policy,
        baseline=None if known is None else str(known.source),
        notes=(*notes, *judge.unused(entries)),
    )


def _rehearsed(
    requests: Sequence[Request], listener: Listener[Request, Report | Entry] | None
) -> dict[Request, Report | Entry]:
    """Return the answers about the configs that are rehearsed, by their requests."""
    configs = [request for request in requests if request.rehearse_s is not None]
    if not configs:
        return {}
    if any(request.data is None for request in configs):
        raise UsageError("--rehearse trains on the run's own gestures: add --data")
    from humouse_doctor.verify.runner import Pool  # torch

    pool = Pool(
        maker=_Rehearser(),
        listener=_Unheard() if listener is None else listener,
        workers=os.cpu_count() or 1,
        advice="fewer --max-sequences",
    )
    found = {}
    try:
        for request, answer, _ in pool.answers(configs):
            pool.listener.ended(request, answer)
            found[request] = answer
    finally:
        pool.close()
    return found


@dataclass(frozen=True, slots=True)
class _Rehearser:
    """Looks at one input in a process of the pool."""

    def run(self, job: Request, on_pulse: OnPulse) -> Report | Entry:
        """Return the report on one config, or the entry that says why there is none."""
        return _looked_at(job, on_pulse=on_pulse)


@dataclass(frozen=True, slots=True)
class _Unheard:
    """A listener that notes nothing."""

    def started(self, job: Request) -> None:
        """Ignore the start."""

    def moved(self, job: Request, pulse: Pulse) -> None:
        """Ignore progress."""

    def ended(self, job: Request, answer: Report | Entry, /) -> None:
        """Ignore the end."""


def _looked_at(
    request: Request, progress: Callable[[str], None] = lambda _: None, on_pulse: OnPulse = lambda _: None
) -> Report | Entry:
    """Return the report of one input, or an entry that says why there is none, so that the other inputs go on."""
    path = request.checkpoint or request.config
    try:
        return commands.report_on(request, progress=progress, on_pulse=on_pulse)
    except (MachineError, ImportError, MemoryError):  # the machine's trouble, which all inputs would meet
        raise
    except Exception as error:
        trouble = ordinary(error)
        if trouble is not None:
            return refused(str(path), trouble)
        return refused(str(path), DoctorError(f"{path}: internal error, please report it: {full_reason(error)}"))


def _request_for(run: Run, shared: Request) -> Request:
    """Return the request for one input: a YAML file is a config, all else a checkpoint or a run's folder."""
    path = run.path
    if path.suffix.lower() in (".yaml", ".yml") and not path.is_dir():
        return replace(shared, checkpoint=None, config=path)
    return replace(shared, checkpoint=path, config=run.config or shared.config, rehearse_s=None)
