from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case
from humouse_doctor.core.probe import Judgement, Status
from tests import builders, reference

_PROBE = builders.probe("HD109")


def _of(targets: FloatArray, drawn: FloatArray, lengths: FloatArray | None = None) -> Case:
    return builders.case(builders.samples(targets, drawn, lengths=lengths))


def _wandering(turn: float, rows: int = 64, seed: int = 0) -> FloatArray:
    """Paths in all directions that zigzag by up to `turn` radians."""
    random = np.random.default_rng(seed)
    angles = random.uniform(0, 2 * np.pi, (rows, 1)) + random.uniform(-turn, turn, (rows, 20))
    return np.asarray(np.cumsum(np.stack([np.cos(angles), np.sin(angles)], axis=-1), axis=1))


@pytest.mark.parametrize(
    ("turn", "judgement"),
    [(1.5, Judgement.HEALTHY), (0.5, Judgement.BORDERLINE), (0.1, Judgement.FOUND), (2.5, Judgement.HEALTHY)],
)
def test_paths_straighter_than_real_ones_are_found(turn: float, judgement: Judgement) -> None:
    case = _of(_wandering(1.5), _wandering(turn, seed=1))

    result = builders.run("HD109", case)

    assert result.judgement is judgement
    if judgement is Judgement.FOUND:
        assert "they run nearly straight" in _PROBE.message(case, result.measurements)


def test_paths_that_still_turn_are_not_called_straight() -> None:
    measured = {"detour_ratio": 0.04, "path_efficiency": 0.9, "target_path_efficiency": 0.2}
    said = _PROBE.message(builders.case(), measured)
    assert said.endswith("real ones 0.20: they spend 0.04 times as much of their way on turns")


def test_paths_that_hardly_move_are_skipped() -> None:
    result = builders.run("HD109", _of(_wandering(1.5), _wandering(0.1) * 0.001))

    assert (result.status, result.reason) == (
        Status.SKIPPED,
        "the generated paths hardly move, so their straightness means nothing",
    )


def test_real_paths_that_are_straight_leave_nothing_to_compare() -> None:
    result = builders.run("HD109", _of(_wandering(0.01), _wandering(0.01, seed=1)))

    assert (result.status, result.reason) == (Status.SKIPPED, "the real paths are straight lines themselves")


@pytest.mark.parametrize("jitter", [0.01, 0.02])
def test_jitter_on_straight_real_paths_is_no_turn(jitter: float) -> None:
    lines = _wandering(0.0) / 20
    jittery = np.repeat(lines, 3, axis=1) + np.random.default_rng(1).normal(0, jitter, (64, 60, 2))
    result = builders.run("HD109", _of(jittery, np.repeat(lines, 3, axis=1)[::-1]))
    assert result.reason == "the real paths are straight lines themselves"


@pytest.mark.parametrize("steps", [12, 200])
def test_a_turn_is_one_at_a_coarse_scale_too(steps: int) -> None:
    way = np.linspace(0, 1, steps)
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)[:, None] + np.pi * way  # half a circle
    turning = np.cumsum(np.stack([np.cos(angles), np.sin(angles)], axis=-1), axis=1)
    assert builders.run("HD109", _of(turning, _wandering(0.0))).judgement is Judgement.FOUND


@given(data=st.data())
def test_it_agrees_with_its_slow_twin(data: st.DataObject) -> None:
    targets = data.draw(builders.small_arrays(rows=(8, 12), steps=(1, 5)))
    drawn = data.draw(builders.small_arrays(rows=(8, 12), steps=(1, 5)))
    twin = reference.direction_collapse(drawn.tolist(), targets.tolist(), None)
    found = None
    if twin is not None and 1 - twin["target_path_efficiency"] >= 0.02:
        names = ("path_efficiency", "target_path_efficiency")
        ratio = (1 - twin["path_efficiency"]) / (1 - twin["target_path_efficiency"])
        found = {"detour_ratio": ratio, **{name: twin[name] for name in names}}
    builders.assert_agrees("HD109", _of(targets, drawn), found)
