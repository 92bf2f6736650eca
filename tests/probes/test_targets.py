from __future__ import annotations

import numpy as np
import pytest

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case, Samples
from humouse_doctor.probes.shared import measures, targets
from tests import builders

_STROKES = builders.strokes(0)


def _of(values: FloatArray | None) -> Case:
    return builders.case(Samples(loss_targets=values))


def test_targets_that_are_not_known_are_no_trouble() -> None:
    assert (targets.sight_trouble(_of(None)), targets.loss_trouble(_of(None))) == (None, None)


@pytest.mark.parametrize("scale", [1.0, 1e-15, 1e200])
def test_targets_that_move_and_differ_show_everything(scale: float) -> None:
    assert targets.sight_trouble(_of(_STROKES * scale)) is None


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (_STROKES[:15], "only 15 sequences: too few to tell"),
        (_STROKES[:, :3], "targets of fewer than 4 steps show no movement"),
        (np.repeat(_STROKES[:1], 16, axis=0), "the targets are all alike"),
        (_STROKES * np.nan, "the targets hold NaN or infinite values"),
    ],
)
def test_targets_that_hide_something_are_trouble(values: FloatArray, said: str) -> None:
    assert targets.sight_trouble(_of(values)) == said


def test_an_axis_that_does_not_vary_is_no_trouble() -> None:
    case = _of(_STROKES * np.array([1.0, 0.0]))
    assert (targets.sight_trouble(case), targets.loss_trouble(case)) == (None, None)


def test_no_loss_in_float32_sees_targets_whose_squares_are_none() -> None:
    assert targets.loss_trouble(_of(_STROKES * 1e-15)) is None
    said = targets.loss_trouble(_of(_STROKES * np.array([1.0, 1e-25])))
    assert said is not None
    assert said.endswith("have no squares in float32, where their loss is")


def test_the_least_spread_is_that_whose_square_is_the_least_normal_float32() -> None:
    least = np.sqrt(float(np.finfo(np.float32).tiny)) / measures.spread_across(_STROKES).min()
    assert targets.loss_trouble(_of(_STROKES * least * 1.01)) is None
    assert targets.loss_trouble(_of(_STROKES * least * 0.99)) is not None
