"""The spaces of a generator's output: the one its loss compares, the one its program reads, and conversions between them."""

from __future__ import annotations

from dataclasses import dataclass

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.settings import Place

#: Added to a standard deviation before dividing by it, as humouse's warm-up does.
EPSILON = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """A space of sequences: deltas or positions, raw or normalised.

    `sequence_mean` and `sequence_std` (K,) z-score the raw sequences before anything else; `position_mean` and
    `position_std` (2,) z-score the positions after summing. None means that the step is left out. `channels` is the number of
    leading channels that are compared, those of the position in a gesture; None for all. With `as_is` the sequences are the
    targets already, in their own unit.
    """

    absolute: bool
    channels: int | None = 2
    as_is: bool = False
    sequence_mean: FloatArray | None = None
    sequence_std: FloatArray | None = None
    position_mean: FloatArray | None = None
    position_std: FloatArray | None = None

    @property
    def name(self) -> str:
        """The space in words, for messages."""
        if self.as_is:
            return "values as given" if self.absolute else "deltas as given"
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
        if self.absolute and not self.as_is:
            values[..., :2] = np.cumsum(values[..., :2], axis=1)  # (N, T, 2)
            if self.position_mean is not None and self.position_std is not None:
                values[..., :2] = (values[..., :2] - self.position_mean) / (self.position_std + EPSILON)
        return np.asarray(values)

    def positions(self, values: FloatArray) -> FloatArray:
        """Return the paths of generator outputs (N, T, D) in the compared channels: (N, T, C), up to shifts and scales."""
        paths = np.asarray(values[..., : self.channels], dtype=np.float64)
        if self.absolute:
            return np.asarray(paths)
        if self.sequence_mean is not None and self.sequence_std is not None:
            width = paths.shape[-1]
            paths = paths * self.sequence_std[:width] + self.sequence_mean[:width]
        return np.asarray(np.cumsum(paths, axis=1))

    def pixels(self, values: FloatArray) -> FloatArray:
        """Return the paths of generator outputs (N, T, D) as positions in the data's unit: (N, T, 2)."""
        paths = np.asarray(values[..., :2], dtype=np.float64)
        if self.absolute:
            if self.position_mean is not None and self.position_std is not None:
                paths = paths * (self.position_std + EPSILON) + self.position_mean
            if self.sequence_mean is None:
                return np.asarray(paths)
            paths = np.diff(paths, axis=1, prepend=0.0)  # the deltas that were z-scored
        if self.sequence_mean is not None and self.sequence_std is not None:
            paths = paths * self.sequence_std[:2] + self.sequence_mean[:2]
        return np.asarray(np.cumsum(paths, axis=1))


#: Positions as the data has them.
PIXELS = Space(absolute=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The space in which the program reads the generator's output after the warm-up.

    `because` says how this is known. `assumed` is True if only the newest code of humouse says so. `compared` is True if the
    warm-up's loss converts the output as the program does, before it compares. `place` is the line of the trainer, None if
    no source was read. `sums_positions` is True if the program would sum the output wherever its loss compares positions, also
    where it compares deltas now; None if unknown.
    """

    space: Space
    because: str
    assumed: bool = False
    compared: bool = False
    place: Place | None = None
    sums_positions: bool | None = None
