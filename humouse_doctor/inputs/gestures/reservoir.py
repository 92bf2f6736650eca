"""A uniform sample of a stream of unknown length, in constant memory."""

from __future__ import annotations

from humouse_doctor.core.arrays import FloatArray, IntArray
from humouse_doctor.core.arrays import numpy as np


class Reservoir:
    """A seeded sample of `capacity` of the offered rows, each equally likely (Vitter 1985, algorithm R).

    `offered` counts all rows so far.
    """

    def __init__(self, capacity: int, seed: int) -> None:
        self._capacity = capacity
        self._random = np.random.default_rng(seed)
        self._rows: FloatArray | None = None
        self._numbers = np.zeros(capacity, dtype=np.int64)
        self.offered = 0

    def offer(self, rows: FloatArray, numbers: IntArray) -> None:
        """Offer `rows` (n, ...), which are at `numbers` (n,) in their source."""
        if self._rows is None:
            self._rows = np.empty((self._capacity, *rows.shape[1:]), dtype=np.float32)
        places = np.arange(self.offered, self.offered + len(rows))
        late = places >= self._capacity
        places[late] = self._random.integers(0, places[late] + 1)
        inside = places < self._capacity
        # If a place is drawn twice the later row wins, as if the rows had come one by one.
        self._rows[places[inside]] = rows[inside]
        self._numbers[places[inside]] = numbers[inside]
        self.offered += len(rows)

    def sample(self) -> tuple[FloatArray, IntArray]:
        """Return the sample in the order of the source: rows (k, ...) float32 and their numbers (k,)."""
        count = min(self.offered, self._capacity)
        if self._rows is None:
            return np.empty((0, 1, 2), dtype=np.float32), self._numbers[:0]
        order = np.argsort(self._numbers[:count], kind="stable")
        return self._rows[:count][order], self._numbers[:count][order]
