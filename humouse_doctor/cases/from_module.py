"""Build the case of a module in memory: by targets and settings from the caller, or by a run's config and data."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn.modules.lazy import LazyModuleMixin

from humouse_doctor.cases import run_folder
from humouse_doctor.cases.assemble import common_steps, cut, note_other_channels
from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Loaded, Notes, Request, ToolFinding
from humouse_doctor.cases.spaces import conditions_of, held_in_float32, space_as_is
from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case, Need, Samples, Subject, WeightFacts
from humouse_doctor.core.cost import Look
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.settings import Value
from humouse_doctor.core.space import PIXELS
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.inputs.config import reader
from humouse_doctor.inputs.gestures.gestures import Gestures, gather, unpadded
from humouse_doctor.inputs.gestures.sources import read_gestures
from humouse_doctor.networks import identify, observe
from humouse_doctor.networks.behaviour import training_effect
from humouse_doctor.networks.numerics import one_thread, undisturbed
from humouse_doctor.networks.priors import Draw, Prior, of_codes, of_sampler
from humouse_doctor.networks.sampling import Sampler, draw

#: Sequences whose recurrent states are looked at while a module trains.
_FEW_STATES = 16
#: What a config alone lacks, and a module has.
_OF_WEIGHTS = (Need.PREDICTIONS, Need.RECURRENCE, Need.FIT, Need.GRADIENTS, Need.WEIGHTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A module and all that is known of it but its weights: `case` has no samples of it, and `player` draws them.

    `conditions` (N, C) go with the latents, None for zeros. `notes` were taken on the way.
    """

    network: nn.Module
    player: Sampler
    case: Case
    conditions: FloatArray | None
    notes: Notes


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
    look = Look(samples=samples, targets=targets is not None, quick=quick)
    bound = bind(
        generator, settings, targets, conditions, latent_dim=latent_dim, codes=codes, sampler=sampler, part=part, look=look
    )
    changed = training_effect(bound.player, bound.conditions, seed)
    if changed > _OTHER:
        bound.notes.findings.append(
            ToolFinding(
                code=ToolCode.TRAINING_MODE,
                message=f"the generator is in training mode, which changes its sequences by {changed:.2g} of the spread across"
                " sequences; it was measured in evaluation mode: call generator.eval() before sequences are drawn",
                serious=True,
            )
        )
    return observed(bound, samples=samples, seed=seed, quick=quick, ended=True)


def bind(
    generator: nn.Module,
    settings: Mapping[str, Value] | None,
    targets: FloatArray | None,
    conditions: FloatArray | None,
    *,
    latent_dim: int | None = None,
    codes: FloatArray | Tensor | None = None,
    sampler: Draw | None = None,
    part: str | int | None = None,
    look: Look,
) -> Bound:
    """Bind a module to targets, conditions and settings; the parameters and errors are those of `of_module`."""
    prior = _prior(generator, codes, sampler)
    if conditions is not None and (np.ndim(conditions) != 2 or not len(conditions) or not held_in_float32(conditions)):
        raise UsageError(f"conditions have shape {np.shape(conditions)}; expected finite float32 numbers (N, C), N >= 1")
    given = dict(settings or {})
    if latent_dim is not None:
        given["model.generator.latent_dim"] = latent_dim
    if conditions is not None:
        given.setdefault("model.generator.condition_dim", int(np.shape(conditions)[1]))
    known = reader.from_values(given)
    notes = Notes()
    notes.lack("a module was given, no config", Need.CONFIG)
    data = None if targets is None else _series(_checked(targets))
    wanted = None if data is None else (data.sequences.shape[1], data.sequences.shape[2])
    own = observe.Own(network=generator, prior=prior, part=None if part is None else str(part), wanted=wanted)
    facts, player = observe.facts_by_behaviour(own, known, notes.remarks, look)
    space, values = space_as_is(known), None
    if data is None:
        notes.lack("no targets given", Need.TARGETS)
    else:
        note_other_channels(data.sequences.shape[2], facts.output_dim, notes)
        values = common_steps(space.targets(data.sequences, facts.output_dim), facts.target_len, known, notes)
    if player.condition_dim and conditions is None:
        notes.remarks.append(f"the {player.condition_dim} conditions are zeros: none were given")
    lengths = None if values is None else unpadded(values).astype(np.float64)
    return Bound(
        network=generator,
        player=player,
        case=Case(
            subject=Subject(name=facts.label),
            settings=observe.with_latent(known, player),
            network=facts,
            space=space,
            samples=Samples(loss_targets=values, lengths=lengths),
            data=None if data is None else data.summary,
        ),
        conditions=None if conditions is None else np.asarray(conditions, dtype=np.float64),
        notes=notes,
    )


def bind_run(
    generator: nn.Module,
    request: Request,
    *,
    codes: FloatArray | Tensor | None = None,
    sampler: Draw | None = None,
    part: str | int | None = None,
    look: Look,
) -> Bound:
    """Bind the module that a run's config describes to that config and its data; raise `InputError` or `UsageError`.

    The spaces that are compared and read are those of the config's run, as for a checkpoint of it.
    """
    prior = _prior(generator, codes, sampler)
    notes = Notes()
    request, config = run_folder.resolve(replace(request, checkpoint=None), notes, None)
    if request.data is None:
        raise UsageError(f"no data found where {request.config} says; give the run's data, which paths are compared with")
    gestures = read_gestures(request.data, config.settings, request.max_sequences, request.seed)
    before = load_case(request, gestures=gestures, config=config)
    case = before.case
    notes = Notes(findings=list(before.tool_findings), remarks=list(case.subject.remarks), source=before.source)
    wanted = None if gestures.resampled else (gestures.sequences.shape[1], gestures.sequences.shape[2])
    own = observe.Own(network=generator, prior=prior, part=None if part is None else str(part), wanted=wanted)
    facts, player = observe.facts_by_behaviour(own, case.settings, notes.remarks, look)
    described = case.network
    if described is not None and (described.output_dim, described.target_len) == (facts.output_dim, facts.target_len):
        facts = replace(facts, architecture=described.architecture)
    elif case.samples.loss_targets is not None:
        raise UsageError(
            f"the generator makes {facts.target_len} steps of {facts.output_dim} channels, and {case.settings.source} describes"
            " another one; give the config it was made with"
        )
    space, reading = case.space, case.reading
    if reading is not None and reading.compared and space is not None and space.position_std is not None:
        player.scale = torch.from_numpy(space.position_std).float()
        notes.remarks.append("the output is taken times the positions' std, by which the warm-up will end by scaling its layer")
    notes.absent.update({need: reason for need, reason in case.absent.items() if need not in _OF_WEIGHTS})
    return Bound(
        network=generator,
        player=player,
        case=replace(case, network=facts, settings=observe.with_latent(case.settings, player)),
        conditions=conditions_of(case.settings, gestures, player.condition_dim, notes.remarks),
        notes=notes,
    )


def observed(bound: Bound, *, samples: int, seed: int, quick: bool, name: str | None = None, ended: bool = False) -> Loaded:
    """Return the case of a bound module as its weights are now, by so many `samples`; `name`, if given, is its subject's.

    Before the training has `ended`, how far each layer has come says nothing of what its steps do.
    """
    case, player = bound.case, bound.player
    notes = replace(bound.notes, absent=dict(bound.notes.absent), remarks=list(bound.notes.remarks))
    values = case.samples.loss_targets
    called = player.recurrent if ended else ()
    weights = _weights(bound, called)
    held = values is None or held_in_float32(values)
    if weights.non_finite or not held:
        why = "the weights hold NaN or infinite values" if weights.non_finite else "the targets are too large for float32"
        notes.lack(why, Need.FIT, Need.GRADIENTS)
    read_as = read_targets = None
    if case.spaces_differ and case.samples.sequences is not None:
        assert case.reading is not None
        read_as, read_targets = case.reading.space, PIXELS.targets(case.samples.sequences, 2)
    found = observe.observe(
        player,
        fit_as=read_as,
        fit_targets=read_targets,
        lengths=observe.compared_lengths(case.network, case.samples.lengths),
        targets=values if held and weights.non_finite == 0 else None,
        conditions=bound.conditions,
        count=samples,
        seed=seed,
        quick=quick,
        absent=notes.absent,
        progress=notes.progress,
    )
    return notes.loaded(
        replace(
            case,
            subject=replace(
                case.subject, name=name or case.subject.name, checkpoint=name, seed=seed, remarks=tuple(notes.remarks)
            ),
            samples=_with_targets(found, case.samples),
            weights=weights,
            absent=MappingProxyType(dict(notes.absent)),
        )
    )


def glimpsed(bound: Bound, *, samples: int, seed: int, most_targets: int) -> Case:
    """Return the case of a bound module as its weights are now, by a few prior samples and every so many-th target alone.

    Nothing is differentiated, fitted or tried out: this is made often, while the module trains.
    """
    case = bound.case
    with one_thread():
        drawn = draw(bound.player, bound.conditions, samples, seed)
    absent = dict(bound.notes.absent)
    absent.update(dict.fromkeys((Need.FIT, Need.GRADIENTS), "left out while it trains"))
    if drawn.hidden is None or drawn.rnn_input is None:
        absent[Need.RECURRENCE] = observe.NO_RECURRENCE
    aligned = drawn.hidden is not None and drawn.rnn_input is not None
    found = Samples(
        predictions=drawn.predictions,
        rnn_input=drawn.rnn_input[:_FEW_STATES] if aligned and drawn.rnn_input is not None else None,
        hidden=drawn.hidden[:_FEW_STATES] if aligned and drawn.hidden is not None else None,
    )
    return replace(
        case,
        samples=_with_targets(found, _thinned(case.samples, most_targets)),
        weights=_weights(bound, ()),  # as in `observed`
        absent=MappingProxyType(absent),
    )


def _weights(bound: Bound, called: Container[nn.Module]) -> WeightFacts:
    """Return the facts of the weights; a parametrised one is computed, which in training changes what it is computed from."""
    with undisturbed(bound.network), torch.no_grad():
        return identify.weight_facts(bound.network, observe.tensors_of(bound.network), called=called)


def _thinned(samples: Samples, most: int) -> Samples:
    """Return the targets, and what goes with them, of at most so many sequences, evenly spaced."""
    values = samples.loss_targets
    if values is None or len(values) <= most:
        return samples
    rows = np.linspace(0, len(values) - 1, most).astype(int)
    return Samples(
        loss_targets=values[rows],
        sequences=None if samples.sequences is None else samples.sequences[rows],
        lengths=None if samples.lengths is None else samples.lengths[rows],
    )


def _with_targets(found: Samples, given: Samples) -> Samples:
    """Return the samples of a network with the given targets, cut to their length."""
    values = given.loss_targets
    if values is None:
        return found
    return replace(cut(found, values.shape[1]), loss_targets=values, sequences=given.sequences, lengths=given.lengths)


def _prior(generator: nn.Module, codes: FloatArray | Tensor | None, sampler: Draw | None) -> Prior | None:
    """Return the prior that the caller gives, None if N(0, I) holds; raise `UsageError` for anything but a module."""
    if not isinstance(generator, nn.Module):
        raise UsageError(f"generator is a {type(generator).__name__}; expected a torch.nn.Module")
    if any(isinstance(m, LazyModuleMixin) and m.has_uninitialized_params() for m in generator.modules()):
        raise UsageError("the generator has lazy modules without weights; run it once on a batch before")
    if codes is not None and sampler is not None:
        raise UsageError("codes and a sampler were given; the latents can come from one of them only")
    if codes is not None:
        return of_codes(codes)
    return None if sampler is None else of_sampler(sampler)


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
