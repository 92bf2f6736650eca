from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case
from humouse_doctor.core.probe import Judgement, Status
from humouse_doctor.core.space import Space
from tests import builders, reference

_PROBE = builders.probe("HD206")
_MEAN, _STD = np.array([0.5, -0.1, 0.01]), np.array([5.0, 2.0, 0.1])
_SUMMED = Space(absolute=True, sequence_mean=_MEAN, sequence_std=_STD)


def _of(targets: FloatArray, space: Space | None = _SUMMED) -> Case:
    return builders.case(builders.samples(targets, targets), space=space)


@pytest.mark.parametrize(
    ("std", "judgement"),
    [
        (1.0, Judgement.HEALTHY),
        (builders.borderline_high(_PROBE.metric("position_std")), Judgement.BORDERLINE),
        (50.0, Judgement.FOUND),
    ],
)
def test_the_scale_of_positions_summed_from_z_scored_deltas_decides(std: float, judgement: Judgement) -> None:
    targets = builders.strokes(0)
    result = builders.run("HD206", _of(targets / targets.std(axis=(0, 1)) * std))
    assert result.measurements["position_std"] == pytest.approx(std, rel=1e-5)
    assert result.judgement is judgement


def test_the_drift_is_what_the_subtracted_mean_adds_up_to() -> None:
    case = _of(builders.strokes(0) * 50)
    result = builders.run("HD206", case)
    assert result.measurements["drift"] == pytest.approx(0.1 * 20)
    assert "is 50, not 1, and the subtracted mean moves a path by 2" in _PROBE.message(
        case, {**result.measurements, "position_std": 50.0}
    )


def test_the_drift_is_that_of_the_axis_that_drifts_more() -> None:
    space = Space(absolute=True, sequence_mean=np.array([0.1, -0.5]), sequence_std=np.array([5.0, 1.0]))
    assert builders.run("HD206", _of(builders.strokes(0), space)).measurements["drift"] == pytest.approx(0.5 * 20)


@pytest.mark.parametrize(
    ("space", "name"),
    [
        (builders.POSITIONS, "absolute positions"),
        (builders.DELTAS, "deltas"),
        (Space(absolute=False, sequence_mean=_MEAN, sequence_std=_STD), "z-scored deltas"),
        (
            Space(absolute=True, sequence_mean=_MEAN, sequence_std=_STD, position_mean=_MEAN[:2], position_std=_STD[:2]),
            "z-scored positions",
        ),
    ],
)
def test_every_other_space_is_skipped(space: Space, name: str) -> None:
    result = builders.run("HD206", _of(builders.strokes(0), space))
    assert (result.status, result.reason) == (Status.SKIPPED, f"the loss compares {name}")


def test_constant_targets_are_skipped() -> None:
    assert builders.run("HD206", _of(builders.constant(0.1))).reason == "the targets do not vary"


def test_it_offers_normalised_positions_and_raw_deltas() -> None:
    assert [remedy.id for remedy in _PROBE.remedies(_of(builders.strokes(0)), {})] == [
        "normalised-positions",
        "raw-deltas",
    ]


@given(targets=builders.small_arrays())
def test_it_agrees_with_its_slow_twin(targets: FloatArray) -> None:
    twin = reference.normalised_drift(targets.tolist(), _MEAN.tolist(), _STD.tolist())
    builders.assert_agrees("HD206", _of(targets), twin)


def test_it_agrees_with_its_slow_twin_on_strokes() -> None:
    targets = builders.strokes(11) * 17
    twin = reference.normalised_drift(targets.tolist(), _MEAN.tolist(), _STD.tolist())
    builders.assert_agrees("HD206", _of(targets), twin)
