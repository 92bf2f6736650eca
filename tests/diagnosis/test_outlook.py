from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from humouse_doctor.core.probe import Judgement, ProbeResult, Status
from humouse_doctor.core.verdict import Verdict
from humouse_doctor.diagnosis.outlook import Outlook, margins_in, margins_of
from humouse_doctor.probes.registry import current

_BOUND = {
    "spread_ratio": ("HD101", 0.25),
    "time_std_ratio": ("HD103", 0.25),
    "late_std_ratio": ("HD103", 0.02),
    "latent_std_ratio": ("HD104", 0.25),
}


def _results(**ratios: float) -> Mapping[str, ProbeResult]:
    by_code: dict[str, dict[str, float]] = {}
    for name, value in ratios.items():
        by_code.setdefault(_BOUND[name][0], {})[name] = value
    return {
        code: ProbeResult(code=code, status=Status.FOUND, judgement=Judgement.FOUND, measurements=numbers)
        for code, numbers in by_code.items()
    }


def _play(outlook: Outlook, ratio: Callable[[int], float], last: int, *, causes: tuple[str, ...] = ()) -> list[Verdict]:
    """Glance at each of the steps of a run whose movement is `ratio`; its other ratios are as the data's."""
    return [
        outlook.after(
            step,
            Verdict.COLLAPSED if ratio(step) < 0.25 else Verdict.HEALTHY,
            margins_of(_results(spread_ratio=1.0, time_std_ratio=ratio(step), latent_std_ratio=1.0)),
            causes,
        )
        for step in range(1, last + 1)
    ]


def test_the_bounds_are_those_of_the_probes() -> None:
    for name, (code, bound) in _BOUND.items():
        assert current().by_code[code].metric(name).tolerable.low == bound
    wanted = {"spread_ratio": 2.0, "late_std_ratio": 0.5}
    assert margins_of(_results(spread_ratio=0.5, late_std_ratio=0.01)) == wanted
    assert margins_in({"spread": 0.5, "late movement": 0.01, "detour": 1.0}) == wanted


def test_what_stalls_is_said_to_collapse_after_a_third_of_its_steps() -> None:
    said = _play(Outlook(steps=100), lambda _: 0.01, 100)

    assert said.index(Verdict.COLLAPSED) + 1 == 32
    assert set(said[:31]) == {Verdict.UNDETERMINED}
    assert set(said[31:]) == {Verdict.COLLAPSED}


def test_with_a_cause_that_was_there_before_it_is_said_earlier() -> None:
    outlook = Outlook(steps=100, foreknown=frozenset({"HD201"}))

    assert _play(outlook, lambda _: 0.01, 20, causes=("HD201",)).index(Verdict.COLLAPSED) + 1 == 8
    other = Outlook(steps=100, foreknown=frozenset({"HD202"}))
    assert Verdict.COLLAPSED not in _play(other, lambda _: 0.01, 20, causes=("HD203",))


@pytest.mark.parametrize(("power", "collapses"), [(1.0, True), (1.5, True), (3.0, False)])
def test_growth_as_a_power_of_the_steps_decides(power: float, collapses: bool) -> None:
    """From 0.001 at the tenth of 100 steps it comes to 0.01, 0.03 and 1 at the last, with a bound of 0.25."""
    said = _play(Outlook(steps=100), lambda step: 0.001 * (step / 10) ** power, 60)

    assert (Verdict.COLLAPSED in said) == collapses


def test_what_takes_off_after_a_stall_is_no_longer_said_to_collapse() -> None:
    said = _play(Outlook(steps=100), lambda step: 0.01 if step < 50 else 0.01 * (step / 50) ** 8, 80)

    assert said[40] is Verdict.COLLAPSED
    assert said[66] is Verdict.UNDETERMINED
    assert said[79] is Verdict.HEALTHY


def test_each_ratio_has_its_own_pace() -> None:
    """One that stalls collapses, however fast another grows that is lower now."""
    outlook = Outlook(steps=100)
    said = [
        outlook.after(step, Verdict.COLLAPSED, {"time_std_ratio": 4e-5 * step**3, "spread_ratio": 0.4, "latent_std_ratio": 4.0})
        for step in range(1, 41)
    ]

    assert said[-1] is Verdict.COLLAPSED


def test_without_a_known_end_ten_times_the_steps_are_granted() -> None:
    assert _play(Outlook(steps=None), lambda _: 0.01, 100).index(Verdict.COLLAPSED) + 1 == 80
    known = Outlook(steps=None, foreknown=frozenset({"HD201"}))
    assert _play(known, lambda _: 0.01, 100, causes=("HD201",)).index(Verdict.COLLAPSED) + 1 == 20
    assert Verdict.COLLAPSED not in _play(Outlook(steps=None), lambda step: 0.0005 * step, 200)


def test_a_broken_generator_has_no_ratios_and_no_way_out() -> None:
    outlook = Outlook(steps=100)
    said = [outlook.after(step, Verdict.COLLAPSED, {}) for step in range(1, 50)]

    assert said[0] is said[-1] is Verdict.COLLAPSED


def test_a_run_resumed_late_is_judged_by_its_pace_since_then() -> None:
    outlook = Outlook(steps=100, start=60)
    flat = {"time_std_ratio": 0.04, "spread_ratio": 4.0}

    assert [outlook.after(step, Verdict.COLLAPSED, flat) for step in range(61, 81)][-1] is Verdict.COLLAPSED


def test_a_look_before_the_first_step_has_no_pace() -> None:
    outlook = Outlook(steps=100, foreknown=frozenset({"HD201"}))
    said = [outlook.after(step, Verdict.COLLAPSED, {"time_std_ratio": 0.04}, ("HD201",)) for step in (0, 20, 40)]

    assert said == [Verdict.UNDETERMINED, Verdict.UNDETERMINED, Verdict.COLLAPSED]


def test_it_says_what_is_now_where_that_is_no_collapse() -> None:
    outlook = Outlook(steps=100)

    assert outlook.after(1, Verdict.AT_RISK, {"spread_ratio": 1.6}) is Verdict.AT_RISK
    assert outlook.after(2, Verdict.UNDETERMINED, {}) is Verdict.UNDETERMINED
