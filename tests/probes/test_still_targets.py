from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case, Samples
from humouse_doctor.core.probe import Judgement, Status
from humouse_doctor.core.space import Space
from tests import builders, reference

_PROBE = builders.probe("HD209")


def _of(deltas: FloatArray, lengths: FloatArray | None = None, space: Space = builders.DELTAS) -> Case:
    return builders.case(builders.samples(deltas, deltas, lengths=lengths), space=space)


def _still(share: float) -> FloatArray:
    deltas = np.ones((1, 1000, 2))
    deltas[:, : round(1000 * share)] = 0
    return deltas


@pytest.mark.parametrize(
    ("share", "judgement"),
    [
        (0.1, Judgement.HEALTHY),
        (builders.borderline_high(_PROBE.metric("still_share")), Judgement.BORDERLINE),
        (0.9, Judgement.FOUND),
        (1.0, Judgement.FOUND),
    ],
)
def test_the_share_of_deltas_that_are_exactly_zero_decides(share: float, judgement: Judgement) -> None:
    result = builders.run("HD209", _of(_still(share)))
    assert result.judgement is judgement
    assert result.measurements["still_share"] == pytest.approx(share, abs=1e-3)


def test_z_scored_deltas_are_counted_raw() -> None:
    raw = _still(0.9)
    space = Space(absolute=False, sequence_mean=np.array([0.1, 0.1]), sequence_std=np.ones(2))
    found = Samples(sequences=raw, loss_targets=raw - 0.1)
    assert builders.run("HD209", builders.case(found, space=space)).judgement is Judgement.FOUND


def test_padding_is_told_apart_in_the_message() -> None:
    case = _of(_still(0.9), lengths=np.array([750.0]))
    measured = _PROBE.measure(case)
    assert measured["padding_share"] == 0.25
    assert "90% of the deltas are exactly zero (25% of the steps are padding)" in _PROBE.message(case, measured)
    unknown = _of(_still(0.9))
    assert "90% of the deltas are exactly zero: until" in _PROBE.message(unknown, _PROBE.measure(unknown))


def test_positions_are_skipped() -> None:
    result = builders.run("HD209", _of(_still(0.9), space=builders.POSITIONS))
    assert (result.status, result.reason) == (
        Status.SKIPPED,
        "the loss compares absolute positions, where a zero delta is only a pause",
    )


def test_targets_without_their_raw_sequences_are_skipped() -> None:
    case = builders.case(Samples(loss_targets=builders.strokes(0)), space=builders.DELTAS)
    assert builders.run("HD209", case).reason == "the raw sequences are not known"


def test_it_offers_normalised_positions_first() -> None:
    assert _PROBE.remedies(_of(_still(0.9)), {})[0].id == "normalised-positions"


@given(deltas=builders.small_arrays(), padded=st.booleans())
def test_it_agrees_with_its_slow_twin(deltas: FloatArray, padded: bool) -> None:
    lengths = np.arange(1.0, len(deltas) + 1) % deltas.shape[1] if padded else None
    twin = reference.still_targets(deltas.tolist(), None if lengths is None else lengths.tolist())
    builders.assert_agrees("HD209", _of(deltas, lengths), twin)


@pytest.mark.parametrize(("share", "judgement"), [(0.1, Judgement.HEALTHY), (0.95, Judgement.FOUND)])
def test_deltas_of_any_series_are_counted_in_every_channel(share: float, judgement: Judgement) -> None:
    series = np.concatenate([_still(share)] * 3, axis=-1)
    case = builders.case(Samples(loss_targets=series), space=Space(absolute=False, channels=None, as_is=True))
    result = builders.run("HD209", case)
    assert result.judgement is judgement
    assert result.measurements["still_share"] == pytest.approx(share, abs=1e-3)
    assert "when something moves" in _PROBE.message(case, result.measurements)
    assert _PROBE.remedies(case, result.measurements) == ()
    moved = builders.case(Samples(loss_targets=series), space=Space(absolute=True, channels=None, as_is=True))
    assert builders.run("HD209", moved).judgement is None  # of positions a zero is no pause
