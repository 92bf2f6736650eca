from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.core.outcome import AS_IT_IS, Arm, Trial
from humouse_doctor.core.remedy import CodeChange, Edit, Remedy
from humouse_doctor.verify.search import Search, SearchResult
from tests.verify.builders import FLAT, WELL, trial

#: Remedies that exclude none of the others; the last changes the code.
NAMES = ("one", "two", "three", "four")
REMEDIES = {
    **{name: Remedy(id=name, title=name, why="", edits=(Edit(key=f"training.{name}", old=0, new=1),)) for name in NAMES},
    "gates": Remedy(id="gates", title="gates", why="", code_changes=(CodeChange.SLOW_GATES,)),
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


def search(table: Table, names: Sequence[str] = NAMES, *, seeds: int = 2, max_arms: int = 50, **more: Any) -> SearchResult:
    remedies = {name: REMEDIES[name] for name in names}
    return Search(attempt=table, remedies=remedies, seeds=tuple(range(seeds)), max_arms=max_arms, **more).run()


def chosen_parts(found: SearchResult) -> set[str] | None:
    return None if found.chosen is None else set(parts_of(found.chosen))


def test_a_single_remedy_that_cures_is_found() -> None:
    found = search(Table(lambda parts, _: "three" in parts))

    assert chosen_parts(found) == {"three"}
    assert found.path[-1].kept
    assert "healthy with 2 of 2 seeds" in found.path[-1].text


def test_what_the_diagnosis_offers_is_tried_first() -> None:
    found = search(Table(lambda parts, _: "three" in parts, offered=("four", "three")))

    assert [arm.title for arm in found.arms] == ["as it is", "four", "three"]
    assert found.untried == ("one (never)", "two (never)")


def test_two_causes_that_must_be_treated_together_are_found_though_neither_helps_alone() -> None:
    found = search(Table(lambda parts, _: {"two", "four"} <= parts))

    assert chosen_parts(found) == {"two", "four"}


def test_a_remedy_that_comes_nearer_is_kept_and_built_upon() -> None:
    table = Table(lambda parts, _: {"two", "three"} <= parts, lambda parts: 0.9 if "three" in parts else 0.0)

    found = search(table)

    assert chosen_parts(found) == {"two", "three"}
    kept = [step.text.partition(":")[0] for step in found.path if step.kept]
    assert kept[:3] == ["as it is", "+ three", "+ two"]


def test_a_needless_part_is_taken_out_and_a_needed_one_stays() -> None:
    found = search(Table(lambda parts, _: "needed" in parts), ("both",))

    assert chosen_parts(found) == {"needed"}
    assert any(step.text.startswith("without training.needless") and step.kept for step in found.path)
    assert any(step.text.startswith("without training.needed") and not step.kept for step in found.path)


def test_what_came_on_the_way_and_is_not_needed_in_the_end_is_taken_out() -> None:
    table = Table(lambda parts, _: "two" in parts and ("one" in parts or "slow-gates" in parts), lambda parts: 0.3 * len(parts))

    found = search(table, ("one", "gates", "two"))

    assert chosen_parts(found) in ({"one", "two"}, {"slow-gates", "two"})


def test_parts_either_of_which_is_needless_are_not_both_taken_out() -> None:
    found = search(Table(lambda parts, _: bool(parts & {"needed", "needless"})), ("both",))

    assert len(chosen_parts(found) or ()) == 1


def test_a_part_without_which_skill_is_lost_stays() -> None:
    def attempt(arms: Sequence[Arm], seeds: Sequence[int]) -> list[list[Trial]]:
        def one(arm: Arm, seed: int) -> Trial:
            parts = parts_of(arm)
            skill = 0.9 if len(parts) == 2 else 0.5
            return trial(arm, seed, {**WELL, "HD105.skill": skill} if parts else FLAT, healthy=bool(parts))

        return [[one(arm, seed) for seed in seeds] for arm in arms]

    found = Search(attempt=attempt, remedies={"both": REMEDIES["both"]}, seeds=(0, 1), max_arms=20).run()

    assert chosen_parts(found) == {"needed", "needless"}
    assert any(step.text.endswith("less well") for step in found.path)


def test_a_cure_with_the_first_seed_alone_is_no_cure() -> None:
    found = search(Table(lambda parts, seed: "one" in parts and seed == 0))

    assert found.chosen is None
    assert any("healthy with 1 of 2 seeds" in step.text and not step.kept for step in found.path)


def test_after_a_cure_that_did_not_hold_the_search_goes_on_with_all_seeds() -> None:
    found = search(Table(lambda parts, seed: "one" in parts and (seed == 0 or "four" in parts)))

    assert chosen_parts(found) == {"one", "four"}


def test_the_whole_is_chosen_where_its_pruned_part_does_not_hold() -> None:
    found = search(Table(lambda parts, seed: "needed" in parts and (seed == 0 or "needless" in parts)), ("both",))

    assert chosen_parts(found) == {"needed", "needless"}


def test_one_seed_is_enough_where_no_more_are_asked_for() -> None:
    assert chosen_parts(search(Table(lambda parts, _: "two" in parts), seeds=1)) == {"two"}


def test_where_nothing_helps_everything_is_tried_once_and_nothing_chosen() -> None:
    table = Table(lambda *_: False)

    found = search(table)

    assert (found.chosen, found.untried) == (None, ())
    assert len(found.arms) == 1 + 4 + 6  # as it is, each alone, each pair
    assert len(table.asked) == len(set(table.asked))


def test_an_arm_that_cannot_be_trained_does_not_end_the_search() -> None:
    def attempt(arms: Sequence[Arm], seeds: Sequence[int]) -> list[list[Trial]]:
        table = Table(lambda parts, _: "two" in parts)
        trials = table(arms, seeds)
        return [
            [trial(arm, seed, failed="no place") for seed in seeds] if "one" in parts_of(arm) else done
            for arm, done in zip(arms, trials, strict=True)
        ]

    found = Search(attempt=attempt, remedies=REMEDIES, seeds=(0, 1), max_arms=20).run()

    assert chosen_parts(found) == {"two"}
    assert any("could not be trained: no place" in step.text for step in found.path)


def test_the_budget_of_arms_says_what_was_not_tried() -> None:
    found = search(Table(lambda parts, _: "four" in parts), max_arms=3)

    assert found.chosen is None
    assert len(found.arms) == 3
    assert "four (never)" in found.untried
    assert any(text.endswith("(no budget left)") for text in found.untried)


def test_no_arm_is_begun_that_would_not_end_in_time() -> None:
    table = Table(lambda *_: False)

    found = search(table, deadline=time.monotonic() + 60, seconds=lambda arm: 1e4 if "one" in arm.remedies else 1.0)

    assert all("one" not in arm.remedies for arm in found.arms)
    assert "one (no budget left)" in found.untried
    assert "one (never)" in found.untried
    assert {"two", "three", "four"} <= {arm.title for arm in found.arms}


def test_a_deadline_that_has_passed_leaves_the_run_as_it_is() -> None:
    found = search(Table(lambda parts, _: bool(parts)), deadline=time.monotonic() - 1)

    assert [arm.title for arm in found.arms] == ["as it is"]
    assert found.chosen is None


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


@given(tables())
def test_a_cure_that_holds_alone_is_never_missed(table: Table) -> None:
    alone = [name for name in NAMES if all(table.cures(frozenset({name}), seed) for seed in range(2))]

    assert search(table).chosen is not None or not alone
