"""The commands that diagnose a run: inspect, preflight and suggest-config. Nothing here prints."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import ExitCode, InputError, UsageError
from humouse_doctor.core.history import History, StageKind
from humouse_doctor.core.report import Report
from humouse_doctor.core.verdict import Verdict
from humouse_doctor.core.view import RunView
from humouse_doctor.diagnosis.diagnose import diagnose
from humouse_doctor.diagnosis.examine import examine, selected, wanted
from humouse_doctor.diagnosis.plugins import with_broken
from humouse_doctor.inputs.config import hydra_record
from humouse_doctor.inputs.files import is_folder, is_stored
from humouse_doctor.inputs.remote import names
from humouse_doctor.inputs.remote.place import HIDDEN
from humouse_doctor.inputs.source import trainer
from humouse_doctor.inputs.source.trainer import TrainerFacts
from humouse_doctor.reporting.forms import BUDGET, Emit
from humouse_doctor.reporting.rows import trials_file
from humouse_doctor.service.display import Beside, Display, view_of
from humouse_doctor.survey.discover import runs_at

if TYPE_CHECKING:
    from humouse_doctor.service.patch import Suggestion
    from humouse_doctor.verify.bench import OnPulse
    from humouse_doctor.verify.runner import Listener

#: All that a caller needs for these commands, from one import.
__all__ = ["Beside", "Display", "inspect_run", "report_on", "suggest", "typed", "view_of", "with_suggestion"]


def inspect_run(
    request: Request,
    display: Display,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    progress: Callable[[str], None] = lambda _: None,
    listener: Listener[Request, Report] | None = None,
) -> RunView:
    """Inspect a checkpoint, or a config before training; raises `DoctorError` with a one-line message.

    The files that `display` names are read first, so that an error in one of them is reported at once. `listener` receives the
    progress of a rehearsal.
    """
    beside = Beside.read(display)
    try:
        report = _listened_to(request, select, ignore, progress, beside, listener)
    except InputError:
        runs = () if request.checkpoint is None else runs_at(request.checkpoint).runs
        if len(runs) < 2:
            raise
        raise InputError(
            f"{request.checkpoint}: {len(runs):,} runs below it, and inspect looks at one; at all of them looks"
            f" {typed('survey', request)}"
        ) from None
    return view_of(report, display, beside, following_of(report, request, display.outcome))


def _listened_to(
    request: Request,
    select: Sequence[str],
    ignore: Sequence[str],
    progress: Callable[[str], None],
    beside: Beside,
    listener: Listener[Request, Report] | None,
) -> Report:
    if listener is None or request.rehearse_s is None:
        return report_on(request, select, ignore, progress, beside)
    listener.started(request)
    report = report_on(request, select, ignore, progress, beside, partial(listener.moved, request))
    listener.ended(request, report)
    return report


def report_on(
    request: Request,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    progress: Callable[[str], None] = lambda _: None,
    beside: Beside | None = None,
    on_pulse: OnPulse = lambda _: None,
) -> Report:
    """Diagnose a checkpoint, or a config before training; raises `DoctorError` with a one-line message.

    The outcome among `beside` marks the remedies that its trials confirmed or refuted. `on_pulse` is called with the progress
    of a rehearsal.
    """
    report, _ = _diagnosed(request, select, ignore, progress, beside, on_pulse)
    if report.patch:
        from humouse_doctor.service.patch import with_diff  # a run without a patch does without the patcher

        report = with_diff(report, request.config)
    report = with_suggestion(report, request)
    return names.with_names(report) if _is_remote(request) else report


def _is_remote(request: Request) -> bool:
    """Return True if a remote file is among those that `request` names."""
    return any(names.is_copy(path) for path in (request.checkpoint, request.config, request.data))


def with_suggestion(report: Report, request: Request) -> Report:
    """Return the report with the commands that print its patch and search for a cure, which are not stored with it."""
    source = report.subject.config
    suggest = patch_command(request, None if source is None else Path(source)) if report.patch else report.suggest
    return replace(report, suggest=suggest, search=_search(report, request))


def _search(report: Report, request: Request) -> str | None:
    """Return the command that searches for a cure of the run in short trainings of humouse's own generator.

    None without config and data, for a network of the user's own, and if a name in it cannot be shown.
    """
    config, data = report.subject.config, report.subject.data
    if config is None or data is None or request.model is not None or request.part is not None or request.as_is:
        return None
    whole = config if request.config is None or is_folder(request.config) else request.config  # which may include `config`
    alone = replace(request, checkpoint=None, config=None, data=None, rehearse_s=None, salvage=False)
    options = ("--search", "--budget", BUDGET, "--outcome", trials_file(names.named(config)))
    return typed("verify", alone, *options, inputs=(_as_word(whole), "--data", _as_word(data)))


def typed(command: str, request: Request, *options: str, inputs: Sequence[str] = ()) -> str | None:
    """Return a command on the inputs of `request`, quoted for a shell; None if a name in it cannot be printed, or is secret.

    `inputs` are words to come first: those of inputs that were found rather than named.
    """
    first, config = request.checkpoint, request.config
    if first is None and command in ("preflight", "gate", "verify"):
        first, config = config, None
    words = ["humouse-doctor", command, *inputs, *(() if first is None else (_as_word(first),))]
    for option, path in (("--config", config), ("--data", request.data), ("--source", request.source)):
        words.extend(() if path is None else (option, _as_word(path)))
    for override in request.overrides:
        words.extend(("--set", override))
    words.extend(() if request.rehearse_s is None else (f"--rehearse={request.rehearse_s:g}s",))
    words.extend(() if request.device == "cpu" else ("--device", request.device))
    words.extend(() if request.model is None else ("--model", request.model))
    words.extend(() if request.part is None else ("--part", request.part))
    words.extend(("--targets", "as-is") if request.as_is else ())
    typed = shlex.join([*words, *(("--salvage",) if request.salvage else ()), *options])
    return typed if typed.isprintable() and HIDDEN not in typed else None


def patch_command(request: Request, config: Path | None, *options: str) -> str | None:
    """Return the command that prints the patch of `config`: as a diff, or as overrides where only a run's record is known.

    No training reads a record, so a diff of it is not to be applied; overrides go to the next run's command line.
    """
    bare = config is not None and hydra_record.is_record(config) and request.source is None and trainer.around(config) is None
    return typed("suggest-config", request, *options, *(("--emit", "overrides") if bare else ()))


def _as_word(path: Path | str) -> str:
    """Return a path, or a remote file's URL, that no command line takes for an option."""
    return f"./{path}" if str(path).startswith("-") else names.named(str(path))


def following_of(report: Report, request: Request, outcome: Path | None = None) -> tuple[str, ...]:
    """Return the command to type after `report`, which was made from `request`: one that works as it stands.

    The patch of a sick run comes first, else the search for a cure; a healthy checkpoint is held by a gate, a healthy config
    is rehearsed, and of any other report more is shown. Where the folder of several runs was given, survey looks at all. A cure
    of a warm-up is not searched for where that is not to blame. `outcome` is the file of the trials that mark the report.
    """
    sick = report.verdict in (Verdict.COLLAPSED, Verdict.AT_RISK)
    sound = report.verdict is Verdict.HEALTHY and report.exit_code() is ExitCode.CLEAN
    command = None
    own = request.model is not None or request.part is not None or request.as_is  # survey has no such options
    if request.checkpoint is not None and not own and len(runs_at(request.checkpoint).runs) > 1:
        command = typed("survey", request)  # one of several runs was looked at
    elif report.chosen_remedies and report.subject.config is not None:
        beside = () if outcome is None else ("--outcome", _as_word(outcome))
        command = patch_command(request, Path(report.subject.config) if report.patch else None, *beside)
    elif sick and not _is_blameless(report):
        command = report.search
    elif sound and request.checkpoint is not None and not (request.model or request.salvage):  # which a gate has not
        command = typed("gate", request)
    elif sound and report.before_training and report.data is not None:
        command = typed("preflight", request, "--rehearse")
    if command is None:
        command = typed("preflight" if request.checkpoint is None else "inspect", request, "--full")
    return () if command is None else (command,)


def _is_blameless(report: Report) -> bool:
    """Return True if the run's own samples show that the adversarial stage has made what is wrong."""
    if report.history is None or report.stage is None or report.stage.kind is not StageKind.ADVERSARIAL:
        return False
    from humouse_doctor.diagnosis import timeline  # only a run's folder has a history

    return timeline.drew_well_at_first(report.history) or (timeline.thrown_off(report.history) and not report.causes)


def _diagnosed(
    request: Request,
    select: Sequence[str],
    ignore: Sequence[str],
    progress: Callable[[str], None],
    beside: Beside | None,
    on_pulse: OnPulse = lambda _: None,
) -> tuple[Report, TrainerFacts | None]:
    """Return the report and the facts of the trainer; the patch's diff, which reads the config several times, is made later."""
    started = time.monotonic()
    probes = selected(select, ignore)
    if request.checkpoint is None and request.as_is:
        raise UsageError(
            f"{request.config}: --targets as-is is for a generator of your own, or samples: before training a config is that of"
            " humouse's warm-up, on gestures"
        )
    if request.rehearse_s is not None:
        if request.checkpoint is not None:
            raise UsageError("--rehearse is for a config alone; a checkpoint is measured without it")
        from humouse_doctor.verify.rehearsing import rehearsed  # torch

        report, source = rehearsed(request, started, select=select, ignore=ignore, progress=progress, on_pulse=on_pulse)
    else:
        loaded = with_broken(load_case(request, progress))
        chosen = tuple(found for found in loaded.tool_findings if wanted(found.code.code, select, ignore))
        case, history = _with_history(loaded.case, request)
        report = diagnose(replace(loaded, case=case, tool_findings=chosen), examine(case, probes), history)
        source = loaded.source
    if beside is None or beside.outcome is None:
        return report, source
    from humouse_doctor.service.trials import marked  # few runs have trials, and reading them is slow to import

    return marked(report, beside.outcome, beside.outcome_path, request.overrides), source


def _with_history(case: Case, request: Request) -> tuple[Case, History | None]:
    """Return the case, and the history of its run if the run's folder or samples are the subject."""
    if request.checkpoint is None or not (case.subject_is_samples or request.checkpoint.is_dir()):
        return case, None
    from humouse_doctor.diagnosis import timeline  # a checkpoint is looked at by itself
    from humouse_doctor.service.history import history_of_run, history_of_samples  # as above

    if case.subject_is_samples:
        return case, history_of_samples(case)
    history, remarks = history_of_run(request.checkpoint, case)
    subject = replace(case.subject, remarks=(*case.subject.remarks, *remarks))
    well, thrown_off = timeline.drew_well_at_first(history), timeline.thrown_off(history)
    return replace(case, subject=subject, drew_well_at_first=well, thrown_off=thrown_off), history


def suggest(
    request: Request,
    emit: Emit,
    write: bool,
    progress: Callable[[str], None] = lambda _: None,
    outcome: Path | None = None,
    *,
    force: bool = False,
) -> Suggestion:
    """Return the report's patch in the form `emit`; with `write`, also make the change in the config's file.

    A saved report gives its own patch. Raises `UsageError` without a config, where an edit cannot be made in place, and for the
    record of a finished run, unless `force`d.
    """
    from humouse_doctor.service import patch  # inspect and preflight do without it as a rule

    if request.checkpoint is not None and (str(request.checkpoint) == "-" or is_stored(request.checkpoint)):
        if write or request.config is not None or request.data is not None or outcome is not None:
            raise UsageError(f"{request.checkpoint}: a saved report; --write, --config, --data and --outcome need its run")
        return patch.of_saved(request.checkpoint, emit)
    patch.require_config(request)
    if write and names.is_copy(request.config):
        raise UsageError(f"{request.config}: a remote file, which --write does not change; apply the diff to the original")
    report, facts = _diagnosed(request, (), (), progress, Beside.read(Display(outcome=outcome)))
    report = with_suggestion(report, request)
    made = patch.suggestion(report, request, emit, write, force, facts)
    return names.with_names(made) if _is_remote(request) else made
