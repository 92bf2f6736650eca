from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.core.errors import ExitCode
from humouse_doctor.core.gating import Entry, Gate, JudgedFinding, Standing
from humouse_doctor.reporting import gate_text
from tests.conftest import Golden
from tests.reporting.builders import collapsed, gated, healthy, rehearsed


def _alone(entry: Entry) -> Gate:
    return Gate(tool_version="0.1.0", entries=(entry,))


def _well(*judged: JudgedFinding, notes: tuple[str, ...] = ()) -> Entry:
    return Entry(name="runs/well.pt", report=healthy(), findings=judged, exit_code=ExitCode.CLEAN, notes=notes)


def test_the_text_is_as_it_was(golden: Golden) -> None:
    golden("gated.txt", gate_text.render(gated()))


def test_a_run_that_passes_without_anything_to_say_is_one_row() -> None:
    assert gate_text.render(_alone(_well())) == (
        "gate  verdict  first to look at  input\npass  healthy  -                 runs/well.pt\n\npasses (exit code 0)\n"
    )


@pytest.mark.parametrize(
    ("standing", "shown"),
    [
        (Standing.IGNORED, "ignored HD101 spread-ratio: why"),
        (Standing.ACCEPTED, "within the policy's threshold HD101 spread-ratio: why"),
        (Standing.KNOWN, "in the baseline HD101 spread-ratio"),
        (Standing.BELOW, None),
        (Standing.NOT_SELECTED, None),
    ],
)
def test_what_was_let_through_is_shown_with_its_reason(standing: Standing, shown: str | None) -> None:
    judged = JudgedFinding(finding=collapsed().findings[0], standing=standing, reason="why")

    lines = [line.strip() for line in gate_text.render(_alone(_well(judged))).splitlines()]

    assert [line for line in lines if "HD101" in line] == ([] if shown is None else [shown])


def test_a_passing_run_with_a_note_shows_it() -> None:
    assert "\n  note: judged as another\n" in gate_text.render(_alone(_well(notes=("judged as another",))))


def test_a_patch_is_shown_only_for_what_does_not_pass() -> None:
    sick = gated().entries[0]

    assert "patch (not tried yet): " in gate_text.render(_alone(sick))
    assert "patch (" not in gate_text.render(_alone(replace(sick, exit_code=ExitCode.CLEAN)))


@pytest.mark.parametrize(("code", "word"), [(0, "pass"), (1, "FAIL"), (2, "BAD CONFIG"), (3, "UNKNOWN"), (4, "CRASHED")])
def test_every_exit_code_has_a_word_and_is_said_at_the_end(code: int, word: str) -> None:
    rendered = gate_text.render(_alone(replace(_well(), exit_code=ExitCode(code))))

    assert rendered.splitlines()[1].startswith(f"{word} ")
    assert rendered.endswith(f"{'passes' if code == 0 else 'does not pass'} (exit code {code})\n")


@given(codes=st.lists(st.integers(101, 299), min_size=1, max_size=30, unique=True), folders=st.integers(0, 12))
@pytest.mark.parametrize("width", [60, 80, 110])
def test_every_failing_code_is_shown_and_no_line_is_wider_than_asked(width: int, codes: list[int], folders: int) -> None:
    sick = gated().entries[0]
    judged = tuple(replace(sick.findings[0], finding=replace(sick.findings[0].finding, code=f"HD{code}")) for code in codes)
    name = "some/folder/" * folders + "x.pt"

    entry = replace(sick, findings=judged, name=name)
    rendered = gate_text.render(_alone(entry), width=width)

    table, _, _ = rendered.partition("\n\n")
    assert max(len(line) for line in rendered.splitlines()) <= width
    assert entry.leading is not None
    assert re.findall(r"HD\d{3}", table) == [entry.leading.finding.code]
    assert {f"HD{code}" for code in codes} <= set(re.findall(r"(?<=error )HD\d{3}", rendered))
    assert name in "".join(line.rpartition("  ")[2] for line in table.splitlines()[1:])


def test_the_likeliest_cause_comes_first_in_words_and_the_next_command_last() -> None:
    report = collapsed()
    judged = tuple(JudgedFinding(finding=one, standing=Standing.FAILS) for one in report.findings)
    sick = Entry(name="runs/x.pt", report=report, findings=judged, exit_code=ExitCode.FINDINGS)
    command = "humouse-doctor suggest-config runs/x.pt"

    alone = gate_text.render(_alone(sick), following=[command]).splitlines()
    among = gate_text.render(replace(_alone(sick), entries=(sick, _well())), following=[command], about=sick.name)

    cause = report.causes[0]
    assert alone[1].split(None, 2)[2].startswith(f"{cause.code} {cause.name} and {len(judged) - 1} more")
    assert next(line for line in alone if line.startswith("  error")) == f"  error {cause.code} {cause.name}"
    assert alone[-2:] == ["Next, the patch as a diff", command]
    assert among.endswith(f"\nNext, the patch as a diff, for runs/x.pt\n{command}\n")


def test_colour_changes_nothing_but_colour() -> None:
    coloured = gate_text.render(gated(), colour=True)

    assert "\x1b[" in coloured
    assert re.sub(r" +$", "", re.sub(r"\x1b\[[0-9;]*m", "", coloured), flags=re.MULTILINE) == gate_text.render(gated())


def test_hostile_names_come_out_as_harmless_text() -> None:
    hostile = "x\n\x1b[2J\u202e[bold]\ud800.pt"
    entry = replace(gated().entries[0], name=hostile, notes=(hostile,), healed=(hostile,))

    rendered = gate_text.render(replace(_alone(entry), notes=(hostile,), baseline=hostile))

    assert "\x1b" not in rendered
    assert "\u202e" not in rendered
    assert "[bold]" in rendered
    rendered.encode("utf-8")


def test_a_rehearsed_config_says_what_its_verdict_rests_on_even_if_it_passes() -> None:
    report = rehearsed()
    said = " ".join(gate_text.render(_alone(replace(_well(), report=report))).split())
    by_rules = gate_text.render(_alone(replace(_well(), report=replace(report, rehearsed=None))))

    assert str(report.rehearsed) in said
    assert "by rules alone" not in said
    assert by_rules.splitlines()[-3] == "configs by rules alone: nothing was trained; --data DATA --rehearse measures it."
