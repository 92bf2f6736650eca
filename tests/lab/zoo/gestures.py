"""Gestures to train on: raw deltas in pixels with seconds, zero-padded at the tail.

Minimum-jerk moves follow Flash and Hogan 1985 ("The coordination of arm movements"): a quintic profile from rest to rest.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humouse_doctor.inputs.gestures.synthetic import strokes

Floats = NDArray[np.floating[Any]]

_STEP_SECONDS = 0.01


class Source(str, Enum):
    """Sources of gestures."""

    STROKES = "strokes"
    MINIMUM_JERK = "minimum-jerk"
    WANDER = "wander"
    REAL = "real"


def gestures(
    source: Source,
    count: int,
    length: int,
    seed: int,
    *,
    offset_px: float = 0.0,
    padding: float = 0.3,
    tail: int = 0,
    real: Path | None = None,
) -> Floats:
    """Return raw gestures (count, length, 3) float32: dx and dy in pixels, dt in seconds.

    With `offset_px` > 0, the first delta includes a random start up to that far away. Of synthetic gestures, up to
    `padding` of the steps at the tail are zero; real ones have their own padding. The last `tail` steps are zero in all.
    """
    if tail:
        shorter = gestures(source, count, length - tail, seed, offset_px=offset_px, padding=padding, real=real)
        return np.pad(shorter, ((0, 0), (0, tail), (0, 0)))
    random = np.random.default_rng(seed)
    if source is Source.REAL:
        if real is None:
            raise ValueError("real gestures need their file")
        return _real(real, count, length, random)
    match source:
        case Source.STROKES:
            moves: Floats = strokes(count, length, seed)[..., :2].astype(np.float64)
        case Source.MINIMUM_JERK:
            moves = _minimum_jerk(count, length, random)
        case Source.WANDER:
            moves = _wander(count, length, random)
    # Strokes end by themselves; a shorter tail would have to be invented.
    shortest = max(2, round((1 - padding) * length))
    lengths = random.integers(shortest, length + 1, size=count)
    return _padded(moves, lengths, offset_px, random)


def _padded(moves: Floats, lengths: NDArray[np.integer[Any]], offset_px: float, random: np.random.Generator) -> Floats:
    """Cut deltas (N, T, 2) to `lengths` (N,), and add a random start and the time channel: (N, T, 3)."""
    inside = np.arange(moves.shape[1]) < lengths[:, None]  # (N, T)
    moves = np.where(inside[..., None], moves, 0.0)
    if offset_px > 0:
        moves[:, 0] += random.uniform(0.1 * offset_px, offset_px, size=(len(moves), 2))
    times = np.where(inside, _STEP_SECONDS, 0.0)
    return np.concatenate([moves, times[..., None]], axis=-1).astype(np.float32)


def _minimum_jerk(count: int, length: int, random: np.random.Generator) -> Floats:
    """Make one to three moves from point to point, with the quintic profile and some curvature: deltas (N, T, 2)."""
    time = np.arange(1, length + 1) / length  # (T,)
    positions = np.zeros((count, length, 2))
    heading = random.uniform(0, 2 * np.pi, size=count)
    moves = random.integers(1, 4, size=count)
    for number in range(3):
        begin = random.uniform(0.0, 0.5, size=count) if number else np.zeros(count)
        span = random.uniform(0.3, 0.5, size=count)
        phase = np.clip((time - begin[:, None]) / span[:, None], 0, 1)  # (N, T)
        profile = 10 * phase**3 - 15 * phase**4 + 6 * phase**5
        reach = random.lognormal(np.log(300.0 if number == 0 else 150.0), 0.5, size=count) * (number < moves)
        turned = heading + (random.normal(0, 0.8, size=count) if number else 0.0)
        bend = random.normal(0, 0.12, size=count)[:, None] * np.sin(np.pi * profile)
        along = np.stack([np.cos(turned), np.sin(turned)], axis=-1)[:, None]  # (N, 1, 2)
        across = np.stack([-np.sin(turned), np.cos(turned)], axis=-1)[:, None]
        positions += reach[:, None, None] * (profile[..., None] * along + bend[..., None] * across)
    return np.diff(positions, axis=1, prepend=0.0)


def _wander(count: int, length: int, random: np.random.Generator) -> Floats:
    """Integrate a smoothed velocity that returns to a mean of its own (an Ornstein-Uhlenbeck process): deltas (N, T, 2)."""
    mean = random.normal(0, 1.0, size=(count, 1, 2))
    memory = np.exp(-1 / (0.15 * length))
    kicks = random.normal(0, np.sqrt(1 - memory**2), size=(count, length, 2))
    velocity = np.empty((count, length, 2))
    state = random.normal(0, 1.0, size=(count, 2))
    for step in range(length):
        state = memory * state + kicks[:, step]
        velocity[:, step] = state
    width = max(3, length // 12)
    kernel = np.hanning(width + 2)[1:-1]
    kernel /= kernel.sum()
    smooth = np.apply_along_axis(lambda path: np.convolve(path, kernel, mode="same"), 1, velocity)
    return np.asarray((smooth + 0.5 * mean) * 400.0 / length)


def _real(path: Path, count: int, length: int, random: np.random.Generator) -> Floats:
    """Read `count` gestures from a file (`sequences` (N, T', 3)), sum neighbouring steps, and cut the tail to `length`."""
    with np.load(path) as loaded:
        sequences = loaded["sequences"]
    together = max(1, sequences.shape[1] // length)
    chosen = sequences[random.choice(len(sequences), count, replace=False), : together * length].astype(np.float64)
    return np.asarray(chosen.reshape(count, length, together, 3).sum(axis=2)).astype(np.float32)
