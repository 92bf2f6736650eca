"""The command verify: remedies tried in paired trainings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from humouse_doctor.cases.request import Request
from humouse_doctor.core.outcome import Outcome
from humouse_doctor.core.view import TrialsView
from humouse_doctor.inputs.config import patcher
from humouse_doctor.inputs.remote import names
from humouse_doctor.reporting.rows import trials_file
from humouse_doctor.service.commands import patch_command, typed
from humouse_doctor.verify import verification
from humouse_doctor.verify.runner import ProgressListener
from humouse_doctor.verify.trainer import Command
from humouse_doctor.verify.verification import VerifyRequest
from humouse_doctor.verify.warm_start import diff_beside

#: All that a caller needs for this command, from one import.
__all__ = ["Command", "VerifyRequest", "diff_beside", "verify"]


def verify(request: VerifyRequest, listener: ProgressListener, progress: Callable[[str], None] = lambda _: None) -> TrialsView:
    """Try remedies in paired trainings; raises `DoctorError` with a one-line message."""
    outcome = names.with_names(verification.verify(request, listener, progress).outcome)
    command = _following(outcome, request)
    return TrialsView(outcome=outcome, following=() if command is None else (command,))


def _following(outcome: Outcome, request: VerifyRequest) -> str | None:
    """Return the command to type after the trials, None if a name in it cannot be printed.

    The cure's patch is printed from the file of the trials, or its config is looked at where there is no file. Without a cure
    the trials go on: what the budget left out, then a search. After all of that the diagnosis is read as a whole.
    """
    run = Request(
        checkpoint=request.checkpoint,
        config=request.config,
        data=request.data,
        source=request.source,
        overrides=request.overrides,
    )
    alone, chosen = replace(run, checkpoint=None), outcome.arm(outcome.chosen)
    if chosen is not None and request.outcome is not None:
        return patch_command(run, run.config, "--outcome", str(request.outcome))
    if chosen is not None:
        cure = {edit.key: patcher.from_hydra(patcher.override(replace(edit, absent=False))) for edit in chosen.arm.edits}
        others = (line for line in request.overrides if line.partition("=")[0] not in cure)
        return typed("preflight", replace(alone, overrides=(*others, *cure.values())))
    if outcome.base is not None and outcome.base.seeds and outcome.base.healthy_seeds == outcome.base.seeds:
        return typed("gate", alone)
    if outcome.inconclusive or not (request.search or request.trainer):
        return typed("verify", alone, *_longer(request, search=request.search or not outcome.inconclusive))
    return typed("preflight" if request.checkpoint is None else "inspect", run, "--full")


def _longer(request: VerifyRequest, *, search: bool) -> Iterator[str]:
    """Yield the options of a verify that goes on from `request`, with twice its budget."""
    yield from () if request.checkpoint is None else ("--checkpoint", names.named(str(request.checkpoint)))
    if search:
        yield "--search"
    else:
        for patch in request.patches:
            yield from ("--patch", patch)
    if request.trainer is not None:
        yield from ("--trainer", request.trainer.text, "--trainer-checkpoint", request.trainer.checkpoint)
    yield from ("--seeds", str(request.seeds))
    yield from ("--budget", f"{2 * request.budget_s:g}s") if request.steps is None else ("--steps", str(request.steps))
    if search and request.search:
        yield from ("--max-arms", str(2 * request.max_arms))
    yield from () if request.device == "cpu" else ("--device", request.device)
    yield from ("--outcome", trials_file(str(request.config)) if request.outcome is None else str(request.outcome))
