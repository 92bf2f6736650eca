"""Assembly of a case: targets in the loss's space, all arrays cut to one length, and a reason for each absent one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from humouse_doctor.cases.contract import contract_of
from humouse_doctor.cases.request import Notes, Request, ToolFinding
from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case, Need, NetworkFacts, Samples, Subject, WeightFacts
from humouse_doctor.core.settings import Settings
from humouse_doctor.core.space import Reading, Space
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.inputs.config.trainer_keys import ADDED

if TYPE_CHECKING:
    from humouse_doctor.inputs.checkpoints.checkpoint import Checkpoint
    from humouse_doctor.inputs.gestures.gestures import Gestures

_NO_CONFIG = "no config given; add --config"
_NO_DATA = "no data given; add --data"
_NO_NETWORK = "the generator is not known; add --config"
#: The keys that say what a loss compares, with the values that --set could give.
_SPACE_KEYS = {"training.absolute_coordinates": "true (or false)", "data.normalize_sequences": "true (or false)"}


def assemble(
    request: Request,
    settings: Settings,
    gestures: Gestures | None,
    notes: Notes,
    *,
    network: NetworkFacts | None,
    space: Space | None,
    reading: Reading | None,
    samples: Samples,
    run: Settings | None = None,
    weights: WeightFacts | None = None,
    checkpoint: Checkpoint | None = None,
) -> Case:
    """Return the case built from its parts; targets are treated alike with and without a checkpoint.

    `run` holds the config's own settings if `settings` were completed from a checkpoint.
    """
    samples = _with_targets(samples, settings, gestures, network, space, notes)
    for need, reason in ((Need.SPACE, _no_space(settings)), (Need.HEADS, _NO_NETWORK), (Need.CONFIG, _NO_CONFIG)):
        notes.absent.setdefault(need, reason)
    if reading is not None and reading.assumed and space is not None and reading.space.absolute != space.absolute:
        notes.remarks.append(
            f"assumed that the program reads the output as {reading.space.name}, as the newest humouse does; give --source with"
            " its checkout, or --reads"
        )
    contract = contract_of(request, run or settings, checkpoint, gestures, notes)
    notes.remarks.extend(_data_remarks(gestures))
    return Case(
        subject=Subject(
            name=str(request.checkpoint or request.config),
            checkpoint=None if request.checkpoint is None else str(request.checkpoint),
            config=settings.source,
            data=None if request.data is None else str(request.data),
            sha256=None if checkpoint is None else checkpoint.sha256,
            seed=request.seed,
            remarks=tuple(notes.remarks),
        ),
        settings=settings,
        network=network,
        space=space,
        reading=reading,
        samples=samples,
        weights=weights,
        data=None if gestures is None else gestures.summary,
        contract=contract,
        subject_is_pretrainer=checkpoint is not None and checkpoint.is_pretrainer,
        added_keys=frozenset(key for key in ADDED if key in settings.in_file) if notes.source is None else notes.source.added,
        contradictions=tuple(notes.contradictions),
        absent=MappingProxyType(dict(notes.absent)),
    )


def _with_targets(
    samples: Samples,
    settings: Settings,
    gestures: Gestures | None,
    network: NetworkFacts | None,
    space: Space | None,
    notes: Notes,
) -> Samples:
    """Return `samples` with the targets that the loss compares, all of one length; note the reason if there are none."""
    if gestures is None:
        for need in (Need.TARGETS, Need.FIT, Need.GRADIENTS):
            notes.absent.setdefault(need, _NO_DATA)
        return samples
    if space is None:
        notes.lack(_no_space(settings), Need.TARGETS, Need.FIT, Need.GRADIENTS)
        return samples
    width = gestures.sequences.shape[2]
    targets = space.targets(gestures.sequences, network.output_dim if network else width if space.as_is else 2)  # (N, T, D)
    if space.channels is None and network is not None:
        note_other_channels(width, network.output_dim, notes)
    targets = common_steps(targets, None if network is None else network.target_len, settings, notes)
    steps = targets.shape[1]
    return replace(
        cut(samples, steps),
        sequences=None if space.as_is else gestures.sequences[:, :steps],
        lengths=np.minimum(gestures.lengths, steps).astype(np.float64),
        loss_targets=targets,
    )


def _no_space(settings: Settings) -> str:
    """Return why the space of the loss is not known, with the keys that would tell it."""
    given = " ".join(f"--set {key}={value}" for key, value in _SPACE_KEYS.items() if key not in settings)
    own = "" if settings.source is not None else "; for targets that are no gestures, --targets as-is"
    return f"what the loss compares is not known; add --config, or {given}{own}"


def note_other_channels(in_data: int, made: int, notes: Notes) -> None:
    """Note it if the generator makes another number of channels than there are in the data."""
    if in_data != made:
        notes.findings.append(
            ToolFinding(
                code=ToolCode.DATA_MISMATCH,
                message=f"the data has {in_data} channel{'' if in_data == 1 else 's'} and the generator makes {made}; the first"
                f" {min(in_data, made)} were compared",
                serious=False,
            )
        )


def common_steps(targets: FloatArray, target_len: int | None, settings: Settings, notes: Notes) -> FloatArray:
    """Return targets (N, T, D) cut to at most the number of steps that the generator makes; note it if the lengths differ."""
    in_data = targets.shape[1]
    if target_len is None or target_len == in_data:
        return targets
    notes.findings.append(
        ToolFinding(
            code=ToolCode.DATA_MISMATCH,
            message=f"the data has {in_data} steps and the generator makes {target_len}; the first {min(in_data, target_len)}"
            " were compared",
            serious=False,
            key="model.generator.target_len",
            place=settings.place("model.generator.target_len"),
        )
    )
    return targets[:, :target_len]


def cut(samples: Samples, steps: int) -> Samples:
    """Return a generator's arrays cut to their first `steps`, which the targets have too."""

    def first(values: FloatArray | None) -> FloatArray | None:
        return None if values is None else values[:, :steps]

    fit = samples.fit
    return replace(
        samples,
        predictions=first(samples.predictions),
        rnn_input=first(samples.rnn_input),
        hidden=first(samples.hidden),
        fit=None if fit is None else replace(fit, predictions=fit.predictions[:, :steps], targets=fit.targets[:, :steps]),
    )


def _data_remarks(gestures: Gestures | None) -> Sequence[str]:
    if gestures is None or not gestures.summary.dropped:
        return ()
    dropped = ", ".join(f"{count} {reason}" for reason, count in gestures.summary.dropped.items())
    return (f"data: left out {dropped}",)
