from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from humouse_doctor.cases.request import Loaded
from humouse_doctor.core.case import Need
from humouse_doctor.core.errors import ExitCode
from humouse_doctor.core.probe import Kind, Severity
from humouse_doctor.core.report import RULES_ALONE, RULES_WITHOUT_DATA, Finding, Location, Rehearsed, Verdict
from humouse_doctor.diagnosis.diagnose import diagnose
from tests import builders
from tests.diagnosis import runs


def _finding(severity: Severity) -> Finding:
    return Finding(
        code="HD101",
        name="spread-ratio",
        kind=Kind.SYMPTOM,
        severity=severity,
        message="m",
        evidence={},
        location=Location(file=None),
    )


@pytest.mark.parametrize(
    ("verdict", "severity", "fail_on", "crashed"),
    list(itertools.product(Verdict, (None, *Severity), (None, *Severity), (False, True))),
)
def test_exit_codes_tell_findings_from_failures(
    verdict: Verdict, severity: Severity | None, fail_on: Severity | None, crashed: bool
) -> None:
    empty = diagnose(Loaded(case=builders.case(absent={Need.WEIGHTS: "none"})), [])
    report = replace(
        empty,
        verdict=verdict,
        findings=() if severity is None else (_finding(severity),),
        probes=(runs.crashed("HD103"),) if crashed else (),
    )
    order = [Severity.NOTE, Severity.WARNING, Severity.ERROR]
    grave = severity is not None and fail_on is not None and order.index(severity) >= order.index(fail_on)
    if crashed:
        expected = 4
    elif grave:
        expected = 1
    else:
        expected = 3 if verdict is Verdict.UNDETERMINED else 0
    assert report.exit_code(fail_on) == expected


def test_warnings_fail_by_default_and_notes_do_not() -> None:
    empty = replace(diagnose(Loaded(case=builders.case()), []), verdict=Verdict.HEALTHY)
    assert replace(empty, findings=(_finding(Severity.WARNING),)).exit_code() is ExitCode.FINDINGS
    assert replace(empty, findings=(_finding(Severity.NOTE),)).exit_code() is ExitCode.CLEAN


_LATER = "a collapse or a recovery in later steps would not be seen"
_OTHERS = "the other sequences were not looked at"


@pytest.mark.parametrize(
    ("steps", "sequences", "stopped", "said"),
    [
        (1792, 3000, "", "Rehearsed: all of its 1,792 steps on all 3,000 sequences in 41 s (seed 7)."),
        (
            320,
            512,
            "",
            f"Rehearsed: 320 of its 1,792 steps on 512 of 3,000 sequences in 41 s (seed 7); {_LATER}.",
        ),
        (
            1792,
            512,
            "",
            f"Rehearsed: all of its 1,792 steps on 512 of 3,000 sequences in 41 s (seed 7); {_OTHERS}.",
        ),
        (9, 3000, "it broke", "Rehearsed: 9 of its 1,792 steps on all 3,000 sequences in 41 s (seed 7); it broke."),
        (0, 3000, "", "Not rehearsed: the config's warm-up has no or an unknown number of steps; judged by rules alone."),
    ],
)
def test_a_rehearsal_says_how_much_was_trained_and_what_that_may_hide(
    steps: int, sequences: int, stopped: str, said: str
) -> None:
    facts = Rehearsed(steps=steps, own_steps=1792, sequences=sequences, usable=3000, seconds=41.2, seed=7, stopped=stopped)

    assert str(facts) == said
    assert facts.cut == (steps == 320)


def test_only_the_report_on_a_config_that_was_not_trained_is_by_rules_alone() -> None:
    case = builders.case(absent={Need.WEIGHTS: "none"})
    config = diagnose(Loaded(case=case), [])
    in_memory = replace(config, subject=replace(config.subject, config=None))
    checkpoint = replace(config, subject=replace(config.subject, checkpoint="x.pt"))
    trained = Rehearsed(steps=8, own_steps=8, sequences=9, usable=9, seconds=1, seed=0)

    assert (config.basis, in_memory.basis, checkpoint.basis) == (RULES_WITHOUT_DATA, "", "")
    assert replace(config, data=builders.summary()).basis == RULES_ALONE
    assert config.before_training
    assert not replace(config, rehearsed=trained).before_training
    assert replace(config, rehearsed=replace(trained, steps=0)).before_training
