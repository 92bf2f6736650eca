"""Build the case of a module in memory: targets and settings come from the caller, and no file is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from torch import Tensor, nn

from humouse_doctor.cases.assemble import common_steps, cut, note_other_channels
from humouse_doctor.cases.request import Loaded, Notes, ToolFinding
from humouse_doctor.cases.spaces import held_in_float32, space_as_is
from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case, Need, Subject
from humouse_doctor.core.cost import Look
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.settings import Value
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.inputs.config import reader
from humouse_doctor.inputs.gestures.gestures import Gestures, gather, unpadded
from humouse_doctor.networks import identify, observe
from humouse_doctor.networks.behaviour import training_effect
from humouse_doctor.networks.priors import Draw, of_codes, of_sampler

#: Sequences that change by more than this share of their spread are other ones, as HD216 has it.
_OTHER = 0.01


def of_module(
    generator: nn.Module,
    settings: Mapping[str, Value] | None,
    targets: FloatArray | None,
    conditions: FloatArray | None,
    *,
    latent_dim: int | None,
    codes: FloatArray | Tensor | None = None,
    sampler: Draw | None = None,
    part: str | int | None = None,
    samples: int,
    seed: int,
    quick: bool,
) -> Loaded:
    """Return the case of a module, with targets (N, T, D) or (N, T) as its loss compares them, and conditions (N, C).

    Raises `UsageError` if the generator is not a module, and for targets, conditions or codes with another shape or with
    numbers that float32 cannot hold.
    """
    if not isinstance(generator, nn.Module):
        raise UsageError(f"generator is a {type(generator).__name__}; expected a torch.nn.Module")
    if conditions is not None and (np.ndim(conditions) != 2 or not len(conditions) or not held_in_float32(conditions)):
        raise UsageError(f"conditions have shape {np.shape(conditions)}; expected finite float32 numbers (N, C), N >= 1")
    given = dict(settings or {})
    if latent_dim is not None:
        given["model.generator.latent_dim"] = latent_dim
    if conditions is not None:
        given.setdefault("model.generator.condition_dim", int(np.shape(conditions)[1]))
    if codes is not None and sampler is not None:
        raise UsageError("codes and a sampler were given; the latents can come from one of them only")
    known = reader.from_values(given)
    look = Look(samples=samples, targets=targets is not None, quick=quick)
    notes = Notes()
    notes.lack("a module was given, no config", Need.CONFIG)
    data = None if targets is None else _series(_checked(targets))
    wanted = None if data is None else (data.sequences.shape[1], data.sequences.shape[2])
    prior = of_codes(codes) if codes is not None else None if sampler is None else of_sampler(sampler)
    own = observe.Own(network=generator, prior=prior, part=None if part is None else str(part), wanted=wanted)
    facts, player = observe.facts_by_behaviour(own, known, notes.remarks, look)
    space, values = space_as_is(known), None
    if data is None:
        notes.lack("no targets given", Need.TARGETS)
    else:
        note_other_channels(data.sequences.shape[2], facts.output_dim, notes)
        values = common_steps(space.targets(data.sequences, facts.output_dim), facts.target_len, known, notes)
    weights = identify.weight_facts(generator, observe.tensors_of(generator), called=player.recurrent)
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
    changed = training_effect(player, conditions, seed)
    if changed > _OTHER:
        notes.findings.append(
            ToolFinding(
                code=ToolCode.TRAINING_MODE,
                message=f"the generator is in training mode, which changes its sequences by {changed:.2g} of the spread across"
                " sequences; it was measured in evaluation mode: call generator.eval() before sequences are drawn",
                serious=True,
            )
        )
    return notes.loaded(
        Case(
            subject=Subject(name=facts.label, seed=seed, remarks=tuple(notes.remarks)),
            settings=observe.with_latent(known, player),
            network=facts,
            space=space,
            samples=found
            if data is None or values is None
            else replace(cut(found, values.shape[1]), loss_targets=values, lengths=unpadded(values).astype(np.float64)),
            weights=weights,
            data=None if data is None else data.summary,
            absent=MappingProxyType(dict(notes.absent)),
        )
    )


def _checked(targets: FloatArray) -> FloatArray:
    """Return targets (N, T, D) in float64; raise `UsageError` for another shape, or numbers that float32 cannot hold."""
    values = np.asarray(targets, dtype=np.float64)
    if values.ndim not in (2, 3) or values.size == 0:
        raise UsageError(f"targets have shape {values.shape}; expected (N, T, D), or (N, T) of one channel")
    if not held_in_float32(values):
        raise UsageError("targets hold NaN, infinite or overly large values; expected finite float32 numbers (N, T, D)")
    if values.ndim == 2:
        values = values[..., None]  # (N, T, 1)
    return np.asarray(values)


def _series(targets: FloatArray) -> Gestures:
    count = len(targets)
    return gather(targets, source="the targets given", total=count, usable=count, dropped={}, as_is=True)
