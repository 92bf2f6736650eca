"""Paths to a case: the config is read, the data, then the checkpoint where there is one.

Torch is imported only for a checkpoint or a `.pt` file of gestures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from humouse_doctor.cases import run_folder
from humouse_doctor.cases.from_config import before_training
from humouse_doctor.cases.request import Loaded, Notes, Progress, Request, ToolFinding
from humouse_doctor.core.cost import memory_asked
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.inputs.config.reader import ReadConfig

if TYPE_CHECKING:
    from humouse_doctor.inputs.gestures.gestures import Gestures


def load_case(
    request: Request,
    progress: Progress = lambda _: None,
    gestures: Gestures | None = None,
    config: ReadConfig | None = None,
) -> Loaded:
    """Read everything `request` names; raises `InputError` or `UsageError` with one line.

    `gestures` and `config`, where they have been read before, are used instead of reading `request.data` and
    `request.config` again; `config` has the request's overrides in it.
    """
    with memory_asked(str(request.checkpoint or request.config)):
        return _load(request, Notes(progress=progress), gestures, config)


def _load(request: Request, notes: Notes, gestures: Gestures | None, known: ReadConfig | None) -> Loaded:
    request, config = run_folder.resolve(request, notes, known)
    notes.findings.extend(_complaints(config))
    notes.remarks.extend(config.remarks)
    settings = config.settings
    if request.data is not None and gestures is None:
        from humouse_doctor.inputs.gestures.sources import read_gestures  # all readers of data, which many a look is without

        notes.progress(f"reading gestures from {request.data}")
        gestures = read_gestures(request.data, settings, request.max_sequences, request.seed)
    if request.checkpoint is None:
        return notes.loaded(before_training(request, settings, gestures, notes))
    from humouse_doctor.cases.from_checkpoint import of_checkpoint  # the loader, which a look before training is without

    return notes.loaded(of_checkpoint(request, request.checkpoint, settings, gestures, notes))


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
