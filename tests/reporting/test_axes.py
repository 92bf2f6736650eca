from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from humouse_doctor.reporting.html.axes import Scale, percent, plain, powers_of_ten, round_above, round_below, ticks

_FINITE = st.floats(allow_nan=False, allow_infinity=False)
_POSITIVE = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
#: Ranges as they are, and those of neighbouring floats, of the largest and of the smallest.
_RANGES = st.one_of(
    st.tuples(_FINITE, _FINITE).map(sorted),
    _FINITE.map(lambda low: [low, math.nextafter(low, math.inf)]),
    st.sampled_from([[-1e308, 1.7e308], [5e-324, 1e-323], [0.0, 5e-324], [-(2.0**63), 2.0**63]]),
).filter(lambda both: both[0] < both[1] < math.inf)


@given(_RANGES, st.integers(2, 6), st.sampled_from([0.0, 1.0]))
def test_ticks_lie_in_the_range_in_order_and_are_few(both: list[float], most: int, least: float) -> None:
    low, high = both

    found = ticks(low, high, most=most, least=least)

    assert all(low <= number <= high for number in found)
    assert all(one < other for one, other in pairwise(found))
    assert len(found) <= most + 1
    assert len(plain(found)) == len(set(plain(found))) == len(found)


@given(st.floats(-1e9, 1e9), st.floats(1e5, 1e9))
def test_a_range_has_at_least_two_ticks(low: float, size: float) -> None:
    assert 2 <= len(ticks(low, low + size)) <= 7


@given(_RANGES, _FINITE)
def test_every_number_has_a_place_between_the_ends(both: list[float], value: float) -> None:
    scale = Scale(low=both[0], high=both[1], start=204.0, end=8.0)

    assert 8.0 <= scale(value) <= 204.0
    assert (scale(both[0]), scale(both[1])) == (204.0, 8.0)


@given(_RANGES, _FINITE, _FINITE)
def test_a_larger_number_lies_no_nearer_to_the_start(both: list[float], one: float, other: float) -> None:
    scale = Scale(low=both[0], high=both[1], start=0.0, end=100.0)

    assert scale(min(one, other)) <= scale(max(one, other))


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (2.0, 1.0), (math.nan, 1.0)])
def test_what_is_no_range_has_no_scale(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="no range"):
        Scale(low=low, high=high, start=0, end=1)


@given(_POSITIVE)
def test_round_numbers_lie_around_a_number(value: float) -> None:
    assume(1e-300 < value < 1e300)

    below, above = round_below(value), round_above(value)

    assert below * (1 - 1e-8) <= value <= above * (1 + 1e-8)
    assert above <= 2.5 * below * (1 + 1e-8)
    assert {f"{number:e}"[0] for number in (below, above)} <= {"1", "2", "5"}


@pytest.mark.parametrize("value", [5e-324, 1e-310, 1.7e308])
def test_the_least_and_the_largest_have_round_numbers_too(value: float) -> None:
    assert 0 < round_below(value) <= value
    assert round_above(min(value, 1e307)) < math.inf


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ([0.0, 20.0, 40.0], ["0", "20", "40"]),
        ([0.0, 0.5, 1.0], ["0", "0.5", "1.0"]),
        ([0.0, 0.1, 0.2, 3 * 0.1], ["0", "0.1", "0.2", "0.3"]),
        ([-1000.0, 0.0, 1000.0], ["-1,000", "0", "1,000"]),
        ([0.0, 500_000.0, 1_000_000.0], ["0", "5.0e+05", "1.0e+06"]),
        ([0.0, 0.0002, 0.0004], ["0", "2e-04", "4e-04"]),
        ([10_000_002.0, 10_000_004.0], ["1.0000002e+07", "1.0000004e+07"]),
        ([7.0], ["7"]),
        ([], []),
    ],
)
def test_ticks_have_as_many_digits_as_tell_them_apart(numbers: list[float], said: list[str]) -> None:
    assert plain(numbers) == said


def test_shares_and_powers_are_written_as_such() -> None:
    assert percent([0.0, 0.005, 0.01]) == ["0%", "0.5%", "1.0%"]
    assert powers_of_ten([-12.0, 0.0, 3.0]) == ["10⁻¹²", "10⁰", "10³"]
