"""The corpus, fixed before anything was judged: the runs for calibration, and the held-out runs.

The held-out part shares no gesture source, no length and, except for the plain LSTM, no architecture with the other part.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from tests.lab.zoo.genome import Drive, Factor, Genome, HeadKind, Kl, Latent, Level, Rate, Space, Steps, Width, lattice
from tests.lab.zoo.gestures import Source


class Part(str, Enum):
    """Purposes of a context's runs."""

    CALIBRATION = "calibration"
    HELD_OUT = "held-out"
    SUMMED = "summed"
    SOUND = "sound"
    FRESH = "fresh"
    SECOND = "second"
    LATER = "later causes"


class Kind(str, Enum):
    """Kinds of generators: humouse's own, and five that are not."""

    LSTM = "lstm"
    LSTM_V1 = "lstm-v1"
    LSTM2 = "lstm2"
    TCN = "tcn"
    SEQ2SEQ = "seq2seq"
    GRU = "gru"
    AUTOREGRESSIVE = "ar"
    TABLE = "table"
    BARE = "bare"
    NORMED = "normed"


#: A learning rate at which every warm-up fails.
TOO_HIGH_RATE = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The properties of a run that do not vary within its lattice.

    `length` is T, in steps at the gestures' own rate. `offset_px` is the reach of a random start. `padding` is the largest
    share of zero steps at the tail, before the last `tail` steps, which are zero in all gestures. `full_steps` are optimiser
    steps, a multiple of an epoch's. `levels` span the lattice.
    With `sums`, the program takes the output for deltas, whatever the loss compares, as the newest humouse does.
    """

    name: str
    part: Part
    kind: Kind
    source: Source
    length: int
    levels: tuple[tuple[Factor, tuple[Level, ...]], ...]
    base: Genome = field(default_factory=Genome)
    count: int = 512
    batch: int = 32
    hidden: int = 32
    encoder_hidden: int = 32
    latent_dim: int = 16
    rate: float = 1e-3
    full_steps: int = 960
    offset_px: float = 0.0
    padding: float = 0.3
    sums: bool = False
    seed: int = 0
    tail: int = field(default=0, repr=False)

    @property
    def epoch(self) -> int:
        """The optimiser steps of one epoch."""
        return self.count // self.batch

    def steps(self, steps: Steps) -> int:
        """Return the optimiser steps of one level: whole epochs, at least one."""
        share = {Steps.FEW: 10, Steps.SOME: 3, Steps.FULL: 1}[steps]
        return max(1, round(self.full_steps / share / self.epoch)) * self.epoch

    def latent_size(self, genome: Genome) -> int:
        """Return the latent's size Z."""
        return 1 if genome.width is Width.ONE else self.latent_dim

    def learning_rate(self, genome: Genome) -> float:
        """Return Adam's learning rate."""
        return TOO_HIGH_RATE if genome.rate is Rate.TOO_HIGH else self.rate

    @property
    def genomes(self) -> tuple[Genome, ...]:
        """Return the whole lattice; an output layer takes a scale over only through a linear head."""
        whole = lattice(self.base, dict(self.levels))
        return tuple(one for one in whole if one.space is not Space.READ or one.head is HeadKind.LINEAR)

    @property
    def trainings(self) -> tuple[Genome, ...]:
        """Return one genome, the longest, for each training."""
        return tuple(genome for genome in self.genomes if genome.steps is Steps.FULL)


def _levels(**levels: tuple[Level, ...]) -> tuple[tuple[Factor, tuple[Level, ...]], ...]:
    return tuple((Factor(name), chosen) for name, chosen in levels.items())


_HEADS = (HeadKind.TANH, HeadKind.LINEAR)
_WHITEN = (Latent.CLEAN, Latent.WHITEN)
_NOISE = (Latent.CLEAN, Latent.NOISE)
_DRIVES = (Drive.PLAIN, Drive.SLOW, Drive.TIME)
_GATES = (Drive.PLAIN, Drive.SLOW)
_PX_Z = (Space.PX, Space.Z)
_RATES = (Rate.GOOD, Rate.TOO_HIGH)
_WIDTHS = (Width.OWN, Width.ONE)

_CALIBRATION = (
    Context(
        name="lstm-strokes-48", part=Part.CALIBRATION, kind=Kind.LSTM, source=Source.STROKES, length=48, seed=11,
        levels=_levels(space=(Space.PX, Space.Z, Space.DPX), head=_HEADS, latent=_WHITEN, drive=_DRIVES),
    ),
    Context(
        name="gru-strokes-32", part=Part.CALIBRATION, kind=Kind.GRU, source=Source.STROKES, length=32, seed=12,
        full_steps=640,
        levels=_levels(space=_PX_Z, head=_HEADS, latent=_NOISE, drive=_DRIVES),
    ),
    Context(
        name="tcn-strokes-48", part=Part.CALIBRATION, kind=Kind.TCN, source=Source.STROKES, length=48, seed=13,
        rate=5e-4, full_steps=640,
        levels=_levels(space=(Space.PX, Space.Z, Space.DPX), head=_HEADS, latent=(*_WHITEN, Latent.NOISE)),
    ),
    Context(
        name="lstm-real-48", part=Part.CALIBRATION, kind=Kind.LSTM, source=Source.REAL, length=48, seed=14,
        rate=2e-3,
        levels=_levels(space=(*_PX_Z, Space.DZ), head=_HEADS, latent=_NOISE, drive=_GATES),
    ),
    Context(
        name="lstm-strokes-32-offset", part=Part.CALIBRATION, kind=Kind.LSTM, source=Source.STROKES, length=32, seed=15,
        offset_px=400.0, padding=0.2,
        rate=2e-3,
        levels=_levels(space=_PX_Z, head=_HEADS, latent=_NOISE, drive=_GATES),
    ),
    Context(
        name="tcn-real-32", part=Part.CALIBRATION, kind=Kind.TCN, source=Source.REAL, length=32, seed=16,
        rate=5e-4, full_steps=640,
        levels=_levels(space=(*_PX_Z, Space.AZ), head=_HEADS, latent=_NOISE),
    ),
    Context(
        name="lstm-real-100", part=Part.CALIBRATION, kind=Kind.LSTM, source=Source.REAL, length=100, seed=17,
        rate=2e-3,
        levels=_levels(space=_PX_Z, head=_HEADS, latent=_WHITEN, drive=_DRIVES),
    ),
    Context(
        name="lstm-strokes-48-rate", part=Part.CALIBRATION, kind=Kind.LSTM, source=Source.STROKES, length=48, seed=18,
        levels=_levels(space=_PX_Z, latent=_WHITEN, drive=_GATES, rate=_RATES),
    ),
    Context(
        name="lstm-strokes-100-both", part=Part.CALIBRATION, kind=Kind.LSTM, source=Source.STROKES, length=100, seed=19,
        padding=0.4,
        levels=_levels(space=_PX_Z, latent=tuple(Latent), drive=_GATES),
    ),
    Context(
        name="gru-real-48", part=Part.CALIBRATION, kind=Kind.GRU, source=Source.REAL, length=48, seed=20,
        full_steps=640,
        levels=_levels(space=_PX_Z, latent=_WHITEN, drive=_GATES),
    ),
    Context(
        name="lstm-strokes-32-padded", part=Part.CALIBRATION, kind=Kind.LSTM, source=Source.STROKES, length=32, seed=21,
        padding=0.5,
        levels=_levels(space=(Space.Z, Space.AZ, Space.DZ), head=_HEADS, drive=(Drive.PLAIN, Drive.TIME)),
    ),
    Context(
        name="tcn-strokes-32-width", part=Part.CALIBRATION, kind=Kind.TCN, source=Source.STROKES, length=32, seed=22,
        padding=0.1,
        rate=5e-4, full_steps=640,
        levels=_levels(space=_PX_Z, head=_HEADS, latent=_NOISE, width=_WIDTHS),
    ),
)  # fmt: skip

_HELD_OUT = (
    Context(
        name="lstm-jerk-64", part=Part.HELD_OUT, kind=Kind.LSTM, source=Source.MINIMUM_JERK, length=64, seed=31,
        rate=2e-3,
        levels=_levels(space=(Space.PX, Space.Z, Space.DPX), head=_HEADS, latent=_NOISE, drive=_DRIVES),
    ),
    Context(
        name="lstm-wander-40-offset", part=Part.HELD_OUT, kind=Kind.LSTM, source=Source.WANDER, length=40, seed=32,
        offset_px=300.0, padding=0.2,
        levels=_levels(space=_PX_Z, head=_HEADS, latent=_WHITEN, drive=_DRIVES),
    ),
    Context(
        name="table-jerk-64", part=Part.HELD_OUT, kind=Kind.TABLE, source=Source.MINIMUM_JERK, length=64, seed=33,
        levels=_levels(drive=_DRIVES, width=_WIDTHS),
    ),
    Context(
        name="lstm-jerk-200", part=Part.HELD_OUT, kind=Kind.LSTM, source=Source.MINIMUM_JERK, length=200, seed=34,
        full_steps=608,
        levels=_levels(space=_PX_Z, latent=_WHITEN, drive=_DRIVES),
    ),
    Context(
        name="lstm-v1-wander-40", part=Part.HELD_OUT, kind=Kind.LSTM_V1, source=Source.WANDER, length=40, seed=35,
        levels=_levels(space=_PX_Z, head=_HEADS, latent=_NOISE, drive=_GATES),
    ),
    Context(
        name="seq2seq-jerk-64", part=Part.HELD_OUT, kind=Kind.SEQ2SEQ, source=Source.MINIMUM_JERK, length=64, seed=36,
        levels=_levels(kl=tuple(Kl), rate=_RATES, width=_WIDTHS),
    ),
    Context(
        name="lstm-wander-200", part=Part.HELD_OUT, kind=Kind.LSTM, source=Source.WANDER, length=200, seed=37,
        full_steps=608,
        levels=_levels(space=_PX_Z, head=_HEADS, latent=_NOISE, drive=_DRIVES),
    ),
    Context(
        name="lstm2-jerk-40", part=Part.HELD_OUT, kind=Kind.LSTM2, source=Source.MINIMUM_JERK, length=40, seed=38,
        levels=_levels(space=_PX_Z, head=_HEADS, latent=_WHITEN, drive=_GATES),
    ),
    Context(
        name="ar-wander-64", part=Part.HELD_OUT, kind=Kind.AUTOREGRESSIVE, source=Source.WANDER, length=64, seed=39,
        rate=5e-4, full_steps=640,
        levels=_levels(space=_PX_Z, head=_HEADS, latent=_NOISE),
    ),
    Context(
        name="table-wander-40-rate", part=Part.HELD_OUT, kind=Kind.TABLE, source=Source.WANDER, length=40, seed=40,
        levels=_levels(drive=_DRIVES, rate=_RATES),
    ),
    Context(
        name="lstm-wander-64-width", part=Part.HELD_OUT, kind=Kind.LSTM, source=Source.WANDER, length=64, seed=41,
        levels=_levels(space=_PX_Z, drive=_DRIVES, width=_WIDTHS),
    ),
    Context(
        name="ar-jerk-40", part=Part.HELD_OUT, kind=Kind.AUTOREGRESSIVE, source=Source.MINIMUM_JERK, length=40, seed=42,
        offset_px=200.0,
        rate=5e-4, full_steps=640,
        levels=_levels(space=_PX_Z, head=_HEADS, latent=_WHITEN),
    ),
    Context(
        name="lstm2-wander-64-both", part=Part.HELD_OUT, kind=Kind.LSTM2, source=Source.WANDER, length=64, seed=43,
        rate=2e-3,
        levels=_levels(space=(*_PX_Z, Space.AZ), latent=(Latent.CLEAN, Latent.BOTH), drive=_GATES),
    ),
    Context(
        name="seq2seq-wander-40", part=Part.HELD_OUT, kind=Kind.SEQ2SEQ, source=Source.WANDER, length=40, seed=44,
        levels=_levels(kl=tuple(Kl), width=_WIDTHS),
    ),
    Context(
        name="lstm-v1-jerk-64", part=Part.HELD_OUT, kind=Kind.LSTM_V1, source=Source.MINIMUM_JERK, length=64, seed=45,
        rate=2e-3,
        levels=_levels(space=(*_PX_Z, Space.DPX), head=_HEADS, latent=_WHITEN, drive=_GATES),
    ),
)  # fmt: skip

_SPACES = (Space.PX, Space.Z, Space.DPX, Space.READ)

#: Runs of a program that sums the output, fixed before one of them was trained; no threshold comes from them.
_SUMMED = (
    Context(
        name="lstm-jerk-48-summed", part=Part.SUMMED, kind=Kind.LSTM, source=Source.MINIMUM_JERK, length=48, seed=51,
        sums=True,
        levels=_levels(space=_SPACES, head=_HEADS, latent=_WHITEN, drive=_GATES),
    ),
    Context(
        name="lstm-real-48-summed", part=Part.SUMMED, kind=Kind.LSTM, source=Source.REAL, length=48, seed=52,
        sums=True, rate=2e-3,
        levels=_levels(space=_SPACES, head=_HEADS, latent=_NOISE, drive=_GATES),
    ),
    Context(
        name="tcn-wander-32-summed", part=Part.SUMMED, kind=Kind.TCN, source=Source.WANDER, length=32, seed=53,
        sums=True, rate=5e-4, full_steps=640,
        levels=_levels(space=_SPACES, head=_HEADS, latent=_WHITEN),
    ),
    Context(
        name="lstm2-strokes-64-summed", part=Part.SUMMED, kind=Kind.LSTM2, source=Source.STROKES, length=64, seed=54,
        sums=True, rate=2e-3,
        levels=_levels(space=(Space.PX, Space.Z, Space.READ), latent=_WHITEN, drive=_GATES),
    ),
)  # fmt: skip

#: All contexts, alternating between the two parts, so that an interrupted training has some of both.
CONTEXTS: tuple[Context, ...] = (
    *(context for pair in zip(_CALIBRATION, _HELD_OUT, strict=False) for context in pair),
    *_HELD_OUT[len(_CALIBRATION) :],
    *_SUMMED,
)
