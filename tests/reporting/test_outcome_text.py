from __future__ import annotations

import re
from dataclasses import replace

import pytest

from humouse_doctor.core.outcome import AS_IT_IS, Arm, Effect, Outcome, Step
from humouse_doctor.core.remedy import Edit
from humouse_doctor.core.text import two_digits
from humouse_doctor.reporting import outcome_screen, outcome_text
from tests.conftest import Golden
from tests.verify.builders import GATES, LONGER, SET, arm_outcome, base_outcome, outcome, searched

UNTRIED = ("seq2seq: --max-arms 3 was reached", "slow-gates + longer-warm-up-4x: no time was left in --budget")
WARM_START = (
    "start.pt: warm start: normalised-positions, seed 1, 64 steps; healthy",
    "read back, it gives the trial's numbers",
)

#: The outcomes rendered, by the names of their golden files.
OUTCOMES = {
    "outcome-cured.txt": replace(searched(), warm_start=WARM_START),
    "outcome-nothing.txt": replace(outcome(base_outcome(healthy=3)), shortened=()),
    "outcome-no-cure.txt": replace(
        outcome(
            base_outcome(),
            arm_outcome(GATES, Effect.BETTER, after=0.2, distance=0.6),
            replace(arm_outcome(LONGER, Effect.WORSE, after=0.001, distance=0.95), gain=None),
            replace(
                arm_outcome(SET, None, distance=1.0), seeds=0, gain=None, changes=(), notes=("seed 0: the data has 16 steps",)
            ),
            path=(Step(arm="", text="as it is: spread 0.01, movement 0.01, motion skill -0.5", kept=True),),
        ),
        untried=UNTRIED,
    ),
    "outcome-one-seed.txt": outcome(
        base_outcome(seeds=1), arm_outcome(LONGER, Effect.CURED, seeds=1, distance=0.0), chosen=LONGER, seeds=1
    ),
}


@pytest.mark.parametrize("name", sorted(OUTCOMES))
def test_the_text_is_as_it_was(golden: Golden, name: str) -> None:
    rendered = outcome_text.render(OUTCOMES[name])

    golden(name, rendered)
    assert max(len(line) for line in rendered.splitlines()) <= 80


@pytest.mark.parametrize("name", sorted(OUTCOMES))
def test_the_screen_is_as_it_was(golden: Golden, name: str) -> None:
    rendered = outcome_screen.render(OUTCOMES[name], following=("humouse-doctor show x.json",))

    golden(name.replace("outcome-", "outcome-screen-"), rendered)
    assert max(len(line) for line in rendered.splitlines()) <= 80
    assert rendered.splitlines()[-1] == "humouse-doctor show x.json"


@pytest.mark.parametrize("name", sorted(OUTCOMES))
def test_one_line_has_the_answer(name: str) -> None:
    (line,) = outcome_screen.one_line(OUTCOMES[name], width=60, colour=False).splitlines()

    assert line == f"{outcome_text.answer(OUTCOMES[name])}  conf/run.yaml  {outcome_text.sentence(OUTCOMES[name])}"


def test_a_screen_has_five_arms_and_says_how_many_there_are_more() -> None:
    arms = [
        arm_outcome(
            Arm(title=f"arm {number}", edits=(Edit(key="training.reconstruction_epochs", old=0, new=number),)),
            Effect.BETTER,
            distance=0.1 * number,
        )
        for number in range(1, 8)
    ]
    many = replace(outcome(base_outcome(), *arms), untried=tuple(f"other {number}: no time" for number in range(5)))

    rendered = outcome_screen.render(many)
    cured = outcome_screen.render(replace(many, chosen=arms[-1].arm.key))

    assert [line.split(":")[0].split()[-1] for line in cured.splitlines() if "not cured  arm" in line] == ["7", "1", "2", "3"]
    assert [line.split(":")[0].split()[-1] for line in rendered.splitlines() if "not cured  arm" in line] == [
        "1",
        "2",
        "3",
        "4",
    ]
    assert "and 3 further arms, by --full" in rendered
    assert "not tried: 2 more, by --full" in rendered


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("name", sorted(OUTCOMES))
def test_no_line_is_wider_than_asked(name: str, width: int) -> None:
    long = replace(OUTCOMES[name], config="a/very/long/path/" * 12 + "x.yaml")

    for rendered in (outcome_text.render(long, width=width), outcome_screen.render(long, width=width)):
        assert max(len(line) for line in rendered.splitlines()) <= width


@pytest.mark.parametrize("name", sorted(OUTCOMES))
def test_colour_changes_nothing_but_colour(name: str) -> None:
    coloured = outcome_text.render(OUTCOMES[name], colour=True)

    assert "\x1b[" in coloured
    plain = re.sub(r" +$", "", re.sub(r"\x1b\[[0-9;]*m", "", coloured), flags=re.MULTILINE)
    assert plain == outcome_text.render(OUTCOMES[name])


def test_hostile_names_come_out_as_harmless_text() -> None:
    name = "x\x1b[2J\u202e[bold]\ud800"
    arm = Arm(title=name, edits=(Edit(key=name, old=name, new=name),))
    hostile = replace(
        outcome(base_outcome(), replace(arm_outcome(arm, Effect.CURED), notes=(name,)), chosen=arm),
        config=name,
        config_prefix=name,
        shortened=(name,),
        path=(Step(arm="", text=name, kept=True),),
        untried=(name,),
        warm_start=(name,),
        hints=(name,),
    )

    for rendered in (
        outcome_text.render(hostile),
        outcome_screen.render(hostile),
        outcome_screen.one_line(hostile, width=80, colour=False),
    ):
        assert "\x1b" not in rendered
        assert "\u202e" not in rendered
        assert "[bold]" in rendered
        rendered.encode("utf-8")


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (searched(), "Cured in 3 of 3 trials by normalised-positions + slow-gates."),
        (
            outcome(base_outcome(healthy=3)),
            "This warm-up does not collapse as it is, in any of its trials: there is nothing to cure.",
        ),
        (outcome(base_outcome()), "This warm-up collapses as it is; no change of it was tried."),
        (
            outcome(base_outcome(), arm_outcome(GATES, Effect.BETTER)),
            "No cure in 1 arm; slow-gates helps most.",
        ),
        (
            outcome(base_outcome(), arm_outcome(GATES, Effect.NO_EFFECT)),
            "No cure in 1 arm, and none that helps.",
        ),
        (
            replace(
                outcome(base_outcome(), replace(arm_outcome(GATES, Effect.CURED), healthy_seeds=1)), untried=("b: no time",)
            ),
            (
                "No cure is certain yet: the search ended when slow-gates had been healthy with 1 of 3 seeds;"
                " the rest had not ended."
            ),
        ),
        (
            outcome(replace(base_outcome(seeds=0), notes=("seed 0: no disk",))),
            "The run as it is could not be trained: seed 0: no disk.",
        ),
        (outcome(), "The run as it is could not be trained: nothing was tried."),
    ],
)
def test_the_answer_is_one_sentence(of: Outcome, said: str) -> None:
    assert outcome_text.sentence(of) == said
    assert said.split()[0] in outcome_text.render(of)


def test_the_best_arm_is_named_wherever_it_stands() -> None:
    worse = arm_outcome(LONGER, Effect.BETTER, distance=0.5)
    best = arm_outcome(GATES, Effect.BETTER, distance=0.2)

    assert "slow-gates helps" in outcome_text.sentence(outcome(base_outcome(), worse, best))


def test_a_value_that_is_inserted_and_one_that_is_changed_read_differently() -> None:
    rendered = outcome_text.render(searched())

    assert "  experiment.model.generator.activation_xy: 'tanh' -> 'linear'" in rendered.splitlines()
    assert "  experiment.training.warmup_latent_normalize: insert false" in rendered.splitlines()


def test_a_gain_is_shown_as_the_change_of_the_distance() -> None:
    assert "distance from health 0.90 -> 0.00, by -1.00 to -0.75 (95 %)" in outcome_text.render(searched())


def test_the_run_as_it_is_shows_its_numbers_once() -> None:
    rows = outcome_text.render(outcome(base_outcome())).splitlines()

    (row,) = [number for number, line in enumerate(rows) if AS_IT_IS.title in line and line.startswith("  -")]
    assert rows[row + 1].split(",")[0] == "    spread 0.01"


def test_an_arm_that_is_not_healthy_says_what_is_furthest_from_it() -> None:
    rendered = " ".join(outcome_text.render(OUTCOMES["outcome-no-cure.txt"]).split())

    assert "furthest from health: spread (HD101.spread_ratio) is 0.01, healthy is 0.5 to 4" in rendered


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (outcome(base_outcome()), True),
        (replace(outcome(base_outcome()), steps=128), False),
        (replace(outcome(base_outcome()), own_steps=None), False),
        (searched(), False),
        (outcome(base_outcome(healthy=3)), False),
    ],
    ids=["shortened", "whole", "unknown", "cured", "nothing to cure"],
)
def test_trials_without_a_cure_that_are_short_advise_the_whole_warm_up(of: Outcome, *, said: bool) -> None:
    assert ("--steps 128 (or a longer --budget)" in " ".join(outcome_text.render(of).split())) is said


def test_the_run_as_it_is_comes_first_and_then_the_healthiest() -> None:
    of = OUTCOMES["outcome-cured.txt"]
    shuffled = replace(of, arms=tuple(reversed(of.arms)))

    titles = [line.split()[-7] for line in outcome_text.render(of).splitlines() if "healthy with" in line and "seeds)" in line]

    assert outcome_text.render(shuffled) == outcome_text.render(of)
    assert titles[0] == "is"
    assert "Arms, as it is first, then by health" in outcome_text.render(of)


def test_a_small_number_is_never_printed_as_zero() -> None:
    assert [two_digits(value) for value in (2e-05, -0.002, 0.0, 0.5, 123.4)] == [
        "2e-05",
        "-0.002",
        "0.00",
        "0.50",
        "123",
    ]
