from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.reporting.terminal import bars, console_for, say, title, trimmed


def _printed(text: str, *, indent: int = 0, width: int = 20, colour: bool = False, style: str = "") -> str:
    stream = io.StringIO()
    say(console_for(stream, width=width, colour=colour), text, indent=indent, style=style)
    return trimmed(stream.getvalue())


def test_what_looks_like_markup_is_text() -> None:
    assert _printed("[bold]x[/] :smile: 3") == "[bold]x[/] :smile: 3\n"


def test_every_line_of_a_wrapped_text_is_indented() -> None:
    assert _printed("one two three four five", indent=4, width=16) == "    one two\n    three four\n    five\n"


def test_control_characters_are_spelled_out() -> None:
    assert _printed("a\x1b[2Jb\u202e") == "a\\x1b[2Jb\\u202e\n"


def test_colours_are_written_only_where_they_are_asked_for() -> None:
    assert "\x1b[31m" in _printed("x", colour=True, style="red")
    assert _printed("x", style="red") == "x\n"


@pytest.mark.parametrize("name", ["NO_COLOR", "FORCE_COLOR", "COLUMNS"])
def test_the_environment_decides_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, coloured = _printed("x" * 30, style="red"), _printed("x" * 30, style="red", colour=True)
    monkeypatch.setenv(name, "7")

    assert _printed("x" * 30, style="red") == plain
    assert _printed("x" * 30, style="red", colour=True) == coloured


def test_a_title_has_an_empty_line_before_it() -> None:
    stream = io.StringIO()

    title(console_for(stream, width=20, colour=False), "Causes")

    assert trimmed(stream.getvalue()) == "\nCauses\n"


def test_blanks_at_the_ends_of_lines_go_and_the_lines_stay() -> None:
    assert trimmed("a  \n\n  b \n") == "a\n\n  b\n"


def test_bars_are_as_high_as_their_share_of_the_top() -> None:
    assert bars([0, 1, 2, 3, 4, 5, 6, 7, 8], 8, 9) == "▁▂▃▄▅▆▇██"


def test_more_values_than_bars_are_thinned_out_from_first_to_last() -> None:
    assert bars(list(range(1000)), 999, 8) == "▁▂▃▄▅▆▇█"


@pytest.mark.parametrize(("values", "top", "width", "drawn"), [
    ([], 1.0, 8, ""), ([5.0], 5.0, 8, "█"), ([0.0, 0.0], 0.0, 8, "▁▁"), ([1.0, 9.0], 2.0, 8, "▅█"),
    ([1.0, 2.0, 3.0], 3.0, 1, "▃"), ([1.0], 1.0, 0, ""),
])  # fmt: skip
def test_the_odd_ones_are_drawn_too(values: list[float], top: float, width: int, drawn: str) -> None:
    assert bars(values, top, width) == drawn


@given(values=st.lists(st.floats(0, 1e9), min_size=2), width=st.integers(2, 200))
def test_the_first_and_the_last_value_are_always_drawn(values: list[float], width: int) -> None:
    top = max(values)
    drawn = bars(values, top, width)

    assert len(drawn) == min(len(values), width)
    assert (drawn[0], drawn[-1]) == (bars(values[:1], top, 1), bars(values[-1:], top, 1))
