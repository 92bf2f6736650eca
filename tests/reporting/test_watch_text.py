from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from humouse_doctor.core.verdict import Verdict
from humouse_doctor.core.watching import Beginning, Ending, Moment, Watched
from humouse_doctor.reporting import watch_text

if TYPE_CHECKING:
    from tests.conftest import Golden

_STEPS = 40


def _watched(*, sick: bool, ended: bool = False, loss: bool = True) -> Watched:
    moments = []
    for number in range(1, 31):
        now = Verdict.COLLAPSED if sick or number < 8 else Verdict.HEALTHY
        ratio = 0.001 * number if sick else number / 30
        moments.append(
            Moment(
                step=number,
                now=now,
                outlook=(Verdict.COLLAPSED if number >= 12 else Verdict.UNDETERMINED) if sick or number < 8 else now,
                causes=("HD201", "HD203") if sick else (),
                measures={"spread": ratio, "movement": ratio / 2, "variety": ratio, "late movement": ratio / 3},
                loss=300 - number if loss else None,
            )
        )
    beginning = Beginning(tool_version="0", generator="Paths", steps=_STEPS, every=1, best_constant=301.5, motionless=120.25)
    ending = Ending(step=_STEPS, verdict=moments[-1].now, sentence="Paths are what they should be.") if ended else None
    return Watched(beginning=beginning, moments=tuple(moments), ending=ending)


@pytest.mark.parametrize("width", [80, 120])
def test_a_screen_says_how_it_stands_and_how_it_came_there(width: int, golden: Golden) -> None:
    shown = [
        watch_text.render(_watched(sick=True), width=width, colour=False),
        watch_text.render(_watched(sick=False, ended=True, loss=False), width=width, colour=False),
    ]

    assert all(len(line) <= width for text in shown for line in text.splitlines())
    golden(f"watch-{width}.txt", "\n".join(shown))


def test_before_the_first_look_it_says_when_that_is() -> None:
    watched = Watched(beginning=Beginning(tool_version="0", generator="Paths", steps=None, every=50), moments=())

    shown = watch_text.render(watched, width=80, colour=False)

    assert shown.splitlines() == ["TOO EARLY TO SAY  Paths, no step yet", "The first look is at step 50."]
    assert watch_text.line(watched) == "no glance yet"


def test_lines_of_a_log_end_with_the_answer() -> None:
    assert watch_text.line(_watched(sick=True)) == (
        "step 30 of 40: collapsed; spread 0.03, movement 0.015, variety 0.03, late movement 0.01; HD201, HD203"
    )
    assert watch_text.answer(_watched(sick=True)) == ""
    assert watch_text.answer(_watched(sick=False, ended=True)) == "healthy at step 40: Paths are what they should be."


def test_a_hostile_file_cannot_command_the_terminal() -> None:
    watched = Watched(
        beginning=Beginning(tool_version="0", generator="\x1b[2JPaths", steps=None, every=1),
        moments=(
            Moment(
                step=1,
                now=Verdict.HEALTHY,
                outlook=Verdict.HEALTHY,
                causes=("HD999",),
                measures={"\x1b]0;x\x07": 1.0, "spread": -5.0},
                loss=-1.0,
            ),
        ),
        ending=Ending(step=1, verdict=Verdict.HEALTHY, sentence="::error::\x1b[31mred"),
    )

    for text in (watch_text.render(watched, width=80, colour=False), watch_text.line(watched), watch_text.answer(watched)):
        assert "\x1b" not in text
