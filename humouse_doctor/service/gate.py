"""The command gate: runs judged by a policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from humouse_doctor.cases.request import Request
from humouse_doctor.core.errors import DoctorError, MachineError, ordinary
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
    request: GateRequest, compare: Path | None, root: str, progress: Callable[[str], None] = lambda _: None
) -> GateView:
    """Judge every input by the policy, and compare the only one with the report at `compare`; raises `DoctorError`."""
    decided = gate(request, progress)
    entry = decided.entries[0]
    before = None if compare is None else saved.read(compare, entry.name)
    changed = None if before is None or entry.report is None else comparing.compare(before, entry.report)
    return GateView(gate=decided, comparison=changed, root=root)


def gate(order: GateRequest, progress: Callable[[str], None] = lambda _: None) -> Gate:
    """Judge every input by the policy; one that cannot be read is an entry that fails, and the others go on.

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
    each: dict[Path, Path] = {}
    for path in order.inputs:
        each.setdefault(path.absolute(), path)
    looked_at = {str(path): _looked_at(path, order.request, progress) for path in each.values()}
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


def _looked_at(path: Path, shared: Request, progress: Callable[[str], None]) -> Report | Entry:
    """Return the report of one input, or an entry that says why there is none, so that the other inputs go on."""
    try:
        return commands.report_on(_request_for(path, shared), progress=progress)
    except (MachineError, ImportError, MemoryError):  # the machine's trouble, which all inputs would meet
        raise
    except Exception as error:
        trouble = ordinary(error)
        if trouble is not None:
            return refused(str(path), trouble)
        return refused(str(path), DoctorError(f"{path}: internal error, please report it: {full_reason(error)}"))


def _request_for(path: Path, shared: Request) -> Request:
    """Return the request for one input: a YAML file is a config before training, all else a checkpoint or a run's folder."""
    if path.suffix.lower() in (".yaml", ".yml") and not path.is_dir():
        return replace(shared, checkpoint=None, config=path)
    return replace(shared, checkpoint=path)
