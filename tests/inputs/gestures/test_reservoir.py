from __future__ import annotations

import numpy as np
import pytest

from humouse_doctor.core.arrays import FloatArray, IntArray
from humouse_doctor.inputs.gestures.reservoir import Reservoir


def _rows(count: int) -> FloatArray:
    """Return rows where row i is filled with i, so that each row can be recognised."""
    return np.repeat(np.arange(count, dtype=np.float64), 2).reshape(count, 1, 2)


def _sample(count: int, capacity: int, seed: int, chunk: int) -> tuple[FloatArray, IntArray]:
    reservoir = Reservoir(capacity, seed)
    rows = _rows(count)
    for first in range(0, count, chunk):
        numbers = np.arange(first, min(first + chunk, count))
        reservoir.offer(rows[numbers], numbers)
    return reservoir.sample()


def _row_by_row(count: int, capacity: int, seed: int) -> list[int]:
    """Return the sample of Algorithm R as published: one random number and one place per row."""
    random = np.random.default_rng(seed)
    kept = list(range(min(count, capacity)))
    for row in range(capacity, count):
        place = int(random.integers(0, row + 1))
        if place < capacity:
            kept[place] = row
    return sorted(kept)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("count", "capacity"), [(50, 7), (7, 7), (300, 40), (41, 40)])
def test_a_sample_is_the_one_that_algorithm_r_takes_row_by_row(count: int, capacity: int, seed: int) -> None:
    _, numbers = _sample(count, capacity, seed, chunk=count)
    assert numbers.tolist() == _row_by_row(count, capacity, seed)


def test_a_sample_has_no_row_twice_and_each_row_beside_its_number() -> None:
    rows, numbers = _sample(1000, 64, seed=3, chunk=100)
    assert len(set(numbers.tolist())) == 64
    np.testing.assert_array_equal(rows, _rows(1000)[numbers].astype(np.float32))


@pytest.mark.parametrize("chunk", [1, 7, 64, 1000])
def test_the_size_of_the_chunks_does_not_change_the_sample(chunk: int) -> None:
    _, whole = _sample(500, 32, seed=5, chunk=500)
    _, cut = _sample(500, 32, seed=5, chunk=chunk)
    np.testing.assert_array_equal(whole, cut)


def test_a_seed_repeats_its_sample_and_another_seed_does_not() -> None:
    _, first = _sample(500, 32, seed=1, chunk=50)
    _, again = _sample(500, 32, seed=1, chunk=50)
    _, other = _sample(500, 32, seed=2, chunk=50)
    np.testing.assert_array_equal(first, again)
    assert first.tolist() != other.tolist()


def test_fewer_rows_than_the_capacity_are_all_kept_in_order() -> None:
    rows, numbers = _sample(5, 9, seed=0, chunk=2)
    assert numbers.tolist() == [0, 1, 2, 3, 4]
    assert rows[:, 0, 0].tolist() == [0, 1, 2, 3, 4]


def test_nothing_offered_gives_an_empty_sample() -> None:
    rows, numbers = Reservoir(4, 0).sample()
    assert rows.shape[0] == 0
    assert numbers.shape == (0,)


def _chi_square(counts: FloatArray, expected: float) -> float:
    return float(((counts - expected) ** 2 / expected).sum())


def test_every_row_is_equally_likely() -> None:
    count, capacity, seeds = 40, 10, 800
    seen = np.zeros(count)
    for seed in range(seeds):
        seen[_sample(count, capacity, seed, chunk=16)[1]] += 1
    # A row is kept with p = 1/4; the statistic over 40 rows is chi-square with 39 degrees of freedom, times 1 - p.
    # Its 0.1 % and 99.9 % points are 17.3 and 72.1: too uneven fails, and too even as well.
    statistic = _chi_square(seen, seeds * capacity / count) / (1 - capacity / count)
    assert 17.3 < statistic < 72.1


def test_the_check_of_uniformity_would_notice_a_sample_that_prefers_the_first_rows() -> None:
    random = np.random.default_rng(0)
    seen = np.zeros(40)
    for _ in range(800):
        kept = np.arange(10)
        for row in range(10, 40):
            place = random.integers(0, row + 4)  # each late row a little too unlikely
            if place < 10:
                kept[place] = row
        seen[kept] += 1
    assert _chi_square(seen, 200.0) / 0.75 > 72.1
