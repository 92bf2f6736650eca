from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from humouse_doctor.core.comparison import MovedMetric
from humouse_doctor.core.probe import Judgement, ProbeResult, Severity
from humouse_doctor.core.remedy import Interval
from humouse_doctor.core.report import Report, Verdict
from humouse_doctor.gate.comparing import compare
from tests.gate.builders import crashed, flat, found, report, reports, result

_RANGE = Interval(low=0.4, high=4.0)


@given(of=reports())
def test_a_report_has_not_changed_from_itself(of: Report) -> None:
    changed = compare(of, of)

    assert (changed.gone, changed.unmeasured, changed.new, changed.moved) == ((), (), (), ())


@given(before=reports(), after=reports())
def test_every_finding_is_kept_gone_unmeasured_or_new(before: Report, after: Report) -> None:
    changed = compare(before, after)

    now = {finding.fingerprint for finding in after.findings}
    then = {finding.fingerprint for finding in before.findings}
    lost = [*changed.gone, *changed.unmeasured, *changed.not_gone]
    assert sorted(finding.fingerprint for finding in lost) == sorted(then - now)
    assert {finding.fingerprint for finding in changed.new} == now - then
    assert not {finding.code for finding in changed.gone} & {finding.code for finding in changed.unmeasured}


@given(before=reports(), after=reports())
def test_the_other_way_round_all_that_moved_moves_back(before: Report, after: Report) -> None:
    there, back = compare(before, after).moved, compare(after, before).moved

    assert [(one.name, one.before, one.after) for one in there] == [(one.name, one.after, one.before) for one in back]
    assert all((one.closer is None) == (two.closer is None) for one, two in zip(there, back, strict=True))
    assert not any(one.closer == two.closer for one, two in zip(there, back, strict=True) if one.closer is not None)


def test_a_finding_whose_probe_finds_nothing_any_more_is_gone() -> None:
    changed = compare(flat(), report(Verdict.HEALTHY))

    assert changed.gone == flat().findings
    assert changed.unmeasured == ()


@pytest.mark.parametrize("results", [[result("HD103", None)], [crashed("HD103")]], ids=["skipped", "crashed"])
def test_a_finding_whose_probe_has_not_measured_is_not_gone(results: list[object]) -> None:
    changed = compare(flat(), report(Verdict.UNDETERMINED, results=results))  # type: ignore[arg-type]  # of results

    assert (changed.gone, changed.unmeasured) == ((), flat().findings)


def test_a_finding_whose_probe_was_not_even_chosen_is_not_gone() -> None:
    changed = compare(flat(), report(Verdict.UNDETERMINED, checkpoint=None))

    assert (changed.gone, changed.unmeasured) == ((), flat().findings)


def test_the_tools_own_finding_is_gone_where_it_is_not_there() -> None:
    before = report(Verdict.HEALTHY, [found("HD002", Severity.WARNING, "data.batch_size")])

    assert compare(before, report(Verdict.HEALTHY)).gone == before.findings


@pytest.mark.parametrize("results", [[], [result("HD103", None)]], ids=["healthy", "skipped"])
def test_nothing_is_gone_from_the_same_weights_when_only_settings_differ(results: list[ProbeResult]) -> None:
    before = of_weights(
        "a" * 64, report(Verdict.COLLAPSED, [*flat().findings, found("HD002", Severity.WARNING)], experiment="x")
    )
    after = report(Verdict.HEALTHY, results=results, experiment="y")

    same, other = compare(before, of_weights("a" * 64, after)), compare(before, of_weights("b" * 64, after))

    assert same.not_gone == flat().findings
    assert same.settings == ("experiment_name: 'x' -> 'y'",)
    assert [finding.code for finding in same.gone] == ["HD002"]
    assert (other.not_gone, other.settings) == ((), ())
    assert not same.unmeasured


def test_what_other_data_does_not_show_is_gone_as_before() -> None:
    before, after = of_weights("a" * 64, flat()), of_weights("a" * 64, report(Verdict.HEALTHY))

    assert compare(before, after).gone == flat().findings


def of_weights(sha256: str, of: Report) -> Report:
    return replace(of, subject=replace(of.subject, sha256=sha256))


@pytest.mark.parametrize(
    ("then", "now", "closer"),
    [(0.1, 0.3, True), (0.3, 0.1, False), (0.1, 1.0, True), (1.0, 2.0, None), (5.0, 4.5, True), (0.3, 9.0, False)],
)
def test_a_number_that_moved_is_closer_to_health_or_further_from_it(then: float, now: float, closer: bool | None) -> None:
    changed = compare(flat(then), flat(now))

    assert changed.moved == (MovedMetric(name="HD103.time_std_ratio", before=then, after=now, healthy=_RANGE, closer=closer),)


def test_a_number_that_is_not_measured_any_more_has_moved_to_nowhere() -> None:
    after = report(Verdict.UNDETERMINED, results=[result("HD103", None)])

    moved = {one.name: (one.before, one.after, one.closer) for one in compare(flat(0.1), after).moved}

    assert moved == {"HD103.time_std_ratio": (0.1, None, None), "HD103.velocity_std_ratio": (1.0, None, None)}


def test_a_number_that_judges_nothing_is_not_said_to_have_moved() -> None:
    one, other = (
        report(Verdict.HEALTHY, results=[result("HD101", Judgement.HEALTHY, spread_ratio=1.0, target_std=std)])
        for std in (1.0, 2.0)
    )

    assert compare(one, other).moved == ()
