"""Build the case of a checkpoint: the file is read here; `from_network` rebuilds its generator and runs it."""

from __future__ import annotations

from pathlib import Path

from humouse_doctor.cases.belonging import as_trained
from humouse_doctor.cases.loader_notes import accept_generator
from humouse_doctor.cases.request import Notes, Request
from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.settings import Settings
from humouse_doctor.inputs.checkpoints import checkpoint as checkpoints
from humouse_doctor.inputs.config import reader
from humouse_doctor.inputs.gestures.gestures import Gestures


def of_checkpoint(request: Request, path: Path, settings: Settings, gestures: Gestures | None, notes: Notes) -> Case:
    """Return the case of the generator whose checkpoint is at `path`; raise `InputError` or `UsageError`, in one line."""
    notes.progress(f"loading {path}")
    if request.model is None and (request.as_is or request.part is not None):
        raise UsageError(
            f"{path}: --targets as-is and --part go with --model, or with a file of samples; a generator of humouse's own is"
            " compared as its config says"
        )
    own = None
    if request.model is not None:
        from humouse_doctor.networks.observe import from_factory  # torch, which the user's own code imports too

        own = from_factory(request.model, request.part)
    names = {} if own is None else {name: tuple(tensor.shape) for name, tensor in own.network.state_dict().items()}
    checkpoint = checkpoints.load(path, names, salvage=request.salvage, accept=accept_generator)
    settings = as_trained(path, checkpoint, settings, notes)
    if not checkpoint.is_pretrainer:  # what it states of itself is not of the run that starts from it
        settings, remarks = reader.with_stated(settings, checkpoint.stated, path.name, has_encoder=checkpoint.has_encoder)
        notes.remarks.extend(remarks)
    from humouse_doctor.cases.from_network import of_loaded  # torch comes in beside the loader's, not before it

    return of_loaded(request, path, checkpoint, own, settings, gestures, notes)
