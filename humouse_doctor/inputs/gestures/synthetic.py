"""Synthetic gestures for the demo, the examples and the tests: sums of strokes with lognormal speed.

The kinematic theory of rapid movements (Plamondon 1995) describes a movement as overlapping strokes, each with a
lognormal speed profile along its own direction.
"""

from __future__ import annotations

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.arrays import numpy as np

_RATE_HZ = 100.0


def strokes(
    count: int, length: int, seed: int, *, scale_px: float = 250.0, whole_pixels: bool = True, start_px: float = 0.0
) -> FloatArray:
    """Generate raw gestures (count, length, 3): dx and dy in pixels, dt in seconds, zero-padded tails.

    `scale_px` is the spread of a stroke's length. `whole_pixels` rounds positions as a real mouse does, which makes many
    deltas exactly zero. `start_px` > 0 adds a random start of up to that distance to the first delta, as positions on a
    screen have.
    """
    random = np.random.default_rng(seed)
    number = 4
    seconds = np.arange(1, length + 1) / _RATE_HZ  # (T,)
    span = length / _RATE_HZ
    begin = random.uniform(0, 0.6 * span, size=(count, number, 1))
    begin[:, 0] = 0.0
    mu = np.log(random.uniform(0.1, 0.3, size=(count, number, 1)) * span)
    sigma = random.uniform(0.2, 0.5, size=(count, number, 1))
    after = np.maximum(seconds - begin, 1e-6)  # (N, strokes, T)
    density = np.exp(-((np.log(after) - mu) ** 2) / (2 * sigma**2)) / (after * sigma * np.sqrt(2 * np.pi))
    density[seconds - begin <= 0] = 0.0
    size = random.lognormal(np.log(scale_px), 0.6, size=(count, number, 1))
    heading = random.uniform(0, 2 * np.pi, size=(count, 1, 1)) + random.normal(0, 0.8, size=(count, number, 1))
    pace = size * density / _RATE_HZ  # pixels per step
    deltas = np.stack([(pace * np.cos(heading)).sum(1), (pace * np.sin(heading)).sum(1)], axis=-1)  # (N, T, 2)
    positions = np.cumsum(deltas, axis=1)
    if whole_pixels:
        positions = np.rint(positions)
    moves = np.diff(positions, axis=1, prepend=0.0)
    lengths = random.integers(int(0.6 * length), length + 1, size=count)
    moves[np.arange(length) >= lengths[:, None]] = 0.0
    times = np.where(np.arange(length) < lengths[:, None], 1 / _RATE_HZ, 0.0)
    if start_px > 0:
        moves[:, 0] += random.uniform(0.1 * start_px, start_px, size=(count, 2))
    return np.concatenate([moves, times[..., None]], axis=-1).astype(np.float32)
