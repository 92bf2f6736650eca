from __future__ import annotations

import numpy as np
import pytest

from humouse_doctor.inputs.gestures.synthetic import strokes


def test_strokes_have_the_shape_and_type_of_raw_gestures() -> None:
    made = strokes(12, 40, seed=0)
    assert made.shape == (12, 40, 3)
    assert made.dtype == np.float32
    assert np.isfinite(made).all()


def test_a_seed_repeats_its_strokes_and_another_makes_others() -> None:
    np.testing.assert_array_equal(strokes(6, 30, seed=4), strokes(6, 30, seed=4))
    assert not np.array_equal(strokes(6, 30, seed=4), strokes(6, 30, seed=5))


def test_tails_are_zero_in_every_channel_and_start_within_the_last_two_fifths() -> None:
    made = strokes(200, 50, seed=1)
    lengths = (made[..., 2] > 0).sum(axis=1)
    assert lengths.min() >= 30
    assert lengths.max() <= 50
    assert len(set(lengths.tolist())) > 5
    for row, length in zip(made, lengths, strict=True):
        assert (row[length:] == 0).all()
        np.testing.assert_allclose(row[:length, 2], 0.01)


def test_whole_pixels_make_whole_deltas_and_many_still_steps() -> None:
    whole, smooth = strokes(50, 60, seed=2), strokes(50, 60, seed=2, whole_pixels=False)
    np.testing.assert_array_equal(whole[..., :2], np.rint(whole[..., :2]))
    assert (np.abs(smooth[..., :2] - np.rint(smooth[..., :2])) > 1e-3).any()
    inside = whole[..., 2] > 0
    assert (whole[..., :2] == 0).all(axis=-1)[inside].mean() > (smooth[..., :2] == 0).all(axis=-1)[inside].mean() + 0.05


def test_rounding_does_not_add_up_along_the_path() -> None:
    whole, smooth = strokes(50, 60, seed=2), strokes(50, 60, seed=2, whole_pixels=False)
    inside = whole[..., 2] > 0
    apart = np.cumsum(whole[..., :2], axis=1) - np.cumsum(smooth[..., :2], axis=1)
    assert np.abs(apart[inside]).max() < 0.51


@pytest.mark.parametrize("factor", [0.1, 4.0])
def test_strokes_grow_with_their_scale(factor: float) -> None:
    plain = strokes(40, 50, seed=3, whole_pixels=False)
    scaled = strokes(40, 50, seed=3, whole_pixels=False, scale_px=250.0 * factor)
    np.testing.assert_allclose(scaled[..., :2], plain[..., :2] * factor, rtol=1e-3, atol=1e-4)


def test_a_start_on_the_screen_moves_the_first_delta_alone() -> None:
    plain, started = strokes(30, 40, seed=3), strokes(30, 40, seed=3, start_px=100.0)
    shift = started - plain
    assert (shift[:, 0, :2] >= 10.0).all()
    assert (shift[:, 0, :2] <= 100.0).all()
    assert (shift[:, 1:] == 0).all()
    assert (shift[..., 2] == 0).all()
