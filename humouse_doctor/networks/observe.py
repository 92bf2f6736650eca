"""Observation of a network: the samples that the probes need, and the reasons for those that are absent."""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from humouse_doctor.core.arrays import FloatArray, IntArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Need, NetworkFacts, Samples
from humouse_doctor.core.cost import Look, load_of, memory_asked, require_affordable_load, require_latents
from humouse_doctor.core.errors import DoctorError, UsageError
from humouse_doctor.core.settings import Origin, Setting, Settings
from humouse_doctor.core.space import Space
from humouse_doctor.core.spec import GeneratorSpec
from humouse_doctor.core.text import full_reason
from humouse_doctor.inputs.config.trainer_keys import COMMON_NAMES
from humouse_doctor.networks.behaviour import experiment
from humouse_doctor.networks.heads import heads_by_behaviour
from humouse_doctor.networks.numerics import one_thread
from humouse_doctor.networks.priors import Prior, normal, of_codes, of_sampler
from humouse_doctor.networks.sampling import (
    FirstPass,
    Sampler,
    draw,
    first_pass,
    fit_latents,
    gradients,
)

_LATENT = "model.generator.latent_dim"
#: Why there are no recurrent states.
NO_RECURRENCE = "the network has no recurrent layer (RNN, GRU, LSTM) that runs over the steps"


def sampler_of(network: nn.Module, spec: GeneratorSpec) -> Sampler:
    """Return a sampler of a rebuilt generator."""
    return Sampler(network, spec.latent_dim, spec.condition_dim, load_of(spec))


def from_factory(name: str, part: str | None = None) -> Own:
    """Import `package.module:factory` and call it, which runs the user's own code; raise `UsageError`.

    The factory returns a module, or a pair of it with its codes (N, Z) or with a sampler of latents. `part` is that of `Own`.
    """
    module_name, colon, attribute = name.partition(":")
    if not colon or not attribute:
        raise UsageError(f"--model {name}: expected package.module:factory")
    try:
        with _importable_from(str(Path.cwd())), redirect_stdout(sys.stderr):
            factory = getattr(importlib.import_module(module_name), attribute)
            network = factory()
    except DoctorError:
        raise
    except Exception as error:  # the user's code may raise anything
        raise UsageError(f"--model {name}: {full_reason(error)}") from error
    latents = None
    if isinstance(network, tuple) and len(network) == 2:
        network, latents = network
    if not isinstance(network, nn.Module):
        raise UsageError(
            f"--model {name}: returned a {type(network).__name__}; expected a torch.nn.Module, or a pair of it and its codes"
            " (N, Z) or a sampler"
        )
    prior = None if latents is None else of_sampler(latents) if callable(latents) else of_codes(latents)
    return Own(network=network, prior=prior, part=part)


@contextmanager
def _importable_from(folder: str) -> Iterator[None]:
    """Make modules of `folder` importable within the block."""
    added = folder not in sys.path
    if added:
        sys.path.insert(0, folder)
    try:
        yield
    finally:
        if added and folder in sys.path:
            sys.path.remove(folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """A caller's own generator: the `network`, its `prior` (None for N(0, I)) and the `part` of its output (None if unnamed).

    `wanted` is (T, D) of the targets, None if unknown.
    """

    network: nn.Module
    prior: Prior | None = None
    part: str | None = None
    wanted: tuple[int, int] | None = None


def facts_by_behaviour(
    own: Own, settings: Settings, remarks: list[str], ahead: Look | None = None, source: str = "the generator"
) -> tuple[NetworkFacts, Sampler]:
    """Find the output's shape and the heads of a user's module by running it.

    The latent size comes from the prior, the settings, or an attribute with a usual name; raises `UsageError` otherwise.
    Raises `InputError`, which names `source`, if the work `ahead` would take too much. Before the first pass only the
    latents' size is known, so one pass of two sequences is always made; a second one if the network takes a latent for every
    step. What was chosen is added to `remarks`.
    """
    network = own.network
    latent = _size(network, settings, _LATENT)
    if own.prior is not None:
        latent = math.prod(own.prior.shape)
    if latent is None:
        raise UsageError(
            "the latent's size is not known; give latent_dim=N in Python, or --set model.generator.latent_dim=N in a command"
        )
    condition = _size(network, settings, "model.generator.condition_dim") or 0
    if ahead is not None:
        require_latents(latent + condition, ahead, source)
    with memory_asked(source):
        sampler, first = _first(own, latent, condition, settings, remarks)
    if own.prior is not None:
        remarks.append(f"latents are drawn from {own.prior.name}")
    if sampler.output.part:
        remarks.append(f"the generator returns several parts; '{sampler.output.part}' is read")
    if ahead is not None:
        require_affordable_load(first.load, ahead, source)
    sampler.load = first.load
    _, steps, channels = first.predictions.shape
    layer = first.output
    stepwise = layer if isinstance(layer, nn.Linear) and layer.out_features == channels else None
    facts = NetworkFacts(
        label=type(network).__name__,
        output_dim=channels,
        target_len=steps,
        hidden_dim=stepwise.in_features if first.recurrent and stepwise is not None else None,
        heads=heads_by_behaviour(sampler, first),
    )
    return facts, sampler


def with_latent(settings: Settings, sampler: Sampler) -> Settings:
    """Return `settings` with the size of the latents that the sampler draws, unless they state one.

    A stated size is that of one step where noise is drawn for each: the whole of it then counts.
    """
    stated = settings.get(_LATENT)
    stepwise = len(sampler.prior.shape) > 1
    if not stepwise and stated is not None and stated.origin not in (Origin.DEFAULT, Origin.CHECKPOINT):
        return settings
    if stated is not None and stated.value == sampler.latent_dim and stated.origin is Origin.CHECKPOINT:
        return settings
    return settings.with_setting(Setting(key=_LATENT, value=sampler.latent_dim, origin=Origin.INFERRED))


def _first(own: Own, latent: int, condition: int, settings: Settings, remarks: list[str]) -> tuple[Sampler, FirstPass]:
    """Run the network on (2, Z), else on (2, T, Z), noise for every step; raise `UsageError` for the first if both fail."""
    sampler = Sampler(own.network, latent, condition, prior=own.prior)
    try:
        return sampler, first_pass(sampler, own.wanted, own.part)
    except UsageError as refused:
        stated = settings.get("model.generator.target_len")
        told = stated.value if stated is not None and stated.origin is not Origin.DEFAULT else None
        steps = own.wanted[0] if own.wanted is not None else told
        if own.prior is not None or not isinstance(steps, int):
            raise
        stepwise = Sampler(own.network, latent, condition, prior=normal(steps, latent))
        try:
            first = first_pass(stepwise, own.wanted, own.part)
        except UsageError:
            raise refused from None
    remarks.append(f"the generator takes noise for every step: latents are drawn as (N, {steps}, {latent})")
    return stepwise, first


def _size(network: nn.Module, settings: Settings, key: str) -> int | None:
    """Return the size that the settings state, or an attribute of the network with a common name for it.

    The network knows it better than a number beside its weights, which may be of another part of the file.
    """
    stated = settings.get(key)
    known = stated.value if stated is not None and stated.origin is not Origin.DEFAULT else None
    if stated is not None and stated.origin is not Origin.CHECKPOINT and isinstance(known, int):
        return known
    own = next((value for name in COMMON_NAMES[key] if isinstance(value := getattr(network, name, None), int)), None)
    return own if own is not None or not isinstance(known, int) else known


def compared_lengths(facts: NetworkFacts | None, lengths: FloatArray | IntArray | None) -> FloatArray | None:
    """Return the `lengths` (N,) that a fit of latents ends at, None where it goes over the padding.

    The loss of humouse's own warm-up compares padding. That of another network may leave it out, and nothing says so.
    """
    own = facts is not None and facts.architecture is None
    return np.asarray(lengths, dtype=np.float64) if own and lengths is not None else None


def tensors_of(network: nn.Module) -> Mapping[str, Tensor]:
    """Return the network's tensors by name."""
    return dict(network.state_dict())


def observe(
    sampler: Sampler,
    *,
    targets: FloatArray | None,
    conditions: FloatArray | None,
    count: int,
    seed: int,
    quick: bool,
    absent: dict[Need, str],
    progress: Callable[[str], None],
    fit_as: Space | None = None,
    fit_targets: FloatArray | None = None,
    lengths: FloatArray | None = None,
) -> Samples:
    """Sample from the prior and, with `targets` (N, T, D), take the gradient and fit latents.

    With `lengths` (N,), latents are fitted to the steps before them alone.
    With `fit_as`, latents are fitted to `fit_targets` (N, T, 2), positions in the data's unit, by the output read in that
    space. The reason for any missing part is added to `absent`.
    """
    progress(f"drawing {count} sequences")
    with memory_asked("the generator"), one_thread():
        drawn = draw(sampler, conditions, count, seed)
    if drawn.hidden is None or drawn.rnn_input is None:
        absent[Need.RECURRENCE] = NO_RECURRENCE
    with memory_asked("the generator"), one_thread():
        behaviour = experiment(sampler, conditions, drawn.rnn_input, seed, targets)
    fit = grads = None
    if targets is not None:
        progress("taking the loss's gradient")
        with memory_asked("the generator"), one_thread():
            grads = gradients(sampler, targets, conditions, seed)
        if quick:
            absent[Need.FIT] = "left out by --quick"
        else:
            progress("fitting latents to real sequences")
            with memory_asked("the generator"), one_thread():
                wanted = targets if fit_targets is None else fit_targets
                fit = fit_latents(sampler, wanted, conditions, read_as=fit_as, lengths=lengths)
    aligned = drawn.hidden is not None and drawn.rnn_input is not None
    return Samples(
        predictions=drawn.predictions,
        rnn_input=drawn.rnn_input if aligned else None,
        hidden=drawn.hidden if aligned else None,
        fit=fit,
        gradients=grads,
        behaviour=behaviour,
    )
