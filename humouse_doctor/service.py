"""One function per command: parse -> call one of these -> print. Nothing here prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.report import Report
from humouse_doctor.diagnosis import diagnose
from humouse_doctor.examine import examine, selected, wanted
from humouse_doctor.loading import Request, load_case
from humouse_doctor.reporting.forms import Emit

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
    probes = selected(select, ignore)
    loaded = load_case(request, progress)
    told = tuple(found for found in loaded.tool_findings if wanted(found.code.code, select, ignore))
    report = diagnose(replace(loaded, tool_findings=told), examine(loaded.case, probes))
    return _with_diff(report if outcome is None else _marked(report, outcome, request.overrides))


def _with_diff(report: Report) -> Report:
    """`report` with its patch as a diff of the config; a patch that cannot be made in place has none."""
    source = report.subject.config
    if source is None or not report.patch:
        return report
    from humouse_doctor.config import patcher, yaml_text

    before = yaml_text.read_text(Path(source))
    try:
        after = patcher.patched(before, source, report.patch, report.config_prefix)
    except patcher.PatchRefused as refused:
        remark = f"no diff: {refused}"
        return replace(report, subject=replace(report.subject, remarks=(*report.subject.remarks, remark)))
    return replace(report, diff=patcher.unified_diff(before, after, source))


def _marked(report: Report, path: Path, overrides: Sequence[str]) -> Report:
    """`report` with what the trials kept at `path` showed; raises `UsageError` where they are of another config."""
    from humouse_doctor.config import reader
    from humouse_doctor.reporting import outcome_json
    from humouse_doctor.verify.marks import config_values, mark

    outcome = outcome_json.read(path)
    source = report.subject.config
    if source is None:
        raise UsageError(f"{path}: trials belong to a config: add --config")
    if outcome.config_values != config_values(reader.read(Path(source), overrides).settings):
        raise UsageError(f"{path}: its trials were made with other values than {source} has now; run verify again")
    return mark(report, outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A patch in the asked form; `text` is empty where there is nothing to change, `written` names file and backup."""

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
    from humouse_doctor.config import patcher, yaml_text
    from humouse_doctor.reporting import json_report

    if request.config is None and not (request.checkpoint is not None and request.checkpoint.is_dir()):
        raise UsageError(_NO_CONFIG)
    report = report_on(request, progress=progress, outcome=outcome)
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
        text = "".join(f"{patcher.override(edit, shown)}\n" for edit in edits)
    elif edits and emit is Emit.YAML:
        text = patcher.as_yaml(edits, prefix)
    if edits and (emit is Emit.DIFF or write):
        before = yaml_text.read_text(Path(source))
        after = patcher.patched(before, source, edits, prefix)
        if emit is Emit.DIFF:
            text = patcher.unified_diff(before, after, source)
        if write:
            written = Path(source), patcher.write(Path(source), after)
    return Suggestion(text=text, report=report, written=written)
