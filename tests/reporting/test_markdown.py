from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.core.errors import ExitCode
from humouse_doctor.core.gating import Entry, Gate, Policy
from humouse_doctor.core.report import Report
from humouse_doctor.core.text import spelled_line
from humouse_doctor.gate.judging import judged_alone
from humouse_doctor.reporting import markdown
from humouse_doctor.reporting.markdown_text import code, fenced, folded, html_code, prose, table
from tests.conftest import Golden
from tests.reporting.builders import DIFF, FIX_A, collapsed, gated, healthy, rehearsed
from tests.reporting.reading import APART, Page, page

#: Characters that mean something to Markdown, to HTML or to GitHub, more often than chance would have them.
TEXTS = st.text() | st.text(alphabet="\\`*_[]|<>&#@~$:/!-+=.)(1aw \n\t") | st.text(alphabet="`| \\a")
TEXTS |= st.lists(
    st.sampled_from(
        ["@a", "#1", "www.a.b", "http://a", "GH-1", ":x:", "$a$", "1.", "- ", "<b>", "&lt;", "`", "\\", "|", "\n", " a"]
    )
).map("".join)


def _alone(report: Report) -> Gate:
    return judged_alone(report, Policy(), "0.1.0")


def _many(number: int) -> Gate:
    sick = judged_alone(collapsed(), Policy(), "0.1.0").entries[0]
    return Gate(tool_version="0.1.0", entries=tuple(replace(sick, name=f"runs/{place}.pt") for place in range(number)))


def _sections(text: str) -> list[str]:
    return re.findall(r"^\*\*(.+?)\*\*|^<summary>(What [^<]+)</summary>", text, re.MULTILINE)


def test_a_gate_is_as_it_was(golden: Golden) -> None:
    golden("gated.md", markdown.render(gated()))


def test_one_report_is_as_it_was(golden: Golden) -> None:
    golden("collapsed.md", markdown.render(_alone(collapsed())))


def test_the_verdict_and_the_sentence_come_first() -> None:
    lines = markdown.render(_alone(collapsed())).splitlines()

    assert lines[0] == "### humouse-doctor: collapsed, does not pass"
    assert lines[2] == "92.2% of the targets lie beyond what a tanh head can emit."


def test_the_table_has_the_worst_input_first_and_only_what_fails_is_unfolded_from_it() -> None:
    read = page(markdown.render(gated()))

    assert read.text.index("runs/generator_x.pt") < read.text.index("runs/cut.pt") < read.text.index("runs/well.pt")
    assert read.text.count("runs/well.pt") == 1
    assert markdown.render(gated()).count("<summary><code>") == 2


def test_the_table_stops_at_a_hundred_inputs_and_counts_the_others() -> None:
    well = Entry(name="well", report=healthy(), findings=(), exit_code=ExitCode.CLEAN)
    sick = _many(1).entries[0]
    rendered = markdown.render(Gate(tool_version="0.1.0", entries=(sick,) * 101 + (well,) * 3))

    assert rendered.count("\n| **does not pass** |") == 100
    assert "\nAnd 4 more, of which 3 pass.\n" in rendered


def test_the_patch_is_a_block_of_the_diff() -> None:
    assert f"\n```diff\n{DIFF}```\n" in markdown.render(_alone(collapsed()))


def test_a_patch_without_a_diff_is_told_in_words() -> None:
    rendered = markdown.render(_alone(replace(collapsed(), diff="")))

    assert "- `experiment.model.generator.activation_xy: 'tanh' -> 'linear'`\n" in rendered
    assert "\n- in the code: Linear head on z-scored positions. compare with (positions - mean) / std\n" in rendered
    assert "```" not in rendered


def test_a_confirmed_patch_says_so() -> None:
    rendered = markdown.render(_alone(replace(collapsed(), cure=FIX_A)))

    assert "**Patch confirmed by trials: Linear head on z-scored positions** (targets of unit scale are in reach)" in rendered
    assert "unverified" not in rendered


def test_an_input_that_could_not_be_read_is_told_by_its_message() -> None:
    read = page(markdown.render(replace(gated(), entries=gated().entries[1:2]))).text

    assert read.startswith("humouse-doctor: unreadable, does not pass\n")
    assert "the file is cut short; copy it again" in read
    assert "HD001 input-refused" in read


def test_a_passing_input_says_what_it_passes_in_spite_of() -> None:
    judged = [found for found in gated().entries[0].findings if found.standing.value in ("ignored", "in the baseline")]
    let_through = replace(gated().entries[0], findings=tuple(judged), exit_code=ExitCode.CLEAN)

    read = page(markdown.render(replace(gated(), entries=(let_through, gated().entries[2])))).text

    assert "runs/generator_x.pt: ignored: HD204 latent-whitening: known until the new head lands" in read
    assert "runs/generator_x.pt: healed: HD205:training.warmup_noise_std" in read


def test_nothing_to_look_at_does_not_pass() -> None:
    assert markdown.render(Gate(tool_version="0.1.0", entries=())).startswith("### humouse-doctor: 0 of 0 pass\n")


@pytest.mark.parametrize("gate", [gated(), _alone(collapsed()), _many(15)], ids=["gated", "alone", "many"])
def test_no_limit_is_exceeded_and_every_page_is_whole(gate: Gate) -> None:
    whole = len(markdown.render(gate).encode())
    for limit in range(1000, whole + 1, max(1, whole // 40)):
        rendered = markdown.render(gate, limit=limit)

        assert len(rendered.encode()) <= limit
        assert rendered.count("\n```") in (0, 2 * rendered.count("\n```diff"))
        assert page(rendered).text


def test_a_limit_that_is_not_reached_changes_nothing() -> None:
    whole = markdown.render(gated())

    assert markdown.render(gated(), limit=len(whole.encode())) == whole
    assert markdown.render(gated(), limit=len(whole.encode()) - 1) != whole


def test_the_least_important_sections_go_first() -> None:
    whole = markdown.render(_alone(collapsed()))
    gone: list[str] = []
    for limit in range(len(whole.encode()), 1000, -10):
        rendered = markdown.render(_alone(collapsed()), limit=limit)
        for title in ("What was measured", "What was looked at", "does not fail", "Suggested patch", "What fails", "Causes"):
            if title not in rendered and title not in gone:
                gone.append(title)

    assert gone[0] == "What was measured"
    assert "Causes" not in gone


def test_what_is_left_out_is_named() -> None:
    rendered = markdown.render(_many(40), limit=30_000)

    assert rendered.endswith("probes (40). The JSON report has everything.*\n")
    assert "*Left out, to keep within 30,000 bytes: " in rendered
    assert rendered.count("collapsed |") == 40


def test_a_limit_too_small_for_anything_leaves_the_verdict() -> None:
    rendered = markdown.render(_many(40), limit=0)

    assert rendered.startswith("### humouse-doctor: 0 of 40 pass\n\n*Left out, to keep within 0 bytes: ")
    assert len(rendered.encode()) < 1000


def _squeezed(text: str) -> str:
    return " ".join(text.replace(APART, "").split())


def _shown(text: str) -> str:
    return _squeezed(spelled_line(text))


def _only(read: Page, *tags: str) -> None:
    assert {tag for tag, _ in read.tags} <= set(tags)
    assert read.hidden == []
    assert read.touched == []


@given(TEXTS)
def test_prose_is_read_as_it_was_written(text: str) -> None:
    read = page(f"{prose(text)}\n\n- a: {prose(text)}\n\n{table(('a', 'b'), [(prose(text), 'x')])}")

    _only(read, "p", "ul", "li", "span", "table", "thead", "tbody", "tr", "th", "td")
    assert _squeezed(read.text) == " ".join(f"{_shown(text)} a: {_shown(text)} a b {_shown(text)} x".split())


@given(TEXTS)
def test_code_is_read_as_it_was_written(text: str) -> None:
    read = page(f"a {code(text)} b\n\n{table(('a', 'b'), [(code(text), 'x')])}")

    _only(read, "p", "code", "table", "thead", "tbody", "tr", "th", "td")
    said = _shown(text) or "(empty)"
    assert _squeezed(read.text) == f"a {said} b a b {said} x"


@given(TEXTS)
def test_code_in_a_folding_is_read_as_it_was_written(text: str) -> None:
    read = page(folded(f"a {html_code(text)} b", "c\n"))

    _only(read, "details", "summary", "code", "p")
    assert _squeezed(read.text) == f"a {_shown(text) or '(empty)'} b c"


@given(TEXTS)
def test_a_block_ends_at_its_own_fence(text: str) -> None:
    read = page(f"a\n\n{fenced(text, 'diff')}\nb\n")

    _only(read, "p", "pre", "code")
    assert [tag for tag, _ in read.tags] == ["p", "pre", "code", "p"]


def test_what_the_verdict_on_a_config_rests_on_is_below_the_answer() -> None:
    report = rehearsed()

    assert "(seed 0); a collapse or a recovery in later steps would not be seen" in markdown.render(_alone(report))
    assert "By rules alone" in markdown.render(_alone(replace(report, rehearsed=None)))
    assert "By rules alone" not in markdown.render(_alone(collapsed()))
