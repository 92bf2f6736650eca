"""Build the case of generated sequences in a file, from any generator, compared with real sequences."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

from humouse_doctor.cases.assemble import assemble, cut, note_other_channels
from humouse_doctor.cases.request import Notes, Request, ToolFinding
from humouse_doctor.cases.spaces import space_as_is
from humouse_doctor.core.case import Case, Need, Samples
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.settings import Settings
from humouse_doctor.core.space import PIXELS
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.inputs.files import is_file
from humouse_doctor.inputs.gestures.arrays import statistics_file
from humouse_doctor.inputs.gestures.gestures import Gestures
from humouse_doctor.inputs.gestures.sources import read_series
from humouse_doctor.inputs.samples.samples import read_samples

_NO_WEIGHTS = "samples were looked at, not the weights that drew them"


def of_samples(request: Request, path: Path, settings: Settings, gestures: Gestures | None, notes: Notes) -> Case:
    """Return the case of the generated sequences at `path`; raise `InputError` with a one-line message.

    The sequences are deltas, or positions if the settings' `training.output_space` says so, or what they are if the request
    takes them as they are. No other setting is used, since it
    is not known which config belongs to the samples.
    """
    if gestures is None:
        use = f"humouse-doctor inspect CHECKPOINT --data {shlex.quote(str(path))}"
        if is_file(statistics_file(path)):
            raise UsageError(f"{path}: humouse's cache of real gestures, which a generator's are compared with: {use}")
        notes.lack(f"no data given; add --data (or, if these are the real sequences, {use})", Need.TARGETS)
    notes.progress(f"reading samples from {path}")
    stated = settings.text("training.output_space")
    positions = stated is not None and stated.lower() == "positions"
    count = max(request.samples, request.max_sequences)
    if request.as_is:
        drawn = read_series(path, count, request.seed)
    else:
        drawn = read_samples(path, count, request.seed, positions=positions)
    summary = drawn.summary
    kind = f"{'positions' if positions else 'deltas'}; --reads changes this"
    if request.as_is:
        kind = "they are"
    elif path.suffix.lower() == ".csv":
        kind = "its columns say"
    notes.remarks.append(f"samples: {summary.taken:,} of {summary.total:,} generated sequences, read as {kind}")
    notes.lack(_NO_WEIGHTS, Need.FIT, Need.GRADIENTS, Need.WEIGHTS, Need.RECURRENCE, Need.HEADS, Need.CONFIG)
    space = space_as_is(settings) if request.as_is else PIXELS
    width = drawn.sequences.shape[2]
    samples = Samples(predictions=space.targets(drawn.sequences, width if request.as_is else 3))  # dt too, where there is one
    if summary.dropped:  # the rest may look healthy, and the generator is not
        broken = ", ".join(f"{count} of {summary.total} samples {why}" for why, count in summary.dropped.items())
        notes.lack(broken, Need.PREDICTIONS)
        samples = Samples()
    if gestures is not None:
        steps = min(summary.length, gestures.sequences.shape[1])
        if summary.length != gestures.sequences.shape[1]:
            notes.findings.append(_other_length(summary.length, gestures.sequences.shape[1], steps))
        if request.as_is:
            _require_same_order(path, drawn, gestures)
            note_other_channels(gestures.sequences.shape[2], width, notes)
        gestures = replace(gestures, sequences=gestures.sequences[:, :steps])
        samples = cut(samples, steps)
    case = assemble(request, Settings(), gestures, notes, network=None, space=space, reading=None, samples=samples)
    return replace(case, subject_is_samples=True)


def _other_length(drawn: int, real: int, compared: int) -> ToolFinding:
    return ToolFinding(
        code=ToolCode.DATA_MISMATCH,
        message=f"the data has {real} steps and the samples have {drawn}; the first {compared} were compared",
        serious=False,
    )


def _require_same_order(path: Path, drawn: Gestures, real: Gestures) -> None:
    """Raise `UsageError` if the samples are (N, D, T) where the data are (N, T, D), or the other way round."""
    (made, wanted) = (values.sequences.shape[1:] for values in (drawn, real))
    if made == wanted[::-1] != wanted:
        raise UsageError(
            f"{path}: the samples are (N, {made[0]}, {made[1]}) and the data (N, {wanted[0]}, {wanted[1]}); transpose the one"
            " that is (N, D, T)"
        )
