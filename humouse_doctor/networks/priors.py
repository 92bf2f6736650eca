"""Priors: the distributions that a generator's latents are drawn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.text import reason
from humouse_doctor.networks.numerics import seeded

#: The latents that are drawn to learn the mean and scale of a caller's own sampler.
_LOOK = 256

#: Draws n latents (n, Z), or (n, T, Z) of noise for every step.
Draw = Callable[[int, torch.Generator], Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """A distribution of latents of one `shape`, (Z,) or (T, Z) for noise at every step.

    `mean`, of that shape or a number, and `scale`, the std over all numbers, are where fitted latents start and how far they
    move. `name` is the prior in words.
    """

    shape: tuple[int, ...]
    name: str
    drawn: Draw
    mean: Tensor
    scale: float

    def draw(self, count: int, seed: int) -> Tensor:
        """Return `count` latents (count, *shape) by `seed`, in float32 on the CPU."""
        with seeded(seed):  # a caller's own sampler may not use the generator that it is given
            drawn = self.drawn(count, torch.Generator().manual_seed(seed))
        return drawn.detach().to("cpu", torch.float32)


def normal(*shape: int) -> Prior:
    """Return N(0, I) of latents of this shape."""

    def drawn(count: int, generator: torch.Generator) -> Tensor:
        return torch.randn(count, *shape, generator=generator)

    return Prior(shape=shape, name="N(0, 1)", drawn=drawn, mean=torch.zeros(()), scale=1.0)


def of_codes(codes: FloatArray | Tensor) -> Prior:
    """Return the distribution of given codes (N, Z) or (N, T, Z): each is drawn once before any is repeated.

    Raises `UsageError` for another shape, and for numbers that are not finite in float32.
    """
    values = _checked(codes, "codes")

    def drawn(count: int, generator: torch.Generator) -> Tensor:
        rounds = [torch.randperm(len(values), generator=generator) for _ in range(-(-count // len(values)))]
        return values[torch.cat(rounds)[:count]]

    mean = values.mean(dim=0)
    return Prior(
        shape=tuple(values.shape[1:]),
        name=f"the {len(values):,} codes given, of std {_scale(values, mean):.3g}",
        drawn=drawn,
        mean=mean,
        scale=_scale(values, mean),
    )


def of_sampler(sampler: Draw) -> Prior:
    """Return the distribution of a caller's own sampler; raise `UsageError` if it fails or gives no latents (n, Z)."""

    def drawn(count: int, generator: torch.Generator) -> Tensor:
        try:
            latents = sampler(count, generator)
        except Exception as error:  # the user's own code may raise anything
            raise UsageError(f"the sampler does not draw {count} latents: {reason(error)}") from error
        return _checked(latents, "latents of the sampler", count)

    with seeded(0):
        look = drawn(_LOOK, torch.Generator().manual_seed(0))
    mean = look.mean(dim=0)
    return Prior(
        shape=tuple(look.shape[1:]),
        name=f"the sampler given, of std {_scale(look, mean):.3g}",
        drawn=drawn,
        mean=mean,
        scale=_scale(look, mean),
    )


def _checked(values: FloatArray | Tensor, what: str, count: int | None = None) -> Tensor:
    try:
        latents = torch.as_tensor(np.asarray(values) if not isinstance(values, Tensor) else values).detach()
        latents = latents.to("cpu", torch.float32)
    except (TypeError, ValueError, RuntimeError):
        raise UsageError(f"{what} are a {type(values).__name__}; expected an array or tensor (N, Z)") from None
    wanted = "(N, Z), or (N, T, Z) for noise at every step" if count is None else f"({count}, Z) or ({count}, T, Z)"
    if latents.dim() not in (2, 3) or latents.numel() == 0 or (count is not None and len(latents) != count):
        raise UsageError(f"{what} have shape {tuple(latents.shape)}; expected {wanted}")
    if not bool(torch.isfinite(latents).all()):
        raise UsageError(f"{what} hold NaN, infinite or overly large values; expected finite float32 numbers {wanted}")
    return latents


def _scale(values: Tensor, mean: Tensor) -> float:
    return float((values - mean).double().square().mean().sqrt()) or 1.0
