"""One function per command, from its request to its view. Nothing here prints."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.core.errors import DoctorError, MachineError, UsageError, ordinary
from humouse_doctor.core.gating import Entry, Gate, Policy
from humouse_doctor.core.remedy import RemedyStatus
from humouse_doctor.core.report import Report
from humouse_doctor.core.text import full_reason
from humouse_doctor.core.version import VERSION
from humouse_doctor.core.view import GateView, RunView, TrialsView
from humouse_doctor.diagnosis.diagnose import diagnose
from humouse_doctor.diagnosis.examine import examine, selected, wanted
from humouse_doctor.diagnosis.plugins import with_broken
from humouse_doctor.inputs.files import is_folder, require_unread
from humouse_doctor.reporting.forms import Emit, FailOn

if TYPE_CHECKING:
    from humouse_doctor.core.outcome import Outcome
    from humouse_doctor.training.demonstration import Bar
    from humouse_doctor.verify.runner import ProgressListener
    from humouse_doctor.verify.verification import VerifyRequest

_NO_CONFIG = "suggest-config needs a config to change: add --config"


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """The way one run's report is to be shown.

    `fail_on` is the least severe finding that gives exit code 1, `compare` a saved report to compare with, and `outcome`
    a file that verify has written on the same config: it marks the remedies that its trials confirmed or refuted. `root`
    is the absolute folder that a pipeline shows paths relative to, empty for none.
    """

    fail_on: FailOn = FailOn.WARNING
    compare: Path | None = None
    outcome: Path | None = None
    root: str = ""


def inspect_run(
    request: Request,
    display: Display,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> RunView:
    """Inspect a checkpoint, or a config before training; raises `DoctorError` with one line.

    The files that `display` names are read first, so that trouble with them costs no time.
    """
    beside = Beside.read(display)
    return view_of(report_on(request, select, ignore, progress, beside), display, beside)


def show_saved(path: Path, display: Display) -> RunView:
    """Show the report saved at `path` again; raises `DoctorError` with one line."""
    from humouse_doctor.stored import saved

    beside = Beside.read(display)
    return view_of(saved.read(path), display, beside)


def demo(directory: Path | None, seed: int, display: Display, progress: Callable[[str], None], bar: Bar) -> RunView:
    """Train the demo's run into `directory` and inspect it; a temporary folder is used and removed where none is given.

    Raises `InputError` where a run that is not the demo's own is there already.
    """
    from humouse_doctor.training.demonstration import train_demo

    if directory is None:
        with tempfile.TemporaryDirectory(prefix="humouse-doctor-demo-") as folder:
            return demo(Path(folder), seed, display, progress, bar)
    train_demo(directory, seed, bar)
    return inspect_run(Request(checkpoint=directory, seed=seed), display, progress=progress)


def verify(request: VerifyRequest, listener: ProgressListener, progress: Callable[[str], None] = lambda _: None) -> TrialsView:
    """Try remedies in paired trainings; raises `DoctorError` with one line."""
    from humouse_doctor.verify.verification import verify as run_trials

    return TrialsView(outcome=run_trials(request, listener, progress).outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The files that are shown beside a report, each read once; `outcome_path` names that of the trials."""

    before: Report | None = None
    outcome: Outcome | None = None
    outcome_path: str = ""

    @classmethod
    def read(cls, display: Display) -> Beside:
        """Read the files that `display` names; raises `DoctorError` with one line."""
        before = outcome = None
        if display.compare is not None:
            from humouse_doctor.stored import saved

            before = saved.read(display.compare)
        if display.outcome is not None:
            from humouse_doctor.stored import outcome as outcome_json

            outcome = outcome_json.read(display.outcome)
        return cls(before=before, outcome=outcome, outcome_path=str(display.outcome))


def view_of(report: Report, display: Display, beside: Beside) -> RunView:
    """Judge one report alone and compare it with what is shown beside it."""
    from humouse_doctor.gate.comparing import compare
    from humouse_doctor.gate.judging import judged_alone

    return RunView(
        report=report,
        gate=judged_alone(report, Policy(fail_on=display.fail_on.severity), VERSION),
        outcome=beside.outcome,
        comparison=None if beside.before is None else compare(beside.before, report),
        root=display.root,
    )


def report_on(
    request: Request,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    progress: Callable[[str], None] = lambda _: None,
    beside: Beside | None = None,
) -> Report:
    """Diagnose a checkpoint, or a config before training; raises `DoctorError` with one line.

    The outcome among `beside` marks the remedies that its trials confirmed or refuted.
    """
    return _with_diff(_diagnosed(request, select, ignore, progress, beside), request.config)


def _diagnosed(
    request: Request,
    select: Sequence[str],
    ignore: Sequence[str],
    progress: Callable[[str], None],
    beside: Beside | None,
) -> Report:
    """The report without its patch as a diff, which takes the config's text several readings."""
    probes = selected(select, ignore)
    loaded = with_broken(load_case(request, progress))
    chosen = tuple(found for found in loaded.tool_findings if wanted(found.code.code, select, ignore))
    report = diagnose(replace(loaded, tool_findings=chosen), examine(loaded.case, probes))
    if beside is None or beside.outcome is None:
        return report
    return _marked(report, beside.outcome, beside.outcome_path, request.overrides)


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


def _marked(report: Report, outcome: Outcome, path: str, overrides: Sequence[str]) -> Report:
    """`report` with what the trials read from `path` showed; raises `UsageError` where they are of another config."""
    from humouse_doctor.inputs.config import reader
    from humouse_doctor.inputs.config.trainer_keys import BY_NAME
    from humouse_doctor.verify.marks import config_values, mark

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


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRequest:
    """The inputs of a gate and its rules.

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


def gate_view(
    request: GateRequest, compare: Path | None, root: str, progress: Callable[[str], None] = lambda _: None
) -> GateView:
    """Judge every input by the policy, and compare the only one with the report at `compare`; raises `DoctorError`."""
    from humouse_doctor.gate import comparing
    from humouse_doctor.stored import saved

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
        return refused(str(path), DoctorError(f"{path}: internal error, please report it: {full_reason(error)}"))


def _request_for(path: Path, shared: Request) -> Request:
    """What to look at for one input: a YAML file is a config before training, all else a checkpoint or a run's folder."""
    if path.suffix.lower() in (".yaml", ".yml") and not path.is_dir():
        return replace(shared, checkpoint=None, config=path)
    return replace(shared, checkpoint=path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A patch in the asked form; `text` is empty where there is nothing to change.

    `changed` says what was written, empty where nothing was; `notes` the diagnosis, and what the code needs. `report` has
    no diff of its own.
    """

    text: str
    report: Report
    changed: str
    notes: tuple[str, ...]


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
    from humouse_doctor.stored import report as json_report

    if request.config is None and not (request.checkpoint is not None and request.checkpoint.is_dir()):
        raise UsageError(_NO_CONFIG)
    report = _diagnosed(request, (), (), progress, Beside.read(Display(outcome=outcome)))
    source = report.subject.config
    if source is None:
        raise UsageError(_NO_CONFIG)
    edits, prefix = report.patch, report.config_prefix
    changed = text = ""
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
            changed = f"changed {source}; what it was is in {patcher.write(Path(source), after)}"
    return Suggestion(text=text, report=report, changed=changed, notes=tuple(_notes(report)))


def _notes(report: Report) -> Iterator[str]:
    """The diagnosis, and what a config patch alone leaves to do, a line each."""
    yield f"{report.verdict.value}: {report.sentence}"
    for remedy in report.chosen_remedies:
        if remedy.code_hint is not None:
            yield f"in the code, for {remedy.title}: {remedy.code_hint}"
        if remedy.trial is not None:
            yield f"by trials, {remedy.title}: {remedy.trial}"
    for remedy in report.remedies:
        if remedy.status is RemedyStatus.REFUSED:
            yield f"not proposed, {remedy.title}: {remedy.why}"
    if not report.patch:
        yield "no config key to change"
