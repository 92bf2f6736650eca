"""Checks and notes when a checkpoint is opened: another kind of network, foreign code in the file, an unsafe torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from humouse_doctor.cases.request import Notes, ToolFinding
from humouse_doctor.core.tool_codes import ToolCode

if TYPE_CHECKING:
    from humouse_doctor.inputs.checkpoints.checkpoint import Checkpoint

_MAX_LISTED = 50


def note_foreign_code(path: Path, checkpoint: Checkpoint, notes: Notes) -> None:
    """Note the code that the checkpoint at `path` refers to, none of which was run."""
    names = checkpoint.foreign
    if not names:
        return
    listed = ", ".join(names[:_MAX_LISTED]) + (f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else "")
    notes.findings.append(
        ToolFinding(
            code=ToolCode.FOREIGN_CODE,
            message=f"{path.name} refers to foreign code: {listed}; none of it was run, all was read as plain data",
            serious=True,
        )
    )


def note_old_torch(notes: Notes) -> None:
    """Note a torch whose loader has known security holes."""
    import torch  # here alone: all else in this module is needed before torch

    version = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])
    if version < (2, 10):
        notes.findings.append(
            ToolFinding(
                code=ToolCode.OLD_TORCH,
                message=f"torch {torch.__version__} is installed, whose loader has known security holes; upgrade to 2.10"
                " or newer",
                serious=True,
            )
        )


def accept_generator(path: str, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise `InputError` if tensors of these names and shapes do not belong to a generator."""
    from humouse_doctor.networks import identify  # torch comes in beside the loader's, not before it

    identify.require_generator(path, shapes)
