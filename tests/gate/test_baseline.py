from __future__ import annotations

import json
import re
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from humouse_doctor.core.errors import ExitCode, InputError
from humouse_doctor.core.gating import Age, Entry, Policy, Standing
from humouse_doctor.core.probe import Judgement, Severity
from humouse_doctor.core.remedy import ANY, Interval
from humouse_doctor.core.report import Report, Verdict
from humouse_doctor.gate import baseline
from humouse_doctor.gate.judging import is_known
from tests.gate.builders import (
    CHECKPOINT,
    TODAY,
    crashed,
    flat,
    found,
    ignoring,
    intervals,
    judge,
    policies,
    report,
    reports,
    result,
)
from tests.gate.test_comparing import of_weights


def _kept(folder: Path, of: Report, policy: Policy | None = None, name: str = "runs/x") -> baseline.Baseline:
    """A baseline of one run."""
    return baseline.write(folder / "baseline.json", [judge(policy).entry(str(folder / name), of)], "0.1.0")


def _again(
    folder: Path, before: Report, after: Report, policy: Policy | None = None, then: Policy | None = None, name: str = "runs/x"
) -> Entry:
    """`after` judged against a baseline made of `before`."""
    kept = _kept(folder, before, then or policy)
    path = str(folder / name)
    return judge(policy).entry(path, after, kept.run(path, after))


def test_a_sick_run_passes_its_own_baseline(tmp_path: Path) -> None:
    entry = _again(tmp_path, flat(), flat())

    (judged,) = entry.findings
    assert (judged.standing, judged.age, judged.reason) == (Standing.KNOWN, Age.UNCHANGED, "in the baseline")
    assert (entry.exit_code, entry.healed, entry.notes) == (ExitCode.CLEAN, (), ())


def test_one_more_finding_fails_alone(tmp_path: Path) -> None:
    more = replace(flat(), findings=(*flat().findings, found("HD201", key="model.generator.activation_xy")))

    entry = _again(tmp_path, flat(), more)

    assert [judged.finding.code for judged in entry.failing] == ["HD201"]
    assert [judged.age for judged in entry.failing] == [Age.NEW]
    assert entry.exit_code is ExitCode.FINDINGS


def test_a_healed_run_says_so(tmp_path: Path) -> None:
    entry = _again(tmp_path, flat(), report(Verdict.HEALTHY))

    assert (entry.healed, entry.exit_code) == (("HD103:",), ExitCode.CLEAN)


@pytest.mark.parametrize("results", [[result("HD103", None)], [crashed("HD103")]], ids=["skipped", "crashed"])
def test_what_was_not_measured_is_not_healed(results: list[object], tmp_path: Path) -> None:
    entry = _again(tmp_path, flat(), report(Verdict.UNDETERMINED, results=results))  # type: ignore[arg-type]  # of results

    assert entry.healed == ()
    assert entry.notes == ("HD103: of the baseline was not measured this time: not healed",)


def test_what_a_probe_of_another_version_found_is_not_healed(tmp_path: Path) -> None:
    entry = _again(tmp_path, report(Verdict.COLLAPSED, [found("HD199")]), report(Verdict.HEALTHY))

    assert entry.healed == ()
    assert entry.notes == ("HD199: of the baseline was not measured this time: not healed",)


def test_the_tools_own_findings_heal_without_a_probe(tmp_path: Path) -> None:
    before = report(Verdict.HEALTHY, [found("HD002", Severity.WARNING, "data.batch_size")])

    assert _again(tmp_path, before, report(Verdict.HEALTHY)).healed == ("HD002:data.batch_size",)


@pytest.mark.parametrize(
    ("then", "now", "worsened"),
    [
        (0.2, 0.19, False),
        (0.2, 0.11, False),
        (0.2, 0.09, True),
        (0.2, 0.39, False),
        (5.0, 6.0, False),
        (5.0, 6.3, True),
        (0.2, 5.5, True),
    ],
)
def test_a_number_worsens_where_it_moves_away_by_more_than_a_quarter(
    then: float, now: float, worsened: bool, tmp_path: Path
) -> None:
    (judged,) = _again(tmp_path, flat(then), flat(now)).findings

    assert (judged.age is Age.WORSENED, judged.standing is Standing.FAILS) == (worsened, worsened)
    if worsened:
        assert judged.reason == f"time_std_ratio was {then:.3g} and is {now:.3g}, healthy is 0.4 to 4"


@pytest.mark.parametrize(
    ("then", "now", "words"),
    [
        (Severity.NOTE, Severity.WARNING, "was a note, is a warning now"),
        (Severity.WARNING, Severity.ERROR, "was a warning, is an error now"),
        (Severity.ERROR, Severity.WARNING, "in the baseline"),
    ],
)
def test_a_graver_finding_has_worsened(then: Severity, now: Severity, words: str, tmp_path: Path) -> None:
    (judged,) = _again(tmp_path, flat(severity=then), flat(severity=now)).findings

    assert judged.reason == words


def test_worsening_is_judged_by_the_first_numbers_however_often_the_gate_runs(tmp_path: Path) -> None:
    kept = _kept(tmp_path, flat(0.3))
    path = str(tmp_path / "runs/x")

    ages = [judge().entry(path, now, kept.run(path, now)).findings[0].age for now in map(flat, (0.25, 0.21, 0.15))]

    assert ages == [Age.UNCHANGED, Age.UNCHANGED, Age.WORSENED]


_METRIC_INTERVALS = st.one_of(intervals(), st.just(ANY))
_VALUES = st.floats(-1e6, 1e6)


@given(healthy=_METRIC_INTERVALS, one=_VALUES, other=_VALUES)
def test_of_two_numbers_at_most_one_is_worse_than_the_other(healthy: Interval, one: float, other: float) -> None:
    assert not (baseline.has_worsened(healthy, one, other) and baseline.has_worsened(healthy, other, one))
    assert not baseline.has_worsened(healthy, one, one)


@given(healthy=_METRIC_INTERVALS, then=_VALUES, share=st.floats(-baseline.WORSE_BY, baseline.WORSE_BY))
def test_what_another_seed_explains_has_not_worsened_in_either_direction(healthy: Interval, then: float, share: float) -> None:
    now = then + 0.99 * share * abs(then)

    assert not baseline.has_worsened(healthy, then, now)
    assert not baseline.has_worsened(healthy, now, then) or abs(now) < abs(then)


@given(healthy=intervals(), then=_VALUES, now=_VALUES, further=st.floats(0, 1e6))
def test_further_from_health_is_never_less_worsened(healthy: Interval, then: float, now: float, further: float) -> None:
    assume(baseline.has_worsened(healthy, then, now))

    away = now - further if now < healthy.low else now + further

    assert baseline.has_worsened(healthy, then, away)


_STRICT = Policy(thresholds={"HD101.spread_ratio": Interval(low=0.9)})


def _spread(ratio: float | None) -> Report:
    judgement = None if ratio is None else Judgement.HEALTHY
    measured = {} if ratio is None else {"spread_ratio": ratio}
    return report(Verdict.HEALTHY, results=[result("HD101", judgement, **measured)])


def test_a_breached_threshold_is_known_and_not_healed_while_it_is_breached(tmp_path: Path) -> None:
    entry = _again(tmp_path, _spread(0.8), _spread(0.8), _STRICT)

    assert [judged.standing for judged in entry.findings] == [Standing.KNOWN]
    assert (entry.healed, entry.exit_code) == ((), ExitCode.CLEAN)


def test_a_threshold_met_again_is_healed(tmp_path: Path) -> None:
    assert _again(tmp_path, _spread(0.8), _spread(0.95), _STRICT).healed == ("HD007:HD101.spread_ratio",)


def test_a_breached_threshold_that_does_not_apply_any_more_is_not_healed(tmp_path: Path) -> None:
    entry = _again(tmp_path, _spread(0.8), report(Verdict.HEALTHY, checkpoint=None), _STRICT)

    assert entry.healed == ()
    assert entry.notes == ("HD007:HD101.spread_ratio of the baseline was not measured this time: not healed",)


def test_a_breached_threshold_worsens_by_its_number(tmp_path: Path) -> None:
    (judged,) = _again(tmp_path, _spread(0.8), _spread(0.5), _STRICT).failing

    assert judged.reason == "spread_ratio was 0.8 and is 0.5, the policy asks >= 0.9"


@pytest.mark.parametrize(
    ("then", "now", "words"), [(None, 0.1, "was not measured, is now"), (0.8, None, "was measured, is not known now")]
)
def test_a_threshold_that_was_held_to_nothing_is_not_the_same_as_a_breached_one(
    then: float | None, now: float | None, words: str, tmp_path: Path
) -> None:
    (judged,) = _again(tmp_path, _spread(then), _spread(now), _STRICT).failing

    assert (judged.age, judged.reason) == (Age.WORSENED, words)


@pytest.mark.parametrize(
    ("then", "now", "standing"),
    [
        (Verdict.AT_RISK, Verdict.AT_RISK, Standing.KNOWN),
        (Verdict.COLLAPSED, Verdict.AT_RISK, Standing.KNOWN),
        (Verdict.AT_RISK, Verdict.COLLAPSED, Standing.FAILS),
    ],
)
def test_a_verdict_the_policy_does_not_accept_is_known_until_it_is_worse(
    then: Verdict, now: Verdict, standing: Standing, tmp_path: Path
) -> None:
    entry = _again(tmp_path, report(then), report(now), Policy(verdicts=(Verdict.HEALTHY,)))

    assert [judged.standing for judged in entry.findings] == [standing]


def test_a_policys_threshold_is_what_a_finding_worsens_from(tmp_path: Path) -> None:
    loose = Policy(thresholds={"HD103.time_std_ratio": Interval(low=0.15)})

    (judged,) = _again(tmp_path, flat(0.16), flat(0.05), loose).failing[:1]

    assert judged.finding.code == "HD103"
    assert judged.reason == "time_std_ratio was 0.16 and is 0.05, the policy asks >= 0.15"


def test_what_was_ignored_is_not_kept_and_comes_back_with_its_day(tmp_path: Path) -> None:
    ignored, expired = ignoring("HD103", expires=TODAY), ignoring("HD103", expires=TODAY.replace(day=1))

    assert _again(tmp_path, flat(), flat(), ignored).findings[0].standing is Standing.IGNORED
    entry = _again(tmp_path, flat(), flat(), expired, then=ignored)

    assert (entry.findings[0].standing, entry.exit_code) == (Standing.FAILS, ExitCode.FINDINGS)
    assert entry.notes == ("ignore of HD103 expired on 2027-06-01, so the finding counts again: known",)


def test_a_crashed_probe_in_a_baseline_written_by_hand_still_fails(tmp_path: Path) -> None:
    broken = report(Verdict.UNDETERMINED, [found("HD003", key="HD201")], [crashed("HD201")])

    entry = _again(tmp_path, broken, broken)

    assert [judged.standing for judged in entry.findings] == [Standing.FAILS]
    assert entry.exit_code is ExitCode.INTERNAL


def test_a_run_in_another_folder_is_known_by_its_experiment(tmp_path: Path) -> None:
    sick = replace(flat(), settings=report(Verdict.HEALTHY, experiment="strokes").settings)

    entry = _again(tmp_path, sick, sick, name="runs/2027-02-02")

    assert entry.exit_code is ExitCode.CLEAN
    assert entry.notes == ("judged as runs/x of the baseline, its only run of strokes",)


def test_a_run_that_is_not_in_the_baseline_has_only_new_findings_and_says_so(tmp_path: Path) -> None:
    entry = _again(tmp_path, flat(), flat(), name="elsewhere/x")

    assert [judged.age for judged in entry.failing] == [Age.NEW]
    assert entry.notes == ("elsewhere/x is not in the baseline: every finding counts as new",)


def test_two_runs_of_one_experiment_are_told_apart_by_their_paths_alone(tmp_path: Path) -> None:
    named = report(Verdict.HEALTHY, experiment="strokes").settings
    mild, grave = replace(flat(0.3), settings=named), replace(flat(0.01), settings=named)
    paths = [str(tmp_path / name) for name in ("runs/a", "runs/b", "runs/c")]
    kept = baseline.write(tmp_path / "b.json", [judge().entry(paths[0], mild), judge().entry(paths[1], grave)], "0.1.0")

    first, second, third = (judge().entry(path, grave, kept.run(path, grave)) for path in paths)

    assert [first.findings[0].age, second.findings[0].age, third.findings[0].age] == [Age.WORSENED, Age.UNCHANGED, Age.NEW]
    assert third.notes == (
        "runs/c is not in the baseline, which has 2 runs of strokes at other paths: every finding counts as new",
    )


@pytest.mark.parametrize("experiment", [None, "", 3])
def test_without_a_name_no_experiment_is_recognised(experiment: object, tmp_path: Path) -> None:
    made = report(Verdict.HEALTHY, experiment="x")
    settings = tuple(replace(setting, value=experiment) for setting in made.settings)  # type: ignore[arg-type]  # any value
    sick = replace(flat(), settings=settings)

    assert _again(tmp_path, sick, sick, name="elsewhere/x").exit_code is ExitCode.FINDINGS


@pytest.mark.parametrize(
    ("name", "at", "key"),
    [
        ("/repo/runs/x", "/repo/baseline.json", "runs/x"),
        ("/repo/runs/../runs/x/", "/repo/baseline.json", "runs/x"),
        ("/repo/runs/x", "/repo/ci/baseline.json", "../runs/x"),
        ("/repo", "/repo/baseline.json", "."),
        ("/data/runs/x", "/repo/baseline.json", "/data/runs/x"),
    ],
)
def test_a_run_is_called_the_same_in_every_checkout(name: str, at: str, key: str) -> None:
    assert baseline.key_of(name, Path(at)) == key


def test_names_are_those_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ci").mkdir()
    monkeypatch.chdir(tmp_path / "ci")

    assert baseline.key_of("../runs/x", Path("../baseline.json")) == "runs/x"
    assert baseline.key_of("../runs/x", Path("b.json")) == "../runs/x"


def test_a_fingerprint_outlives_every_number(tmp_path: Path) -> None:
    (one,), (other,) = flat(0.1).findings, flat(0.123).findings

    assert one.fingerprint == other.fingerprint
    assert not re.search(r"[0-9]", one.fingerprint.removeprefix(one.code))


def test_the_file_is_the_same_whatever_the_order_of_the_inputs(tmp_path: Path) -> None:
    entries = [judge().entry(str(tmp_path / name), flat()) for name in ("b", "a", "c")]

    baseline.write(tmp_path / "one.json", entries, "0.1.0")
    baseline.write(tmp_path / "two.json", entries[::-1], "0.1.0")

    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write"):
        baseline.write(tmp_path / "missing" / "b.json", [judge().entry("x", flat())], "0.1.0")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    kept = _kept(tmp_path, flat())
    kept.source.write_bytes(b"\xef\xbb\xbf" + kept.source.read_bytes())

    assert baseline.read(kept.source) == kept


def test_a_missing_file_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the baseline: No such file or directory; make it with --write-baseline"):
        baseline.read(tmp_path / "b.json")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "3", "{}", '{"kind": "another"}', '{"kind": "humouse-doctor baseline"}', "[" * 100_000, "\udcff"],
    ids=["empty", "list", "number", "nothing", "another", "no version", "deep", "not UTF-8"],
)
def test_anything_else_is_no_baseline(text: str, tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))

    with pytest.raises(InputError, match="not a baseline of humouse-doctor"):
        baseline.read(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"time_std_ratio": 0.1', '"time_std_ratio": NaN'),
        ('"time_std_ratio": 0.1', '"time_std_ratio": 1e999'),
        ('"time_std_ratio": 0.1', '"time_std_ratio": "much"'),
        ('"severity": "error"', '"severity": "bad"'),
        ('"verdict": "collapsed"', '"verdict": "sick"'),
        ('"experiment"', '"experience"'),
    ],
)
def test_a_baseline_with_something_broken_in_it_is_refused_whole(old: str, new: str, tmp_path: Path) -> None:
    path = _kept(tmp_path, flat()).source
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))

    with pytest.raises(InputError, match="not a baseline of humouse-doctor"):
        baseline.read(path)


def test_another_schema_is_named(tmp_path: Path) -> None:
    path = _kept(tmp_path, flat()).source
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": "9.0"}))

    with pytest.raises(InputError, match=r"a baseline of schema '9\.0'; this version reads 1\.0"):
        baseline.read(path)


@given(drawn=reports(sound=True), policy=policies())
def test_every_known_run_passes_the_baseline_made_of_it(drawn: Report, policy: Policy) -> None:
    found_now = drawn if is_known(drawn) else replace(drawn, verdict=Verdict.HEALTHY)  # most that are drawn are not known
    assert is_known(found_now)
    with tempfile.TemporaryDirectory() as folder:
        kept = _kept(Path(folder), found_now, policy, CHECKPOINT)
        path = str(Path(folder) / CHECKPOINT)

        entry = judge(policy).entry(path, found_now, kept.run(path, found_now))

        assert kept == baseline.read(kept.source)
    assert entry.exit_code is ExitCode.CLEAN
    assert entry.healed == ()
    assert not any(judged.age is Age.WORSENED for judged in entry.findings)


@pytest.mark.parametrize("same", [True, False])
def test_what_the_same_weights_do_not_show_any_more_is_not_healed(*, same: bool, tmp_path: Path) -> None:
    before, after = of_weights("a" * 64, flat()), of_weights(("a" if same else "b") * 64, report(Verdict.HEALTHY))
    before = replace(before, findings=(*before.findings, found("HD002", Severity.WARNING)))

    entry = _again(tmp_path, before, after)

    said = "HD103: of the baseline is gone, but the weights are the same: not healed"
    assert entry.healed == (("HD002:",) if same else ("HD002:", "HD103:"))
    assert (said in entry.notes) is same
