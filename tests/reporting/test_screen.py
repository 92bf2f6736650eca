from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

import pytest

from humouse_doctor.core.case import Subject
from humouse_doctor.core.gating import Policy
from humouse_doctor.core.probe import Kind, Severity, Status
from humouse_doctor.core.remedy import Edit, Remedy
from humouse_doctor.core.report import Cause, Confidence, Finding, Location, Report, Verdict
from humouse_doctor.core.settings import Origin
from humouse_doctor.gate.judging import judged_alone
from humouse_doctor.probes.registry import PROBES
from humouse_doctor.reporting import gate_text, markdown, screen, text
from humouse_doctor.reporting.html import page as html
from humouse_doctor.reporting.screen import LINES
from humouse_doctor.reporting.terminal import sketch
from tests.conftest import Golden
from tests.reporting.builders import FIX_A, collapsed, healthy, rehearsed, without

NEXT = ("humouse-doctor suggest-config runs/x",)


def shown(report: Report, following: tuple[str, ...] = NEXT, width: int = 80, *, with_remarks: bool = False) -> list[str]:
    return screen.render(report, following=following, width=width, with_remarks=with_remarks).splitlines()


def crowded() -> Report:
    """Return a report with more of everything than a screen holds."""
    report, where = collapsed(), Location(file="conf/x.yaml", line=7, key="training.betas")
    codes = [f"HD{code}" for code in (201, 202, 203, 204, 205, 210, 211, 212)]
    causes = [Cause(code=code, name="a-rather-long-name", support=1.0, message="because " * 30, explains=()) for code in codes]
    seen = [(f"HD{code}", Kind.SYMPTOM) for code in range(101, 110)] + [(code, Kind.CAUSE) for code in codes]
    findings = [
        Finding(
            code=code,
            name="a-rather-long-name",
            kind=kind,
            severity=Severity.ERROR,
            message="it is so " * 30,
            evidence=MappingProxyType({}),
            location=where,
        )
        for code, kind in seen
    ]
    return replace(
        report,
        verdict=Verdict.AT_RISK,
        confidence=Confidence.LOW,
        sentence="It is a long story. " * 40,
        subject=replace(report.subject, checkpoint=None),
        causes=tuple(causes),
        findings=tuple(findings),
        probes=tuple(without(f"HD{code}", Status.SKIPPED, f"reason {code} " * 9) for code in range(101, 110)),
        remedies=tuple(replace(FIX_A, id=f"r{number}", title="do what has to be done " * 9) for number in range(5)),
        chosen=tuple(f"r{number}" for number in range(5)),
        patch=tuple(Edit(key=f"training.key_{number}", old="x" * 200, new=number) for number in range(12)),
    )


def test_the_screen_is_as_it_was(golden: Golden) -> None:
    golden("collapsed.screen.txt", "\n".join(shown(collapsed())) + "\n")


def test_a_healthy_screen_is_as_it_was(golden: Golden) -> None:
    golden("healthy.screen.txt", "\n".join(shown(rehearsed(), ("humouse-doctor gate run.yaml",))) + "\n")


@pytest.mark.parametrize("report", [collapsed(), healthy(), rehearsed(), crowded()])
@pytest.mark.parametrize("following", [(), NEXT, (*NEXT, "humouse-doctor inspect x --output report.html")])
def test_a_screen_has_at_most_25_lines_and_ends_with_the_next_command(report: Report, following: tuple[str, ...]) -> None:
    lines = shown(report, following)

    assert len(lines) <= LINES == 25
    assert lines[len(lines) - len(following) :] == list(following)
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith(report.verdict.value.upper())


def test_what_does_not_fit_is_said_to_be_elsewhere() -> None:
    text = "\n".join(shown(crowded()))

    assert "--full" in text
    assert "HD201" in text
    assert "training.key_0" in text


def test_of_a_long_answer_there_are_whole_sentences_and_of_a_long_sentence_whole_clauses() -> None:
    """A mark ends the first paragraph where some is left out; numbers, file names and "e.g." have no end of a sentence."""
    first = "The samples lie 0.3 of the way in conf/x.yaml and not where they should be, by all that was measured here."
    others = [
        f"{number} of the channels of these data do not vary over any of the steps of a sequence." for number in (2, 3, 4)
    ]
    clauses = [f"at its place {number} the config says another thing than the record of the run;" for number in range(9)]

    whole = shown(replace(healthy(), sentence=" ".join([first, *others])))
    long = shown(replace(healthy(), sentence=f"It differs: {' '.join(clauses)} and more. Sick."))

    assert " ".join(whole[1:5]) == " ".join([first, *others[:2], "... (--full has all)"])
    assert whole[5] == ""
    fits = shown(replace(healthy(), sentence=" ".join([first, *others[:2]])))
    assert "..." not in " ".join(fits)
    abbreviated = shown(replace(healthy(), sentence=f"{first} {others[0]} {others[1][:-1]}, e.g. 9 {'more ' * 30}."))
    assert " ".join(abbreviated[1:4]) == f"{first} {others[0]} ... (--full has all)"
    said = " ".join(long[1:5])
    assert said.startswith("It differs: at its place 0 the config")
    assert said.endswith("than the record of the run; ... (--full has all)")


@pytest.mark.parametrize("many", [9, 60])
def test_what_is_left_out_of_a_list_is_counted_and_none_of_it_is_cut(many: int) -> None:
    seen = [replace(collapsed().findings[0], code=f"X{number:03}", name="a-symptom-with-a-name") for number in range(many)]
    hints = tuple(replace(FIX_A, id=f"r{number}", title=f"change number {number} of the code") for number in range(many))
    report = replace(
        collapsed(), findings=tuple(seen), causes=(), remedies=hints, chosen=tuple(one.id for one in hints), pictures=None
    )

    text = " ".join(" ".join(shown(report)).split())

    assert re.search(r"Seen: X000 a-symptom-with-a-name, (X\d{3} a-symptom-with-a-name, )+\d+ more\.", text)
    assert re.search(r"in the code: change number 0 of the code; (change number \d+ of the code; )*\d+ more ", text)
    assert "..." not in text


def test_a_command_is_never_broken_into_lines() -> None:
    command = "humouse-doctor suggest-config " + "a/long/path/" * 20

    assert shown(collapsed(), (command,))[-1] == command


def test_each_cause_is_one_line_with_its_place() -> None:
    lines = shown(collapsed())

    (first,) = (line for line in lines if "HD201" in line)
    (second,) = (line for line in lines if "HD204" in line)
    assert re.fullmatch(r"  HD201 out-of-reach-targets  0\.3% of the loss is reachable +line 7", first)
    assert re.fullmatch(r"  HD204 latent-whitening      the latent is whitened by its batch +default", second)


def test_a_cause_that_trials_confirmed_says_so() -> None:
    from humouse_doctor.core.remedy import RemedyStatus

    report = collapsed()
    causes = (replace(report.causes[0], trial=RemedyStatus.CONFIRMED), report.causes[1])

    assert any("confirmed: 0.3%" in line for line in shown(replace(report, causes=causes)))


def test_remarks_are_added_above_the_next_command() -> None:
    lines = shown(collapsed(), with_remarks=True)

    assert "  - took the weights under 'state_dict'" in lines
    assert "  - took the weights under 'state_dict'" not in shown(collapsed())
    assert lines[-1] == NEXT[0]


def test_changes_stand_above_the_next_command() -> None:
    lines = screen.render(collapsed(), following=NEXT, changes="COLLAPSED -> HEALTHY\n").splitlines()

    assert lines[-1] == NEXT[0]
    assert "COLLAPSED -> HEALTHY" in lines


def test_a_sick_run_without_a_cause_says_where_to_read_on() -> None:
    lines = " ".join(shown(replace(collapsed(), causes=())))

    assert "No cause was found" in lines
    assert "--full" in lines


def test_what_was_not_measured_is_said_where_little_is_known() -> None:
    unsure = replace(collapsed(), confidence=Confidence.LOW)

    assert "Not measured: HD104, HD105 (no data given; add --data)" in " ".join(shown(unsure))
    assert "Not measured" not in " ".join(shown(collapsed()))


def test_one_line_is_one_line() -> None:
    line = screen.one_line(collapsed("a/very/long/path/" * 12 + "x.pt"), width=80, colour=False)

    assert line.count("\n") == 1
    assert len(line) <= 81
    assert re.match(r"COLLAPSED  \.\.\..*x\.pt  HD201 out-of-reach-targets\n", line)
    assert screen.one_line(healthy(), width=80, colour=False) == "HEALTHY  generator\n"


def test_colour_changes_nothing_but_colour() -> None:
    coloured = screen.render(collapsed(), following=NEXT, colour=True)

    assert "\x1b[" in coloured
    plain = re.sub(r" +$", "", re.sub(r"\x1b\[[0-9;]*m", "", coloured), flags=re.MULTILINE)
    assert plain == screen.render(collapsed(), following=NEXT)
    assert coloured.endswith(f"\n{NEXT[0]}\n")  # nothing beside it would be copied


def test_hostile_names_come_out_as_harmless_text() -> None:
    name = "x\n\x1b[2J\u202e[bold]\ud800<script>.pt"
    report = replace(
        healthy(),
        subject=Subject(name=name),
        sentence=name,
        findings=(replace(collapsed().findings[0], name=name, code="HD199"),),
    )

    rendered = screen.render(report, following=())

    assert "\x1b" not in rendered
    assert "\u202e" not in rendered
    assert "[bold]" in rendered
    rendered.encode("utf-8")


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.code)
def test_a_finding_in_a_few_words_fits_beside_the_longest_name(probe: object) -> None:
    """Every template is filled with each of some numbers, and none of them is cut on a screen of 80 columns."""
    from humouse_doctor.core.probe import Probe

    assert isinstance(probe, Probe)
    longest = max(len(f"{cause.code} {cause.name}") for cause in PROBES if cause.kind is Kind.CAUSE)
    names = {metric.name for metric in probe.metrics}
    assert probe.briefs
    for template in probe.briefs:
        assert set(re.findall(r"{(\w+)", template)) <= names
        for value in (0.0, 0.1234567, 0.99, 12.345):
            steps = {"steps_needed": 76187.8, "steps_available": 1600.0}
            said = template.format_map({**dict.fromkeys(names, value), **{name: steps[name] for name in names & set(steps)}})
            assert probe.kind is Kind.SYMPTOM or len(said) <= 80 - 2 - longest - 2 - 2 - len("line 999")


def test_a_finding_whose_numbers_were_not_measured_has_no_few_words() -> None:
    assert PROBES[0].brief({}) == ""
    assert PROBES[0].brief({"spread_ratio": 0.002}) == "spread 0.002 of real"


def test_paths_are_drawn_within_their_box_and_what_is_outside_is_left_out() -> None:
    diagonal, far = ((0.0, 0.0), (10.0, 10.0)), ((50.0, 50.0), (60.0, 60.0))

    lines = sketch([diagonal], (0.0, 0.0, 10.0, 10.0), 4, 2)

    assert [len(line) for line in lines] == [2, 4]
    assert all("\u2800" < character <= "\u28ff" or character == " " for line in lines for character in line)
    assert sketch([far], (0.0, 0.0, 10.0, 10.0), 4, 2) == ["", ""]
    assert sketch([((3.0, 3.0),)], (3.0, 3.0, 3.0, 3.0), 4, 2) != ["", ""]  # a box of no size


def test_real_paths_stand_beside_generated_ones_where_there_is_room() -> None:
    lines = shown(collapsed())

    assert any(line.startswith("real paths") for line in lines)
    assert not any(line.startswith("real paths") for line in shown(replace(collapsed(), pictures=None)))
    assert not any(line.startswith("real paths") for line in shown(replace(crowded(), pictures=collapsed().pictures)))


def test_a_default_is_told_from_what_the_file_says() -> None:
    edit = Edit(key="training.warmup_latent_normalize", old=True, new=False, absent=True)

    lines = shown(replace(collapsed(), patch=(edit,)))

    assert "  training.warmup_latent_normalize: true (by default) -> false" in lines
    assert Origin.DEFAULT.value == "default"


def test_a_known_stage_is_said_and_an_unknown_one_is_not() -> None:
    from humouse_doctor.core.history import Stage, StageKind

    known = replace(collapsed(), stage=Stage(kind=StageKind.ADVERSARIAL, epoch=3, because="final_epoch is 3"))

    assert any(line.startswith("stage: after 3 adversarial epochs") for line in shown(known))
    assert "stage" not in "\n".join(shown(replace(known, stage=Stage(kind=StageKind.UNKNOWN, because="nothing says so"))))


@pytest.mark.parametrize(
    ("moves", "speed", "said"),
    [
        (0.1, 0.01, "from 0.4 and 0.12"),
        (5.0, 46.0, "to 4"),
        (3.6, 46.0, "speed to 4"),
        (0.1, 2.0, "movement from 0.4"),
        (0.1, 46.0, "movement from 0.4, speed to 4"),
        (1.0, 1.0, ""),
    ],
)
def test_each_unhealthy_number_of_a_symptom_has_its_own_bound(moves: float, speed: float, said: str) -> None:
    probe = next(probe for probe in PROBES if probe.code == "HD103")
    measured = {"time_std_ratio": moves, "velocity_std_ratio": speed, "late_std_ratio": 1.0}

    assert probe.brief(measured) == f"movement {moves:.2g} and speed {speed:.2g} of real"
    assert probe.brief_bound(measured) == said
    assert (
        probe.brief({**measured, "time_std_ratio": 1.0, "late_std_ratio": 0.01})
        == "in their last third paths move 0.01 of real"
    )


def test_a_number_that_no_letters_stand_before_is_named_by_its_metric() -> None:
    probe = next(probe for probe in PROBES if probe.code == "HD107")

    assert probe.brief_bound({"same_way_share": 0.9, "efficiency_ratio": 0.1}) == "efficiency from 0.3"


def test_what_would_be_healthy_stands_beside_the_number_of_a_symptom() -> None:
    spread, evidence = PROBES[0], {"spread_ratio": 0.002}
    same_way = next(probe for probe in PROBES if probe.code == "HD102")

    assert spread.brief_bound(evidence) == "from 0.5"
    assert spread.brief_bound({"spread_ratio": 9.0}) == f"to {spread.metric('spread_ratio').healthy.high:g}"
    assert spread.brief_bound({"spread_ratio": 1.0}) == spread.brief_bound({}) == ""
    assert same_way.brief_bound({"saturated_share": 0.9}) == "to 20%"
    assert "Seen: HD002 config-value, HD101 spread 0.002 of real (healthy from 0.5), HD107" in shown(collapsed())[6]


def test_without_a_config_what_is_to_change_is_told_and_no_heading_stands_alone() -> None:
    """No format promises a patch that there is not; a remedy of a config that was not given is named by its title."""
    report = collapsed()
    titled = Remedy(id="longer", title="Warm up 10 times as long", why="it has not settled")
    bare = replace(
        report, subject=replace(report.subject, config=None), remedies=(titled, FIX_A), chosen=(titled.id,), patch=(), diff=""
    )
    hinted = replace(bare, chosen=(titled.id, FIX_A.id))
    nothing = replace(bare, subject=report.subject)

    assert shown(bare)[-2] == "Next, what to change in full  (all that was measured: --full)"
    assert shown(bare)[-5:-3] == ["To change (not tried yet)", "  Warm up 10 times as long"]
    assert shown(hinted)[-4] == "  and in the code: Linear head on z-scored positions"
    assert shown(replace(hinted, chosen=(FIX_A.id,)))[-4] == "  in the code: Linear head on z-scored positions"
    renderers: tuple[Callable[[Report], str], ...] = (
        lambda one: "\n".join(shown(one)),
        text.render,
        lambda one: markdown.render(judged_alone(one, Policy(), "0.1.0")),
        lambda one: gate_text.render(judged_alone(one, Policy(), "0.1.0")),
        lambda one: html.render(judged_alone(one, Policy(), "0.1.0")).partition("What it looks like")[0],
    )
    for render in renderers:
        assert "Warm up 10 times as long" in render(bare)
        assert "Warm up 10 times as long" not in render(nothing).partition("All remedies")[0]
        for one in (bare, hinted, nothing):
            assert not re.search(r"suggested patch|^\W*patch\b", render(one), re.IGNORECASE | re.MULTILINE)


def test_what_a_diff_cannot_say_stays_on_a_full_screen() -> None:
    """The patch's last line names the change of the code, which a cut would take away first."""
    full = replace(
        crowded(), confidence=Confidence.HIGH, patch=tuple(Edit(key=f"training.k{n}", old=1, new=n) for n in range(2, 5))
    )

    lines = shown(full)

    assert len(lines) <= LINES
    assert [line.split(":")[0] for line in lines[-7:-3]] == [
        "  training.k2", "  training.k3", "  training.k4", "  and in the code",
    ]  # fmt: skip
    assert sum(line.startswith("Seen") for line in lines) == 1
