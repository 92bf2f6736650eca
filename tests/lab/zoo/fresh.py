"""Contexts drawn at random, with causes one and more at a time: fixed before one of them was trained, and judged as they come.

No threshold and no remedy comes from them. For each a coin decides between real gestures and another source: 16 of the first 24
are of real ones. Ten are of a program that sums the output. The second draw is for what changed after the first was judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest

import numpy as np

from tests.lab.zoo.contexts import Context, Kind, Part
from tests.lab.zoo.genome import Drive, Factor, Genome, HeadKind, Kl, Latent, Level, Rate, Space, Width
from tests.lab.zoo.gestures import Source

_LENGTHS = (50, 60, 90, 100, 150)
#: Real gestures have 200 steps, and fewer are sums of neighbouring ones.
_LONGEST_REAL = 100
_EPOCHS = (20, 40, 60)
_GATES = (Drive.PLAIN, Drive.SLOW)

_Levels = tuple[Factor, tuple[Level, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Family:
    """Contexts of one kind: their number, the factors that always vary, at most how many others do, and rates."""

    kind: Kind
    count: int
    always: tuple[Factor, ...] = (Factor.SPACE, Factor.DRIVE)
    others: tuple[Factor, ...] = (Factor.HEAD, Factor.LATENT, Factor.RATE, Factor.WIDTH)
    most: int = 2
    rates: tuple[float, ...] = (5e-4, 1e-3, 2e-3)
    sums: bool = False


_NO_GATES = (Factor.SPACE,)
_FAMILIES = (
    _Family(kind=Kind.LSTM, count=5),
    _Family(kind=Kind.LSTM, count=5, sums=True),
    _Family(kind=Kind.LSTM2, count=3),
    _Family(kind=Kind.LSTM2, count=3, sums=True),
    _Family(kind=Kind.TCN, count=2, always=_NO_GATES, rates=(2e-4, 5e-4)),
    _Family(kind=Kind.TCN, count=2, always=_NO_GATES, rates=(2e-4, 5e-4), sums=True),
    _Family(kind=Kind.SEQ2SEQ, count=2, always=(Factor.KL, Factor.WIDTH), others=(Factor.RATE,), most=1, rates=(1e-3,)),
    _Family(kind=Kind.LSTM_V1, count=1),
    _Family(kind=Kind.GRU, count=1, rates=(1e-3,)),
)  # fmt: skip


def _levels(family: _Family, random: np.random.Generator) -> Iterator[_Levels]:
    """Yield the factors that vary, with their levels: the sound one of each, and what spoils it."""
    many = int(random.integers(1, family.most + 1))
    chosen = random.permutation(len(family.others))[:many]
    spaces = (Space.PX, Space.DPX, Space.Z) if family.sums else (Space.PX, Space.DPX, Space.DZ, Space.AZ)
    sound = Space.READ if family.sums else Space.Z
    spoilt: dict[Factor, tuple[Level, ...]] = {
        Factor.SPACE: (sound, spaces[random.integers(len(spaces))]),
        Factor.DRIVE: _GATES,
        Factor.HEAD: tuple(HeadKind),
        Factor.LATENT: (Latent.CLEAN, (Latent.WHITEN, Latent.NOISE, Latent.BOTH)[random.integers(3)]),
        Factor.RATE: tuple(Rate),
        Factor.WIDTH: tuple(Width),
        Factor.KL: tuple(Kl),
    }
    for factor in (*family.always, *(family.others[index] for index in chosen)):
        yield factor, spoilt[factor]


def _drawn(family: _Family, part: Part, random: np.random.Generator) -> Iterator[Context]:
    for _ in range(family.count):
        sources = [Source.REAL] if random.random() < 0.5 else [source for source in Source if source is not Source.REAL]
        source = sources[random.integers(len(sources))]
        length = int(random.choice(_LENGTHS))
        if source is Source.REAL:
            length = min(length, _LONGEST_REAL)
        epochs = int(random.choice(_EPOCHS))
        yield Context(
            name=f"{part.value}-{family.kind.value}-{source.value}-{length}",
            part=part,
            kind=family.kind,
            source=source,
            length=length,
            levels=tuple(_levels(family, random)),
            base=Genome(space=Space.READ if family.sums else Space.Z),
            hidden=int(random.choice((24, 32, 48, 64))),
            latent_dim=int(random.choice((8, 16, 32, 64))),
            rate=float(random.choice(family.rates)),
            full_steps=epochs * 16,
            offset_px=float(random.choice((0.0, 0.0, 300.0))),
            padding=float(random.choice((0.0, 0.2, 0.4))),
            sums=family.sums,
        )


def _in_turns(part: Part, draw: int, first_seed: int) -> Iterator[Context]:
    """Yield the families' contexts in turns, each with a seed and a name of its own; `draw` is the seed of the draw."""
    random = np.random.default_rng(draw)
    families = [tuple(_drawn(family, part, random)) for family in _FAMILIES]
    contexts = (context for together in zip_longest(*families) for context in together if context is not None)
    for seed, context in enumerate(contexts, start=first_seed):
        yield replace(context, seed=seed, name=f"{context.name}{'-summed' if context.sums else ''}-{seed}")


FRESH: tuple[Context, ...] = (
    *_in_turns(Part.FRESH, draw=20261129, first_seed=301),
    *_in_turns(Part.SECOND, draw=20261130, first_seed=401),
)
