from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from humouse_doctor.core.outcome import Arm, Effect, Outcome
from humouse_doctor.core.remedy import CodeChange, Edit, Remedy, RemedyStatus
from humouse_doctor.core.report import Report
from humouse_doctor.diagnosis.sentence import as_sentence
from humouse_doctor.inputs.config import reader
from humouse_doctor.reporting import text
from humouse_doctor.stored import report as json_report
from humouse_doctor.verify.marks import config_values, mark
from tests.reporting.builders import FIX_A, FIX_B, LONGER, collapsed
from tests.verify.builders import GATES, HEAD, SET, WHITENING, arm_outcome, base_outcome, outcome
from tests.verify.runs import write_config

NORMALISED = replace(FIX_A, code_changes=(CodeChange.NORMALISED_POSITIONS,))
SLOW = Remedy(id="slow-gates", title="Slow gates", why="", code_changes=(CodeChange.SLOW_GATES,))
SOME = replace(LONGER, edits=(Edit(key="training.reconstruction_epochs", old=5, new=20),))
REMEDIES = (NORMALISED, SLOW, FIX_B, SOME)


def report() -> Report:
    return replace(collapsed(), remedies=REMEDIES)


def alone(remedy: Remedy) -> Arm:
    return Arm(title=remedy.id, remedies=(remedy.id,), edits=remedy.edits, code_changes=remedy.code_changes)


def marked(of: Outcome, name: str) -> Remedy:
    return next(remedy for remedy in mark(report(), of).remedies if remedy.id == name)


@pytest.mark.parametrize(
    ("effect", "status"),
    [
        (Effect.CURED, RemedyStatus.CONFIRMED),
        (Effect.BETTER, RemedyStatus.HELPFUL),
        (Effect.NO_EFFECT, RemedyStatus.REFUTED),
        (Effect.WORSE, RemedyStatus.REFUTED),
    ],
)
def test_a_remedy_is_marked_by_what_it_did_alone(effect: Effect, status: RemedyStatus) -> None:
    found = marked(outcome(base_outcome(), arm_outcome(alone(SLOW), effect)), "slow-gates")

    healthy, steps = (3, 24) if effect is Effect.CURED else (0, 64)  # the outcome holds trials of a cure alone
    assert found.status is status
    assert found.trial == (
        f"alone: {effect.value}, healthy with {healthy} of 3 seeds after {steps} steps"
        " (spread 0.01 -> 0.90, movement 0.01 -> 0.90, skill 0.01 -> 0.90, motion skill 0.01 -> 0.90)"
    )


def test_the_causes_that_trials_confirmed_come_first_and_those_refuted_last() -> None:
    before = report()
    before = replace(before, sentence=f"Of old. {as_sentence(before.causes[0].message)}")
    first, *others = before.causes
    tried = replace(outcome(base_outcome()), confirmed=(others[-1].code,), refuted=(first.code,))

    after = mark(before, tried)

    assert len(before.causes) > 1
    assert (after.causes[0].code, after.causes[0].trial) == (others[-1].code, RemedyStatus.CONFIRMED)
    assert (after.causes[-1].code, after.causes[-1].trial) == (first.code, RemedyStatus.REFUTED)
    assert [cause.trial for cause in after.causes[1:-1]] == [None] * (len(others) - 1)
    assert after.sentence == f"Of old. {as_sentence(others[-1].message)}"


def test_one_that_was_not_tried_or_whose_trial_failed_stays_as_it_was() -> None:
    assert marked(outcome(base_outcome()), "slow-gates") == SLOW
    assert marked(outcome(base_outcome(), arm_outcome(alone(SLOW), None)), "slow-gates") == SLOW


def test_one_that_was_only_tried_beside_others_stays_as_it_was() -> None:
    assert marked(outcome(base_outcome(), arm_outcome(SET, Effect.BETTER)), "slow-gates") == SLOW


def test_a_refused_remedy_stays_refused() -> None:
    assert marked(outcome(base_outcome(), arm_outcome(alone(FIX_B), Effect.CURED), chosen=alone(FIX_B)), FIX_B.id) == FIX_B


def test_parts_of_the_set_that_cures_are_confirmed_and_name_the_others() -> None:
    of = outcome(
        base_outcome(), arm_outcome(SET, Effect.CURED), arm_outcome(alone(SLOW), Effect.NO_EFFECT, after=0.02), chosen=SET
    )

    slow, normalised = marked(of, "slow-gates"), marked(of, "normalised-positions")

    assert (slow.status, normalised.status) == (RemedyStatus.CONFIRMED, RemedyStatus.CONFIRMED)
    assert slow.trial is not None
    assert normalised.trial is not None
    assert slow.trial.startswith("alone: no effect, healthy with 0 of 3 seeds")
    assert "; cured together with normalised-positions: cured, healthy with 3 of 3 seeds" in slow.trial
    assert normalised.trial.startswith("cured together with slow-gates: cured")


def test_a_remedy_of_which_the_set_kept_nothing_is_not_confirmed() -> None:
    pruned = replace(SET, code_changes=(CodeChange.NORMALISED_POSITIONS,))

    assert marked(outcome(base_outcome(), arm_outcome(pruned, Effect.CURED), chosen=pruned), "slow-gates") == SLOW


def test_what_cures_alone_is_confirmed_by_its_own_numbers() -> None:
    of = outcome(base_outcome(), arm_outcome(alone(SLOW), Effect.CURED), chosen=alone(SLOW))

    found = marked(of, "slow-gates")

    assert found.status is RemedyStatus.CONFIRMED
    assert found.trial is not None
    assert found.trial.startswith("cured, healthy with 3 of 3 seeds")


def test_the_confirmed_cure_takes_the_place_of_the_patch() -> None:
    of = outcome(base_outcome(), arm_outcome(SET, Effect.CURED), chosen=SET)

    found = mark(report(), of)

    (cure,) = found.chosen_remedies
    assert found.patch == cure.edits == (HEAD, WHITENING)
    assert (cure.status, cure.code_changes) == (RemedyStatus.CONFIRMED, SET.code_changes)
    assert cure.code_hint == "compare with (positions - mean) / std"
    assert found.causes == report().causes


def test_without_a_cure_the_patch_is_the_diagnosis_own() -> None:
    found = mark(report(), outcome(base_outcome(), arm_outcome(GATES, Effect.BETTER)))

    assert (found.patch, found.cure) == (report().patch, None)
    assert [one.id for one in found.chosen_remedies] == [one.id for one in report().chosen_remedies]


def test_a_marked_report_is_rendered_and_read_again() -> None:
    of = outcome(base_outcome(), arm_outcome(SET, Effect.CURED), arm_outcome(alone(SOME), Effect.WORSE), chosen=SET)

    found = mark(report(), of)

    assert json_report.parse(json_report.render(found), "saved") == found
    rendered = " ".join(text.render(found).split())
    assert "confirmed" in rendered
    assert "refuted" in rendered


def test_values_make_the_digest_and_not_how_they_are_written(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    before = config_values(reader.read(config).settings)

    config.write_text("# a comment\n" + config.read_text(encoding="utf-8").replace("5.0e-3", "0.005"), encoding="utf-8")

    assert config_values(reader.read(config).settings) == before
    assert config_values(reader.read(config, ("training.reconstruction_epochs=6",)).settings) == before
    assert config_values(reader.read(config, ("training.reconstruction_epochs=7",)).settings) != before
