from __future__ import annotations

from dataclasses import replace

from humouse_doctor.core.probe import Judgement, ProbeResult, Status
from humouse_doctor.core.remedy import CodeChange, Edit, Remedy, RemedyStatus
from humouse_doctor.core.spec import Activation, Architecture
from humouse_doctor.remedies import catalogue
from humouse_doctor.remedies.choice import choose, companions
from tests import builders

CASE = builders.collapsed_case()
FIX_A = catalogue.normalised_positions(CASE)
LATENT = catalogue.undistorted_latent(CASE)
SLOW = catalogue.slow_gates(CASE)
STILL = ProbeResult(code="HD203", status=Status.HEALTHY, judgement=Judgement.HEALTHY, measurements={"input_time_share": 0.0})
REPEATED = {"HD203": STILL}


def ids(*offered: tuple[Remedy, ...]) -> list[str]:
    return [remedy.id for remedy in choose({str(at): some for at, some in enumerate(offered)}, CASE)]


def test_the_patch_has_the_first_usable_remedy_of_each_cause() -> None:
    refused = replace(FIX_A, status=RemedyStatus.REFUSED)
    raw = replace(LATENT, id="raw-deltas", edits=(Edit(key="data.normalize_sequences", old=True, new=False),))

    assert ids((refused, raw), (SLOW,)) == ["raw-deltas", "slow-gates"]


def test_what_changes_nothing_in_this_run_is_passed_over() -> None:
    nothing = Remedy(id="linear-head", title="", why="")

    assert ids((nothing, SLOW)) == ["slow-gates"]


def test_two_answers_to_one_question_are_not_both_given() -> None:
    other = Remedy(id="delta-space", title="", why="", edits=(Edit(key="training.absolute_coordinates", old=True, new=False),))

    assert ids((FIX_A,), (other,)) == ["normalised-positions"]
    assert ids((SLOW,), (catalogue.time_input(CASE),)) == ["slow-gates"]


def test_a_remedy_all_of_whose_changes_another_makes_is_not_repeated() -> None:
    assert set(LATENT.edits) < set(FIX_A.edits)
    assert ids((FIX_A,), (LATENT,)) == ["normalised-positions"]
    assert ids((LATENT,), (FIX_A,)) == ["undistorted-latent", "normalised-positions"]


def test_slow_gates_come_beside_the_rest_where_the_latent_is_repeated_and_the_gates_start_fast() -> None:
    assert [one.id for one in companions([FIX_A], CASE, REPEATED)] == ["slow-gates"]
    assert companions([FIX_A, SLOW], CASE, REPEATED) == ()
    assert companions([catalogue.time_input(CASE)], CASE, REPEATED) == ()
    assert companions([FIX_A], CASE, {}) == ()
    tcn = replace(CASE, network=builders.network(Activation.TANH, architecture=Architecture.TCN))
    assert companions([FIX_A], tcn, REPEATED) == ()
    moving = {"HD203": replace(STILL, measurements={"input_time_share": 0.4})}
    assert companions([FIX_A], CASE, moving) == ()


def test_more_steps_are_offered_only_where_nothing_else_is() -> None:
    assert [one.id for one in companions([], CASE, {})] == ["longer-warm-up-4x"]


def test_positions_of_unit_scale_are_not_scored_again() -> None:
    assert CASE.data is not None
    unit = replace(CASE, data=replace(CASE.data, position_mean=(0.05, -0.02), position_std=(1.05, 0.98)))
    shifted = replace(CASE, data=replace(CASE.data, position_mean=(0.5, 0.0), position_std=(1.0, 1.0)))

    assert catalogue.unit_scale(unit).id == "linear-head"
    assert CodeChange.NORMALISED_POSITIONS not in catalogue.unit_scale(unit).code_changes
    assert "model.generator.activation_xy" in {edit.key for edit in catalogue.unit_scale(unit).edits}
    assert catalogue.unit_scale(shifted).id == "normalised-positions"
    assert catalogue.unit_scale(CASE).id == "normalised-positions"
