"""A report's patch: as a diff beside the report, in a form to apply by hand, or made in the config's file."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from humouse_doctor.cases import run_folder
from humouse_doctor.cases.belonging import FOLLOWS_DATA
from humouse_doctor.cases.request import Request
from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.core.remedy import CODE_IN_WORDS, CodeChange, RemedyStatus
from humouse_doctor.core.report import Report
from humouse_doctor.core.settings import Origin, Settings
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.inputs.config import hydra_record, patcher, yaml_text
from humouse_doctor.inputs.files import is_file, is_folder, shortest
from humouse_doctor.inputs.source import trainer
from humouse_doctor.inputs.source.trainer import TrainerFacts
from humouse_doctor.reporting.forms import Emit
from humouse_doctor.reporting.rows import by_hand
from humouse_doctor.service.trainer_patch import joint_patch
from humouse_doctor.stored import report as json_report
from humouse_doctor.stored import saved

_NO_CONFIG = "suggest-config needs a config to change: add --config"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A patch in the form that was asked for; `text` is empty where there is nothing to change.

    `changed` says which file was written, and is empty where none was. `notes` hold the diagnosis and the changes that the
    code needs. `report` has no diff of its own.
    """

    text: str
    report: Report
    changed: str
    notes: tuple[str, ...]


def require_config(request: Request) -> None:
    """Raise `UsageError` if `request` neither names a config nor has a place to find one; nothing is read before.

    Raises `InputError` if the run is not there either.
    """
    run = request.checkpoint
    if request.config is None and run is not None and not (is_folder(run) or is_file(run)):
        raise InputError(f"{run}: no such file or folder; give a run's folder, a checkpoint, or a saved report (.json)")
    if request.config is None and not (run is not None and (is_folder(run) or hydra_record.around(run) is not None)):
        raise UsageError(f"{'' if run is None else f'{run}: no run has left its config around it; '}{_NO_CONFIG}")


def suggestion(
    report: Report, request: Request, emit: Emit, write: bool, force: bool = False, facts: TrainerFacts | None = None
) -> Suggestion:
    """Return the patch of `report` in the form `emit`; with `write`, also make the change in the config's file.

    `request` is what the report was made from. With the `facts` of its trainer, a diff makes the changes of the code too,
    where the trainer has the places for them. Raises `UsageError` without a config, where an edit cannot be made in place,
    and for the record of a finished run, unless `force`d.
    """
    source, config = report.subject.config, request.config
    if source is None:
        raise UsageError(_NO_CONFIG)
    edits, prefix = report.patch, report.config_prefix
    joint = joint_patch(report, facts) if emit is Emit.DIFF and not write else None
    if joint is not None and joint.text:
        notes = [*_notes(report, joint.made), *joint.notes]
        return Suggestion(text=joint.text, report=report, changed="", notes=tuple(notes))
    notes, record = [*_notes(report), *(() if joint is None else joint.notes)], ""
    if edits and (advice := _record_advice(report, Path(source), request.source)):
        if write and not force:
            raise UsageError(f"{source}: {advice}; or insist with --force")
        record = f"{source} is {advice}"
        if write or emit is not Emit.OVERRIDES:  # which are for the next run's command line
            notes.insert(0, f"{'do not apply this diff: ' if emit is Emit.DIFF and not write else ''}{record}")
    changed = ""
    text = _in_form(report, emit)
    if edits and (emit is Emit.DIFF or write):
        before = yaml_text.read_text(Path(source))
        after = patcher.patched(before, source, edits, prefix)
        patcher.require_effect(_whole(config, source), source, edits, prefix)
        if emit is Emit.DIFF:
            if not write:  # it is to be applied, and here as a rule
                patcher.require_own_file(source)
            text = patcher.unified_diff(before, after, source)
            text = _headed(text, record) if record and not write else text
        if write:
            backup = patcher.write(Path(source), after, None if _is_stale(report) else report.subject.sha256)
            changed = f"changed {source}; its old content is in {backup}"
    return Suggestion(text=text, report=report, changed=changed, notes=tuple(notes))


def _headed(diff: str, record: str) -> str:
    """Return a diff of a run's record with a first line that says so, which programs that apply diffs pass over."""
    return f"# Do not apply this: {record}\n{diff}" if record.isprintable() else diff


def _in_form(report: Report, emit: Emit) -> str:
    """Return the patch in a form that needs no file; empty for a diff, and where there is nothing to change."""
    edits, prefix = report.patch, report.config_prefix
    if emit is Emit.JSON:
        return json_report.patch_text(report)
    if edits and emit is Emit.OVERRIDES:
        shown = patcher.override_prefix(report.subject.config, prefix)
        return "".join(f"{patcher.override_line(edit, shown)}\n" for edit in edits)
    return patcher.as_yaml(edits, prefix) if edits and emit is Emit.YAML else ""


def of_saved(path: Path, emit: Emit) -> Suggestion:
    """Return the patch of a saved report in the form `emit`; a diff is made anew, of the config that the report names.

    Raises `UsageError` for a patch of keys that are not the trainer's, and for a diff of a config that is not here any more.
    """
    report = saved.read(path)
    for edit in report.patch:
        patcher.override_line(edit, report.config_prefix)  # what is no key of the trainer's is refused
    text = _in_form(report, emit)
    source = report.subject.config
    if emit is Emit.DIFF and report.patch:
        if source is None or not is_file(Path(source)):
            raise UsageError(f"{path}: its config, {source or 'of no file'}, is not here, so no diff is made; --emit overrides")
        patcher.require_own_file(source)
        before = yaml_text.read_text(Path(source))
        text = patcher.unified_diff(before, patcher.patched(before, source, report.patch, report.config_prefix), source)
        advice = _record_advice(report, Path(source), None)
        text = text if advice is None else _headed(text, f"{source} is {advice}")
    return Suggestion(text=text, report=report, changed="", notes=tuple(_notes(report)))


def with_diff(report: Report, config: Path | None) -> Report:
    """Return `report` with a diff of the file that its patch changes, or with a remark why no diff can be made.

    `config` is the config that the caller named. It may include that file through its defaults list.
    """
    source = report.subject.config
    if source is None or not report.patch:
        return report
    before = yaml_text.read_text(Path(source))
    try:
        after = patcher.patched(before, source, report.patch, report.config_prefix)
        patcher.require_effect(_whole(config, source), source, report.patch, report.config_prefix)
        diff = patcher.unified_diff(before, after, source)
    except patcher.PatchRefused as refused:
        remark = f"no diff: {refused}"
        return replace(report, subject=replace(report.subject, remarks=(*report.subject.remarks, remark)))
    return replace(report, diff=diff)


def _record_advice(report: Report, config: Path, source: Path | None) -> str | None:
    """Return, for the record of a run that is over, what to patch instead; None for any other config.

    `source` is the checkout that the caller named.
    """
    if not hydra_record.is_record(config) or not _is_over(report, config):
        return None
    name = hydra_record.experiment_of(config)
    found = trainer.around(config) if source is None else trainer.find(source)
    checkout = None if found is None else trainer.checkout_of(found)
    file = None if checkout is None else hydra_record.experiment_file(config, checkout)
    if file is not None:
        instead = f"{shortest(file)}, the config of its experiment: --config {shlex.quote(str(shortest(file)))}"
    elif name is not None:
        instead = f"conf/experiment/{name}.yaml in its checkout, the config of its experiment (--source DIR finds it)"
    else:
        instead = "the config that the next run starts from (--config FILE), or add what --emit overrides prints to its command"
    return f"the record of a finished run, which no later training reads; patch {instead}"


def _is_over(report: Report, record: Path) -> bool:
    """Return True if the run with this record has left a generator's checkpoint."""
    if report.subject.checkpoint is not None:
        return True
    settings = Settings(MappingProxyType({setting.key: setting for setting in report.settings}))
    try:
        run_folder.find_checkpoint(record.absolute().parent.parent, settings)
    except InputError:
        return False
    return True


def _overruled(report: Report) -> Iterator[str]:
    """Yield a note on the patch's keys that the run's own command line set: they overrule any file."""
    checkpoint = report.subject.checkpoint
    record = None if checkpoint is None else hydra_record.around(Path(checkpoint))
    if record is None:
        return
    given = {key.removeprefix("experiment.") for key, _ in hydra_record.overrides(record.with_name("overrides.yaml"))}
    both = [edit.key for edit in report.patch if edit.key in given]
    if both:
        yield f"the run's command line sets {', '.join(both)}: change it there too, since it overrules any file"


def _is_stale(report: Report) -> bool:
    """Return True if the config was found not to be what the weights were trained with."""
    found = (finding for finding in report.findings if finding.code == ToolCode.DISAGREEMENT.code)
    return any(finding.location.key != FOLLOWS_DATA for finding in found)


def _whole(config: Path | None, source: str) -> Path:
    """Return the config that `source` is a part of: `source` itself where `config` is None or a run's folder."""
    return Path(source) if config is None or is_folder(config) else config


def _notes(report: Report, made: Collection[CodeChange] = ()) -> Iterator[str]:
    """Yield the diagnosis, and the code changes left to make by hand, one line each; the patch makes those in `made`."""
    yield f"{report.verdict.value}: {report.sentence}"
    unseen = by_hand(report)
    yield from (f"in the config, which was not given: {title}" for title in unseen)
    for remedy in report.chosen_remedies:
        if remedy.code_hint is not None and not (remedy.code_changes and set(remedy.code_changes) <= set(made)):
            left = [CODE_IN_WORDS[change] for change in remedy.code_changes if change not in made]
            if made and left:
                yield f"NOT in the diff, and to be made by hand for {remedy.title}: {', '.join(left)}"
            yield f"in the code: {remedy.title}. {remedy.code_hint}"
        if remedy.trial is not None:
            yield f"by trials, {remedy.title}: {remedy.trial}"
    for remedy in report.remedies:
        if remedy.status is RemedyStatus.REFUSED:
            yield f"not proposed, {remedy.title}: {remedy.why}"
    if not made:
        yield from _overruled(report)
    stale = _is_stale(report) and any(setting.origin is Origin.RECORDED for setting in report.settings)
    if not report.patch and not made and stale:
        yield "no config key to change: the config was changed after this training; train with it, and inspect the result"
    elif not report.patch and not made and not unseen:
        yield "no config key to change"
    if report.chosen_remedies and report.cure is None and report.search is not None:
        yield f"short trainings try it, and search for a smaller cure: {report.search}"
