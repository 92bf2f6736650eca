from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.space import Space

RNG = np.random.default_rng(0)
SEQUENCES = RNG.normal(size=(3, 5, 3)).astype(np.float32)
MEAN, STD = np.array([0.5, -1.0, 2.0]), np.array([2.0, 3.0, 0.25])
POSITION_MEAN, POSITION_STD = np.array([4.0, -5.0]), np.array([10.0, 20.0])

SPACES = [
    (Space(absolute=False), "deltas"),
    (Space(absolute=False, sequence_mean=MEAN, sequence_std=STD), "z-scored deltas"),
    (Space(absolute=True), "absolute positions"),
    (Space(absolute=True, sequence_mean=MEAN, sequence_std=STD), "positions summed from z-scored deltas"),
    (Space(absolute=True, position_mean=POSITION_MEAN, position_std=POSITION_STD), "z-scored positions"),
]


def slow_targets(space: Space, channels: int) -> FloatArray:
    """Return the targets of the space, computed one number at a time."""
    out = np.zeros((3, 5, channels))
    for sequence, channel in itertools.product(range(3), range(channels)):
        total = 0.0
        for step in range(5):
            value = float(SEQUENCES[sequence, step, channel])
            if space.sequence_mean is not None and space.sequence_std is not None:
                value = (value - space.sequence_mean[channel]) / space.sequence_std[channel]
            if space.absolute and channel < 2:
                total += value
                value = total
                if space.position_mean is not None and space.position_std is not None:
                    value = (value - space.position_mean[channel]) / (space.position_std[channel] + 1e-6)
            out[sequence, step, channel] = value
    return out


@pytest.mark.parametrize(("space", "name"), SPACES)
def test_a_space_says_what_it_is(space: Space, name: str) -> None:
    assert space.name == name


@pytest.mark.parametrize("channels", [2, 3])
@pytest.mark.parametrize("space", [space for space, _ in SPACES])
def test_targets_are_what_the_loss_compares(space: Space, channels: int) -> None:
    before = SEQUENCES.copy()
    targets = space.targets(SEQUENCES, channels)
    assert targets.dtype == np.float64
    np.testing.assert_allclose(targets, slow_targets(space, channels), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(SEQUENCES, before)


def test_sequences_without_times_give_two_channels() -> None:
    space = Space(absolute=False, sequence_mean=MEAN, sequence_std=STD)
    np.testing.assert_array_equal(space.targets(SEQUENCES[..., :2], 3), space.targets(SEQUENCES, 3)[..., :2])


@pytest.mark.parametrize("space", [space for space, _ in SPACES])
def test_positions_give_back_the_path_up_to_shift_and_scale(space: Space) -> None:
    path = np.cumsum(SEQUENCES[..., :2].astype(np.float64), axis=1)  # (N, T, 2)
    drawn = space.positions(space.targets(SEQUENCES, 3))
    if space.absolute and space.sequence_mean is not None and space.sequence_std is not None:
        # what was summed after z-scoring drifts by the mean of each step
        drawn = drawn * space.sequence_std[:2] + space.sequence_mean[:2] * np.arange(1, 6)[:, None]
    for axis in range(2):
        slope, offset = np.polyfit(drawn[..., axis].ravel(), path[..., axis].ravel(), 1)
        np.testing.assert_allclose(slope * drawn[..., axis] + offset, path[..., axis], atol=1e-9)
        assert slope > 0


def test_positions_of_raw_deltas_are_their_sums() -> None:
    deltas = np.array([[[1.0, 2.0, 9.0], [3.0, -1.0, 9.0]]])
    np.testing.assert_array_equal(Space(absolute=False).positions(deltas), [[[1.0, 2.0], [4.0, 1.0]]])


@pytest.mark.parametrize("space", [space for space, _ in SPACES], ids=[name for _, name in SPACES])
def test_targets_read_in_their_own_space_are_the_paths_again(space: Space) -> None:
    paths = np.cumsum(SEQUENCES[..., :2].astype(np.float64), axis=1)

    np.testing.assert_allclose(space.pixels(space.targets(SEQUENCES, 3)), paths, atol=1e-9)


def test_positions_read_as_deltas_are_summed_once_more() -> None:
    positions = np.array([[[1.0, 2.0], [3.0, 2.0], [4.0, 0.0]]])

    assert Space(absolute=False).pixels(positions).tolist() == [[[1.0, 2.0], [4.0, 4.0], [8.0, 4.0]]]


def test_a_series_as_given_is_its_own_target_in_every_channel() -> None:
    series = np.arange(24.0).reshape(2, 3, 4)
    space = Space(absolute=True, channels=None, as_is=True)
    np.testing.assert_array_equal(space.targets(series, 9), series)
    np.testing.assert_array_equal(space.positions(series), series)
    np.testing.assert_array_equal(replace(space, absolute=False).positions(series), series.cumsum(axis=1))
