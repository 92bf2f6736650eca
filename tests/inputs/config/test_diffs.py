from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.inputs.config.diffs import Replacement, replacements
from humouse_doctor.inputs.config.patcher import unified_diff
from tests.reporting.builders import DIFF


def applied(text: str, changes: tuple[Replacement, ...]) -> str:
    """Return `text` with every replacement made, starting with the last."""
    starts = [0]
    for row in text.split("\n"):
        starts.append(starts[-1] + len(row) + 1)
    for change in reversed(changes):
        (line, column), (end_line, end_column) = change.start, change.end
        start, end = starts[line - 1] + column - 1, starts[end_line - 1] + end_column - 1
        text = text[:start] + change.text + text[end:]
    return text


def test_a_replaced_and_an_inserted_line_are_two_replacements() -> None:
    assert replacements(DIFF) == (
        Replacement(start=(7, 1), end=(8, 1), text="    activation_xy: linear  # bounded\n"),
        Replacement(start=(9, 1), end=(9, 1), text="  warmup_latent_normalize: false\n"),
    )


LINES = st.lists(st.sampled_from(["a: 1", "b: 2", "-- c", "++ d", "@@ -1 +1 @@", "\\ e", "ä\r", ""]), max_size=12)


@given(before=LINES, after=LINES, ended=st.tuples(st.booleans(), st.booleans()))
def test_replacements_make_of_the_old_text_the_new_one(before: list[str], after: list[str], ended: tuple[bool, bool]) -> None:
    old, new = ("\n".join(lines) + "\n" * end for lines, end in zip((before, after), ended, strict=True))

    assert applied(old, replacements(unified_diff(old, new, "x.yaml"))) == new


def test_lines_for_an_empty_file_go_to_its_first() -> None:
    assert replacements(unified_diff("", "a: 1\n", "x.yaml")) == (Replacement(start=(1, 1), end=(1, 1), text="a: 1\n"),)


def test_a_bom_is_no_part_of_the_first_line() -> None:
    diff = unified_diff("\ufeffa: 1\n", "\ufeffa: 2\n", "x.yaml")

    assert replacements(diff) == (Replacement(start=(1, 1), end=(2, 1), text="a: 2\n"),)


@pytest.mark.parametrize(
    "diff",
    ["", "nonsense\n", "@@ -1,2 +1 @@\n-a\n", "@@ -1 +1 @@\n?a\n", "@@ -1 +1 @@\n-a\n+b\nmore\n", "@@ -1 +1 @@\n-a\n+\ud800\n"],
    ids=["empty", "no diff", "cut short", "another sign", "more than it says", "a lone surrogate"],
)
def test_what_is_no_diff_has_no_replacements(diff: str) -> None:
    assert replacements(diff) == ()


@pytest.mark.parametrize(
    "diff",
    [
        f"--- a/x\n{DIFF}",
        f"--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n{DIFF}",
        f"{DIFF}--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n",
        f"rename to setup.py\n{DIFF}",
    ],
    ids=["a name more", "before", "after", "renamed"],
)
def test_a_diff_of_several_files_has_no_replacements(diff: str) -> None:
    assert replacements(diff) == ()
