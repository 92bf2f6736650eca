"""Load a case from paths: read the config, then the data, then the checkpoint if there is one.

Torch is imported only for a checkpoint or a `.pt` file of gestures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from humouse_doctor.cases import run_folder
from humouse_doctor.cases.from_config import before_training
from humouse_doctor.cases.request import Loaded, Notes, Progress, Request, ToolFinding
from humouse_doctor.cases.spaces import added, can_compare_as_read
from humouse_doctor.core.cost import memory_asked
from humouse_doctor.core.errors import InputError
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.inputs.config.reader import ReadConfig
from humouse_doctor.inputs.config.trainer_keys import ADDED, WARMUP_SPACE
from humouse_doctor.inputs.source import trainer
from humouse_doctor.inputs.source.trainer import TrainerFacts

if TYPE_CHECKING:
    from pathlib import Path

    from humouse_doctor.core.case import Case
    from humouse_doctor.core.settings import Settings
    from humouse_doctor.inputs.gestures.gestures import Gestures


def load_case(
    request: Request,
    progress: Progress = lambda _: None,
    gestures: Gestures | None = None,
    config: ReadConfig | None = None,
    source: TrainerFacts | None = None,
) -> Loaded:
    """Read everything `request` names; raises `InputError` or `UsageError` with a one-line message.

    If `gestures`, `config` or `source` is given, `request.data`, `request.config` or `request.source` is not read again; a
    given `config` includes the request's overrides.
    """
    with memory_asked(str(request.checkpoint or request.config)):
        return _load(request, Notes(progress=progress), gestures, config, source)


def _load(
    request: Request,
    notes: Notes,
    gestures: Gestures | None,
    known: ReadConfig | None,
    source: TrainerFacts | None,
) -> Loaded:
    request, config = run_folder.resolve(request, notes, known)
    notes.findings.extend(_complaints(config))
    notes.remarks.extend(config.remarks)
    settings = config.settings
    if request.data is not None and gestures is None:
        from humouse_doctor.inputs.gestures.sources import read_gestures, read_series  # which many a look is without

        notes.progress(f"reading {'series' if request.as_is else 'gestures'} from {request.data}")
        if request.as_is:
            gestures = read_series(request.data, request.max_sequences, request.seed)
        else:
            gestures = read_gestures(request.data, settings, request.max_sequences, request.seed)
    notes.source = _source_of(request, notes) if source is None else source
    notes.findings.extend(_added_keys(settings, notes.source))
    if request.checkpoint is None:
        return notes.loaded(before_training(request, settings, gestures, notes))
    return notes.loaded(_of_file(request, request.checkpoint, settings, gestures, notes))


def _of_file(request: Request, path: Path, settings: Settings, gestures: Gestures | None, notes: Notes) -> Case:
    """Return the case of the file to be inspected: a checkpoint, or generated sequences by their name or content."""
    from humouse_doctor.cases.from_samples import of_samples  # the readers of files, which a look before training is without
    from humouse_doctor.inputs.samples.samples import is_samples  # as above

    if is_samples(path):
        return of_samples(request, path, settings, gestures, notes)
    from humouse_doctor.cases.from_checkpoint import of_checkpoint  # the loader, too
    from humouse_doctor.cases.stage import siblings, stage_of  # as above
    from humouse_doctor.inputs.checkpoints.checkpoint import BareSequences  # as above

    try:
        case = of_checkpoint(request, path, settings, gestures, notes)
    except BareSequences as refused:
        try:
            return of_samples(request, path, settings, gestures, notes)
        except InputError:
            raise refused from None
    remarks = (*case.subject.remarks, *siblings(path, case.settings))
    stage = stage_of(path, case.settings, pretrainer=case.subject_is_pretrainer)
    return replace(case, stage=stage, subject=replace(case.subject, remarks=remarks))


def _source_of(request: Request, notes: Notes) -> TrainerFacts | None:
    """Return the facts about the trainer that `request` names, else about the one in the run's checkout; None if there is none.

    Raises `InputError` or `UsageError` if the named trainer cannot be read.
    """
    if request.source is not None:
        return trainer.read(trainer.find(request.source))
    run = request.checkpoint or request.config
    found = None if run is None else trainer.around(run)
    if found is None:
        return None
    try:
        facts = trainer.read(found)
    except InputError as error:
        notes.remarks.append(f"source: {error}; not used")
        return None
    notes.remarks.append(f"source: read {found}, in the run's checkout; give --source for another one")
    return facts


def _added_keys(settings: Settings, source: TrainerFacts | None) -> Iterator[ToolFinding]:
    """Yield a finding for each key of a patched trainer that the config sets, and that this trainer ignores or stops at."""

    def serious(key: str, message: str) -> ToolFinding:
        return ToolFinding(code=ToolCode.CONFIG_VALUE, message=message, serious=True, key=key, place=settings.place(key))

    if added(settings, WARMUP_SPACE, source) == "read" and not can_compare_as_read(settings):
        yield serious(
            WARMUP_SPACE,
            f"{WARMUP_SPACE} is read, with which the trainer stops here: it needs model.generator.activation_xy linear, and no"
            " spectral norm",
        )
    if source is None:
        return
    for key in ADDED:
        if key in settings.in_file and key not in source.added:
            yield serious(
                key,
                f"{key} is {settings.text(key)}, but {source.file} does not know the key and ignores it; apply the diff of"
                " suggest-config to the trainer as well",
            )


def _complaints(config: ReadConfig) -> list[ToolFinding]:
    return [
        ToolFinding(
            code=ToolCode.CONFIG_VALUE,
            message=complaint.message,
            serious=complaint.serious,
            key=complaint.key,
            place=complaint.place,
        )
        for complaint in config.complaints
    ]
