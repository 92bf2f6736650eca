"""Build the case of a checkpoint: the file is read here; `from_network` rebuilds its generator and runs it."""

from __future__ import annotations

from pathlib import Path

from humouse_doctor.cases.belonging import as_trained
from humouse_doctor.cases.loader_notes import accept_generator
from humouse_doctor.cases.request import Notes, Request
from humouse_doctor.core.case import Case
from humouse_doctor.core.settings import Settings
from humouse_doctor.inputs.checkpoints import checkpoint as checkpoints
from humouse_doctor.inputs.gestures.gestures import Gestures


def of_checkpoint(request: Request, path: Path, settings: Settings, gestures: Gestures | None, notes: Notes) -> Case:
    """Return the case of the generator whose checkpoint is at `path`; raises `InputError` or `UsageError` with one line."""
    notes.progress(f"loading {path}")
    own = None
    if request.model is not None:
        from humouse_doctor.networks.observe import from_factory  # torch, which the user's own code imports too

        own = from_factory(request.model)
    checkpoint = checkpoints.load(
        path, () if own is None else own.state_dict(), salvage=request.salvage, accept=accept_generator
    )
    settings = as_trained(path, checkpoint, settings, notes)
    from humouse_doctor.cases.from_network import of_loaded  # torch comes in beside the loader's, not before it

    return of_loaded(request, path, checkpoint, own, settings, gestures, notes)
