"""A report's patch: as a diff beside the report, in a form to apply by hand, or made in the config's file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from humouse_doctor.cases.request import Request
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.remedy import RemedyStatus
from humouse_doctor.core.report import Report
from humouse_doctor.inputs.config import patcher, yaml_text
from humouse_doctor.inputs.files import is_folder
from humouse_doctor.reporting.forms import Emit
from humouse_doctor.stored import report as json_report

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
    """Raise `UsageError` if `request` can have no config, before anything is read."""
    if request.config is None and not (request.checkpoint is not None and request.checkpoint.is_dir()):
        raise UsageError(_NO_CONFIG)


def suggestion(report: Report, config: Path | None, emit: Emit, write: bool) -> Suggestion:
    """Return the patch of `report` in the form `emit`; with `write`, also make the change in the config's file.

    `config` is the config that the caller named. Raises `UsageError` without one, and where an edit cannot be made in place.
    """
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
        patcher.require_effect(_whole(config, source), source, edits, prefix)
        if emit is Emit.DIFF:
            if not write:  # it is to be applied, and here as a rule
                patcher.require_own_file(source)
            text = patcher.unified_diff(before, after, source)
        if write:
            changed = f"changed {source}; what it was is in {patcher.write(Path(source), after)}"
    return Suggestion(text=text, report=report, changed=changed, notes=tuple(_notes(report)))


def with_diff(report: Report, config: Path | None) -> Report:
    """Return `report` with a diff of the file that its patch changes, or with a remark why no diff can be made.

    `config` is the config that the caller named. It may have brought that file in through its defaults list.
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


def _whole(config: Path | None, source: str) -> Path:
    """Return the config that `source` is a part of: `source` itself where `config` is None or a run's folder."""
    return Path(source) if config is None or is_folder(config) else config


def _notes(report: Report) -> Iterator[str]:
    """Yield the diagnosis, and what a config patch alone leaves to do, one line each."""
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
