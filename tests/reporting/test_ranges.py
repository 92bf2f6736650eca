from __future__ import annotations

import pytest

from humouse_doctor.core.probe import Judgement, Metric
from humouse_doctor.core.remedy import Interval
from humouse_doctor.probes.registry import PROBES
from humouse_doctor.reporting.ranges import range_of
from tests.builders import probe

RATIO = Metric(
    name="ratio", unit="ratio", meaning="", healthy=Interval(low=0.5, high=4.0), tolerable=Interval(low=0.25, high=8.0)
)
SHARE = Metric(name="share", unit="share", meaning="", healthy=Interval(low=0.2), tolerable=Interval(low=0.1))


def test_a_ratio_is_drawn_on_a_log_scale() -> None:
    drawn = range_of(RATIO, 2**0.5)

    assert drawn is not None
    assert drawn.mark == 50
    assert drawn.healthy[0] + drawn.healthy[1] / 2 == pytest.approx(50, abs=0.1)
    assert drawn.tolerable[0] < drawn.healthy[0]


def test_a_share_is_drawn_between_none_and_all() -> None:
    drawn = range_of(SHARE, 0.75)

    assert drawn is not None
    assert (drawn.mark, drawn.healthy, drawn.tolerable) == (75, (20, 80), (10, 90))


@pytest.mark.parametrize(("value", "beyond", "mark"), [(1e-5, "low", 0), (0.0, "low", 0), (1.0, "", 45.5), (1e5, "high", 100)])
def test_a_value_beyond_the_range_says_on_which_side(value: float, beyond: str, mark: float) -> None:
    drawn = range_of(RATIO, value)

    assert drawn is not None
    assert drawn.beyond == beyond
    assert drawn.mark == mark


def test_a_metric_that_judges_nothing_has_no_range() -> None:
    assert range_of(Metric(name="x", unit="ratio", meaning=""), 1.0) is None


def test_an_interval_of_one_number_can_be_seen() -> None:
    drawn = range_of(probe("HD108").metric("non_finite_weights"), 0.0)

    assert drawn is not None
    assert drawn.healthy[1] >= 2


@pytest.mark.parametrize("value", [-1.0, 0.0, 0.001, 0.3, 0.7, 1.0, 2.0, 5.0, 40.0])
def test_the_mark_lies_where_the_judgement_says(value: float) -> None:
    for metric in (metric for one in PROBES for metric in one.metrics):
        drawn = range_of(metric, value)
        if drawn is None:
            assert metric.judge(value) is Judgement.HEALTHY, metric.name
            continue
        for band, healthy in ((drawn.healthy, metric.healthy), (drawn.tolerable, metric.tolerable)):
            assert 0 <= band[0] <= band[0] + band[1] <= 100.1, metric.name
            if value in healthy:
                assert band[0] - 0.2 <= drawn.mark <= band[0] + band[1] + 0.2, metric.name
            else:
                assert not band[0] + 2.2 < drawn.mark < band[0] + band[1] - 2.2, metric.name
