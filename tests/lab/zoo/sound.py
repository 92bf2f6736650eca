"""More contexts whose runs often come out healthy, to measure specificity: drawn and fixed before one of them was trained.

No threshold comes from them, and no cure is looked up in them. Their lengths are those of no other context. Every run that
the truth calls healthy is asked about, and none is selected.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest

import numpy as np

from tests.lab.zoo.contexts import Context, Kind, Part
from tests.lab.zoo.genome import Drive, Factor, Genome, HeadKind, Latent, Level, Space
from tests.lab.zoo.gestures import Source

_SEED = 2026
_FIRST_SEED = 101
_LENGTHS = (36, 44, 56, 72, 80, 120)
_GATES = (Drive.PLAIN, Drive.SLOW)
_DRIVES = (*_GATES, Drive.TIME)
_LATENTS = (Latent.CLEAN, Latent.WHITEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Family:
    """Contexts of one kind: their number, the levels that vary, rates and steps."""

    kind: Kind
    count: int
    levels: tuple[tuple[Factor, tuple[Level, ...]], ...]
    rates: tuple[float, ...] = (1e-3, 2e-3)
    full_steps: int = 960
    sums: bool = False


_FAMILIES = (
    _Family(kind=Kind.LSTM, count=10, levels=((Factor.DRIVE, _DRIVES),)),
    _Family(kind=Kind.LSTM2, count=5, levels=((Factor.LATENT, _LATENTS), (Factor.DRIVE, _GATES))),
    _Family(kind=Kind.GRU, count=5, levels=((Factor.DRIVE, _DRIVES),), rates=(1e-3,), full_steps=640),
    _Family(
        kind=Kind.TCN, count=6, rates=(5e-4,), full_steps=640,
        levels=((Factor.SPACE, (Space.Z, Space.DPX, Space.AZ)), (Factor.HEAD, tuple(HeadKind))),
    ),
    _Family(kind=Kind.LSTM_V1, count=4, levels=((Factor.DRIVE, _GATES),)),
    _Family(kind=Kind.TABLE, count=2, levels=((Factor.DRIVE, _DRIVES),), rates=(1e-3,)),
    _Family(kind=Kind.AUTOREGRESSIVE, count=2, levels=((Factor.HEAD, (HeadKind.LINEAR,)),), rates=(5e-4,), full_steps=640),
    _Family(kind=Kind.LSTM, count=4, levels=((Factor.LATENT, _LATENTS), (Factor.DRIVE, _GATES)), sums=True),
    _Family(kind=Kind.LSTM2, count=2, levels=((Factor.LATENT, _LATENTS), (Factor.DRIVE, _GATES)), sums=True),
    _Family(kind=Kind.TCN, count=2, levels=((Factor.LATENT, _LATENTS),), rates=(5e-4,), full_steps=640, sums=True),
)  # fmt: skip


def _drawn(family: _Family, random: np.random.Generator) -> Iterator[Context]:
    for _ in range(family.count):
        source = tuple(Source)[random.integers(len(Source))]
        length = int(random.choice(_LENGTHS))
        if source is Source.REAL:
            length = min(length, 80)  # they have 200 steps, and fewer are sums of neighbouring ones
        yield Context(
            name=f"{family.kind.value}-{source.value}-{length}",
            part=Part.SOUND,
            kind=family.kind,
            source=source,
            length=length,
            levels=family.levels,
            base=Genome(space=Space.READ if family.sums else Space.Z),
            hidden=int(random.choice((24, 32, 48))),
            latent_dim=int(random.choice((8, 16, 24))),
            rate=float(random.choice(family.rates)),
            full_steps=family.full_steps,
            offset_px=float(random.choice((0.0, 0.0, 200.0))),
            padding=float(random.choice((0.0, 0.1, 0.3, 0.5))),
            sums=family.sums,
        )


def _named(contexts: Iterator[Context]) -> Iterator[Context]:
    """Give each context a seed and a name of its own."""
    for seed, context in enumerate(contexts, start=_FIRST_SEED):
        yield replace(context, seed=seed, name=f"{context.name}{'-summed' if context.sums else ''}-{seed}")


def _in_turns() -> Iterator[Context]:
    """Yield the families' contexts in turns."""
    random = np.random.default_rng(_SEED)
    families = [tuple(_drawn(family, random)) for family in _FAMILIES]
    for together in zip_longest(*families):
        yield from (context for context in together if context is not None)


SOUND: tuple[Context, ...] = tuple(_named(_in_turns()))
