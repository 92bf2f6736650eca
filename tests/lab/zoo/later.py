"""Contexts with the causes that came last: a weight decay, compared padding, conditions of another scale, wide codes.

Fixed before one of them was trained, and judged as they come; no threshold comes from them. Of the six of each cause the first
two have sources and lengths of the calibration part, and the others have another source or length. Each crosses its cause with
the steps and another factor or two.
"""

from __future__ import annotations

from tests.lab.zoo.contexts import Context, Kind, Part
from tests.lab.zoo.genome import (
    Codes,
    Condition,
    Decay,
    Drive,
    Factor,
    Genome,
    HeadKind,
    Latent,
    Level,
    Padding,
    Rate,
    Space,
)
from tests.lab.zoo.gestures import Source

_DRIVE = (Factor.DRIVE, (Drive.PLAIN, Drive.SLOW))
_TIME = (Factor.DRIVE, (Drive.PLAIN, Drive.TIME))
_NOISE = (Factor.LATENT, (Latent.CLEAN, Latent.NOISE))
_WHITEN = (Factor.LATENT, (Latent.CLEAN, Latent.WHITEN))
_PX = (Factor.SPACE, (Space.PX, Space.Z))
_HEAD = (Factor.HEAD, tuple(HeadKind))
_RATE = (Factor.RATE, tuple(Rate))
_ADAM = (Factor.DECAY, (Decay.NONE, Decay.STRONG))
_ADAMW = (Factor.DECAY, (Decay.NONE, Decay.DECOUPLED))
_MILD = (Factor.DECAY, (Decay.NONE, Decay.MILD, Decay.STRONG))
_PADDING = (Factor.PADDING, tuple(Padding))
_DELTAS_PX = (Factor.SPACE, (Space.DPX, Space.Z))
_DELTAS_Z = (Factor.SPACE, (Space.DZ, Space.Z))
_SCALE = (Factor.CONDITION, (Condition.SCALED, Condition.OTHER_SCALE))
_RAW = (Factor.CONDITION, (Condition.SCALED, Condition.OTHER_SCALE, Condition.RAW))
_CODES = (Factor.CODES, tuple(Codes))


def _context(
    cause: str,
    kind: Kind,
    source: Source,
    length: int,
    *levels: tuple[Factor, tuple[Level, ...]],
    seed: int,
    rate: float = 2e-3,
    drive: Drive = Drive.PLAIN,
    tail: int = 0,
    padding: float = 0.3,
    offset_px: float = 0.0,
) -> Context:
    return Context(
        name=f"{cause}-{kind.value}-{source.value}-{length}",
        part=Part.LATER,
        kind=kind,
        source=source,
        length=length,
        levels=levels,
        base=Genome(drive=drive),
        hidden=24,
        encoder_hidden=24,
        rate=rate,
        full_steps=640,
        seed=seed,
        tail=tail,
        padding=padding,
        offset_px=offset_px,
    )


LATER: tuple[Context, ...] = (
    _context("decay", Kind.LSTM, Source.STROKES, 48, _DRIVE, _ADAM, seed=501),
    _context("decay", Kind.GRU, Source.REAL, 32, _PX, _ADAMW, seed=502, drive=Drive.SLOW),
    _context("decay", Kind.LSTM2, Source.MINIMUM_JERK, 40, _DRIVE, _MILD, seed=503),
    _context("decay", Kind.LSTM, Source.WANDER, 64, _NOISE, _ADAMW, seed=504, rate=1e-3, drive=Drive.SLOW),
    _context("decay", Kind.GRU, Source.MINIMUM_JERK, 40, _RATE, _ADAM, seed=505),
    _context("decay", Kind.LSTM, Source.REAL, 64, _TIME, _MILD, seed=506),
    _context("padding", Kind.LSTM, Source.STROKES, 48, _DELTAS_Z, _PADDING, seed=511, drive=Drive.SLOW, tail=20),
    _context("padding", Kind.GRU, Source.REAL, 48, _DELTAS_PX, _PADDING, seed=512, drive=Drive.SLOW, tail=16),
    _context("padding", Kind.LSTM, Source.MINIMUM_JERK, 64, _DELTAS_Z, _DRIVE, _PADDING, seed=513, tail=24, padding=0.5),
    _context("padding", Kind.GRU, Source.WANDER, 40, _DELTAS_PX, _PADDING, seed=514, drive=Drive.SLOW, tail=16),
    _context("padding", Kind.LSTM2, Source.WANDER, 64, _DELTAS_Z, _PADDING, seed=515, drive=Drive.SLOW, tail=32),
    _context("padding", Kind.LSTM, Source.REAL, 64, _DELTAS_Z, _TIME, _PADDING, seed=516, tail=24),
    _context("scale", Kind.LSTM, Source.STROKES, 32, _DRIVE, _SCALE, seed=521),
    _context("scale", Kind.GRU, Source.REAL, 48, _NOISE, _SCALE, seed=522, drive=Drive.SLOW),
    _context("scale", Kind.LSTM, Source.MINIMUM_JERK, 64, _WHITEN, _SCALE, seed=523, drive=Drive.SLOW),
    _context("scale", Kind.LSTM2, Source.WANDER, 40, _DRIVE, _RAW, seed=524, offset_px=200.0),
    _context("scale", Kind.GRU, Source.MINIMUM_JERK, 40, _TIME, _RAW, seed=525),
    _context("scale", Kind.LSTM, Source.REAL, 64, _PX, _SCALE, seed=526, drive=Drive.SLOW),
    _context("codes", Kind.GRU, Source.STROKES, 48, _TIME, _CODES, seed=531),
    _context("codes", Kind.GRU, Source.REAL, 32, _DRIVE, _CODES, seed=532),
    _context("codes", Kind.GRU, Source.MINIMUM_JERK, 64, _PX, _CODES, seed=533, drive=Drive.SLOW),
    _context("codes", Kind.AUTOREGRESSIVE, Source.WANDER, 40, _HEAD, _CODES, seed=534, rate=1e-3),
    _context("codes", Kind.GRU, Source.WANDER, 64, _HEAD, _CODES, seed=535, drive=Drive.TIME),
    _context("codes", Kind.GRU, Source.REAL, 64, _TIME, _CODES, seed=536),
)
