from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.core.outcome import Arm
from humouse_doctor.core.remedy import CodeChange, Edit, Remedy, RemedyStatus
from humouse_doctor.core.spec import Activation, Architecture
from humouse_doctor.remedies.candidates import can_be_tried, candidates, goes_with, together, without
from tests import builders
from tests.verify.builders import HEAD, SET, WHITENING

EDIT = Edit(key="training.reconstruction_epochs", old=5, new=20)
CASE = builders.collapsed_case()


def of(architecture: Architecture | None) -> list[str]:
    return list(candidates(replace(CASE, network=builders.network(Activation.TANH, architecture=architecture))))


def test_each_architecture_has_the_remedies_that_fit_it() -> None:
    lstm, tcn, seq2seq = (of(architecture) for architecture in (Architecture.LSTM, Architecture.TCN, Architecture.SEQ2SEQ))

    assert lstm[0] == tcn[0] == "undistorted-latent"
    assert {"slow-gates", "time-input", "normalised-positions", "seq2seq"} <= set(lstm)
    assert not {"slow-gates", "time-input"} & set(tcn)
    assert {"slow-gates"} < set(seq2seq)
    assert not {"undistorted-latent", "normalised-positions", "time-input", "delta-space", "seq2seq"} & set(seq2seq)
    for found in (lstm, tcn, seq2seq):
        assert {"longer-warm-up-4x", "longer-warm-up-16x", "slower-rate", "faster-rate"} <= set(found)


def test_every_candidate_can_be_tried_and_changes_something() -> None:
    for name, remedy in candidates(CASE).items():
        assert remedy.id == name
        assert can_be_tried(remedy)
        assert together([remedy]).key


PLAIN = Remedy(id="x", title="", why="", edits=(EDIT,))


@pytest.mark.parametrize(
    ("remedy", "can"),
    [
        (PLAIN, True),
        (replace(PLAIN, status=RemedyStatus.REFUSED), False),
        (replace(PLAIN, edits=()), False),
        (replace(PLAIN, code_hint="do it by hand"), False),
        (replace(PLAIN, code_hint="do it by hand", code_changes=(CodeChange.SLOW_GATES,)), True),
        (replace(PLAIN, edits=(), code_changes=(CodeChange.SLOW_GATES,)), True),
        (replace(PLAIN, id="warm-start"), False),
        (replace(PLAIN, id="honour-contract"), False),
        (replace(PLAIN, id="keep-warm-up"), False),
    ],
)
def test_a_remedy_can_be_tried_where_a_trial_makes_all_of_it(remedy: Remedy, can: bool) -> None:
    assert can_be_tried(remedy) is can


def test_of_two_edits_of_one_key_the_later_holds() -> None:
    later = replace(PLAIN, id="y", edits=(replace(EDIT, new=80),), code_changes=(CodeChange.SLOW_GATES,))

    arm = together([PLAIN, later])

    assert (arm.title, arm.remedies) == ("x + y", ("x", "y"))
    assert arm.edits == later.edits
    assert arm.code_changes == (CodeChange.SLOW_GATES,)


@given(st.sets(st.sampled_from(sorted(candidates(CASE))), max_size=4))
def test_a_set_has_all_its_remedies_change_and_nothing_twice(names: set[str]) -> None:
    chosen = [candidates(CASE)[name] for name in sorted(names)]

    arm = together(chosen)

    keys = [edit.key for edit in arm.edits]
    assert len(set(keys)) == len(keys)
    assert set(keys) == {edit.key for remedy in chosen for edit in remedy.edits}
    assert set(arm.code_changes) == {change for remedy in chosen for change in remedy.code_changes}
    assert len(set(arm.code_changes)) == len(arm.code_changes)


def test_different_answers_to_one_question_do_not_go_together() -> None:
    for first, second in itertools.permutations(("normalised-positions", "delta-space", "raw-deltas", "seq2seq"), 2):
        assert not goes_with(first, (second,))
    assert not goes_with("time-input", ("undistorted-latent", "slow-gates"))
    assert not goes_with("slow-gates", ("slow-gates",))
    assert not goes_with("slower-rate", ("faster-rate",))
    assert goes_with("slow-gates", ("normalised-positions", "undistorted-latent"))
    assert goes_with("slow-gates", ())


def test_an_arm_without_one_part_has_all_the_others() -> None:
    assert without(SET, HEAD).edits == (WHITENING,)
    assert without(SET, HEAD).code_changes == SET.code_changes
    assert without(SET, CodeChange.SLOW_GATES).code_changes == (CodeChange.NORMALISED_POSITIONS,)
    assert without(SET, CodeChange.SLOW_GATES).edits == SET.edits
    assert without(without(SET, HEAD), WHITENING).key == Arm(title="", code_changes=SET.code_changes).key


def test_the_title_of_an_arm_without_a_part_names_what_is_left_and_not_what_was_removed() -> None:
    assert without(SET, HEAD).title == "normalised-positions + slow-gates + training.warmup_latent_normalize=false"
    only = without(without(SET, HEAD), CodeChange.NORMALISED_POSITIONS)
    assert only.title == "slow-gates + training.warmup_latent_normalize=false"
