"""Build the case of a module in memory: targets and settings come from the caller, and no file is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from torch import nn

from humouse_doctor.cases.assemble import common_steps, cut
from humouse_doctor.cases.request import Loaded, Notes
from humouse_doctor.cases.spaces import held_in_float32, moments
from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case, DataSummary, Need, Subject
from humouse_doctor.core.cost import Look
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.settings import Origin, Settings, Value
from humouse_doctor.core.space import Space
from humouse_doctor.inputs.config import reader
from humouse_doctor.networks import identify, observe


def of_module(
    generator: nn.Module,
    settings: Mapping[str, Value] | None,
    targets: FloatArray | None,
    conditions: FloatArray | None,
    *,
    latent_dim: int | None,
    samples: int,
    seed: int,
    quick: bool,
) -> Loaded:
    """Return the case of a module, with targets (N, T, D) as its loss compares them, and conditions (N, C).

    Raises `UsageError` if the generator is not a module, and for targets or conditions with another shape or with numbers that
    float32 cannot hold.
    """
    if not isinstance(generator, nn.Module):
        raise UsageError(f"generator is a {type(generator).__name__}; expected a torch.nn.Module")
    if conditions is not None and (np.ndim(conditions) != 2 or not len(conditions) or not held_in_float32(conditions)):
        raise UsageError(f"conditions have shape {np.shape(conditions)}; expected finite float32 numbers (N, C), N >= 1")
    given = dict(settings or {})
    if latent_dim is not None:
        given["model.generator.latent_dim"] = latent_dim
    known = reader.from_values(given)
    look = Look(samples=samples, targets=targets is not None, quick=quick)
    facts, player = observe.facts_by_behaviour(generator, known, look)
    notes = Notes()
    notes.lack("a module was given, no config", Need.CONFIG)
    values = None
    if targets is None:
        notes.lack("no targets given", Need.TARGETS)
    else:
        values = common_steps(_checked(targets), facts.target_len, known, notes)
    weights = identify.weight_facts(generator, observe.tensors_of(generator))
    if player.condition_dim and conditions is None:
        notes.remarks.append(f"the {player.condition_dim} conditions are zeros: none were given")
    found = observe.observe(
        player,
        targets=values if weights.non_finite == 0 else None,
        conditions=None if conditions is None else np.asarray(conditions, dtype=np.float64),
        count=samples,
        seed=seed,
        quick=quick,
        absent=notes.absent,
        progress=notes.progress,
    )
    return notes.loaded(
        Case(
            subject=Subject(name=facts.label, seed=seed, remarks=tuple(notes.remarks)),
            settings=known,
            network=facts,
            space=Space(absolute=_compares_positions(known)),
            samples=found
            if values is None
            else replace(cut(found, values.shape[1]), loss_targets=values, lengths=_lengths(values)),
            weights=weights,
            data=None if values is None else _summary(values),
            absent=MappingProxyType(dict(notes.absent)),
        )
    )


def _checked(targets: FloatArray) -> FloatArray:
    """Return targets (N, T, D) in float64; raise `UsageError` for another shape, or numbers that float32 cannot hold."""
    values = np.asarray(targets, dtype=np.float64)
    if values.ndim != 3 or values.shape[2] < 2 or values.size == 0:
        raise UsageError(f"targets have shape {values.shape}; expected (N, T, >=2)")
    if not held_in_float32(values):
        raise UsageError("targets hold NaN, infinite or overly large values; expected finite float32 numbers (N, T, >=2)")
    return np.asarray(values)


def _lengths(targets: FloatArray) -> FloatArray:
    """Return the steps of each target (N, T, D) before its padding: (N,).

    A tail of at least two steps that are all alike is padding, be it zeros or the last position repeated. A target that is
    alike at every step may be anything, and counts in full.
    """
    steps = targets.shape[1]
    changes = np.any(np.diff(targets, axis=1) != 0, axis=-1)  # (N, T - 1)
    if steps < 2:
        return np.full(len(targets), float(steps))
    same = np.argmax(changes[:, ::-1], axis=1)  # (N,), the changes that are missing at the end
    zeros = ~np.any(targets[:, -1] != 0, axis=-1)  # (N,)
    padded = changes.any(axis=1) & (same > 0)
    lengths: FloatArray = np.where(padded, steps - same - zeros, steps).astype(np.float64)
    return lengths


def _summary(targets: FloatArray) -> DataSummary:
    mean, std = moments(targets[..., :2])
    return DataSummary(
        source="the targets given",
        total=len(targets),
        usable=len(targets),
        taken=len(targets),
        length=targets.shape[1],
        position_mean=(float(mean[0]), float(mean[1])),
        position_std=(float(std[0]), float(std[1])),
    )


def _compares_positions(settings: Settings) -> bool:
    """Return True if the targets are positions: they are, unless the caller's settings say otherwise."""
    absolute = settings.get("training.absolute_coordinates")
    return absolute is None or absolute.origin is Origin.DEFAULT or absolute.value is True
