"""Measures of paths: their moves, lengths, headings and efficiency."""

from __future__ import annotations

import math

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.probes.shared import measures

#: Generated paths shorter than this share of the real ones' mean length count as standing still.
STILL = 0.01
#: Headings whose angle to the mean one has at least this cosine, that of 45 degrees, count as the same way.
_SAME_WAY = math.sqrt(0.5)
#: The points that a path is reduced to at a coarse scale.
_KNOTS = 8
#: Below this resultant length there is no mean heading.
_NO_HEADING = 1e-9
#: Fewer headings than this may agree by chance.
_MIN_PATHS = 8


def counted_moves(positions: FloatArray, lengths: FloatArray | None) -> FloatArray:
    """Return moves from step to step, 0 in the transient and the padding: (N, T, 2) -> (N, T - 1, 2).

    Raises `NotMeasurable` if the sequences have another number of channels, in which there are no headings.
    """
    if positions.shape[-1] != 2:
        raise NotMeasurable(f"a heading has two channels, and {positions.shape[-1]} are compared")
    mask = measures.counted_steps(lengths, len(positions), positions.shape[1])
    return np.asarray(np.diff(positions, axis=1) * (mask[:, :-1] & mask[:, 1:])[..., None])


def path_lengths(moves: FloatArray) -> FloatArray:
    """Return the lengths of paths from their moves: (N, T - 1, 2) -> (N,)."""
    return np.asarray(np.hypot(moves[..., 0], moves[..., 1]).sum(axis=1))


def headings_and_efficiency(moves: FloatArray) -> tuple[float, float]:
    """Return the mean resultant length of net headings, and the mean path efficiency, both in [0, 1].

    `moves` are (N, T - 1, 2). Raises `NotMeasurable` if too few paths go anywhere.
    """
    net = moves.sum(axis=1)  # (N, 2)
    distance = np.hypot(net[:, 0], net[:, 1])
    way = path_lengths(moves)
    going = way > 0
    if (distance > 0).sum() < _MIN_PATHS:
        raise NotMeasurable(f"fewer than {_MIN_PATHS} paths go anywhere, too few to compare their headings")
    units = net[distance > 0] / distance[distance > 0, None]
    return float(np.linalg.norm(units.mean(axis=0))), float((distance[going] / way[going]).mean())


def same_way_share(moves: FloatArray) -> float:
    """Return the share of the net headings that lie within 45 degrees of their mean one; 0 if there is no mean heading.

    `moves` are (N, T - 1, 2), of which at least one goes somewhere.
    """
    net = moves.sum(axis=1)  # (N, 2)
    distance = np.hypot(net[:, 0], net[:, 1])
    units = net[distance > 0] / distance[distance > 0, None]
    mean = units.mean(axis=0)
    length = np.linalg.norm(mean)
    return float((units @ mean >= _SAME_WAY * length - _NO_HEADING).mean()) if length > _NO_HEADING else 0.0


def coarse_efficiency(moves: FloatArray) -> float:
    """Return the mean efficiency of paths at a coarse scale, in [0, 1], on which jitter from step to step hardly shows.

    `moves` are (N, T - 1, 2). A path is reduced to its mean positions over equal shares of the steps at which it moves; paths
    that go nowhere are left out, and 0 is returned if all do.
    """
    moving = np.any(moves != 0, axis=-1)  # (N, T - 1)
    rank = np.cumsum(moving, axis=1)
    share = (rank - 1) * _KNOTS // np.maximum(rank[:, -1:], 1)  # (N, T - 1), the part that a step is in
    positions = np.cumsum(moves, axis=1)
    knots = []
    for part in range(_KNOTS):
        within = (moving & (share == part)).astype(np.float64)  # (N, T - 1)
        knots.append((positions * within[..., None]).sum(axis=1) / np.maximum(within.sum(axis=1), 1.0)[:, None])
    legs = np.diff(np.stack(knots, axis=1)[rank[:, -1] >= _KNOTS], axis=1)  # (n, K - 1, 2)
    way, net = path_lengths(legs), legs.sum(axis=1)
    going = way > 0
    return float((np.hypot(net[:, 0], net[:, 1])[going] / way[going]).mean()) if going.any() else 0.0
