"""The space in which a warm-up's loss compares, and the conversions between deltas, positions and that space."""

from __future__ import annotations

from dataclasses import dataclass

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.arrays import numpy as np

#: Added to a standard deviation before dividing by it, as humouse's warm-up does.
_EPSILON = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class LossSpace:
    """The space of the loss: deltas or positions, raw or normalised.

    `sequence_mean` and `sequence_std` (K,) z-score the raw sequences before anything else; `position_mean` and
    `position_std` (2,) z-score the positions after summing. None means that the step is left out.
    """

    absolute: bool
    sequence_mean: FloatArray | None = None
    sequence_std: FloatArray | None = None
    position_mean: FloatArray | None = None
    position_std: FloatArray | None = None

    @property
    def name(self) -> str:
        """The space in words, for messages."""
        normalised = self.sequence_mean is not None
        if self.absolute:
            if self.position_mean is not None:
                return "z-scored positions"
            return "positions summed from z-scored deltas" if normalised else "absolute positions"
        return "z-scored deltas" if normalised else "deltas"

    def targets(self, sequences: FloatArray, channels: int) -> FloatArray:
        """Return the targets of the loss: raw sequences (N, T, K) -> (N, T, min(K, channels)) float64."""
        values = np.asarray(sequences, dtype=np.float64)
        if self.sequence_mean is not None and self.sequence_std is not None:
            values = (values - self.sequence_mean[: values.shape[-1]]) / self.sequence_std[: values.shape[-1]]
        values = values[..., :channels].copy()
        if self.absolute:
            values[..., :2] = np.cumsum(values[..., :2], axis=1)  # (N, T, 2)
            if self.position_mean is not None and self.position_std is not None:
                values[..., :2] = (values[..., :2] - self.position_mean) / (self.position_std + _EPSILON)
        return np.asarray(values)

    def positions(self, values: FloatArray) -> FloatArray:
        """Return the paths of generator outputs (N, T, D): (N, T, 2), up to a shift and a scale per axis."""
        paths = np.asarray(values[..., :2], dtype=np.float64)
        if self.absolute:
            return np.asarray(paths)
        if self.sequence_mean is not None and self.sequence_std is not None:
            paths = paths * self.sequence_std[:2] + self.sequence_mean[:2]
        return np.asarray(np.cumsum(paths, axis=1))
