"""Small experiments with a generator: what sequences of a batch do to each other, and where nothing passes it any more."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Behaviour
from humouse_doctor.core.errors import NotMeasurable, UsageError
from humouse_doctor.networks.numerics import denormals_flushed, seeded, undisturbed
from humouse_doctor.networks.sampling import Sampler

#: Sequences of the batch in which half are replaced.
_BATCH = 16
#: Sequences whose true past is handed in, the error against them up to which they are made by it, over their spread, and the
#: share of it that is rounding.
_TAUGHT, _MADE, _SAME = 64, 0.3, 1e-4
#: Sequences drawn under other conditions, the fewest that tell anything, and what is unit scale of conditions already.
_DRAWN, _FEWEST, _UNIT = 64, 16, 0.1
#: Multiples of conditions of unit scale under which sequences are drawn. Half of a power of ten lies between two.
_MULTIPLES = (10.0, 31.6, 100.0, 316.0, 1000.0)
#: Conditions are too small where they change a sequence by less than this share of what latents do. Calibration runs with their
#: own conditions, whose samples larger ones would have made like the targets, had 0.49 or more.
_HEARD = 1 / 3
#: The share of its own size by which the layer before the head is moved.
_MOVED = 1e-2
#: Sigmoid and tanh are beyond 0.99 from these pre-activations on.
_SIGMOID_END, _TANH_END = 4.6, 2.65


def experiment(
    sampler: Sampler,
    conditions: FloatArray | None,
    rnn_input: FloatArray | None,
    seed: int,
    targets: FloatArray | None = None,
) -> Behaviour:
    """Run every experiment; `conditions` (N, C) go with the latents.

    `rnn_input` (N, T, H) is the input of the first recurrent layer for prior samples, and `targets` (M, T, D) are what the loss
    compares; each is None if unknown.
    """
    alike: tuple[float | None, float | None, float | None] = (None, None, None)
    unconditioned = None
    try:
        alike = conditioned(sampler, targets, conditions, seed)
    except NotMeasurable as error:
        unconditioned = str(error)
    return Behaviour(
        neighbour_effect=neighbour_effect(sampler, conditions, seed),
        saturated_inputs=None if rnn_input is None else saturated_inputs(sampler.recurrent, rnn_input),
        live_shares=live_shares(sampler, conditions, seed),
        silent_layers=silent_layers(sampler, seed),
        taught_code_share=None if targets is None else taught_code_share(sampler, targets, seed),
        as_conditioned=alike[0],
        reconditioned=alike[1],
        enlarged=alike[2],
        unconditioned=unconditioned,
    )


def conditioned(
    sampler: Sampler, targets: FloatArray | None, conditions: FloatArray | None, seed: int
) -> tuple[float, float | None, float]:
    """Return how alike sequences and targets (M, T, D) are, under the conditions (N, C) and under these at another scale.

    Of the usual scales (z-scored, -1 to 1, 0 to 1, by all conditions) the best counts, with the same latents, among those at
    which the conditions do as much as `_HEARD` says. Conditions that have such a scale and do less are tried times 10 to 1000
    too; the last number is that multiple if it is best, 1 otherwise. The second is None if no other scale counts. Rows are
    taken from all over the conditions, which may be sorted, and with them their targets if there is one for each. Sequences
    that are not finite are not alike at all, if they are finite at another scale. Raises `NotMeasurable` if nothing can be
    compared.
    """
    if sampler.condition_dim == 0:
        raise NotMeasurable("the generator takes no conditions")
    if targets is None or conditions is None:
        raise NotMeasurable(f"no {'targets' if targets is None else 'conditions'} are known")
    drawn = min(_DRAWN if sampler.load is None else min(_DRAWN, sampler.load.rows), len(conditions))
    if min(drawn, len(targets)) < _FEWEST:
        raise NotMeasurable(f"only {min(drawn, len(targets))} sequences could be compared, {_FEWEST} are needed")
    whole = np.asarray(conditions, dtype=np.float64)
    mean, std, least, most = whole.mean(axis=0), whole.std(axis=0), whole.min(axis=0), whole.max(axis=0)
    scored = bool((np.abs(mean) <= _UNIT).all() and (np.abs(std - 1) <= _UNIT).all())
    rows = np.linspace(0, len(whole) - 1, drawn).round().astype(np.int64)
    given = whole[rows]
    wanted = np.asarray(targets if len(targets) != len(whole) else targets[rows], dtype=np.float64)
    if likeness(wanted, wanted) is None:
        raise NotMeasurable("the targets do not vary")
    width = np.where(most > least, most - least, 1.0)
    scales = [(given - mean) / np.where(std > 0, std, 1.0), 2 * (given - least) / width - 1, (given - least) / width]
    with undisturbed(sampler.network), denormals_flushed(), torch.no_grad():
        latents = sampler.prior.draw(drawn, seed)

        def tried(values: FloatArray) -> tuple[float | None, bool]:
            made, heard = _heard(sampler, latents, sampler.conditions(values, drawn), seed)
            return likeness(made.numpy(), wanted), heard

        as_given, heard = tried(given)
        found = [(1.0, *tried(values)) for values in ([] if scored else scales)]
        if not heard and (scored or bool((np.abs(whole) <= 1).all())):
            found += [(times, tried(times * given)[0], True) for times in _MULTIPLES]
    if as_given is None and all(alike is None for _, alike, _ in found):
        raise NotMeasurable("with the conditions as given and at another scale the sequences are not finite")
    counted = [(alike, times) for times, alike, counts in found if counts and alike is not None]
    return as_given or 0.0, *max(counted, default=(None, 1.0), key=lambda pair: pair[0])


def _heard(sampler: Sampler, latents: Tensor, conditions: Tensor, seed: int) -> tuple[Tensor, bool]:
    """Return sequences (N, T, D), and False if another condition changes them by less than `_HEARD` of what a latent does."""
    half = len(latents) // 2
    drawn = []
    for given in (conditions, conditions.roll(half, 0)):
        with seeded(seed):
            drawn.append(sampler(latents, given).double())
    made, crossed = drawn
    by_condition = (made - crossed).square().mean()
    by_latent = (made - crossed.roll(-half, 0)).square().mean()  # the same condition with another latent
    return made, not bool(by_condition < _HEARD**2 * by_latent)


def likeness(sequences: FloatArray, targets: FloatArray) -> float | None:
    """Return how alike sequences (N, T, D) are to targets (M, T, D) by the measure in which they differ most, 0 to 1.

    The measures are the spread of all values, the variety across sequences (each the smaller over the larger of the two, on the
    worst channel) and the distance of the means, as 1 / (1 + it in standard deviations). Shaking from step to step is none of
    them: no scale of conditions cures it. Returns None for numbers that are not finite, and targets of which no channel varies.
    """
    steps = min(sequences.shape[1], targets.shape[1])
    channels = min(sequences.shape[2], targets.shape[2])
    sides = [values[:, :steps, :channels] for values in (sequences, targets)]
    if not all(np.isfinite(values).all() for values in sides):
        return None
    made, wanted = map(_measured, sides)
    kept = (wanted[1:] > 0).all(axis=0)
    if not kept.any():
        return None
    smaller, larger = (of(made[1:, kept], wanted[1:, kept]) for of in (np.minimum, np.maximum))
    offset = np.abs(made[0, kept] - wanted[0, kept]) / wanted[1, kept]
    return float(min((smaller / larger).min(), (1 / (1 + offset)).min()))


def _measured(values: FloatArray) -> FloatArray:
    """Return mean, spread and variety of each channel of sequences (N, T, C), as (3, C)."""
    return np.stack([values.mean(axis=(0, 1)), values.std(axis=(0, 1)), values.std(axis=0).mean(axis=0)])


def taught_code_share(sampler: Sampler, targets: FloatArray, seed: int) -> float | None:
    """Hand the true past to a decoder that takes it, and return how much another latent changes what it makes of it.

    The change is the RMS over that from step to step of the targets (M, T, D), which a past alone leaves open. Returns None for
    a network without such an argument, for one that does not make the targets so, and for one that looks ahead: what it gets is
    then no past.
    """
    if sampler.past is None or len(targets) < 2 or targets.shape[1] < 2:
        return None
    truth = torch.from_numpy(np.ascontiguousarray(targets[:_TAUGHT], dtype=np.float32))
    half = truth.size(1) // 2
    ahead = torch.cat([truth[:, :half], truth[:, half:].roll(1, 0)], dim=1)
    with undisturbed(sampler.network), denormals_flushed(), torch.no_grad():
        latents = sampler.prior.draw(2 * len(truth), seed).view(2, len(truth), *sampler.prior.shape)
        made = []
        for latent, past in ((latents[0], truth), (latents[1], truth), (latents[0], ahead)):
            with seeded(seed):
                made.append(sampler.taught(latent, past))
    one, other, looking = made
    if one is None or other is None or looking is None:
        return None
    parts = (one - truth, one - other, truth - truth.mean(dim=(0, 1)), truth.diff(dim=1))
    missed, moved, whole, step = (float(values.double().square().mean().sqrt()) for values in parts)
    looks = bool((one[:, :half] - looking[:, :half]).abs().max() > _SAME * whole)
    if looks or not 0 < step < math.inf or not missed <= _MADE * whole or not math.isfinite(moved):
        return None
    return moved / step


def training_effect(sampler: Sampler, conditions: FloatArray | None, seed: int) -> float:
    """Return how much the mode in which the network was handed over changes its sequences, 0 where that is evaluation mode.

    The change is the RMS against evaluation mode, over the standard deviation across sequences; 0 for what cannot be drawn so
    or is not finite.
    """
    modes = {module: module.training for module in sampler.network.modules()}
    if not any(modes.values()):
        return 0.0
    with undisturbed(sampler.network), denormals_flushed(), torch.no_grad():
        latents, given = sampler.prior.draw(_BATCH, seed), sampler.conditions(conditions, _BATCH)
        with seeded(seed):  # noise of the network's own is the same in both modes
            evaluated = sampler(latents, given).double()
        for module, training in modes.items():
            module.training = training
        try:
            with seeded(seed):
                trained = sampler(latents, given).double()
        except UsageError:
            return 0.0
    change = float((trained - evaluated).square().mean().sqrt() / evaluated.std(dim=0).square().mean().sqrt())
    return change if math.isfinite(change) else 0.0


def live_shares(sampler: Sampler, conditions: FloatArray | None, seed: int) -> tuple[float, ...] | None:
    """Move the layer before the head a little, both ways, and return the share of each channel's values that is not dead.

    A value is dead if it is its channel's most common one and stays exactly that. So does a ReLU below zero, a clamp beyond its
    ends, a softmax of one number; what varies is not dead, whatever the layer is. Returns None if the layer is not known, or
    for numbers that are not finite.
    """
    layer = sampler.last
    if layer is None:
        return None
    with undisturbed(sampler.network), denormals_flushed(), torch.no_grad():
        latents, given = sampler.prior.draw(_BATCH, seed), sampler.conditions(conditions, _BATCH)
        drawn = []
        for share in (0.0, _MOVED, -_MOVED):
            with seeded(seed), _moved(layer, share):
                drawn.append(sampler(latents, given).flatten(0, 1))  # (N * T, D)
    if not all(bool(torch.isfinite(values).all()) for values in drawn):
        return None
    as_it_is, up, down = drawn
    common = as_it_is.mode(dim=0).values
    dead = (as_it_is == common) & (up == as_it_is) & (down == as_it_is)
    return tuple((1 - dead.double().mean(dim=0)).tolist())


@contextmanager
def _moved(layer: nn.Module, share: float) -> Iterator[None]:
    """Add to the output of `layer` this share of the largest of its values, within the block."""

    def move(_: nn.Module, __: tuple[Any, ...], output: Any) -> Any:
        made = output[0] if isinstance(output, tuple) else output
        moved = made + share * (made.abs().max() or 1.0)
        return (moved, *output[1:]) if isinstance(output, tuple) else moved

    handle = layer.register_forward_hook(move)
    try:
        yield
    finally:
        handle.remove()


def silent_layers(sampler: Sampler, seed: int) -> int:
    """Return how many linear and convolutional layers get zeros alone, 0 where the output differs between latents.

    A ReLU before them has died, so that no gradient passes them. The conditions are random numbers, since zeros would silence
    their layers.
    """
    heard: dict[nn.Module, bool] = {}

    def listen(layer: nn.Module, inputs: tuple[Tensor, ...], _: object) -> None:
        if inputs and isinstance(inputs[0], Tensor):
            heard[layer] = heard.get(layer, False) or bool(inputs[0].any())

    layers = [layer for layer in sampler.network.modules() if isinstance(layer, nn.Linear | nn.Conv1d | nn.ConvTranspose1d)]
    handles = [layer.register_forward_hook(listen) for layer in layers]
    try:
        with undisturbed(sampler.network), denormals_flushed(), seeded(seed), torch.no_grad():
            made = sampler(sampler.prior.draw(_BATCH, seed), torch.randn(1, sampler.condition_dim).expand(_BATCH, -1))
    finally:
        for handle in handles:
            handle.remove()
    return 0 if bool((made != made[:1]).any()) else sum(not any_heard for any_heard in heard.values())


def neighbour_effect(sampler: Sampler, conditions: FloatArray | None, seed: int) -> float | None:
    """Draw the middle half of a batch between two different other halves, and compare it with itself.

    It stands in the middle, so that what is carried along the batch, forwards or backwards, reaches it. Both batches see
    the same random numbers. Returns None if all sequences are the same or not finite.
    """
    kept = slice(_BATCH // 4, 3 * _BATCH // 4)
    with undisturbed(sampler.network), denormals_flushed(), torch.no_grad():
        latents = sampler.prior.draw(2 * _BATCH, seed).view(2, _BATCH, *sampler.prior.shape)
        given = sampler.conditions(conditions, 2 * _BATCH).view(2, _BATCH, sampler.condition_dim)
        drawn = []
        for batch in range(2):
            latents[batch, kept], given[batch, kept] = latents[0, kept], given[0, kept]
            with seeded(seed):
                drawn.append(sampler(latents[batch], given[batch]).double())
    change = (drawn[0][kept] - drawn[1][kept]).square().mean().sqrt()
    spread = drawn[0].std(dim=0).square().mean().sqrt()
    if not (bool(torch.isfinite(change)) and bool(torch.isfinite(spread))) or spread == 0:
        return None
    return float(change / spread)


def saturated_inputs(recurrent: Sequence[nn.Module], rnn_input: FloatArray) -> float | None:
    """Return the saturated share of output gates and candidate values of the first of some recurrent layers.

    It is told by the layer's input (N, T, H) and the biases alone.

    Forget and update gates are left out: a large bias of theirs is a remedy. Returns None without a recurrent layer of
    torch's.
    """
    layer = next(iter(recurrent), None)
    if not isinstance(layer, nn.RNNBase | nn.RNNCellBase):
        return None
    suffix = "_l0" if isinstance(layer, nn.RNNBase) else ""
    named = {name: tensor.detach().to("cpu", torch.float32) for name, tensor in layer.named_parameters(recurse=False)}
    weight = named.get(f"weight_ih{suffix}")
    values = torch.from_numpy(np.ascontiguousarray(rnn_input))
    if weight is None or weight.size(1) != values.size(-1):
        return None
    if bool((values == values[:, :1]).all()):  # a repeated latent drives every step alike
        values = values[:, :1]
    bias = sum((named[name] for name in (f"bias_ih{suffix}", f"bias_hh{suffix}") if name in named), weight.new_zeros(()))
    with torch.no_grad():
        driven: Tensor = values @ weight.T + bias  # (N, T, gates * H)
    parts = driven.abs().chunk(driven.size(-1) // layer.hidden_size, dim=-1)
    match len(parts):
        case 4:  # LSTM: input, forget, candidate, output
            ends = [parts[2] > _TANH_END, parts[3] > _SIGMOID_END]
        case 3:  # GRU: reset, update, candidate
            ends = [parts[0] > _SIGMOID_END, parts[2] > _TANH_END]
        case _:
            ends = [parts[0] > _TANH_END]
    return float(torch.stack([end.double().mean() for end in ends]).mean())
