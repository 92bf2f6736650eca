from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from humouse_doctor.core.errors import ExitCode
from humouse_doctor.core.outcome import AS_IT_IS, Arm, Effect, Outcome
from humouse_doctor.core.remedy import CodeChange, Edit
from tests.verify.builders import GATES, SET, arm_outcome, base_outcome, outcome, searched

EDITS = (
    Edit(key="training.a", old=1, new=2),
    Edit(key="training.b", old=None, new="2"),
    Edit(key="data.c", old=True, new=False),
)


def test_the_key_is_the_same_in_whatever_order_an_arm_was_put_together() -> None:
    changes = (CodeChange.SLOW_GATES, CodeChange.NORMALISED_POSITIONS)
    keys = {
        Arm(title=str(edits), edits=edits, code_changes=order).key
        for edits in itertools.permutations(EDITS)
        for order in itertools.permutations(changes)
    }

    assert len(keys) == 1


def test_the_key_tells_apart_what_is_not_the_same_variant() -> None:
    number, text = Edit(key="training.b", old=None, new=2), Edit(key="training.b", old=None, new="2")
    arms = [Arm(title="", edits=(number,)), Arm(title="", edits=(text,)), Arm(title="", edits=(number, EDITS[0])), GATES, SET]

    assert len({arm.key for arm in arms} | {AS_IT_IS.key}) == 6


def test_only_what_an_arm_changes_makes_its_key() -> None:
    one = Arm(title="x", remedies=("y",), edits=(Edit(key="training.a", old=1, new=2, absent=True),))

    assert one.key == Arm(title="", edits=(EDITS[0],)).key
    assert AS_IT_IS.key == Arm(title="another name", remedies=("y",)).key == ""


def test_arms_are_found_by_their_key() -> None:
    found = searched()

    assert found.base == base_outcome()
    assert found.arm(GATES.key) == arm_outcome(GATES, Effect.BETTER, after=0.2, distance=0.6)
    assert found.arm(None) is None
    assert found.arm("training.nothing=1") is None


@pytest.mark.parametrize(
    ("of", "code"),
    [
        (searched(), ExitCode.CLEAN),
        (outcome(base_outcome(healthy=3)), ExitCode.CLEAN),
        (outcome(base_outcome(healthy=2)), ExitCode.FINDINGS),
        (outcome(base_outcome(), arm_outcome(GATES, Effect.BETTER)), ExitCode.FINDINGS),
        (replace(searched(), chosen=None), ExitCode.FINDINGS),
        (outcome(base_outcome(seeds=0)), ExitCode.INPUT),
        (outcome(), ExitCode.INPUT),
    ],
)
def test_the_exit_code_says_whether_there_is_something_left_to_cure(of: Outcome, code: ExitCode) -> None:
    assert of.exit_code() is code
