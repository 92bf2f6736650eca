"""A public report of a generator that failed, rebuilt small: its source, the cause told there, and a sick and a healed twin."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from humouse_doctor.core.settings import Value

Floats = NDArray[np.float64]

#: Seeds the coin that holds reports back.
_COIN = 19


class Part(str, Enum):
    """Reports at hand when probes were written, others to learn from, and those asked about once, at the end."""

    KNOWN = "at hand"
    BUILDING = "building"
    HELD = "held back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A trained generator and what its user has beside it.

    `truth` (N, T, D) is what should have come out, where that is not what the loss was given; `conditions` (N, C) are those of
    use.
    """

    generator: nn.Module
    targets: torch.Tensor
    latent_dim: int
    settings: Mapping[str, Value]
    conditions: torch.Tensor | None = None
    truth: torch.Tensor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report with a cause that its thread tells.

    `expected` holds the codes that name this cause, none where the network, the data or the settings show it but no probe names
    it, and is None where none of them can show it. `known` reports were at hand when probes were written.
    """

    name: str
    source: str
    cause: str
    expected: tuple[str, ...] | None
    make: Callable[[bool], Made]
    known: bool = False


def held_back(reports: Sequence[Report]) -> frozenset[str]:
    """Return the names of the reports that the coin holds back: half of those that nobody had at hand."""
    names = sorted(report.name for report in reports if not report.known)
    random.Random(_COIN).shuffle(names)
    return frozenset(names[: len(names) // 2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """How generated sequences compare with those wanted, by plain ratios; the least and the most of the channels.

    `spread` of all values, `moves` from step to step, `varies` from sequence to sequence; `rank` of the directions in which
    sequences differ; `offset` of the mean in standard deviations; `depends` is the change of a sequence that is drawn alone.
    """

    spread: tuple[float, float]
    moves: tuple[float, float]
    varies: tuple[float, float]
    rank: float
    offset: float
    depends: float

    @property
    def sound(self) -> bool:
        """True if every ratio lies between a half and two and a half, the mean is near, and no sequence needs others."""
        ratios = (*self.spread, *self.moves, *self.varies, self.rank)
        return all(0.5 <= ratio <= 2.5 for ratio in ratios) and self.offset <= 0.5 and self.depends <= 0.01

    @property
    def collapsed(self) -> bool:
        """True if a ratio is below 0.4 or above 4, the mean is far off, sequences need others, or a number is not finite."""
        ratios = (*self.spread, *self.moves, *self.varies, self.rank)
        return not all(0.4 <= ratio <= 4 for ratio in ratios) or not self.offset <= 1 or self.depends > 0.25


def drawn(made: Made, rows: slice = slice(None)) -> Floats:
    """Return the `rows` of 256 sequences (256, T, D) as the user draws them."""
    latents = torch.randn(256, made.latent_dim, generator=torch.Generator().manual_seed(1))
    given = [latents[rows]]
    if made.conditions is not None:
        given.append(made.conditions[torch.arange(256) % len(made.conditions)][rows])
    torch.manual_seed(1)  # for what a network draws by itself
    with torch.no_grad():
        sequences: Floats = made.generator(*given).double().numpy()
        return sequences


def _depends(made: Made, together: Floats) -> float:
    """Return how much a sequence changes when it is drawn alone, over the standard deviation of all; 0 where that is 0."""
    alone = np.concatenate([drawn(made, rows=slice(row, row + 1)) for row in range(16)])
    change = np.sqrt(np.square(alone - together[:16]).mean())
    return float(change / max(float(together.std()), 1e-12))


def numbers(made: Made) -> Numbers:
    """Compare what `made` draws with what is wanted."""
    out = drawn(made)
    wanted = np.asarray((made.targets if made.truth is None else made.truth).double())

    def ratios(of: Callable[[Floats], Floats]) -> tuple[float, float]:
        share = of(out) / np.maximum(of(wanted), 1e-12)
        return float(share.min()), float(share.max())

    gap = np.abs(out.mean(axis=(0, 1)) - wanted.mean(axis=(0, 1))) / np.maximum(wanted.std(axis=(0, 1)), 1e-12)
    return Numbers(
        spread=ratios(lambda a: a.std(axis=(0, 1))),
        moves=ratios(lambda a: np.sqrt(np.square(np.diff(a, axis=1)).mean(axis=(0, 1)))),
        varies=ratios(lambda a: a.std(axis=0).mean(axis=0)),
        rank=_rank(out) / _rank(wanted),
        offset=float(gap.max()),
        depends=_depends(made, out),
    )


def _rank(sequences: Floats) -> float:
    """Return the participation ratio of the directions in which sequences (N, T, D) differ, each channel at unit scale."""
    if not np.isfinite(sequences).all():
        return float("nan")
    flat = (sequences / np.maximum(sequences.std(axis=(0, 1)), 1e-12)).reshape(len(sequences), -1)
    powers = np.square(np.linalg.svd(flat - flat.mean(axis=0), compute_uv=False))
    return float(np.square(powers.sum()) / max(float(np.square(powers).sum()), 1e-12))
