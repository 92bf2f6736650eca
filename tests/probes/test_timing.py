from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case, Samples, Subject
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.probes.shared.timing import timing_ratio


def _timed(seed: int, spread: float, rows: int = 32, steps: int = 20) -> FloatArray:
    """Return deltas (rows, steps, 3) whose times vary by `spread` around 0.04 s."""
    random = np.random.default_rng(seed)
    times = 0.04 + spread * random.uniform(-1, 1, (rows, steps, 1))
    return np.concatenate([random.normal(0, 5, (rows, steps, 2)), times], axis=2)


def _case(real: FloatArray, drawn: FloatArray, lengths: int = 20) -> Case:
    samples = Samples(sequences=real, lengths=np.full(len(real), float(lengths)), predictions=drawn)
    return Case(subject=Subject(name="x"), samples=samples, subject_is_samples=True)


@pytest.mark.parametrize(("spread", "ratio"), [(0.02, 1.0), (0.01, 0.5), (0.0, 0.0)])
def test_times_that_vary_less_have_a_lower_ratio(spread: float, ratio: float) -> None:
    assert timing_ratio(_case(_timed(0, 0.02), _timed(1, spread))) == pytest.approx(ratio, abs=0.03)


def test_the_padding_is_not_counted() -> None:
    real = _timed(0, 0.02)
    real[:, 15:] = 0

    assert timing_ratio(_case(real, _timed(1, 0.02), lengths=15)) == pytest.approx(1, abs=0.05)


def test_data_at_a_fixed_rate_shows_nothing_even_with_a_rest_at_its_end() -> None:
    real = _timed(0, 0.0)
    real[:, -1, 2] = 0.013

    with pytest.raises(NotMeasurable, match="of real sequences do not vary"):
        timing_ratio(_case(real, _timed(1, 0.02)))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda case: replace(case, sequences=case.sequences[..., :2]), "no times"),
        (lambda case: replace(case, predictions=case.predictions[..., :2]), "no times"),
        (lambda case: replace(case, predictions=None), "no times"),
        (lambda case: replace(case, predictions=case.predictions[:3]), "only 3 sequences"),
        (lambda case: replace(case, predictions=case.predictions * np.nan), "NaN or infinite"),
    ],
)
def test_where_nothing_can_be_measured_the_reason_is_given(change: object, why: str) -> None:
    case = _case(_timed(0, 0.02), _timed(1, 0.02))
    assert callable(change)

    with pytest.raises(NotMeasurable, match=why):
        timing_ratio(replace(case, samples=change(case.samples)))
