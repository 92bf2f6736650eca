"""Planning of a warm-up from settings and gestures, for `demo`, the examples and `verify`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from humouse_doctor.cases import budget
from humouse_doctor.cases.from_config import generator_spec
from humouse_doctor.cases.spaces import added, conditions_of, held_in_float32, moments, reading_of, space_of
from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case, Subject
from humouse_doctor.core.cost import require_trainable
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.remedy import CodeChange
from humouse_doctor.core.settings import Settings
from humouse_doctor.core.space import Reading, Space
from humouse_doctor.core.spec import Activation, Architecture
from humouse_doctor.inputs.config.trainer_keys import WARMUP_GATES
from humouse_doctor.inputs.gestures.gestures import Gestures
from humouse_doctor.inputs.source.trainer import TrainerFacts
from humouse_doctor.training.warm_up import ENCODER_HIDDEN, WarmUp


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """A warm-up with its data: `targets` (N, T, D) in `space`, and `conditions` (N, C) or None for zeros.

    `reading` is what the program reads the output as afterwards, None if unknown.
    """

    warm_up: WarmUp
    space: Space
    reading: Reading | None
    targets: FloatArray
    conditions: FloatArray | None
    remarks: tuple[str, ...] = ()


def own_steps(settings: Settings, gestures: Gestures) -> int | None:
    """Return the optimiser steps of the run's own warm-up on all of its data, None if the config does not state them."""
    case = Case(subject=Subject(name=""), settings=settings, data=gestures.summary)
    steps = budget.steps_available(case)
    return None if steps is None else int(steps)


def rehearse(
    settings: Settings,
    gestures: Gestures,
    *,
    steps: int,
    seed: int,
    changes: Collection[CodeChange] = (),
    pretrainer: bool = False,
    source: TrainerFacts | None = None,
) -> Rehearsal:
    """Plan the warm-up that `settings` describe, with `changes` to the trainer's code.

    With `pretrainer` each sequence has its own latent in a table, the loss compares z-scored positions, and the head is
    linear. Raises `InputError` for sizes that are not affordable, before anything is built. Raises `UsageError` for a
    missing learning rate, for data that do not fit the generator, and for a change that does not fit its architecture.
    """
    remarks: list[str] = []
    spec = generator_spec(settings)
    rate = settings.number("training.lr.generator")
    if rate is None:
        raise UsageError("the learning rate is not known; add training.lr.generator to the config, or give it with --set")
    count, length, channels = gestures.sequences.shape
    if channels < spec.output_dim:
        raise UsageError(
            f"the data has {channels} channels and the generator makes {spec.output_dim}; expected no more than the data has"
        )
    if length < spec.target_len:
        raise UsageError(
            f"the data has {length} steps and the generator makes {spec.target_len}; expected no more than the data has"
        )
    for change in changes:
        refused = unfit(change, spec.architecture)
        if refused is not None:
            raise UsageError(refused)
    require_room(settings, count, pretrainer=pretrainer)
    if pretrainer:
        spec = replace(spec, activation_xy=Activation.LINEAR)
    space = space_of(settings, gestures, spec.architecture, remarks, source=source)
    if space is None:
        raise UsageError(
            "whether the loss compares positions or deltas is not known; add training.absolute_coordinates to the config"
        )
    reading = None if pretrainer else reading_of(settings, gestures, spec.architecture, space, source)
    if CodeChange.LOSS_AS_READ in changes and (reading is None or reading.space.absolute):
        raise UsageError("the program does not sum the output, so its loss has nothing to sum")
    summed = CodeChange.LOSS_AS_READ in changes or (reading is not None and reading.compared)
    if pretrainer or summed or CodeChange.NORMALISED_POSITIONS in changes:
        space = replace(space, absolute=True, position_mean=None, position_std=None) if summed else Space(absolute=True)
        mean, std = moments(space.targets(gestures.sequences[:, : spec.target_len], 2))
        space = replace(space, position_mean=mean, position_std=std)
    if summed and spec.activation_xy is not Activation.LINEAR:
        raise UsageError(
            "a loss on the positions that the program reads needs a linear head; set model.generator.activation_xy=linear"
        )
    betas = settings.value("training.betas")
    first, second = betas if isinstance(betas, tuple) else (0.5, 0.999)
    assert isinstance(first, int | float)
    assert isinstance(second, int | float)
    if not (0 <= first < 1 and 0 <= second < 1):
        raise UsageError(f"training.betas is [{first:g}, {second:g}], with which Adam cannot train; expected both in [0, 1)")
    targets = space.targets(gestures.sequences[:, : spec.target_len], spec.output_dim)
    if not held_in_float32(targets):
        raise UsageError(f"the targets ({space.name}) are too large for float32, in which a trainer compares them")
    distorted = not pretrainer and spec.architecture is not Architecture.SEQ2SEQ
    warm_up = WarmUp(
        spec=spec,
        steps=steps,
        batch_size=_batch_size(settings, count),
        learning_rate=rate,
        betas=(float(first), float(second)),
        whiten=distorted and settings.flag("training.warmup_latent_normalize") is True,
        noise_std=(settings.number("training.warmup_noise_std") or 0.0) if distorted else 0.0,
        latent_table=pretrainer,
        slow_gates=CodeChange.SLOW_GATES in changes or added(settings, WARMUP_GATES, source) == "slow",
        time_input=CodeChange.TIME_INPUT in changes,
        encoder_hidden=_encoder_hidden(settings),
        kl_weight=_number_or(settings, "training.warmup_kl_weight", 0.1),
        summed=space if summed else None,
        seed=seed,
    )
    for key, plain in (("training.warmup_encoder_layers", 1), ("training.warmup_encoder_dropout", 0.0)):
        if settings.value(key) not in (None, plain):
            remarks.append(f"{key} is {plain} here: the encoder is thrown away after the warm-up")
    return Rehearsal(
        warm_up=warm_up,
        space=space,
        reading=reading if reading is None else replace(reading, compared=summed),
        targets=targets,
        conditions=conditions_of(settings, gestures, spec.condition_dim, remarks),
        remarks=tuple(remarks),
    )


def require_room(settings: Settings, count: int, *, pretrainer: bool = False) -> None:
    """Raise `InputError` if training as `settings` describe on `count` sequences is not affordable."""
    require_trainable(
        generator_spec(settings),
        settings.source or "the warm-up",
        batch_size=_batch_size(settings, count),
        encoder_hidden=_encoder_hidden(settings),
        table_rows=count if pretrainer else None,
    )


def _batch_size(settings: Settings, count: int) -> int:
    return min(settings.integer("data.batch_size") or 64, count)


def _encoder_hidden(settings: Settings) -> int:
    return settings.integer("training.warmup_encoder_hidden_dim") or ENCODER_HIDDEN


def unfit(change: CodeChange, architecture: Architecture) -> str | None:
    """Return why `change` does not fit `architecture`, None if it does."""
    lstm, recurrent = architecture is Architecture.LSTM, architecture is not Architecture.TCN
    fits = {
        CodeChange.NORMALISED_POSITIONS: architecture is not Architecture.SEQ2SEQ,
        CodeChange.LOSS_AS_READ: architecture is not Architecture.SEQ2SEQ,
        CodeChange.TIME_INPUT: lstm,
        CodeChange.SLOW_GATES: recurrent,
    }
    return None if fits[change] else f"{change.value} does not apply to a {architecture.value} generator"


def _number_or(settings: Settings, key: str, default: float) -> float:
    value = settings.number(key)
    return default if value is None else value
