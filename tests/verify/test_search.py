from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.core.outcome import AS_IT_IS, Arm, Trial
from humouse_doctor.core.remedy import CodeChange, Edit, Remedy
from humouse_doctor.remedies.arms import together
from humouse_doctor.verify.search import Attempt, Search, SearchResult
from tests.verify.builders import FLAT, RATIOS, WELL, trial

#: Remedies that exclude none of the others; the last changes the code.
NAMES = ("one", "two", "three", "four")
REMEDIES = {
    **{name: Remedy(id=name, title=name, why="", edits=(Edit(key=f"training.{name}", old=0, new=1),)) for name in NAMES},
    "gates": Remedy(id="gates", title="gates", why="", code_changes=(CodeChange.SLOW_GATES,)),
    "slow-gates": Remedy(id="slow-gates", title="", why="", code_changes=(CodeChange.SLOW_GATES,)),
    "time-input": Remedy(id="time-input", title="", why="", code_changes=(CodeChange.TIME_INPUT,)),
    "faster-rate": Remedy(id="faster-rate", title="", why="", edits=(Edit(key="training.lr.generator", old=0.1, new=1.0),)),
    "positions": Remedy(
        id="positions",
        title="",
        why="",
        edits=(
            Edit(key="training.absolute_coordinates", old=False, new=True),
            Edit(key="model.discriminator.input_dim", old=3, new=2),
        ),
    ),
    "both": Remedy(
        id="both",
        title="both",
        why="",
        edits=(Edit(key="training.needed", old=0, new=1), Edit(key="training.needless", old=0, new=1)),
    ),
}

Parts = frozenset[str]
Rule = Callable[[Parts, int], bool]


@dataclass(slots=True)
class Table:
    """Trials by rule instead of by training: whether these parts are healthy with this seed, and how near they come."""

    cures: Rule
    nearness: Callable[[Parts], float] = lambda _: 0.0
    offered: tuple[str, ...] = ()
    asked: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self, arms: Sequence[Arm], seeds: Sequence[int]) -> list[list[Trial]]:
        return [[self._trial(arm, seed) for seed in seeds] for arm in arms]

    def _trial(self, arm: Arm, seed: int) -> Trial:
        self.asked.append((arm.key, seed))
        parts = parts_of(arm)
        if self.cures(parts, seed):
            return trial(arm, seed, WELL, healthy=True, offered=self.offered)
        near = self.nearness(parts)
        measured = {name: bad + near * (WELL[name] - bad) if name.startswith("HD105.") else bad for name, bad in FLAT.items()}
        return trial(arm, seed, measured, offered=self.offered)


def parts_of(arm: Arm) -> Parts:
    return frozenset([*(edit.key.removeprefix("training.") for edit in arm.edits), *(c.value for c in arm.code_changes)])


def search(
    table: Attempt,
    names: Sequence[str] = NAMES,
    *,
    others: Sequence[str] = (),
    patch: Sequence[str] = (),
    seeds: int = 2,
    max_arms: int = 50,
    **more: Any,
) -> SearchResult:
    """Search with a bundle of `names`; the remedies in `others` are not in it."""
    return Search(
        attempt=table,
        remedies={name: REMEDIES[name] for name in (*names, *others)},
        bundle=[REMEDIES[name] for name in names],
        patch=[REMEDIES[name] for name in patch],
        seeds=tuple(range(seeds)),
        max_arms=max_arms,
        **more,
    ).run()


def chosen_parts(found: SearchResult) -> set[str] | None:
    return None if found.chosen is None else set(parts_of(found.chosen))


def test_everything_together_is_tried_first_and_then_less() -> None:
    found = search(Table(lambda parts, _: "three" in parts))

    assert [arm.title for arm in found.arms[:2]] == ["as it is", "one + two + three + four"]
    assert chosen_parts(found) == {"three"}
    assert found.path[-1].kept
    assert "healthy with 2 of 2 seeds" in found.path[-1].text


def test_the_diagnosis_patch_is_tried_with_it_and_shrunk_where_it_cures() -> None:
    found = search(Table(lambda parts, _: "three" in parts), patch=("four", "three"))

    assert [arm.title for arm in found.arms[:3]] == ["as it is", "suggested patch: four + three", "one + two + three + four"]
    assert chosen_parts(found) == {"three"}
    assert found.needed == ("training.three",)
    assert len(found.arms) == 5  # each part of the patch left out once, and nothing else


def test_causes_that_must_be_treated_together_are_found_though_none_helps_alone() -> None:
    found = search(Table(lambda parts, _: {"one", "two", "four"} <= parts))

    assert chosen_parts(found) == {"one", "two", "four"}
    assert set(found.needed) == {"training.one", "training.two", "training.four"}


def test_what_breaks_the_cure_when_it_is_left_out_is_needed_and_nothing_else() -> None:
    found = search(Table(lambda parts, _: "one" in parts and ("two" in parts or "three" in parts)))

    assert chosen_parts(found) in ({"one", "two"}, {"one", "three"})
    assert "training.one" in found.needed
    assert set(found.needed) <= {f"training.{name}" for name in chosen_parts(found) or ()}


def test_the_changes_of_one_lever_are_left_out_together() -> None:
    table = Table(lambda parts, _: {"absolute_coordinates", "slow-gates"} <= parts)

    found = search(table, ("positions", "gates"))

    assert chosen_parts(found) == {"absolute_coordinates", "model.discriminator.input_dim", "slow-gates"}
    assert set(found.needed) == {"space", "drive"}
    assert all(
        ("absolute_coordinates" in parts_of(arm)) == ("model.discriminator.input_dim" in parts_of(arm)) for arm in found.arms
    )


def test_a_remedy_outside_the_bundle_is_exchanged_for_the_one_that_fails() -> None:
    found = search(Table(lambda parts, _: "lr.generator" in parts), ("one",), others=("two", "faster-rate"))

    assert chosen_parts(found) == {"lr.generator"}


def test_where_the_bundle_is_in_the_way_the_remedies_are_tried_without_it() -> None:
    found = search(Table(lambda parts, _: "four" in parts and "two" not in parts), ("one", "two"), others=("three", "four"))

    assert chosen_parts(found) == {"four"}


def test_alternatives_take_each_others_place() -> None:
    found = search(Table(lambda parts, _: "time-input" in parts), ("one", "slow-gates"), others=("time-input",))

    assert chosen_parts(found) == {"time-input"}
    assert not any({"slow-gates", "time-input"} <= parts_of(arm) for arm in found.arms)


def test_an_exchange_that_comes_nearer_is_built_upon() -> None:
    table = Table(lambda parts, _: {"two", "three"} <= parts, lambda parts: 0.9 if "three" in parts else 0.0)

    found = search(table, ("one",), others=("two", "three"))

    assert chosen_parts(found) == {"two", "three"}


def test_a_part_without_which_the_cure_is_worse_stays_though_the_rest_is_healthy() -> None:
    def attempt(arms: Sequence[Arm], seeds: Sequence[int]) -> list[list[Trial]]:
        def one(arm: Arm, seed: int) -> Trial:
            parts = parts_of(arm)
            moves = 0.9 if {"needed", "needless"} <= parts else 0.6
            return trial(arm, seed, {**WELL, "HD103.time_std_ratio": moves} if parts else FLAT, healthy=bool(parts))

        return [[one(arm, seed) for seed in seeds] for arm in arms]

    found = search(attempt, ("both",))

    assert chosen_parts(found) == {"needed", "needless"}
    assert found.needed == ()  # without either the run is healthy, only less so


def test_a_barely_healthy_arm_is_no_substitute_for_a_cure_with_room_to_spare() -> None:
    barely = {**WELL, "HD103.time_std_ratio": 1.01 * RATIOS["HD103.time_std_ratio"].low}

    def attempt(arms: Sequence[Arm], seeds: Sequence[int]) -> list[list[Trial]]:
        def one(arm: Arm, seed: int) -> Trial:
            parts = parts_of(arm)
            measured = FLAT if not parts & {"one", "two"} else WELL if {"one", "two"} <= parts else barely
            return trial(arm, seed, measured, healthy=bool(parts & {"one", "two"}))

        return [[one(arm, seed) for seed in seeds] for arm in arms]

    assert chosen_parts(search(attempt, patch=("one",))) == {"one", "two"}


def test_a_cure_with_the_first_seed_alone_is_no_cure() -> None:
    found = search(Table(lambda parts, seed: "one" in parts and seed == 0))

    assert found.chosen is None
    assert any("healthy with 1 of 2 seeds" in step.text and not step.kept for step in found.path)


def test_a_larger_arm_is_chosen_where_the_smallest_does_not_hold_with_every_seed() -> None:
    found = search(Table(lambda parts, seed: "needed" in parts and (seed == 0 or "needless" in parts)), ("both",))

    assert chosen_parts(found) == {"needed", "needless"}


def test_of_two_arms_of_one_size_the_one_that_holds_with_every_seed_is_chosen() -> None:
    found = search(Table(lambda parts, seed: parts == {"one"} or (parts == {"two"} and seed == 0)), ("one",), patch=("two",))

    assert chosen_parts(found) == {"one"}


def test_a_cure_that_does_not_hold_with_every_seed_is_exchanged_until_one_does() -> None:
    table = Table(lambda parts, seed: "one" in parts and (seed == 0 or "three" in parts))

    found = search(table, ("one", "two"), others=("four", "three"))

    assert chosen_parts(found) == {"one", "two", "three"}
    assert [step.text for step in found.path if step.text.startswith("= ")] == [
        "= one: healthy with 1 of 2 seeds",
        "= one + two: healthy with 1 of 2 seeds",
        "= one + two + four: healthy with 1 of 2 seeds",
        "= one + two + three: healthy with 2 of 2 seeds",
    ]


def test_one_seed_is_enough_where_no_more_are_asked_for() -> None:
    assert chosen_parts(search(Table(lambda parts, _: "two" in parts), seeds=1)) == {"two"}


def test_a_run_that_is_healthy_as_it_is_has_nothing_to_cure() -> None:
    table = Table(lambda *_: True)

    found = search(table)

    assert found.chosen is None
    assert found.untried == ()
    assert {key for key, _ in table.asked} == {"", together([REMEDIES[name] for name in NAMES]).key}


def test_where_nothing_helps_every_remedy_is_tried_and_nothing_chosen() -> None:
    table = Table(lambda *_: False)

    found = search(table, ("one", "two"), others=("three", "four"))

    assert (found.chosen, found.untried) == (None, ())
    assert {name for arm in found.arms for name in arm.remedies} == set(NAMES)
    assert len(table.asked) == len(set(table.asked))


def test_an_arm_that_cannot_be_trained_does_not_end_the_search() -> None:
    def attempt(arms: Sequence[Arm], seeds: Sequence[int]) -> list[list[Trial]]:
        table = Table(lambda parts, _: "two" in parts)
        trials = table(arms, seeds)
        return [
            [trial(arm, seed, failed="no place") for seed in seeds] if "one" in parts_of(arm) else done
            for arm, done in zip(arms, trials, strict=True)
        ]

    found = search(attempt)

    assert chosen_parts(found) == {"two"}
    assert any("could not be trained: no place" in step.text for step in found.path)


def test_the_most_arms_say_what_was_not_tried() -> None:
    found = search(Table(lambda parts, _: "four" in parts), ("one", "two"), others=("three", "four"), max_arms=3)

    assert found.chosen is None
    assert len(found.arms) == 3
    assert any(text.endswith(": --max-arms 3 was reached") for text in found.untried)


def test_no_arm_is_begun_that_would_not_end_in_time() -> None:
    table = Table(lambda *_: False)

    found = search(
        table,
        ("two",),
        others=("one", "three"),
        deadline=time.monotonic() + 60,
        seconds=lambda arm: 1e4 if "one" in arm.remedies else 1.0,
    )

    assert all("one" not in arm.remedies for arm in found.arms)
    assert any(text.endswith("one: no time was left in --budget") for text in found.untried)
    assert any("three" in arm.remedies for arm in found.arms)


def test_time_for_the_other_seeds_of_a_cure_is_left_over() -> None:
    table = Table(lambda parts, _: "two" in parts)

    found = search(table, seeds=3, deadline=time.monotonic() + 60, seconds=lambda arm: 40.0 if arm.key else 0.0)

    assert chosen_parts(found) == set(NAMES)  # nothing was left out: that would have cost the seeds their time
    assert found.untried


def test_a_barely_healthy_cure_is_improved_only_if_there_is_time_to_confirm_it() -> None:
    barely = {**WELL, "HD103.time_std_ratio": 1.01 * RATIOS["HD103.time_std_ratio"].low}

    def attempt(arms: Sequence[Arm], seeds: Sequence[int]) -> list[list[Trial]]:
        def one(arm: Arm, seed: int) -> Trial:
            parts = parts_of(arm)
            measured = WELL if "three" in parts else barely if "one" in parts else FLAT
            return trial(arm, seed, measured, healthy="one" in parts)

        return [[one(arm, seed) for seed in seeds] for arm in arms]

    hurried = search(attempt, ("one",), others=("three",), deadline=time.monotonic() + 60, seconds=lambda _: 15.0)

    assert chosen_parts(search(attempt, ("one",), others=("three",))) == {"one", "three"}
    assert chosen_parts(hurried) == {"one"}


def test_a_training_that_was_cut_says_nothing_about_its_arm() -> None:
    def attempt(arms: Sequence[Arm], seeds: Sequence[int]) -> list[list[Trial]]:
        return [
            [replace(trial(arm, seed, failed="only 3 of 24 steps"), out_of_time=bool(arm.key)) for seed in seeds]
            if arm.key
            else [trial(arm, seed) for seed in seeds]
            for arm in arms
        ]

    found = search(attempt)

    assert found.chosen is None
    assert any("cut when the time of --budget was over" in text for text in found.untried)
    assert not any("could not be trained" in step.text for step in found.path)


def test_a_deadline_that_has_passed_tries_nothing() -> None:
    found = search(Table(lambda parts, _: bool(parts)), deadline=time.monotonic() - 1)

    assert found.arms == ()
    assert found.chosen is None
    assert found.untried


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Any rule that asks for some parts, with some seeds failing whatever is done."""
    causes = draw(st.lists(st.frozensets(st.sampled_from(NAMES), min_size=1, max_size=2), max_size=2))
    unlucky = draw(st.dictionaries(st.frozensets(st.sampled_from(NAMES), max_size=3), st.integers(0, 2), max_size=4))
    weights = draw(st.fixed_dictionaries({name: st.sampled_from([0.0, 0.2, 0.9]) for name in NAMES}))
    return Table(
        lambda parts, seed: bool(parts) and all(parts & cause for cause in causes) and unlucky.get(parts) != seed,
        lambda parts: min(1.0, sum(weights[part] for part in parts) / 2),
        offered=tuple(draw(st.permutations(NAMES)))[:2],
    )


@given(tables(), st.integers(1, 3))
def test_the_same_trials_give_the_same_path_and_what_is_chosen_is_healthy_with_every_seed(table: Table, seeds: int) -> None:
    found, again = search(table, seeds=seeds), search(table, seeds=seeds)

    assert found == again
    if found.chosen is not None:
        assert all(table.cures(parts_of(found.chosen), seed) for seed in range(seeds))
        assert found.path[-1].arm == found.chosen.key
        assert found.path[-1].kept
    assert found.arms[0].key == AS_IT_IS.key


@given(st.lists(st.frozensets(st.sampled_from(NAMES), min_size=1, max_size=2), min_size=1, max_size=3))
def test_where_more_never_hurts_a_smallest_cure_is_found_and_all_of_it_is_needed(causes: list[Parts]) -> None:
    def cures(parts: Parts, _: int) -> bool:
        return all(parts & cause for cause in causes)

    found = search(Table(cures))

    chosen = frozenset(chosen_parts(found) or ())
    assert cures(chosen, 0)
    assert not any(cures(chosen - {part}, 0) for part in chosen)
    assert len(found.arms) <= 2 + 2 * len(NAMES)
