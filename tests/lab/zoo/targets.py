"""Convert gestures to what a loss compares, and generator outputs back to paths in pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.lab.zoo.contexts import Context, Kind
from tests.lab.zoo.genome import Condition, Genome, Space
from tests.lab.zoo.gestures import Floats

_SUMMED = (Space.PX, Space.Z, Space.AZ, Space.READ)


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """One space's targets.

    `values` (N, T, D) is what the loss compares, `written` (N, T, 3) the deltas in a run's files. `mean` and `std` (2,)
    z-score the positions or deltas of `space`. With `sums`, the program takes the output for deltas in the unit of its files.
    `inside` (N, T) is False in the padding. `conditions` and `given` (N, C) are those of training, and those that are used.
    """

    space: Space
    values: Floats
    written: Floats
    mean: Floats
    std: Floats
    inside: NDArray[np.bool_]
    conditions: Floats
    given: Floats
    sums: bool = False

    @property
    def absolute(self) -> bool:
        """True if the loss compares positions."""
        return self.space in _SUMMED

    def paths(self, values: Floats) -> Floats:
        """Return positions in pixels from values (N, T, D) of the loss's space: (N, T, 2)."""
        plane = np.asarray(values[..., :2], dtype=np.float64)
        match self.space:
            case Space.PX:
                return plane
            case Space.Z | Space.READ:
                return plane * self.std + self.mean
            case Space.DPX:
                return np.cumsum(plane, axis=1)
            case Space.DZ:
                return np.cumsum(plane * self.std + self.mean, axis=1)
            case Space.AZ:
                steps = np.arange(1, plane.shape[1] + 1)[:, None]
                return plane * self.std + self.mean * steps

    def drawn(self, outputs: Floats) -> Floats:
        """Return the paths that the program draws from a generator's outputs (N, T, D): (N, T, 2)."""
        if not self.sums or not self.absolute:
            return self.paths(outputs)
        return np.cumsum(np.asarray(outputs[..., :2], dtype=np.float64), axis=1)

    @property
    def real(self) -> Floats:
        """Return the paths that the generator is to draw, (N, T, 2), in the unit of `drawn`."""
        if not self.sums or not self.absolute:
            return self.paths(self.values)
        return np.cumsum(self.written[..., :2].astype(np.float64), axis=1)


def targets_of(context: Context, genome: Genome, raw: Floats) -> Targets:
    """Return the targets that a genome's loss compares, from raw gestures (N, T, 3)."""
    channels = 3 if context.kind is Kind.LSTM_V1 else 2
    exact = np.asarray(raw, dtype=np.float64)
    positions = np.cumsum(exact[..., :2], axis=1)
    written = np.asarray(raw, dtype=np.float32)
    mean, std = np.zeros(2), np.ones(2)
    # The pretrainer and seq2seq z-score by themselves, so their gestures stay in pixels.
    if genome.space is Space.Z:
        mean, std = positions.mean(axis=(0, 1)), positions.std(axis=(0, 1))
        if context.kind not in (Kind.SEQ2SEQ, Kind.TABLE):
            moved = exact.copy()
            moved[:, 0, :2] -= mean
            moved[..., :2] /= std
            written = moved.astype(np.float32)
    values = np.asarray(written[..., :channels], dtype=np.float64).copy()
    if genome.space in (Space.DZ, Space.AZ):
        flat = written.reshape(-1, 3).astype(np.float64)
        centre, spread = flat.mean(axis=0), flat.std(axis=0)
        values = (values - centre[:channels]) / spread[:channels]
        mean, std = centre[:2], spread[:2]
    if genome.space in _SUMMED:
        values[..., :2] = np.cumsum(values[..., :2], axis=1)
    if genome.space is Space.READ:
        mean, std = positions.mean(axis=(0, 1)), positions.std(axis=(0, 1))
    if genome.space is Space.READ or (genome.space is Space.Z and context.kind in (Kind.SEQ2SEQ, Kind.TABLE)):
        values[..., :2] = (values[..., :2] - mean) / std
    in_training, in_use = _conditions(genome.condition, positions[:, -1])
    return Targets(
        space=genome.space,
        values=values.astype(np.float32),
        written=written,
        mean=mean,
        std=std,
        inside=np.maximum.accumulate((raw != 0).any(axis=-1)[:, ::-1], axis=1)[:, ::-1].copy(),
        conditions=in_training.astype(np.float32),
        given=in_use.astype(np.float32),
        sums=context.sums,
    )


def _conditions(condition: Condition, goals: Floats) -> tuple[Floats, Floats]:
    """Return the conditions of training and of use (N, C), from the places where gestures end, in pixels (N, 2)."""
    scaled = (goals - goals.mean(axis=0)) / goals.std(axis=0)
    match condition:
        case Condition.NONE:
            return goals[:, :0], goals[:, :0]
        case Condition.SCALED:
            return scaled, scaled
        case Condition.OTHER_SCALE:
            return scaled, goals
        case Condition.RAW:
            return goals, goals
