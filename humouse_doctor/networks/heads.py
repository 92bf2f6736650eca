"""What a network's head does with its pre-activations, measured by replacing the output of its last layer."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from humouse_doctor.core.spec import Activation, Head, MeasuredHead
from humouse_doctor.networks.numerics import seeded, undisturbed
from humouse_doctor.networks.sampling import FirstPass, Sampler

#: Pre-activations of this size drive any bounded activation to its bound; of the other, none.
_LARGE, _SMALL = 1e6, 1e-2
#: Patterns of pre-activations of both signs: in the first two all are alike.
_PATTERNS = 8
#: Twice as large pre-activations leave a bound where it is, up to this share, or move it by more than this share.
_SETTLED, _GROWS = 1e-3, 0.25
#: A channel without a bound is further than this by then.
_BEYOND = 1e2
#: The slopes of the known activations at zero, and the differences in which a measured head is still one of them.
_SLOPES = {Activation.TANH: 1.0, Activation.SIGMOID: 0.25, Activation.SOFTPLUS: 0.5, Activation.LINEAR: 1.0}
_ALIKE, _ALIKE_SLOPE = 5e-4, 0.05
#: A ReLU has softplus's bounds, and another value at zero.
_SOFTPLUS_AT_ZERO = math.log(2)


def _of_zeros(sampler: Sampler) -> Tensor:
    with undisturbed(sampler.network), seeded(0), torch.no_grad():
        return sampler(torch.zeros(2, *sampler.prior.shape), torch.zeros(2, sampler.condition_dim))


def heads_by_behaviour(sampler: Sampler, first: FirstPass) -> tuple[Head | None, ...]:
    """Measure what each output channel makes of the values of the layer before the head, by replacing these.

    Modules do not reveal it, since `torch.tanh` is not a module. Huge values of both signs, one pattern after the other, drive
    a channel to its bounds; if twice as huge ones drive it further, it has none. A recurrent layer's own output stays within
    its bounds. A head is None if nothing but its range at these values is known, or if the layer does not change the channel.
    """
    layer, channels = first.output, first.predictions.size(2)
    if layer is None:
        return (None,) * channels
    recurrent = isinstance(layer, nn.RNNBase | nn.RNNCellBase)
    pushed = [_pushed(sampler, layer, size) for size in ((1.0, 1.0) if recurrent else (_LARGE, 2 * _LARGE))]  # (P, 2, T, D)
    moved = (pushed[0] != pushed[0][:1]).flatten(0, 2).any(dim=0).tolist()
    ranges = [(of_all.amin(dim=0).tolist(), of_all.amax(dim=0).tolist()) for of_all in (made.flatten(0, 2) for made in pushed)]
    middle, slopes = _response(sampler, layer)
    found: list[Head | None] = []
    for channel in range(channels):
        (low, high), (further_low, further_high) = ((lows[channel], highs[channel]) for lows, highs in ranges)
        bounds = -_end(-low, -further_low), _end(high, further_high)
        known = moved[channel] and not any(map(math.isnan, bounds))
        found.append(_named(bounds, slopes[channel], middle[channel]) if known else None)
    return tuple(found)


def _end(near: float, far: float) -> float:
    """Return the upper bound of values that reach `near`, and from twice as far `far`; NaN if they neither stay nor grow."""
    if abs(far - near) <= _SETTLED * max(1e-3, abs(near)):
        return far
    grows = far > _BEYOND and far - near > _GROWS * abs(near)
    return math.inf if grows else math.nan


def _named(bounds: tuple[float, float], gain: float, centre: float) -> Head:
    """Return the activation with these numbers, or else the numbers."""
    for activation, slope in _SLOPES.items():
        pairs = zip(bounds, activation.bounds, strict=True)
        alike = all(one == other or abs(one - other) < _ALIKE for one, other in pairs)
        if activation is Activation.SOFTPLUS and abs(centre - _SOFTPLUS_AT_ZERO) > _ALIKE:
            continue
        if alike and abs(gain - slope) <= _ALIKE_SLOPE * slope:
            return activation
    return MeasuredHead(bounds=bounds, gain=gain, centre=centre)


def _pushed(sampler: Sampler, layer: nn.Module, size: float) -> Tensor:
    """Return the output (P, 2, T, D) for each pattern of values of `size` and both signs."""
    return torch.stack([_with_layer(sampler, layer, pattern, size) for pattern in range(_PATTERNS)])


def _response(sampler: Sampler, layer: nn.Module) -> tuple[list[float], list[float]]:
    """Return each channel's value (D,) at a pre-activation of zero, and its slope there: the steeper one where it has two."""
    middle = _with_layer(sampler, layer, 0, 0.0)
    sides = [(_with_layer(sampler, layer, _PATTERNS - 1, size) - middle).double().abs() for size in (_SMALL, -_SMALL)]
    slopes = torch.maximum(*sides).flatten(0, 1).mean(dim=0) / _SMALL
    return middle.flatten(0, 1).mean(dim=0).tolist(), slopes.tolist()


def _with_layer(sampler: Sampler, layer: nn.Module, pattern: int, size: float) -> Tensor:
    """Run two zero latents with `layer` giving values of `size`: the first two patterns have one sign, the others both."""
    chance = torch.Generator().manual_seed(pattern)

    def signs(like: Tensor) -> Tensor:
        if pattern < 2:
            return torch.full_like(like, size if pattern else -size)
        drawn = torch.randint(0, 2, like.shape, generator=chance)
        return (size * (2.0 * drawn - 1.0)).to(like.device, like.dtype)

    def replace(_: nn.Module, __: tuple[Any, ...], output: Any) -> Any:
        return (signs(output[0]), *output[1:]) if isinstance(output, tuple) else signs(output)

    handle = layer.register_forward_hook(replace)
    try:
        return _of_zeros(sampler)
    finally:
        handle.remove()
