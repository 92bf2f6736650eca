from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case
from humouse_doctor.core.probe import Judgement, Status
from tests import builders, reference

_PROBE = builders.probe("HD107")


def _of(targets: FloatArray, drawn: FloatArray, lengths: FloatArray | None = None) -> Case:
    return builders.case(builders.samples(targets, drawn, lengths=lengths))


def _fan(half_angle: float, rows: int = 64) -> FloatArray:
    """Return straight paths with headings spread evenly over a fan."""
    angles = np.linspace(-half_angle, half_angle, rows)
    way = np.linspace(0, 1, 20)[None, :, None]
    return np.asarray(way * np.stack([np.cos(angles), np.sin(angles)], axis=1)[:, None])


def _detours(back: float) -> FloatArray:
    """Return paths in all directions that go back by the share `back` of each step."""
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    steps = np.where(np.arange(20) % 2 == 0, 1.0, -back)
    way = np.cumsum(steps)[None, :, None]
    return np.asarray(way * np.stack([np.cos(angles), np.sin(angles)], axis=1)[:, None])


def test_paths_in_all_directions_are_healthy() -> None:
    assert builders.run("HD107", builders.healthy_case()).status is Status.HEALTHY


def test_paths_that_all_go_the_same_way_are_found() -> None:
    case = _of(builders.strokes(0), _fan(0.1))
    result = builders.run("HD107", case)
    assert result.judgement is Judgement.FOUND
    assert result.measurements["heading_concentration"] == pytest.approx(1, abs=0.01)
    assert _PROBE.message(case, result.measurements).endswith("nearly all, 100%, go within 45 degrees of one direction")


@pytest.mark.parametrize(
    ("half_angle", "words"),
    [
        (np.pi / 4 / 0.93, ": nearly all, 91%, go within 45"),
        (np.pi / 4 / 0.7, ": most, 69%, go within 45"),
        (np.pi / 4 / 0.49, ": 47% go within 45"),
    ],
)
def test_the_share_that_goes_the_same_way_is_said_and_chooses_the_words(half_angle: float, words: str) -> None:
    case = _of(_fan(np.pi), _fan(half_angle))
    result = builders.run("HD107", case)
    assert result.judgement is not Judgement.HEALTHY
    assert words in _PROBE.message(case, result.measurements)


def test_headings_without_a_mean_do_not_go_the_same_way() -> None:
    there = _fan(0.1, rows=32)
    assert builders.run("HD107", _of(builders.strokes(0), np.concatenate([there, -there]))).measurements["same_way_share"] == 0


@pytest.mark.parametrize("direction", [[1.0, 0.0], [0.6, 0.8]])
def test_one_and_the_same_line_for_every_latent_is_found(direction: list[float]) -> None:
    line = np.linspace(0, 5, 20)[None, :, None] * np.array(direction) + np.zeros((16, 1, 1))
    result = builders.run("HD107", _of(builders.strokes(0), line))
    assert result.judgement is Judgement.FOUND


def test_a_fan_between_the_two_intervals_is_borderline() -> None:
    result = builders.run("HD107", _of(_fan(np.pi), _fan(1.5)))
    assert result.judgement is Judgement.BORDERLINE


def test_paths_that_shake_on_the_spot_are_found() -> None:
    case = _of(builders.strokes(0), _detours(0.99))
    result = builders.run("HD107", case)
    assert result.judgement is Judgement.FOUND
    assert result.measurements["efficiency_ratio"] < 0.1
    assert "they shake rather than go somewhere" in _PROBE.message(case, result.measurements)


def test_paths_that_hardly_move_are_skipped() -> None:
    result = builders.run("HD107", _of(builders.strokes(0), builders.strokes(1) * 0.001))
    assert (result.status, result.reason) == (
        Status.SKIPPED,
        "the generated paths hardly move, so their headings mean nothing",
    )


@pytest.mark.parametrize(
    ("targets", "drawn"),
    [
        (builders.constant(0.1), builders.strokes(1)),
        (builders.constant(0.1), builders.constant(0.1)),
        (builders.strokes(0)[:, :1], builders.strokes(1)[:, :1]),
        (builders.strokes(0, rows=1), builders.strokes(1)),
        (builders.strokes(0), builders.strokes(1, rows=1)),
    ],
    ids=["constant targets", "all constant", "one step", "one target", "one prediction"],
)
def test_too_few_headings_are_skipped(targets: FloatArray, drawn: FloatArray) -> None:
    result = builders.run("HD107", _of(targets, drawn))
    assert (result.status, result.reason) == (
        Status.SKIPPED,
        "fewer than 8 paths go anywhere, too few to compare their headings",
    )


def test_nothing_left_after_the_padding_is_skipped() -> None:
    case = _of(builders.strokes(0), builders.strokes(1), lengths=np.full(48, 2.0))
    assert builders.run("HD107", case).status is Status.SKIPPED


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_predictions_that_are_not_finite_are_skipped(bad: float) -> None:
    assert builders.run("HD107", _of(builders.strokes(0), builders.constant(bad))).status is Status.SKIPPED


@given(data=st.data())
def test_it_agrees_with_its_slow_twin(data: st.DataObject) -> None:
    targets = data.draw(builders.small_arrays(rows=(8, 12), steps=(1, 5)))
    drawn = data.draw(builders.small_arrays(rows=(8, 12), steps=(1, 5)))
    lengths = data.draw(st.none() | st.lists(st.integers(1, 5).map(float), min_size=len(targets), max_size=len(targets)))
    twin = reference.direction_collapse(drawn.tolist(), targets.tolist(), lengths)
    builders.assert_agrees("HD107", _of(targets, drawn, None if lengths is None else np.array(lengths)), twin)


def test_it_agrees_with_its_slow_twin_on_strokes() -> None:
    targets, drawn = builders.strokes(3) * 200, builders.strokes(4, rows=13, steps=24) * 90
    lengths = np.array([float(4 + row % 17) for row in range(48)])
    twin = reference.direction_collapse(drawn.tolist(), targets.tolist(), lengths.tolist())
    assert twin is not None
    builders.assert_agrees("HD107", _of(targets, drawn, lengths), twin)
