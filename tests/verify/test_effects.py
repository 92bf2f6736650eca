from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.core.outcome import AS_IT_IS, Arm, ArmOutcome, Effect, Trial
from humouse_doctor.core.probe import Judgement, ProbeResult, Status
from humouse_doctor.core.remedy import Edit
from humouse_doctor.core.report import Verdict
from humouse_doctor.verify.effects import (
    called_healthy,
    compare,
    distance,
    furthest,
    interval95,
    is_as_well,
    is_healthy,
    is_inside,
    risk_of,
)
from tests.builders import probe
from tests.gate.builders import report
from tests.verify.builders import FLAT, RATIOS, SHARES, WELL, trial

ARM = Arm(title="an arm", edits=(Edit(key="training.reconstruction_epochs", old=1, new=2),))

#: Two-sided 95 % quantiles of Student's t by degrees of freedom, from a printed table.
QUANTILES = {1: 12.71, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}


VELOCITY = "HD103.velocity_std_ratio"


def twin(measured: dict[str, float]) -> float:
    """The distance from health, a metric at a time."""
    total, count = 0.0, len(WELL)
    for name, healthy in RATIOS.items():
        if name == VELOCITY and name not in measured and "HD103.time_std_ratio" in measured:
            count -= 1
        elif name not in measured or measured[name] <= 0:
            total += 1.0
        elif measured[name] < healthy.low:
            total += min(1.0, math.log(healthy.low / measured[name]) / math.log(20))
        elif measured[name] > healthy.high:
            total += min(1.0, math.log(measured[name] / healthy.high) / math.log(20))
    for name, healthy in SHARES.items():
        if name not in measured:
            total += 1.0
        elif measured[name] < healthy.low:
            total += min(1.0, (healthy.low - measured[name]) / healthy.low)
    return total / count


MEASURED = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.floats(0.0, 1e6, allow_subnormal=False) for name in RATIOS},
        **{name: st.floats(-1e3, 1.0) for name in SHARES},
    },
)


@given(MEASURED)
def test_the_distance_from_health_is_that_of_its_twin(measured: dict[str, float]) -> None:
    assert distance(measured) == pytest.approx(twin(measured), abs=1e-12)
    assert 0.0 <= distance(measured) <= 1.0


def test_health_is_no_distance_away_and_what_cannot_be_measured_is_as_far_as_counts() -> None:
    assert distance(WELL) == 0.0
    assert distance({}) == 1.0
    assert distance(FLAT) == 1.0
    for name in set(WELL) - {VELOCITY}:
        assert distance({key: value for key, value in WELL.items() if key != name}) == pytest.approx(1 / len(WELL))


def test_metrics_that_decide_nothing_do_not_count() -> None:
    assert distance({**WELL, "HD107.path_efficiency": 0.0, "HD101.target_std": 1e9}) == 0.0


@given(st.sampled_from(sorted(RATIOS)), st.floats(1.0, 1e4), st.floats(1.0, 1e4))
def test_a_ratio_further_off_its_interval_is_never_nearer_to_health(name: str, one: float, other: float) -> None:
    near, far = sorted((one, other))
    low, high = RATIOS[name].low, RATIOS[name].high

    assert distance({**WELL, name: low / near}) <= distance({**WELL, name: low / far})
    assert distance({**WELL, name: high * near}) <= distance({**WELL, name: high * far})


@given(st.sampled_from(sorted(SHARES)), st.floats(-10.0, 1.0), st.floats(-10.0, 1.0))
def test_less_skill_is_never_nearer_to_health(name: str, one: float, other: float) -> None:
    less, more = sorted((one, other))

    assert distance({**WELL, name: more}) <= distance({**WELL, name: less})


@pytest.mark.parametrize("name", sorted(WELL))
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_keeps_the_distance_within_bounds(name: str, value: float) -> None:
    assert 0.0 <= distance({**WELL, name: value}) <= 1 / len(WELL) + 1e-12


def _results(measured: dict[str, float]) -> list[ProbeResult]:
    """The results of the probes that measured these numbers, by `code.metric`."""
    of: dict[str, dict[str, float]] = {}
    for name, value in measured.items():
        code, _, metric = name.partition(".")
        of.setdefault(code, {})[metric] = value
    judged = {code: probe(code).judge(numbers) for code, numbers in of.items()}
    return [
        ProbeResult(
            code=code,
            status=Status.HEALTHY if judgement is Judgement.HEALTHY else Status.FOUND,
            judgement=judgement,
            measurements=of[code],
        )
        for code, judgement in judged.items()
    ]


def test_a_run_is_healthy_only_where_all_that_decides_was_measured_and_is() -> None:
    assert is_healthy(_results(WELL))
    for name in WELL:
        assert not is_healthy(_results({**WELL, name: 0.9 * {**RATIOS, **SHARES}[name].low}))
        assert not is_healthy(_results({other: 1.0 for other in WELL if not other.startswith(name.partition(".")[0])}))


@pytest.mark.parametrize(("velocity", "healthy"), [(4.5, True), (29.0, True), (31.0, False)])
def test_samples_that_shake_have_not_collapsed_unless_they_are_beyond_what_inspect_tolerates(
    velocity: float, healthy: bool
) -> None:
    shaking = {**WELL, VELOCITY: velocity}
    assert is_healthy(_results(shaking)) is healthy
    assert furthest(shaking) == f"speed ({VELOCITY}) is {velocity:.3g}, healthy is 0.12 to 4"


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_trial_that_inspect_would_warn_of_is_not_healthy_and_says_why(verdict: Verdict) -> None:
    warned = verdict in (Verdict.AT_RISK, Verdict.COLLAPSED)

    assert called_healthy(_results(WELL), report(verdict)) is not warned
    assert not called_healthy(_results(FLAT), report(verdict))
    at_risk = trial(ARM, measured=WELL, healthy=False, causes=("HD211",))
    assert risk_of(at_risk) == "at risk by HD211"
    assert compare(ARM, [trial()], [at_risk]).notes == ("seed 0: at risk by HD211",)
    assert risk_of(trial(ARM, measured=WELL, healthy=False)) == "at risk by what it draws, though the numbers are healthy"
    assert risk_of(trial(ARM, measured=WELL, healthy=True)) is None
    unmeasured = {name: value for name, value in WELL.items() if not name.startswith("HD103.")}
    assert risk_of(trial(ARM, measured=unmeasured, healthy=False)) == "HD103 could not be measured"
    assert risk_of(trial(ARM, measured=FLAT, healthy=False, causes=("HD211",))) is None


def test_the_interval_is_the_one_computed_by_hand() -> None:
    # mean 2, deviations -1, 0, 1: a standard deviation of 1, and 4.303 / sqrt(3) on either side
    found = interval95([1.0, 2.0, 3.0])

    assert found is not None
    assert found.low == pytest.approx(2 - 2.4843, abs=1e-3)
    assert found.high == pytest.approx(2 + 2.4843, abs=1e-3)


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=10))
def test_the_interval_is_the_mean_with_students_quantile_times_its_standard_error(values: list[float]) -> None:
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    half = QUANTILES[len(values) - 1] * math.sqrt(variance / len(values))

    found = interval95(values)

    assert found is not None
    assert found.low == pytest.approx(mean - half, rel=1e-3, abs=1e-2)
    assert found.high == pytest.approx(mean + half, rel=1e-3, abs=1e-2)


def test_many_seeds_are_never_claimed_to_tell_more_than_the_true_quantile() -> None:
    values = [float(number % 2) for number in range(20)]  # 19 degrees of freedom: 2.093
    half = 2.093 * math.sqrt(0.25 * 20 / 19 / 20)

    found = interval95(values)

    assert found is not None
    assert found.low <= 0.5 - half
    assert found.high >= 0.5 + half


def test_one_value_has_no_interval() -> None:
    assert interval95([3.0]) is None
    assert interval95([]) is None


def _spread(arm: Arm, *ratios: float, healthy: bool = False) -> list[Trial]:
    return [trial(arm, seed, {**WELL, "HD101.spread_ratio": ratio}, healthy=healthy) for seed, ratio in enumerate(ratios)]


def _compared(before: list[Trial], after: list[Trial]) -> ArmOutcome:
    return compare(ARM, before, after)


def test_healthy_with_every_seed_is_cured() -> None:
    found = _compared(_spread(AS_IT_IS, 0.01, 0.02), _spread(ARM, 1.0, 1.1, healthy=True))

    assert (found.effect, found.seeds, found.healthy_seeds) == (Effect.CURED, 2, 2)
    assert found.distance[1] == 0.0


def test_healthy_with_all_but_one_seed_is_no_cure() -> None:
    after = [*_spread(ARM, 1.0, 1.0, healthy=True), trial(ARM, 2, {**WELL, "HD101.spread_ratio": 0.3})]

    found = _compared(_spread(AS_IT_IS, 0.01, 0.02, 0.015), after)

    assert (found.effect, found.healthy_seeds) == (Effect.BETTER, 2)


def test_nearer_to_health_with_every_seed_is_better_and_further_is_worse() -> None:
    near, far = _spread(ARM, 0.3, 0.31, 0.29), _spread(ARM, 0.05, 0.051, 0.049)

    assert _compared(_spread(AS_IT_IS, 0.05, 0.051, 0.049), near).effect is Effect.BETTER
    assert _compared(_spread(AS_IT_IS, 0.3, 0.31, 0.29), far).effect is Effect.WORSE


def test_what_helps_some_seeds_and_harms_others_has_no_effect() -> None:
    found = _compared(_spread(AS_IT_IS, 0.1, 0.1), _spread(ARM, 0.4, 0.03))

    assert found.effect is Effect.NO_EFFECT
    assert found.gain is not None
    assert 0.0 in found.gain


def test_seeds_that_agree_make_an_effect_though_they_are_too_few_for_an_interval_that_does() -> None:
    better, worse = _spread(ARM, 0.1, 0.4), _spread(ARM, 0.02, 0.1)
    gained, lost = _compared(_spread(AS_IT_IS, 0.05, 0.05), better), _compared(_spread(AS_IT_IS, 0.2, 0.2), worse)

    assert gained.gain is not None
    assert lost.gain is not None
    assert 0.0 in gained.gain
    assert 0.0 in lost.gain
    assert (gained.effect, lost.effect) == (Effect.BETTER, Effect.WORSE)


def test_a_difference_too_small_to_matter_is_none_however_sure() -> None:
    found = _compared(_spread(AS_IT_IS, 0.2, 0.2, 0.2), _spread(ARM, 0.22, 0.22, 0.22))

    assert found.gain is not None
    assert 0.0 not in found.gain
    assert found.effect is Effect.NO_EFFECT


def test_one_seed_gives_an_effect_without_an_interval() -> None:
    found = _compared(_spread(AS_IT_IS, 0.05), _spread(ARM, 0.3))

    assert (found.effect, found.gain) == (Effect.BETTER, None)
    assert {change.difference for change in found.changes} == {None}


def test_nothing_is_cured_where_nothing_was_ill() -> None:
    found = _compared(_spread(AS_IT_IS, 1.0, 1.0, healthy=True), _spread(ARM, 1.1, 0.9, healthy=True))

    assert found.effect is Effect.NO_EFFECT


def test_a_seed_that_failed_leaves_the_effect_open_and_says_why() -> None:
    found = _compared(_spread(AS_IT_IS, 0.05, 0.05), [*_spread(ARM, 1.0, healthy=True), trial(ARM, 1, failed="no disk")])

    assert (found.effect, found.seeds, found.healthy_seeds) == (None, 1, 1)
    assert found.notes == ("seed 1: no disk",)


def test_without_a_pair_nothing_is_claimed() -> None:
    found = _compared([trial(failed="no disk")], _spread(ARM, 1.0, healthy=True))

    assert (found.effect, found.seeds, found.healthy_seeds, found.gain) == (None, 0, 0, None)


def test_only_seeds_that_both_have_are_compared() -> None:
    found = _compared(_spread(AS_IT_IS, 0.05, 0.05, 0.05), _spread(ARM, 1.0, 1.0, healthy=True))

    assert (found.seeds, found.effect) == (2, Effect.CURED)


def test_the_run_as_it_is_has_no_effect_on_itself() -> None:
    base = _spread(AS_IT_IS, 0.05, 0.06)

    found = compare(AS_IT_IS, base, base)

    assert found.effect is None
    assert found.distance[0] == found.distance[1]


def test_why_a_trial_ended_early_is_noted() -> None:
    found = _compared(_spread(AS_IT_IS, 0.05), [trial(ARM, stopped="stopped as futile")])

    assert found.notes == ("seed 0: stopped as futile",)


def test_changes_are_means_of_pairs_and_only_of_what_every_seed_has() -> None:
    before, after = _spread(AS_IT_IS, 0.25, 0.75), _spread(ARM, 1.0, 2.0)
    partly = [after[0], trial(ARM, 1, {name: value for name, value in WELL.items() if name != "HD104.latent_std_ratio"})]

    changes = {change.metric: change for change in _compared(before, after).changes}
    fewer = {change.metric for change in _compared(before, partly).changes}

    spread = changes["HD101.spread_ratio"]
    assert (spread.before, spread.after) == (0.5, 1.5)
    assert spread.difference is not None  # differences 0.75 and 1.25: mean 1, 12.706 * 0.25 on either side
    assert (spread.difference.low, spread.difference.high) == pytest.approx((1 - 3.1765, 1 + 3.1765))
    assert set(changes) - fewer == {"HD104.latent_std_ratio"}


@pytest.mark.parametrize("value", [5e-324, 1e-40, 1e38, 1e83])  # up to float32's largest number over its least
@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_effects_of_extreme_measurements_are_numbers(value: float, seeds: int) -> None:
    extreme = {**dict.fromkeys(WELL, value), "HD105.skill": -value}
    base = [trial(seed=seed) for seed in range(seeds)]
    outcome = compare(ARM, base, [trial(ARM, seed, extreme) for seed in range(seeds)])

    assert distance(extreme) <= 1.0
    assert outcome.effect is Effect.NO_EFFECT
    numbers = [*outcome.distance, *(change.after for change in outcome.changes)]
    intervals = [outcome.gain, *(change.difference for change in outcome.changes)]
    assert all((interval is None) == (seeds == 1) for interval in intervals)
    numbers += [bound for interval in intervals if interval is not None for bound in (interval.low, interval.high)]
    assert all(math.isfinite(number) for number in numbers)


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (
            {**WELL, "HD101.spread_ratio": 0.4, "HD103.time_std_ratio": 0.01},
            "movement (HD103.time_std_ratio) is 0.01, healthy is",
        ),
        ({**WELL, "HD101.spread_ratio": 40.0}, "spread (HD101.spread_ratio) is 40, healthy is 0.5 to 4"),
        ({"HD105.skill": 0.1}, "HD105.skill) is 0.1, healthy is >= 0.2"),
    ],
)
def test_what_is_furthest_from_health_is_named_with_its_healthy_interval(measured: dict[str, float], said: str) -> None:
    assert said in str(furthest(measured))


def test_of_what_is_healthy_or_not_measured_nothing_is_named() -> None:
    assert furthest(WELL) is None
    assert furthest({}) is None


def test_a_metric_that_its_probe_left_out_says_nothing_and_a_probe_that_measured_nothing_counts_in_full() -> None:
    without = {name: value for name, value in WELL.items() if name != VELOCITY}
    assert distance(without) == 0
    assert is_inside(without)
    assert is_as_well(without, WELL)
    silent = {name: value for name, value in WELL.items() if not name.startswith("HD103.")}
    assert distance(silent) > 0
    assert not is_inside(silent)
    assert not is_as_well(silent, WELL)


def test_a_cure_is_inside_by_a_fifth_and_as_well_as_another_within_a_quarter() -> None:
    low = RATIOS["HD101.spread_ratio"].low
    assert is_inside({**WELL, "HD101.spread_ratio": 1.21 * low})
    assert not is_inside({**WELL, "HD101.spread_ratio": 1.19 * low})
    assert is_as_well({**WELL, "HD101.spread_ratio": 0.81}, WELL)
    assert is_as_well({**WELL, "HD101.spread_ratio": 1.24}, WELL)
    assert not is_as_well({**WELL, "HD101.spread_ratio": 0.79}, WELL)
    assert is_as_well({**WELL, "HD105.skill": 0.51}, WELL)
    assert not is_as_well({**WELL, "HD105.skill": 0.49}, WELL)
