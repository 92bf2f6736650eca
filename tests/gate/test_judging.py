from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.core.errors import DoctorError, ExitCode, InputError, UsageError
from humouse_doctor.core.gating import Entry, Gate, Ignore, Policy, Standing
from humouse_doctor.core.probe import Judgement, Severity, Status
from humouse_doctor.core.remedy import Interval
from humouse_doctor.core.report import Report, Verdict
from humouse_doctor.gate import baseline, judging
from humouse_doctor.gate.judging import Judge, is_known, judged_alone, refused, worst_first
from tests.gate.builders import (
    CHECKPOINT,
    CONFIG,
    DATA,
    TODAY,
    crashed,
    flat,
    found,
    ignoring,
    judge,
    policies,
    report,
    reports,
    result,
)

YESTERDAY = TODAY.replace(day=TODAY.day - 1)


def _standings(entry: Entry) -> dict[str, Standing]:
    return {judged.finding.code: judged.standing for judged in entry.findings}


def _entry(of: Report, policy: Policy | None = None, name: str = "runs/x") -> Entry:
    return judge(policy).entry(name, of)


# --- what can never pass


@given(of=reports(), policy=policies())
def test_a_crashed_probe_ends_with_4_whatever_the_policy(of: Report, policy: Policy) -> None:
    entry = _entry(of, policy)

    crash = any(one.status is Status.CRASHED for one in of.probes)
    assert (entry.exit_code is ExitCode.INTERNAL) == crash
    assert not crash or any(judged.finding.code == "HD003" for judged in entry.failing)


@given(of=reports(), policy=policies())
def test_an_undetermined_verdict_never_passes(of: Report, policy: Policy) -> None:
    assert not _entry(replace(of, verdict=Verdict.UNDETERMINED), policy).passed


@given(of=reports(), policy=policies())
def test_a_run_passes_only_if_nothing_fails_and_enough_is_known(of: Report, policy: Policy) -> None:
    entry = _entry(of, policy)

    assert entry.passed == (is_known(of) and not entry.failing)
    assert not entry.passed or of.subject.checkpoint is not None or of.verdict is Verdict.HEALTHY or of.data is not None


@given(of=reports(), policy=policies(), data=st.data())
def test_one_ignore_less_never_makes_a_run_pass(of: Report, policy: Policy, data: st.DataObject) -> None:
    kept = data.draw(st.lists(st.sampled_from(policy.ignores), unique=True)) if policy.ignores else []
    fewer = replace(policy, ignores=tuple(ignore for ignore in policy.ignores if ignore in kept))

    assert _entry(of, policy).passed or not _entry(of, fewer).passed


@given(of=reports(), policy=policies(), stricter=st.sampled_from(Severity))
def test_a_stricter_fail_on_never_makes_a_run_pass(of: Report, policy: Policy, stricter: Severity) -> None:
    before = 4 if policy.fail_on is None else policy.fail_on.rank
    tightened = policy if stricter.rank > before else replace(policy, fail_on=stricter)

    assert _entry(of, policy).passed or not _entry(of, tightened).passed


@given(of=reports(), policy=policies())
def test_asking_for_data_or_for_less_of_a_choice_never_makes_a_run_pass(of: Report, policy: Policy) -> None:
    for tightened in (replace(policy, require_data=True), replace(policy, select=()), replace(policy, ignores=())):
        assert _entry(of, policy).passed or not _entry(of, tightened).passed


@given(before=reports(), of=reports(), policy=policies(), days=st.integers(0, 2))
def test_with_a_baseline_an_expired_day_or_an_ignore_less_still_never_makes_a_run_pass(
    before: Report, of: Report, policy: Policy, days: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "b.json"
        name = str(Path(folder) / "x")
        known = baseline.write(path, [judge(policy).entry(name, before)], "0.1.0").run(name, of)

    passes = judge(policy).entry(name, of, known).passed
    later = Judge(policy=policy, today=TODAY.replace(day=TODAY.day + days))
    assert passes or not later.entry(name, of, known).passed
    assert passes or not judge(replace(policy, ignores=())).entry(name, of, known).passed
    assert passes or not judge(policy).entry(name, of).passed
    assert not passes or is_known(of)


@given(of=reports(), policy=policies())
def test_every_finding_of_the_report_stands_somewhere_and_the_worst_come_first(of: Report, policy: Policy) -> None:
    entry = _entry(of, policy)

    judged = [each.finding for each in entry.findings]
    assert sorted(finding.code for finding in judged if finding.code != "HD007") == sorted(f.code for f in of.findings)
    assert [finding.severity.rank for finding in judged] == sorted((f.severity.rank for f in judged), reverse=True)
    assert all((each.reason is None) == (each.standing is Standing.FAILS) for each in entry.findings)


@given(of=reports(), fail_on=st.sampled_from([None, *Severity]))
def test_one_report_judged_alone_ends_as_the_report_itself(of: Report, fail_on: Severity | None) -> None:
    gate = judged_alone(of, Policy(fail_on=fail_on), "0.1.0")

    assert gate.exit_code is of.exit_code(fail_on)
    assert gate.entries[0].notes == ()


# --- severities, choices, ignores


@pytest.mark.parametrize(
    ("fail_on", "standing"),
    [
        (None, Standing.BELOW),
        (Severity.ERROR, Standing.BELOW),
        (Severity.WARNING, Standing.FAILS),
        (Severity.NOTE, Standing.FAILS),
    ],
)
def test_a_warning_fails_where_warnings_do(fail_on: Severity | None, standing: Standing) -> None:
    assert _standings(_entry(flat(severity=Severity.WARNING), Policy(fail_on=fail_on))) == {"HD103": standing}


def test_only_selected_codes_fail_and_a_crash_always_does() -> None:
    of = report(Verdict.COLLAPSED, [found("HD103"), found("HD201"), found("HD003", key="HD205")], [crashed("HD205")])

    assert _standings(_entry(of, Policy(select=("HD1",)))) == {
        "HD103": Standing.FAILS,
        "HD201": Standing.NOT_SELECTED,
        "HD003": Standing.FAILS,
    }


def test_the_reason_and_the_last_day_of_an_ignore_are_said() -> None:
    (judged,) = _entry(flat(), ignoring("HD103", expires=TODAY)).findings

    assert (judged.standing, judged.reason) == (Standing.IGNORED, "known (until 2027-06-15)")


def test_an_expired_ignore_brings_the_finding_back_and_says_so() -> None:
    entry = _entry(flat(), ignoring("HD103", expires=YESTERDAY))

    assert _standings(entry) == {"HD103": Standing.FAILS}
    assert entry.notes == ("ignore of HD103 expired on 2027-06-14, so the finding counts again: known",)


def test_an_expired_ignore_beside_one_that_holds_is_not_said_to_count_again() -> None:
    both = Policy(ignores=(*ignoring("HD103", expires=YESTERDAY).ignores, *ignoring("HD103").ignores))

    entry = _entry(flat(), both)

    assert (_standings(entry), entry.notes) == ({"HD103": Standing.IGNORED}, ())


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("runs/x", True),
        ("./runs/x", True),
        ("runs/x/", True),
        ("runs/*", True),
        ("*/.hydra/config.yaml", True),
        (CONFIG, True),
        (CHECKPOINT, True),
        ("runs/x/*.pt", True),
        ("runs", False),
        ("x", False),
        ("RUNS/X", False),
        ("runs/y/*", False),
    ],
)
def test_an_ignores_path_is_a_glob_over_the_input_its_config_and_its_checkpoint(pattern: str, fits: bool) -> None:
    standing = _standings(_entry(flat(), ignoring("HD103", path=pattern)))["HD103"]

    assert (standing is Standing.IGNORED) == fits


def test_a_path_with_brackets_may_be_spelled_out() -> None:
    entry = _entry(flat(), ignoring("HD103", path="runs/lr=[0.1]"), name="runs/lr=[0.1]")

    assert _standings(entry) == {"HD103": Standing.IGNORED}


@pytest.mark.parametrize("pattern", ["runs/x", "runs\\x", "runs/*", ".\\runs\\*"])
def test_on_windows_either_slash_fits_either(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "PurePath", PureWindowsPath)

    entry = _entry(report(Verdict.COLLAPSED, flat().findings, config=None), ignoring("HD103", path=pattern), name="runs\\x")

    assert _standings(entry) == {"HD103": Standing.IGNORED}


@pytest.mark.parametrize("pattern", ["runs/x", "{root}/runs/x", "{root}/runs/*"])
@pytest.mark.parametrize("name", ["../runs/x", "{root}/runs/x"])
def test_a_path_fits_from_the_policys_folder_and_in_full(
    pattern: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ci").mkdir()
    monkeypatch.chdir(tmp_path / "ci")
    policy = ignoring("HD103", path=pattern.format(root=tmp_path.as_posix()))
    of = report(Verdict.COLLAPSED, flat().findings, checkpoint=None, config=None)

    entry = judge(policy, tmp_path).entry(name.format(root=tmp_path.as_posix()), of)

    assert _standings(entry) == {"HD103": Standing.IGNORED}


@pytest.mark.parametrize(
    ("results", "path", "noted"),
    [
        ([], None, True),
        ([], "runs/*", True),
        ([], "elsewhere/*", False),
        ([result("HD103", None)], None, False),
        ([crashed("HD103")], None, False),
    ],
    ids=["measured", "fits", "fits nothing", "skipped", "crashed"],
)
def test_an_ignore_is_unused_where_its_finding_was_looked_for(results: list[object], path: str | None, noted: bool) -> None:
    looking = judge(ignoring("HD103", path=path))
    of = report(Verdict.UNDETERMINED, results=results)  # type: ignore[arg-type]  # of results

    notes = looking.unused([looking.entry("runs/x", of)])

    where = f" in {path}" if path else ""
    assert notes == ((f"ignore of HD103{where} is not used: no such finding any more",) if noted else ())


def test_an_ignore_used_by_one_input_of_many_is_used() -> None:
    looking = judge(ignoring("HD103"))

    assert looking.unused([looking.entry("a", report(Verdict.HEALTHY)), looking.entry("b", flat())]) == ()
    assert looking.unused([refused("a", InputError("unreadable"))]) == ()


def test_an_ignore_of_the_tools_own_code_is_unused_where_it_is_not_found() -> None:
    looking = judge(ignoring("HD002"))

    assert len(looking.unused([looking.entry("a", report(Verdict.HEALTHY))])) == 1


# --- what an ignored, known or unselected cause leaves of the answer


def _caused(*, data: bool, checkpoint: bool, measured: bool) -> Report:
    """Return a report that is at-risk because of a cause in the config alone."""
    return report(
        Verdict.AT_RISK,
        [found("HD204", Severity.WARNING, "training.warmup_latent_normalize")],
        [result("HD204", Judgement.FOUND)]
        + ([result("HD201"), result("HD202")] if measured else [result("HD201", None), result("HD103", None)]),
        checkpoint=CHECKPOINT if checkpoint else None,
        data=DATA if data else None,
    )


@pytest.mark.parametrize("checkpoint", [True, False], ids=["trained", "before training"])
@pytest.mark.parametrize("policy", [ignoring("HD204"), Policy(select=("HD1",)), Policy(fail_on=Severity.ERROR)],
                         ids=["ignored", "not selected", "below"])  # fmt: skip
def test_a_run_of_which_only_a_cause_is_known_does_not_pass_by_letting_it_through(policy: Policy, checkpoint: bool) -> None:
    entry = _entry(_caused(data=False, checkpoint=checkpoint, measured=False), policy)

    what = "HD103 not measured" if checkpoint else "HD201 and HD202 were not measured"
    assert entry.exit_code is ExitCode.INPUT
    assert entry.notes == (f"nothing fails, and too little is known to pass: {what}",)


@pytest.mark.parametrize("checkpoint", [True, False], ids=["trained", "before training"])
def test_a_run_at_risk_passes_where_its_cause_is_ignored_and_the_rest_was_measured(checkpoint: bool) -> None:
    of = _caused(data=True, checkpoint=checkpoint, measured=True)

    entry = _entry(of, ignoring("HD204"))

    assert (entry.exit_code, entry.notes, entry.verdict) == (ExitCode.CLEAN, (), "at-risk")


def test_an_ignored_cause_leaves_a_verdict_that_the_policy_may_still_not_accept() -> None:
    of = _caused(data=True, checkpoint=True, measured=True)

    (breach,) = _entry(of, replace(ignoring("HD204"), verdicts=(Verdict.HEALTHY,))).failing

    assert breach.finding.message == "the verdict is at-risk, the policy accepts healthy"
    assert breach.finding.fingerprint == "HD007:verdicts"


def test_an_undetermined_run_with_ignored_findings_alone_ends_with_3() -> None:
    of = report(Verdict.UNDETERMINED, [found("HD204", Severity.WARNING)])

    assert _entry(of, replace(ignoring("HD204"), verdicts=(Verdict.HEALTHY,))).exit_code is ExitCode.INPUT


# --- what a policy asks for beyond the findings


def _bounded(text: Interval, metric: str = "HD103.time_std_ratio") -> Policy:
    return Policy(thresholds={metric: text})


def test_a_looser_threshold_takes_a_finding() -> None:
    (judged,) = _entry(flat(0.1), _bounded(Interval(low=0.05))).findings

    assert judged.standing is Standing.ACCEPTED
    assert judged.reason == "HD103.time_std_ratio is 0.1, the policy asks >= 0.05"


def test_a_threshold_on_one_number_does_not_take_a_finding_of_another() -> None:
    measured = {"time_std_ratio": 0.1, "velocity_std_ratio": 0.01}
    of = report(Verdict.COLLAPSED, [found("HD103", evidence=measured)], [result("HD103", Judgement.FOUND, **measured)])
    both = Policy(thresholds={"HD103.time_std_ratio": Interval(low=0.05), "HD103.velocity_std_ratio": Interval(low=0.0)})

    assert _standings(_entry(of, _bounded(Interval(low=0.05)))) == {"HD103": Standing.FAILS}
    assert _standings(_entry(of, both)) == {"HD103": Standing.ACCEPTED}


def test_a_stricter_threshold_is_a_breach_of_its_own() -> None:
    entry = _entry(
        report(Verdict.HEALTHY), Policy(fail_on=None, select=("HD2",), thresholds=_bounded(Interval(low=1.5)).thresholds)
    )

    (judged,) = entry.failing
    assert judged.finding.message == "HD103.time_std_ratio is 1, the policy asks >= 1.5"
    assert judged.finding.fingerprint == "HD007:HD103.time_std_ratio"
    assert (dict(judged.finding.evidence), entry.exit_code) == ({"time_std_ratio": 1.0}, ExitCode.FINDINGS)


@pytest.mark.parametrize(
    ("results", "reason"),
    [
        ([result("HD105", None)], "no data given; add --data"),
        ([], "its probe was not run"),
        ([result("HD105")], "it was not measured"),
    ],
)
def test_a_threshold_that_cannot_be_held_to_anything_is_breached(results: list[object], reason: str) -> None:
    of = report(Verdict.HEALTHY, results=results)  # type: ignore[arg-type]  # of results

    (judged,) = _entry(of, _bounded(Interval(low=0.2), "HD105.skill")).failing

    assert judged.finding.message == f"HD105.skill is not known, and the policy has a threshold for it: {reason}"


def test_a_symptoms_threshold_does_not_apply_before_training_and_a_causes_does() -> None:
    of = report(Verdict.HEALTHY, results=[result("HD201", None)], checkpoint=None)

    assert _entry(of, _bounded(Interval(low=0.2))).passed
    assert not _entry(of, _bounded(Interval(low=0.2), "HD201.reachable_loss_share")).passed


@pytest.mark.parametrize("code", ["HD103", "HD007"])
def test_an_ignore_of_a_probe_covers_the_thresholds_on_it(code: str) -> None:
    entry = _entry(report(Verdict.HEALTHY), replace(_bounded(Interval(low=1.5)), ignores=ignoring(code).ignores))

    assert (_standings(entry), entry.exit_code) == ({"HD007": Standing.IGNORED}, ExitCode.CLEAN)


def test_an_ignore_of_a_probe_does_not_cover_the_thresholds_on_another() -> None:
    entry = _entry(report(Verdict.HEALTHY), replace(_bounded(Interval(low=1.5)), ignores=ignoring("HD101").ignores))

    assert _standings(entry) == {"HD007": Standing.FAILS}


def test_an_ignore_that_only_covers_a_threshold_is_used() -> None:
    looking = judge(replace(_bounded(Interval(low=1.5)), ignores=ignoring("HD103").ignores))

    assert looking.unused([looking.entry("a", report(Verdict.HEALTHY))]) == ()


def test_required_data_that_was_not_looked_at_is_a_breach() -> None:
    of = report(Verdict.HEALTHY, data=None)

    (judged,) = _entry(of, Policy(require_data=True)).failing

    assert judged.finding.message == "no data was looked at, and the policy requires it; add --data"
    assert _entry(replace(of, data=report(Verdict.HEALTHY).data), Policy(require_data=True)).passed


# --- many inputs


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("cut short"), ExitCode.INPUT),
        (UsageError("a wrong key"), ExitCode.USAGE),
        (DoctorError("a bug"), ExitCode.INTERNAL),
    ],
)
def test_an_input_that_could_not_be_looked_at_is_an_entry_that_fails(error: DoctorError, code: ExitCode) -> None:
    entry = refused("runs/cut.pt", error)

    assert (entry.exit_code, entry.verdict, entry.sentence, entry.passed) == (code, "unreadable", str(error), False)
    assert [judged.finding.code for judged in entry.failing] == ["HD001"]


def test_the_worst_comes_first_and_gives_the_exit_code() -> None:
    looking = judge()
    entries = [
        looking.entry("well", report(Verdict.HEALTHY)),
        looking.entry("flat", flat()),
        looking.entry("flatter", replace(flat(), findings=(*flat().findings, found("HD201")))),
        refused("cut", InputError("cut short")),
        looking.entry("unknown", report(Verdict.UNDETERMINED)),
        looking.entry("broken", report(Verdict.UNDETERMINED, [found("HD003", key="HD205")], [crashed("HD205")])),
        looking.entry("warned", report(Verdict.AT_RISK, [found("HD204", Severity.WARNING)])),
        looking.entry("too", report(Verdict.HEALTHY)),
    ]

    ordered = worst_first(entries)

    assert [entry.name for entry in ordered] == ["broken", "cut", "unknown", "flatter", "flat", "warned", "well", "too"]
    assert Gate(tool_version="0.1.0", entries=ordered).exit_code is ExitCode.INTERNAL
    assert Gate(tool_version="0.1.0", entries=ordered[1:]).exit_code is ExitCode.INPUT
    assert Gate(tool_version="0.1.0", entries=ordered[-2:]).exit_code is ExitCode.CLEAN


def test_a_gate_over_nothing_does_not_pass() -> None:
    assert Gate(tool_version="0.1.0", entries=()).exit_code is ExitCode.INPUT


def test_the_first_ignore_that_holds_gives_the_reason() -> None:
    two = Policy(ignores=(Ignore(code="HD103", reason="first"), Ignore(code="HD103", reason="second")))

    assert _entry(flat(), two).findings[0].reason == "first"
