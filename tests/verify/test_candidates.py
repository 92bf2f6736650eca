from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.core.outcome import Arm
from humouse_doctor.core.remedy import CodeChange, Edit, Remedy, RemedyStatus
from humouse_doctor.core.settings import Value
from humouse_doctor.core.spec import Activation, Architecture
from humouse_doctor.remedies.arms import part_names, together, with_parts
from humouse_doctor.remedies.candidates import bundle, can_be_tried, candidates, goes_with, swapped
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


def test_the_parts_of_an_arm_are_its_levers() -> None:
    assert part_names(SET) == ("space", "drive", "head", "latent")
    assert part_names(Arm(title="", edits=(Edit(key="another.key", old=0, new=1),))) == ("another.key",)


def test_an_arm_with_some_of_its_parts_has_no_others_and_is_called_by_what_is_left() -> None:
    remedies = {
        "normalised-positions": replace(PLAIN, edits=(HEAD, WHITENING), code_changes=(CodeChange.NORMALISED_POSITIONS,)),
        "slow-gates": replace(PLAIN, id="slow-gates", edits=(), code_changes=(CodeChange.SLOW_GATES,)),
    }
    remedies["normalised-positions"] = replace(remedies["normalised-positions"], id="normalised-positions")

    left = with_parts(SET, {"drive", "latent"}, remedies)

    assert (left.edits, left.code_changes) == ((WHITENING,), (CodeChange.SLOW_GATES,))
    assert left.title == "slow-gates + training.warmup_latent_normalize = false"
    assert left.remedies == ("normalised-positions", "slow-gates")
    assert with_parts(SET, {"space", "head", "latent", "drive"}, remedies).title == "normalised-positions + slow-gates"
    assert with_parts(SET, {"drive"}, remedies).remedies == ("slow-gates",)


def test_the_bundle_has_the_first_of_alternatives_and_no_other_rate() -> None:
    names = [remedy.id for remedy in bundle(CASE)]

    assert {"undistorted-latent", "slow-gates", "normalised-positions"} <= set(names)
    assert not {"time-input", "delta-space", "seq2seq", "faster-rate", "slower-rate"} & set(names)
    assert sum(name.startswith("longer") for name in names) <= 1


@pytest.mark.parametrize(("epochs", "longer"), [(1, "longer-warm-up-16x"), (10, "longer-warm-up-10x"), (100, None)])
def test_the_bundle_warms_up_for_enough_steps_and_not_longer(epochs: int, longer: str | None) -> None:
    case = builders.collapsed_case()  # 1,000 sequences in batches of 64: 16 steps an epoch
    data = replace(case.data, usable=1000, taken=1000, total=1000) if case.data else None
    changed: dict[str, Value] = {"training.lr.generator": 1e-3, "training.reconstruction_epochs": epochs, "data.batch_size": 64}

    names = [remedy.id for remedy in bundle(replace(case, data=data, settings=builders.settings(changed)))]

    assert [name for name in names if name.startswith("longer")] == ([] if longer is None else [longer])


@pytest.mark.parametrize(
    ("rate", "epochs", "longer", "usual"),
    [
        (2e-4, 10, "longer-warm-up-2x", True),  # five times the rate for five times the steps
        (2e-4, 100, None, False),  # long enough as it is
        (1e-3, 10, "longer-warm-up-10x", False),
        (0.3, 10, "longer-warm-up-10x", True),  # too high
        (1e-5, 100, None, True),  # far too low
    ],
)
def test_the_bundle_prefers_a_higher_rate_to_many_more_steps(rate: float, epochs: int, longer: str | None, usual: bool) -> None:
    data = replace(CASE.data, usable=1000, taken=1000, total=1000) if CASE.data else None
    changed: dict[str, Value] = {
        "training.reconstruction_epochs": epochs,
        "data.batch_size": 64,
        "training.lr.generator": rate,
    }

    names = [remedy.id for remedy in bundle(replace(CASE, data=data, settings=builders.settings(changed)))]

    assert [name for name in names if name.startswith("longer")] == ([] if longer is None else [longer])
    assert ("usual-rate" in names) is usual


def test_a_remedy_takes_the_place_of_its_alternative() -> None:
    assert swapped(("normalised-positions", "slow-gates"), "time-input") == ("normalised-positions", "time-input")
    assert swapped(("longer-warm-up-4x",), "longer-warm-up-16x") == ("longer-warm-up-16x",)
    assert swapped(("slow-gates",), "usual-rate") == ("slow-gates", "usual-rate")


def test_another_architecture_is_tried_alone_and_not_with_everything_else() -> None:
    assert "seq2seq" in candidates(CASE)
    assert "seq2seq" not in {remedy.id for remedy in bundle(CASE)}
