from __future__ import annotations

import numpy as np
import pytest
from humouse_zero_steps.zero_steps import ZeroSteps

from humouse_doctor.core.case import Case, Samples, Subject
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Judgement
from humouse_doctor.core.space import Space

MOVING = np.ones((4, 10, 2)).cumsum(axis=1)
STILL = np.zeros((4, 10, 2))


def case(generated: np.ndarray, real: np.ndarray, space: Space, lengths: np.ndarray | None = None) -> Case:
    samples = Samples(predictions=generated, loss_targets=real, lengths=lengths)
    return Case(subject=Subject(name="test"), space=space, samples=samples)


def test_paths_that_never_pause_are_found() -> None:
    measured = ZeroSteps().measure(case(MOVING, STILL, Space(absolute=True)))
    assert measured == {"excess_zero_share": -1.0, "zero_share": 0.0, "target_zero_share": 1.0}
    assert ZeroSteps().judge(measured) is Judgement.FOUND


def test_padding_is_no_pause() -> None:
    lengths = np.full(4, 5.0)
    padded = MOVING.copy()
    padded[:, 5:] = padded[:, 4:5]
    measured = ZeroSteps().measure(case(MOVING, padded, Space(absolute=True), lengths))
    assert measured["target_zero_share"] == 0.0
    assert ZeroSteps().judge(measured) is Judgement.HEALTHY


def test_deltas_are_steps_themselves() -> None:
    measured = ZeroSteps().measure(case(STILL, MOVING, Space(absolute=False)))
    assert (measured["zero_share"], measured["target_zero_share"]) == (1.0, 0.0)


def test_z_scored_deltas_are_not_measured() -> None:
    space = Space(absolute=False, sequence_mean=np.ones(2), sequence_std=np.ones(2))
    with pytest.raises(NotMeasurable, match="z-scored deltas"):
        ZeroSteps().measure(case(MOVING, MOVING, space))
