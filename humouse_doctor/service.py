"""One function per command: parse -> call one of these -> print. Nothing here prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from humouse_doctor import __version__
from humouse_doctor.cases.loading import Request, load_case
from humouse_doctor.core.errors import DoctorError, MachineError, UsageError, ordinary
from humouse_doctor.core.gating import Entry, Gate, Policy
from humouse_doctor.core.probe import Severity
from humouse_doctor.core.report import Report
from humouse_doctor.diagnosis.diagnose import diagnose
from humouse_doctor.diagnosis.examine import examine, selected, wanted
from humouse_doctor.diagnosis.plugins import with_broken
from humouse_doctor.inputs.files import is_folder, require_unread
from humouse_doctor.reporting.forms import Emit, FailOn

if TYPE_CHECKING:
    from humouse_doctor.reporting.rendering import Exhibit

_NO_CONFIG = "suggest-config needs a config to change: add --config"


def report_on(
    request: Request,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    progress: Callable[[str], None] = lambda _: None,
    outcome: Path | None = None,
) -> Report:
    """Inspect a checkpoint, or a config before training; raises `DoctorError` with one line.

    `outcome` is a file that verify has kept on the same config: it marks the remedies its trials confirmed or refuted.
    """
    return _with_diff(_diagnosed(request, select, ignore, progress, outcome), request.config)


def _diagnosed(
    request: Request,
    select: Sequence[str],
    ignore: Sequence[str],
    progress: Callable[[str], None],
    outcome: Path | None,
) -> Report:
    """The report without its patch as a diff, which takes the config's text several readings."""
    probes = selected(select, ignore)
    loaded = with_broken(load_case(request, progress))
    told = tuple(found for found in loaded.tool_findings if wanted(found.code.code, select, ignore))
    report = diagnose(replace(loaded, tool_findings=told), examine(loaded.case, probes))
    return report if outcome is None else _marked(report, outcome, request.overrides)


def _with_diff(report: Report, config: Path | None) -> Report:
    """`report` with its patch as a diff of the file it is made in; a patch that cannot be made in place has none.

    `config` is the one that was asked for, and may have brought that file in.
    """
    source = report.subject.config
    if source is None or not report.patch:
        return report
    from humouse_doctor.inputs.config import patcher, yaml_text

    before = yaml_text.read_text(Path(source))
    try:
        after = patcher.patched(before, source, report.patch, report.config_prefix)
        patcher.require_effect(_whole(config, source), source, report.patch, report.config_prefix)
        diff = patcher.unified_diff(before, after, source)
    except patcher.PatchRefused as refused:
        remark = f"no diff: {refused}"
        return replace(report, subject=replace(report.subject, remarks=(*report.subject.remarks, remark)))
    return replace(report, diff=diff)


def _whole(config: Path | None, source: str) -> Path:
    """The config that `source` is a part of: itself where none was asked for, or the folder that it was found in."""
    return Path(source) if config is None or is_folder(config) else config


def _marked(report: Report, path: Path, overrides: Sequence[str]) -> Report:
    """`report` with what the trials kept at `path` showed; raises `UsageError` where they are of another config."""
    from humouse_doctor.inputs.config import reader
    from humouse_doctor.inputs.config.trainer_keys import BY_NAME
    from humouse_doctor.inputs.stored import outcome as outcome_json
    from humouse_doctor.verify.marks import config_values, mark

    outcome = outcome_json.read(path)
    source = report.subject.config
    if source is None:
        raise UsageError(f"{path}: trials belong to a config: add --config")
    if outcome.config_values != config_values(reader.read(Path(source), overrides).settings):
        raise UsageError(f"{path}: its trials were made with other values than {source} has now; run verify again")
    marked = mark(report, outcome)
    own = {edit for remedy in report.remedies for edit in remedy.edits}
    for edit in marked.patch:
        if isinstance(edit.new, str) and not BY_NAME[edit.key].accepts and edit not in own:
            raise UsageError(f"{path}: its cure sets {edit.key}, and no trial says which file to trust; set it yourself")
    return marked


def exhibit(
    report: Report, fail_on: Severity | None, *, before: Report | None = None, outcome: Path | None = None, root: str = ""
) -> Exhibit:
    """One run's report with all that the formats show of it; `before` is an older report to compare it with."""
    from humouse_doctor.gate.comparing import compare
    from humouse_doctor.gate.judging import judged_alone
    from humouse_doctor.inputs.stored import outcome as outcome_json
    from humouse_doctor.reporting.rendering import Exhibit

    return Exhibit(
        gate=judged_alone(report, Policy(fail_on=fail_on), __version__),
        report=report,
        outcome=None if outcome is None else outcome_json.read(outcome),
        comparison=None if before is None else compare(before, report),
        root=root,
    )


def compared(gate: Gate, path: Path | None, root: str = "") -> Exhibit:
    """A gate's decision, and what has changed on its one input since the report at `path`; raises `DoctorError`."""
    from humouse_doctor.gate.comparing import compare
    from humouse_doctor.inputs.stored import saved
    from humouse_doctor.reporting.rendering import Exhibit

    entry = gate.entries[0]
    before = None if path is None else saved.read(path, entry.name)
    changed = None if before is None or entry.report is None else compare(before, entry.report)
    return Exhibit(gate=gate, comparison=changed, root=root)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOrder:
    """What a gate is to look at, and by which rules.

    `request` holds what all inputs share: config and data for checkpoints, overrides, sizes and the seed. `policy` is a
    file, None for the one that holds in `folder`, if there is one; `fail_on` and `require_data`, where given, come before
    what it says. `today` decides which ignores have expired. `outputs` are the files that the caller will write.
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


def gate(order: GateOrder, progress: Callable[[str], None] = lambda _: None) -> Gate:
    """Judge every input by the policy; one that cannot be read is an entry that fails, and the others go on.

    Raises `UsageError` or `InputError` for what is wrong with the policy or the baseline, and before anything is written
    `UsageError` for an output that was read.
    """
    from humouse_doctor.gate import baseline as baselines
    from humouse_doctor.gate import policy as policies
    from humouse_doctor.gate.judging import Judge, is_known, worst_first

    source = policies.find(order.folder) if order.policy is None else order.policy
    policy = Policy() if source is None else policies.read(source)
    if order.fail_on is not None:
        policy = replace(policy, fail_on=order.fail_on.severity)
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
                order.write_baseline, [judge.entry(name, report) for name, report in reports.items()], __version__
            )
    entries = [
        found if isinstance(found, Entry) else judge.entry(name, found, None if known is None else known.run(name, found))
        for name, found in looked_at.items()
    ]
    return Gate(
        tool_version=__version__,
        entries=worst_first(entries),
        policy=policy,
        baseline=None if known is None else str(known.source),
        notes=(*notes, *judge.unused(entries)),
    )


def _looked_at(path: Path, shared: Request, progress: Callable[[str], None]) -> Report | Entry:
    """The report of one input, or why there is none: what one brings about must not take the others with it."""
    from humouse_doctor.gate.judging import refused

    try:
        return report_on(_request_for(path, shared), progress=progress)
    except (MachineError, ImportError, MemoryError):  # the machine's trouble, which all inputs would meet
        raise
    except Exception as error:
        trouble = ordinary(error)
        if trouble is not None:
            return refused(str(path), trouble)
        text = " ".join(str(error).split())[:200]
        return refused(str(path), DoctorError(f"{path}: internal error, please report it: {type(error).__name__}: {text}"))


def _request_for(path: Path, shared: Request) -> Request:
    """What to look at for one input: a YAML file is a config before training, all else a checkpoint or a run's folder."""
    if path.suffix.lower() in (".yaml", ".yml") and not path.is_dir():
        return replace(shared, checkpoint=None, config=path)
    return replace(shared, checkpoint=path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A patch in the asked form; `text` is empty where there is nothing to change, `written` names file and backup.

    `report` has no diff of its own.
    """

    text: str
    report: Report
    written: tuple[Path, Path] | None = None


def suggest(
    request: Request,
    emit: Emit,
    write: bool,
    progress: Callable[[str], None] = lambda _: None,
    outcome: Path | None = None,
) -> Suggestion:
    """The report's patch as `emit` asks, and with `write` made in place.

    Raises `UsageError` without a config, and where an edit cannot be made in place.
    """
    from humouse_doctor.inputs.config import patcher, yaml_text
    from humouse_doctor.inputs.stored import report as json_report

    if request.config is None and not (request.checkpoint is not None and request.checkpoint.is_dir()):
        raise UsageError(_NO_CONFIG)
    report = _diagnosed(request, (), (), progress, outcome)
    source = report.subject.config
    if source is None:
        raise UsageError(_NO_CONFIG)
    edits, prefix = report.patch, report.config_prefix
    written = None
    text = ""
    if emit is Emit.JSON:
        text = json_report.patch_text(report)
    elif edits and emit is Emit.OVERRIDES:
        shown = patcher.override_prefix(source, prefix)
        text = "".join(f"{patcher.override_line(edit, shown)}\n" for edit in edits)
    elif edits and emit is Emit.YAML:
        text = patcher.as_yaml(edits, prefix)
    if edits and (emit is Emit.DIFF or write):
        before = yaml_text.read_text(Path(source))
        after = patcher.patched(before, source, edits, prefix)
        patcher.require_effect(_whole(request.config, source), source, edits, prefix)
        if emit is Emit.DIFF:
            if not write:  # it is to be applied, and here as a rule
                patcher.require_own_file(source)
            text = patcher.unified_diff(before, after, source)
        if write:
            written = Path(source), patcher.write(Path(source), after)
    return Suggestion(text=text, report=report, written=written)
