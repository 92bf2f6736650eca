"""Find the spaces that a run compares and reads, and its generator's conditions, from its settings and data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from humouse_doctor.core.arrays import BoolArray, FloatArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.settings import Origin, Place, Settings
from humouse_doctor.core.space import Reading, Space
from humouse_doctor.core.spec import Activation, Architecture, activation_of
from humouse_doctor.inputs.config.trainer_keys import WARMUP_SPACE
from humouse_doctor.inputs.source.trainer import OutputKind, TrainerFacts

if TYPE_CHECKING:
    from humouse_doctor.inputs.checkpoints.checkpoint import Checkpoint
    from humouse_doctor.inputs.gestures.gestures import Gestures


#: The channels of a gesture: dx, dy and perhaps dt, whose own measure is of times. Of other data every channel is compared.
_GESTURE = 3


def space_as_is(settings: Settings) -> Space:
    """Return the space of targets that are given as they are: positions, unless the settings say deltas, in every channel."""
    absolute = settings.get("training.absolute_coordinates")
    positions = absolute is None or absolute.origin is Origin.DEFAULT or absolute.value is True
    return Space(absolute=positions, channels=None, as_is=True)


def space_of(
    settings: Settings,
    gestures: Gestures | None,
    architecture: Architecture | None,
    remarks: list[str],
    checkpoint: Checkpoint | None = None,
    source: TrainerFacts | None = None,
) -> Space | None:
    """Return the space in which this run's warm-up compares; None if it is unknown.

    If the trainer's `source` is the oldest code of humouse, the warm-up compares deltas whatever the config says. If the
    trainer compares what it reads, these are z-scored positions.
    """
    if checkpoint is not None and checkpoint.is_pretrainer:
        remarks.append("a pretrainer checkpoint: the scaling of its output layer to pixels is undone")
        return Space(absolute=True, position_mean=checkpoint.position_mean, position_std=checkpoint.position_std)
    absolute = settings.get("training.absolute_coordinates")
    if absolute is None or (settings.source is None and absolute.origin is Origin.DEFAULT):
        return None
    mean = std = None
    normalised = settings.flag("data.normalize_sequences")
    if normalised is None:
        return None
    if normalised and gestures is not None:
        carried = gestures.statistics.scale("sequence", gestures.sequences.shape[2])
        if carried is None or not carried[1].all():
            carried = None
            remarks.append("the data carries no sequence statistics that can be used: computed them from the sequences taken")
        mean, std = carried or moments(gestures.sequences)
    summed = source is None or source.compares is not OutputKind.DELTAS
    many = gestures is not None and gestures.sequences.shape[2] > _GESTURE
    space = Space(
        absolute=absolute.value is True and summed, channels=None if many else 2, sequence_mean=mean, sequence_std=std
    )
    if architecture is not Architecture.SEQ2SEQ and not (space.absolute and compares_as_read(settings, source)):
        return space
    positions = replace(space, absolute=True)
    if gestures is None:
        return positions
    position_mean, position_std = moments(positions.targets(gestures.sequences, 2))
    return replace(positions, position_mean=position_mean, position_std=position_std)


def added(settings: Settings, key: str, source: TrainerFacts | None) -> str | None:
    """Return the value of `key`, which only a trainer with this tool's patch supports; None if this trainer does not.

    Without its source, a trainer is assumed to support the keys in its config.
    """
    return settings.text(key) if source is None or key in source.added else None


def compares_as_read(settings: Settings, source: TrainerFacts | None) -> bool:
    """Return True if the warm-up compares z-scored positions in the space that the program reads.

    With any head but a linear one, or with spectral normalisation, the trainer stops instead.
    """
    return added(settings, WARMUP_SPACE, source) == "read" and can_compare_as_read(settings)


def can_compare_as_read(settings: Settings) -> bool:
    """Return True if the generator's output layer can take a scale over at the end of the warm-up."""
    head = settings.get("model.generator.activation_xy")
    linear = head is not None and activation_of(head.value) is Activation.LINEAR
    return linear and settings.flag("model.generator.use_spectral_norm") is not True


def reading_of(
    settings: Settings,
    gestures: Gestures | None,
    architecture: Architecture | None,
    compared: Space | None,
    source: TrainerFacts | None = None,
) -> Reading | None:
    """Return the space in which the program reads the output after the warm-up; None if nothing tells.

    Without absolute coordinates humouse always reads deltas. Else the config's `training.output_space` comes first, then the
    trainer's `source`, then the newest code.
    """
    absolute = settings.get("training.absolute_coordinates")
    if compared is None or absolute is None:
        return None
    told = _of_positions(settings, architecture, source)
    sums = None if told is None else not told.positions
    if absolute.value is not True:
        space = _read(False, settings, gestures, compared)
        return Reading(space=space, because="training.absolute_coordinates is false", sums_positions=sums)
    if told is None:
        return None
    return Reading(
        space=_read(told.positions, settings, gestures, compared),
        because=told.because,
        place=told.place,
        assumed=told.assumed,
        compared=compared.absolute and not told.positions and compares_as_read(settings, source),
        sums_positions=sums,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What tells how the program reads the output of a run whose loss compares positions: as `positions`, or as deltas."""

    positions: bool
    because: str
    place: Place | None = None
    assumed: bool = False


def _of_positions(settings: Settings, architecture: Architecture | None, source: TrainerFacts | None) -> _Told | None:
    stated = settings.text("training.output_space")
    if stated is not None and stated.lower() != "null":
        return _Told(positions=stated.lower() == "positions", because=f"training.output_space is {stated}")
    if architecture is None:
        return None
    if architecture is Architecture.SEQ2SEQ:
        return _Told(positions=True, because="seq2seq emits positions")
    if source is not None and source.reads is not None:
        because = f"the trainer {source.reads.value} it at {source.reads_at}"
        return _Told(positions=source.reads is OutputKind.POSITIONS, because=because, place=source.reads_at)
    return _Told(positions=False, because="humouse has summed the output of lstm and tcn since 24 October 2025", assumed=True)


def _read(absolute: bool, settings: Settings, gestures: Gestures | None, compared: Space) -> Space:
    """Return the compared space if it has the kind that is read, else the other kind in the data's unit."""
    if absolute == compared.absolute:
        return compared
    mean, std = compared.sequence_mean, compared.sequence_std
    if mean is None and settings.flag("data.normalize_sequences") and gestures is not None:
        carried = gestures.statistics.scale("sequence", gestures.sequences.shape[2])
        mean, std = carried or moments(gestures.sequences)
    return Space(absolute=absolute, sequence_mean=mean, sequence_std=std)


def held_in_float32(values: FloatArray) -> bool:
    """Return True if all of `values` are finite in float32, the type a trainer works in."""
    return bool(_held(np.asarray(values, dtype=np.float64)).all())


def _held(values: FloatArray) -> BoolArray:
    return np.asarray(np.abs(values) <= np.finfo(np.float32).max)  # NaN is not


def moments(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation per channel, (K,) each; a channel that does not vary gets a std of 1."""
    flat = np.asarray(values, dtype=np.float64).reshape(-1, values.shape[-1])
    std = flat.std(axis=0)
    return flat.mean(axis=0), np.where(std > 0, std, 1.0)


def conditions_of(settings: Settings, gestures: Gestures | None, width: int, remarks: list[str]) -> FloatArray | None:
    """Return the data's features as the run gives them to the generator, (N, F); None if it gets zeros instead."""
    if width == 0:
        return None
    if gestures is None or gestures.features is None:
        remarks.append(f"the {width} conditions are zeros: no features in the data")
        return None
    features: FloatArray = np.asarray(gestures.features, dtype=np.float64)
    features = _without_broken(features, "of the data's features are NaN, infinite or overly large", remarks)
    if features.shape[1] != width:
        what = "cut" if features.shape[1] > width else "filled up with zeros"
        remarks.append(f"the data's {features.shape[1]} features were {what} to the generator's {width} conditions")
    if settings.flag("data.normalize_features") is not False:
        mean, std = gestures.statistics.scale("feature", features.shape[1]) or moments(features)
        features = (features - mean) / np.where(std > 0, std, 1.0)
        features = _without_broken(features, "of the data's features are overly large once they are normalised", remarks)
    return features


def _without_broken(features: FloatArray, what: str, remarks: list[str]) -> FloatArray:
    broken = ~_held(features)
    if not broken.any():
        return features
    remarks.append(f"{np.count_nonzero(broken)} {what}: replaced by zero")
    return np.where(broken, 0.0, features)
