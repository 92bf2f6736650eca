"""The contract with a pretrainer: the contents of its checkpoint, and the space that a run starting from it compares."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from humouse_doctor.cases import run_folder
from humouse_doctor.cases.loader_notes import accept_generator, note_foreign_code
from humouse_doctor.cases.request import Notes, Request
from humouse_doctor.cases.spaces import reading_of
from humouse_doctor.core.case import PretrainerContract
from humouse_doctor.core.settings import Settings
from humouse_doctor.core.space import PIXELS
from humouse_doctor.core.spec import Architecture

if TYPE_CHECKING:
    from humouse_doctor.inputs.checkpoints.checkpoint import Checkpoint
    from humouse_doctor.inputs.gestures.gestures import Gestures

#: The relative difference from 1 / sqrt(2) within which a ratio counts as that: another choice of gestures explains as much.
_AS_GOOD_AS = 0.08


def contract_of(
    request: Request, settings: Settings, checkpoint: Checkpoint | None, gestures: Gestures | None, notes: Notes
) -> PretrainerContract | None:
    """Return the facts about the pretrainer's checkpoint and the run, None if no such checkpoint is involved.

    The pretrainer's checkpoint is `checkpoint` itself, or else the file that the run's config names, which is read here. A
    remark is added if `gestures` show that half of the pretrainer's training data was noise. Raises `InputError` if the file
    cannot be read.
    """
    file = str(request.checkpoint)
    if checkpoint is None or not checkpoint.is_pretrainer:
        named = settings.text("training.generator_init_path")
        if not named:
            return None
        found = run_folder.find_named(named, request.config)
        if found is None:
            notes.remarks.append(f"training.generator_init_path: {named} was not found, so it was not examined")
            return None
        from humouse_doctor.inputs.checkpoints import checkpoint as checkpoints  # the loader: few configs name a file

        checkpoint, file = checkpoints.load(found, salvage=request.salvage, accept=accept_generator), str(found)
        note_foreign_code(found, checkpoint, notes)
    notes.remarks.extend(_noise(file, checkpoint, gestures))
    known = settings.source is not None
    positions = known and settings.flag("training.absolute_coordinates") is True
    reads = reading_of(settings, None, Architecture.LSTM, PIXELS, notes.source) if positions else None
    if not checkpoint.is_pretrainer and reads is not None and not reads.space.absolute:
        notes.remarks.append(
            f"training.generator_init_path: {file} holds a generator's own weights; its output is read as deltas"
        )
        return None
    return PretrainerContract(
        file=file,
        has_statistics=checkpoint.is_pretrainer,
        head=str(checkpoint.config.get("activation_xy", "linear")).lower(),
        run_head=_head(settings) if known else None,
        run_compares_deltas=known and settings.flag("training.absolute_coordinates") is False,
        run_normalises=known and settings.flag("data.normalize_sequences") is True,
        run_reads=reads,
    )


def _noise(file: str, checkpoint: Checkpoint, gestures: Gestures | None) -> Iterator[str]:
    """Yield a remark if the statistics of `checkpoint` are those of the data mixed with as many almost motionless sequences.

    humouse's pretrainer trains on gestures and an equal number of generated negatives, unless its config turns these off.
    """
    if checkpoint.position_std is None or gestures is None:
        return
    ratios = [
        float(own) / real for own, real in zip(checkpoint.position_std, gestures.summary.position_std, strict=True) if real
    ]
    if len(ratios) == 2 and all(abs(ratio * math.sqrt(2) - 1) < _AS_GOOD_AS for ratio in ratios):
        yield (
            f"pretrainer: the position_std in {file} is {ratios[0]:.2f} and {ratios[1]:.2f} times the data's, as if half of"
            " its training data were noise; its data.use_generated_negatives is on unless its config turns it off"
        )


def _head(settings: Settings) -> str:
    """Return the head of the run's position channels as its config spells it."""
    head = settings.get("model.generator.activation_xy")
    return "null" if head is None or head.value is None else str(head.value).lower()
