from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable
from math import comb

import pytest

from humouse_doctor.core.settings import Value
from humouse_doctor.core.surveying import Row, State
from humouse_doctor.reporting import survey_rows as cells
from humouse_doctor.survey.answers import LEVEL, distance, survey_of, together, wilson
from tests.survey.builders import KEYS, row, survey, swept


def _rows(sick: str, **values: str) -> list[Row]:
    """Return a run for each character of `sick`, 1 or 0; each setting has a character per run."""
    return [
        row(f"r/{place}", "collapsed" if ill == "1" else "healthy", {key: text[place] for key, text in values.items()})
        for place, ill in enumerate(sick)
    ]


def test_the_rows_come_worst_first_and_unknown_ones_between_sick_and_healthy() -> None:
    verdicts = [one.verdict for one in survey().rows]

    assert verdicts == ["collapsed"] * 11 + ["at-risk"] * 4 + ["unreadable", "undetermined"] + ["healthy"] * 7
    assert survey().rows[0].run == "multirun/0"  # with the smallest spread


@pytest.mark.parametrize(("sick", "known", "low", "high"), [(0, 10, 0.0, 0.278), (5, 10, 0.237, 0.763), (10, 10, 0.722, 1.0)])
def test_intervals_are_wilsons(sick: int, known: int, low: float, high: float) -> None:
    assert wilson(sick, known) == pytest.approx((low, high), abs=5e-4)


def test_the_setting_that_separates_is_found_and_another_one_is_not() -> None:
    first, *others = survey().separations

    assert first.key == "model.generator.activation_xy"
    assert [(share.value, share.sick, share.known) for share in first.shares] == [("linear", 4, 11), ("tanh", 11, 11)]
    assert first.corrected <= LEVEL
    assert {one.key: one.corrected > LEVEL for one in others}["seed"]


def test_what_is_unknown_is_counted_on_neither_side() -> None:
    assert {one.key: sum(share.known for share in one.shares) for one in survey().separations} == dict.fromkeys(KEYS, 22)
    assert (survey().count(State.SICK), survey().count(State.HEALTHY), survey().count(State.UNKNOWN)) == (15, 7, 2)
    assert "multirun/22" not in {one.run for one in survey().best}
    assert sum(family.runs for family in survey().families) == 15


def test_the_probability_is_fishers() -> None:
    """Of 20 runs 10 are sick, and 9 of these have one of two equally common values: both tails of the hypergeometric."""
    (one,) = survey_of(_rows("1" * 10 + "0" * 10, head="a" * 9 + "b" + "b" * 9 + "a"), ["head"], "").separations
    exact = 2 * sum(comb(10, both) * comb(10, 10 - both) for both in (9, 10)) / comb(20, 10)

    assert one.p == pytest.approx(exact, abs=6e-4)
    assert one.p == one.corrected


def _grid(healthy: Callable[[str, str, str], bool]) -> list[Row]:
    """Return the runs of a grid of 64: two rates, two noises, four numbers of epochs, and seeds."""
    runs = list(itertools.product("ab", "xy", "1234", "5678"))
    sick = "".join("0" if healthy(*values[:3]) and values[3] != "8" else "1" for values in runs)
    rate, noise, epochs, seed = map("".join, zip(*runs, strict=True))
    return _rows(sick, rate=rate, noise=noise, epochs=epochs, seed=seed)


def test_settings_that_only_together_make_healthy_are_told_together() -> None:
    """Six of 64 runs are healthy, all at one rate and without noise, and neither setting is clear by itself."""
    keys = ["rate", "noise", "epochs", "seed"]
    found = survey_of(_grid(lambda rate, noise, epochs: rate == "a" and noise == "x" and epochs > "2"), keys, "")
    several = together(found)

    assert all(one.corrected > LEVEL for one in found.separations)
    assert several is not None
    assert (several.state, several.count, several.settings) == (State.HEALTHY, 6, (("rate", "a"), ("noise", "x")))
    assert several.having == 16
    assert several.corrected == pytest.approx(comb(16, 6) / comb(64, 6) * 3 * 3 * 5 * 5)
    first, second = cells.unclear(found)
    assert first.startswith(
        "All 6 healthy runs have rate a and noise x, as have 10 that are not healthy: as clear by chance in 2.4%"
    )
    assert second.startswith(
        "No setting by itself separates sick from healthy runs beyond chance. Nearest is noise: as clear by"
    )
    assert together(survey_of(_grid(lambda rate, _noise, epochs: rate == "a" and epochs == "1"), keys, "")) is not None


def test_what_a_few_runs_have_in_common_by_chance_is_not_told() -> None:
    chance = random.Random(0)
    values = [list(text) for text in ("ab" * 32, "xxyy" * 16, "11112222" * 8)]
    told = 0
    for _ in range(60):
        sick = list("0" * 6 + "1" * 58)
        for column in (sick, *values):
            chance.shuffle(column)
        rows = _rows("".join(sick), **{key: "".join(text) for key, text in zip(("rate", "noise", "more"), values, strict=True)})
        told += together(survey_of(rows, ["rate", "noise", "more"], "")) is not None
    assert told <= 3
    assert together(survey_of(_rows("0" * 9, rate="ababababa"), ["rate"], "")) is None  # none is sick


def test_each_further_setting_makes_chance_likelier() -> None:
    drawn = random.Random(0)
    noise = {f"k{number}": "".join(drawn.choices("ab", k=20)) for number in range(9)}

    found = survey_of(_rows("1" * 10 + "0" * 10, head="a" * 9 + "b" * 11, **noise), ["head", *noise], "").separations

    assert found[0].key == "head"
    assert found[0].corrected == pytest.approx(10 * found[0].p)
    assert [one.corrected for one in found] == sorted(one.corrected for one in found)


def test_settings_that_mean_nothing_seldom_look_as_if_they_did() -> None:
    """In 5 % of surveys of noise one of all settings may; of 60, more than 9 are as unlikely as 1 in 1,000."""
    drawn, wrong = random.Random(1), 0
    for _ in range(60):
        noise = {f"k{number}": "".join(drawn.choices("abc"[: 2 + number // 5], k=30)) for number in range(6)}
        found = survey_of(_rows("".join(drawn.choices("10", k=30)), **noise), list(noise), "").separations
        wrong += bool(found) and found[0].corrected <= LEVEL

    assert wrong <= 9


def test_settings_that_go_together_are_one() -> None:
    (one,) = survey_of(
        _rows("1" * 6 + "0" * 6, one="a" * 6 + "b" * 6, other="y" * 6 + "x" * 6), ["one", "other"], ""
    ).separations

    assert (one.key, one.also) == ("one", ("other",))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (_rows("1" * 9, head="a" * 4 + "b" * 5), "9 known runs 9 are sick: there is nothing to tell apart"),
        (_rows("111000", head="aaabbb"), "too few to tell a setting"),
        (_rows("1" * 9 + "0" * 9, folder="abcdefghijklmnopqr"), "no setting differs between runs that share its values"),
    ],
)
def test_where_nothing_can_be_said_nothing_is(rows: list[Row], said: str) -> None:
    found = survey_of(rows, sorted(rows[0].settings), "")

    assert said in found.untested
    assert (found.separations, found.tree) == ((), ())


def test_many_numbers_are_put_into_ordered_groups() -> None:
    rates = [10 ** (-4 + 3 * number / 39) for number in range(40)]
    rows = [row(f"r/{n}", "collapsed" if rate > 0.01 else "healthy", {"rate": rate}) for n, rate in enumerate(rates)]

    found = survey_of(rows, ["rate"], "")

    (one,) = found.separations
    assert [(share.sick, share.known) for share in one.shares] == [(0, 10), (0, 10), (3, 10), (10, 10)]
    assert [float(share.value.split(" to ")[0]) for share in one.shares] == sorted(
        float(share.value.split(" to ")[0]) for share in one.shares
    )


def test_the_tree_tells_of_a_second_setting_within_the_first() -> None:
    rows = [
        row(f"r/{n}", "collapsed" if head == "tanh" or rate > 0.01 else "healthy", {"head": head, "rate": rate})
        for n, (head, rate) in enumerate([(head, rate) for head in ("tanh", "linear") for rate in (0.1, 0.001)] * 8)
    ]

    ends = {branch.conditions: (branch.sick, branch.known) for branch in survey_of(rows, ["head", "rate"], "").tree}

    assert ends == {
        ("head = linear", "rate <= 0.001"): (0, 8),
        ("head = linear", "rate >= 0.1"): (8, 8),
        ("head = tanh",): (16, 16),
    }


def test_the_order_of_the_rows_does_not_matter() -> None:
    shuffled = list(swept())
    random.Random(3).shuffle(shuffled)

    assert survey_of(shuffled, KEYS, "0.1.0") == survey()


def test_families_have_what_all_of_them_share() -> None:
    first, second = survey().families

    assert (first.cause, first.runs, dict(first.shared)) == (
        "HD201 out-of-reach-targets",
        11,
        {"model.generator.activation_xy": "tanh"},
    )
    assert dict(second.shared) == {"model.generator.activation_xy": "linear", "training.lr.generator": "0.1"}


def test_the_best_are_closest_to_the_data_in_their_worst_number() -> None:
    assert [one.run for one in survey().best] == [f"multirun/{number}" for number in (11, 15, 17, 21, 9)]
    assert distance(survey().best[0]) == pytest.approx(1 / 0.9, abs=1e-3)
    assert math.isinf(distance(row("r", "undetermined", {}, spread=0.0)))


@pytest.mark.parametrize("value", [True, None, (1, 2), math.nan, math.inf, 10**400, "text"])
def test_any_value_of_a_config_can_be_compared(value: Value) -> None:
    rows = [row(f"r/{n}", "collapsed" if n % 2 else "healthy", {"key": value if n % 2 else 0}) for n in range(20)]

    (one,) = survey_of(rows, ["key"], "").separations

    assert one.corrected <= LEVEL
