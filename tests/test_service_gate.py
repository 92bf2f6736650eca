from __future__ import annotations

import json
import pickle
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import fsspec
import pytest

from humouse_doctor.cases.request import Request
from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import DoctorError, ExitCode, InputError, UsageError
from humouse_doctor.core.gating import Age, Entry, Gate, Standing
from humouse_doctor.core.report import Report, Verdict
from humouse_doctor.fleet.crews import Alone, Hear
from humouse_doctor.fleet.jobs import Job
from humouse_doctor.fleet.work import Died, Outcome
from humouse_doctor.gate import baseline
from humouse_doctor.inputs.files import reads_remembered, require_unread
from humouse_doctor.probes.flat_output import FlatOutput
from humouse_doctor.probes.repeated_latent import RepeatedLatent
from humouse_doctor.reporting.forms import FailOn
from humouse_doctor.service import commands as service
from humouse_doctor.service import gate as gating
from humouse_doctor.service.commands import report_on
from humouse_doctor.service.gate import GateRequest, _crew, gate
from humouse_doctor.stored import answer as json_answer
from humouse_doctor.survey.discover import Found
from humouse_doctor.verify.bench import Pulse
from tests.verify.runs import write_config, write_data

TODAY = date(2027, 6, 15)


def _order(folder: Path, *inputs: Path | str, **more: Any) -> GateRequest:
    request = more.pop("request", Request(samples=64, quick=True))
    workers = more.pop("workers", 1)  # other processes take seconds to start
    return GateRequest(inputs=inputs, request=request, today=TODAY, folder=folder, workers=workers, **more)


def _policy(folder: Path, text: str) -> Path:
    path = folder / "humouse-doctor.toml"
    path.write_text(text)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the top of a repository, so that no policy further up counts."""
    (tmp_path / ".git").mkdir()
    return tmp_path


@pytest.fixture
def sick(collapsed_run: Path, folder: Path) -> Path:
    """Return a copy of the collapsed run that a test may write to."""
    return Path(shutil.copytree(collapsed_run, folder / "runs" / "sick"))


def _edit(run: Path, old: str, new: str) -> None:
    config = run / ".hydra" / "config.yaml"
    text = config.read_text()
    assert text.count(old) == 1
    config.write_text(text.replace(old, new))


def _codes(decided: Gate, *standings: Standing) -> set[str]:
    return {j.finding.code for entry in decided.entries for j in entry.findings if j.standing in (standings or tuple(Standing))}


def test_a_healthy_run_passes(healthy_run: Path, folder: Path) -> None:
    decided = gate(_order(folder, healthy_run, pictures=False))

    assert decided.exit_code is ExitCode.CLEAN
    assert [entry.report is not None and entry.report.pictures for entry in decided.entries] == [None]
    assert [entry.verdict for entry in decided.entries] == ["healthy"]
    assert (decided.notes, decided.baseline, decided.policy.source) == ((), None, None)


def test_a_collapsed_run_fails(collapsed_run: Path, folder: Path) -> None:
    decided = gate(_order(folder, collapsed_run))

    assert decided.exit_code is ExitCode.FINDINGS
    assert {"HD103", "HD201"} <= _codes(decided, Standing.FAILS)


def test_many_inputs_come_worst_first_with_one_exit_code(collapsed_run: Path, healthy_run: Path, folder: Path) -> None:
    broken = folder / "broken.pt"
    broken.write_bytes(b"PK\x03\x04 cut short")

    decided = gate(_order(folder, healthy_run, collapsed_run, broken, folder / "missing"))

    assert [entry.name for entry in decided.entries] == [
        *map(str, (broken, folder / "missing", collapsed_run, healthy_run)),
    ]  # fmt: skip
    assert [int(entry.exit_code) for entry in decided.entries] == [3, 3, 1, 0]
    assert decided.exit_code is ExitCode.INPUT
    assert str(broken) in decided.entries[0].sentence


def test_an_input_given_twice_is_looked_at_once(collapsed_run: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(collapsed_run.parent)
    looked: list[str] = []

    decided = gate(_order(folder, Path(collapsed_run.name), collapsed_run, Path(collapsed_run.name)), looked.append)

    assert [entry.name for entry in decided.entries] == [collapsed_run.name]
    assert sum("reading gestures" in line for line in looked) == 1


def test_a_remote_folder_that_was_not_seen_as_a_whole_is_named_by_its_url(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    url = "memory://gated/runs"
    fsspec.filesystem("memory").pipe_file("/gated/runs/a/generator.pt", b"")
    monkeypatch.setattr(gating, "runs_at", lambda path: Found(runs=(), notes=(f"no list of {path}/a",)))

    (entry,) = gate(_order(folder, url)).entries
    assert (entry.name, entry.exit_code) == (url, ExitCode.INPUT)
    assert [found.finding.message for found in entry.findings] == [f"{url}: no list of {url}/a"]


@pytest.mark.parametrize("suffix", ["yaml", "yml", "YAML"])
def test_a_config_alone_is_looked_at_before_training(suffix: str, collapsed_run: Path, folder: Path) -> None:
    config = folder / f"run.{suffix}"
    shutil.copy(collapsed_run / ".hydra" / "config.yaml", config)
    (data,) = (collapsed_run / "data").rglob("*.npz")

    decided = gate(_order(folder, config, request=Request(data=data, samples=64)))

    (entry,) = decided.entries
    assert (entry.verdict, entry.exit_code) == ("at-risk", ExitCode.FINDINGS)
    assert entry.report is not None
    assert entry.report.subject.checkpoint is None
    assert {code[:3] for code in _codes(decided)} == {"HD2"}


def test_a_config_with_nothing_wrong_in_it_is_not_known_without_data(healthy_run: Path, folder: Path) -> None:
    config = healthy_run / ".hydra" / "config.yaml"

    bare = gate(_order(folder, config, fail_on=FailOn.NEVER))

    assert bare.exit_code is ExitCode.INPUT


def test_a_config_the_trainer_does_not_take_is_an_entry_of_code_2(sick: Path, folder: Path) -> None:
    config = folder / "broken.yaml"
    config.write_text("training: [")

    decided = gate(_order(folder, sick, config))

    assert [int(entry.exit_code) for entry in decided.entries] == [2, 1]


def test_without_its_data_a_collapsed_run_never_passes(sick: Path, folder: Path) -> None:
    shutil.rmtree(sick / "data")
    codes = "".join(f'[[ignore]]\ncode = "{code}"\nreason = "known"\n' for code in sorted(_codes(gate(_order(folder, sick)))))
    _policy(folder, codes)

    decided = gate(_order(folder, sick))

    assert _codes(decided, Standing.FAILS) == set()
    assert decided.exit_code is ExitCode.INPUT


@pytest.fixture
def crashing(monkeypatch: pytest.MonkeyPatch) -> Callable[[type], None]:
    """Return a function that makes a probe crash."""

    def crash(_: object, case: Case) -> dict[str, float]:
        raise ZeroDivisionError(f"on purpose, {case.subject.name}")

    return lambda probe: monkeypatch.setattr(probe, "measure", crash)


@pytest.mark.parametrize("probe", [FlatOutput, RepeatedLatent])
def test_a_crashed_probe_ends_with_4_whatever_the_policy_lets_through(
    probe: type, healthy_run: Path, folder: Path, crashing: Callable[[type], None]
) -> None:
    _policy(folder, 'fail-on = "never"\nselect = ["HD208"]\n')
    crashing(probe)

    decided = gate(_order(folder, healthy_run, fail_on=FailOn.NEVER))

    assert decided.exit_code is ExitCode.INTERNAL
    assert _codes(decided, Standing.FAILS) == {"HD003"}


def test_a_mistake_of_the_tool_does_not_take_the_other_inputs_with_it(
    collapsed_run: Path, healthy_run: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inspect = service.report_on

    def failing(request: Request, **others: Any) -> Report:
        if request.checkpoint == collapsed_run:
            raise RuntimeError("on\npurpose")
        return inspect(request, **others)

    monkeypatch.setattr(service, "report_on", failing)

    decided = gate(_order(folder, collapsed_run, healthy_run))

    assert [int(entry.exit_code) for entry in decided.entries] == [4, 0]
    assert decided.entries[0].sentence == f"{collapsed_run}: internal error, please report it: RuntimeError: on purpose"


# --- policies


def test_the_policy_of_the_folder_holds_and_is_named(collapsed_run: Path, folder: Path) -> None:
    path = _policy(folder, 'verdicts = ["healthy"]\nfail-on = "never"\n')

    decided = gate(_order(folder, collapsed_run))

    assert decided.policy.source == str(path)
    assert _codes(decided, Standing.FAILS) == {"HD007"}


def test_a_policy_given_takes_the_place_of_the_folders(healthy_run: Path, folder: Path) -> None:
    _policy(folder, "nonsense = 1")
    given = folder / "ci.toml"
    given.write_text('[thresholds]\nHD101.spread_ratio = ">= 100"\n')

    assert _codes(gate(_order(folder, healthy_run, policy=given)), Standing.FAILS) == {"HD007"}


def test_the_command_line_comes_before_the_policy(collapsed_run: Path, folder: Path) -> None:
    _policy(folder, 'fail-on = "never"')

    assert gate(_order(folder, collapsed_run)).exit_code is ExitCode.CLEAN
    assert gate(_order(folder, collapsed_run, fail_on=FailOn.ERROR)).exit_code is ExitCode.FINDINGS


def test_required_data_that_is_not_there_fails(sick: Path, folder: Path) -> None:
    shutil.rmtree(sick / "data")

    decided = gate(_order(folder, sick, require_data=True))

    assert "HD007" in _codes(decided, Standing.FAILS)


@pytest.mark.parametrize("text", ["nonsense = 1", "fail-on = "])
def test_a_policy_with_a_mistake_ends_everything(text: str, collapsed_run: Path, folder: Path) -> None:
    with pytest.raises(UsageError, match=r"humouse-doctor\.toml: "):
        gate(_order(folder, collapsed_run, policy=_policy(folder, text)))


def test_an_ignore_fits_paths_from_the_policys_folder(sick: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _policy(folder, '[[ignore]]\ncode = "HD103"\npath = "runs/*"\nreason = "known"\nexpires = 2027-06-15\n')
    monkeypatch.chdir(sick)

    today = gate(_order(sick, Path()))
    tomorrow = gate(replace(_order(sick, Path()), today=date(2027, 6, 16), folder=folder))

    assert _codes(today, Standing.IGNORED) == {"HD103"}
    assert "HD103" in _codes(tomorrow, Standing.FAILS)
    assert "ignore of HD103 expired on 2027-06-15, so the finding counts again: known" in tomorrow.entries[0].notes


def test_an_ignore_of_what_is_not_found_is_a_note(healthy_run: Path, folder: Path) -> None:
    _policy(folder, '[[ignore]]\ncode = "HD103"\nreason = "known"\n')

    decided = gate(_order(folder, healthy_run))

    assert (decided.notes, decided.exit_code) == (("ignore of HD103 is not used: no such finding any more",), ExitCode.CLEAN)


# --- baselines


@pytest.fixture
def kept(sick: Path, folder: Path) -> Path:
    """Return a baseline of the sick run."""
    path = folder / "baseline.json"
    gate(_order(folder, sick, write_baseline=path))
    return path


def test_a_baseline_made_on_a_sick_run_passes_at_once_and_again(sick: Path, folder: Path) -> None:
    path = folder / "baseline.json"

    first = gate(_order(folder, sick, write_baseline=path))
    second = gate(_order(folder, sick, baseline=path))

    assert (first.exit_code, second.exit_code) == (ExitCode.CLEAN, ExitCode.CLEAN)
    assert first.baseline == second.baseline == str(path)
    assert {"HD103", "HD201"} <= _codes(second, Standing.KNOWN)
    assert _codes(second, Standing.FAILS) == set()


def test_one_more_cause_fails_alone(sick: Path, folder: Path, kept: Path) -> None:
    _edit(sick, "    absolute_coordinates: true\n", "    absolute_coordinates: true\n    warmup_noise_std: 1.0\n")

    decided = gate(_order(folder, sick, baseline=kept))

    (entry,) = decided.entries
    assert decided.exit_code is ExitCode.FINDINGS
    assert [(judged.finding.code, judged.age) for judged in entry.failing] == [("HD205", Age.NEW)]


def test_a_run_that_heals_says_so_and_passes(sick: Path, healthy_run: Path, folder: Path, kept: Path) -> None:
    known = {found["fingerprint"] for found in json.loads(kept.read_text())["runs"][0]["findings"]}
    shutil.rmtree(sick)
    shutil.copytree(healthy_run, sick)

    (entry,) = gate(_order(folder, sick, baseline=kept)).entries

    assert entry.exit_code is ExitCode.CLEAN
    assert "HD103:" in entry.healed
    assert "HD201:model.generator.activation_xy" not in {judged.finding.fingerprint for judged in entry.findings}
    unmeasured = {note.partition(" ")[0] for note in entry.notes}
    present = {judged.finding.fingerprint for judged in entry.findings}
    assert set(entry.healed) | unmeasured | present >= known


def test_a_run_that_was_moved_is_known_by_its_experiment(sick: Path, folder: Path, kept: Path) -> None:
    moved = folder / "runs" / "2027-06-15"
    sick.rename(moved)

    decided = gate(_order(folder, moved, baseline=kept))

    assert decided.exit_code is ExitCode.CLEAN
    assert decided.entries[0].notes == ("judged as runs/sick of the baseline, its only run of sick",)


def test_a_baseline_holds_in_another_checkout(
    sick: Path, folder: Path, kept: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (run,) = json.loads(kept.read_text())["runs"]
    elsewhere = tmp_path_factory.mktemp("checkout") / "repository"
    shutil.copytree(folder, elsewhere)

    decided = gate(_order(elsewhere, elsewhere / "runs" / "sick", baseline=elsewhere / "baseline.json"))

    assert run["path"] == "runs/sick"
    assert (decided.exit_code, decided.entries[0].notes) == (ExitCode.CLEAN, ())


@pytest.mark.parametrize("trouble", ["crash", "unreadable", "no data"])
def test_no_baseline_is_made_of_what_is_not_known(
    trouble: str, sick: Path, healthy_run: Path, folder: Path, crashing: Callable[[type], None]
) -> None:
    path = folder / "baseline.json"
    if trouble == "crash":
        crashing(RepeatedLatent)
    elif trouble == "unreadable":
        shutil.rmtree(sick / "checkpoints")
    else:
        shutil.rmtree(sick / "data")
    others = (healthy_run,) if trouble != "crash" else ()

    decided = gate(_order(folder, sick, *others, write_baseline=path))

    assert not path.exists()
    assert decided.notes == (f"no baseline was written: nothing is known of {sick}",)
    assert decided.exit_code is not ExitCode.CLEAN


def test_a_baseline_that_cannot_be_read_ends_everything(sick: Path, folder: Path) -> None:
    with pytest.raises(InputError, match="cannot read the baseline"):
        gate(_order(folder, sick, baseline=folder / "missing.json"))


def test_what_was_kept_reads_back(sick: Path, folder: Path, kept: Path) -> None:
    (run,) = baseline.read(kept).runs

    assert (run.path, run.experiment, run.verdict) == ("runs/sick", "sick", Verdict.COLLAPSED)
    assert run.findings["HD103:"].measurements["time_std_ratio"] < 0.25


# --- the patch as a diff, which every format shows


def test_a_reports_diff_is_its_patch_and_applies(sick: Path, folder: Path) -> None:
    config = sick / ".hydra" / "config.yaml"
    report = report_on(Request(checkpoint=sick, samples=64, quick=True))
    before = config.read_text()
    relative = report.diff.replace(str(config), config.relative_to(folder).as_posix())

    git = shutil.which("git")
    assert git is not None
    subprocess.run([git, "init", "-q"], cwd=folder, check=True)
    subprocess.run([git, "apply", "-"], cwd=folder, input=relative.encode(), check=True)

    changed = [line for line in report.diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert config.read_text() != before
    assert sum(line.startswith("+") for line in changed) == len(report.patch)
    assert sum(line.startswith("-") for line in changed) == sum(not edit.absent for edit in report.patch)


def test_a_healthy_run_has_no_diff(healthy_run: Path) -> None:
    report = report_on(Request(checkpoint=healthy_run, samples=64, quick=True))

    assert (report.patch, report.diff) == ((), "")


def test_without_a_config_there_is_no_diff(collapsed_run: Path, tmp_path: Path) -> None:
    checkpoint = Path(shutil.copy(next(collapsed_run.rglob("generator_*.pt")), tmp_path))
    (data,) = (collapsed_run / "data").rglob("*.npz")
    overrides = ("training.absolute_coordinates=true", "data.normalize_sequences=false")

    report = report_on(Request(checkpoint=checkpoint, data=data, overrides=overrides, samples=64, quick=True))

    assert report.subject.config is None
    assert report.diff == ""


def test_a_patch_that_cannot_be_made_in_place_leaves_a_remark_and_everything_else(sick: Path) -> None:
    whole = report_on(Request(checkpoint=sick, samples=64, quick=True))
    _edit(sick, "activation_xy: tanh", "activation_xy: &head tanh")
    _edit(sick, "activation_dt: linear", "activation_dt: linear\n      more: *head")

    report = report_on(Request(checkpoint=sick, samples=64, quick=True))

    assert (report.diff, report.patch) == ("", whole.patch)
    (remark,) = [remark for remark in report.subject.remarks if remark.startswith("no diff: ")]
    assert "activation_xy is shared through an anchor" in remark
    assert "use the override" in remark


def test_what_the_file_says_already_is_not_in_the_diff(sick: Path) -> None:
    _edit(sick, "activation_xy: tanh", "activation_xy: linear")
    overrides = ("model.generator.activation_xy=tanh",)

    report = report_on(Request(checkpoint=sick, overrides=overrides, samples=64, quick=True))

    assert "HD201" in {cause.code for cause in report.causes}
    assert "\n+    warmup_latent_normalize: false\n" in report.diff
    assert "activation_xy" not in report.diff


def test_configs_are_rehearsed_each_on_its_own_and_checkpoints_are_measured(
    folder: Path, sick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny, broken = folder / "tiny", folder / "broken"
    for place in (tiny, broken):
        place.mkdir()
    config, data = write_config(tiny), write_data(tiny)
    bad = write_config(broken)
    bad.write_text(bad.read_text().replace("target_len: 16", "target_len: 99"))
    heard: list[tuple[str, str]] = []

    class Heard:
        def started(self, job: Request) -> None:
            heard.append(("started", str(job.config)))

        def moved(self, job: Request, pulse: Pulse) -> None:
            assert (job.config, pulse.planned) == (config, 24)

        def ended(self, job: Request, answer: Report | Entry, /) -> None:
            heard.append((str(answer.verdict), str(job.config)))

    request = Request(samples=64, quick=True, data=data, rehearse_s=60)
    found = gate(_order(folder, config, bad, sick, request=request), listener=Heard())

    by_name = {entry.name: entry for entry in found.entries}
    assert {str(path): by_name[str(path)].exit_code for path in (config, bad)} == {
        str(config): ExitCode.FINDINGS, str(bad): ExitCode.USAGE,
    }  # fmt: skip
    report = by_name[str(config)].report
    assert report is not None
    assert report.rehearsed is not None
    assert by_name[str(bad)].sentence == "the data has 16 steps and the generator makes 99; expected no more than the data has"
    checkpoint = by_name[str(sick)].report
    assert checkpoint is not None
    assert checkpoint.rehearsed is None
    assert [event for event, _ in heard] == ["started", str(report.verdict), "started", "unreadable"]
    assert pickle.loads(pickle.dumps(replace(request, config=config))) == replace(request, config=config)


def test_a_gate_that_cannot_rehearse_says_so_at_once(folder: Path) -> None:
    with pytest.raises(UsageError, match="--rehearse trains on the run's own gestures: add --data"):
        gate(_order(folder, write_config(folder), request=Request(rehearse_s=60)))


# --- many inputs


class Looked:
    """Counts what is looked at, in this process."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, text: str) -> None:
        if text.startswith("input "):
            self.names.append(text.rpartition("/")[2])


def _configs(folder: Path, run: Path) -> list[Path]:
    """Return three configs, of which the last is broken."""
    text = (run / ".hydra" / "config.yaml").read_text()
    texts = {"a.yaml": text, "b.yaml": text.replace("tanh", "linear"), "c.yaml": "training: ["}
    for name, content in texts.items():
        (folder / name).write_text(content)
    return [folder / name for name in texts]


def test_other_processes_come_to_the_same_decision(collapsed_run: Path, folder: Path) -> None:
    (data,) = (collapsed_run / "data").rglob("*.npz")
    inputs = _configs(folder, collapsed_run)
    request = Request(data=data)

    here = gate(_order(folder, *inputs, request=request, workers=1))
    with reads_remembered():
        there = gate(_order(folder, *inputs, request=request, workers=2))
        with pytest.raises(UsageError, match="it was read as an input"):
            require_unread(data)

    assert [int(entry.exit_code) for entry in here.entries] == [2, 1, 1]
    assert there == here


def test_a_journal_keeps_what_is_known_until_an_input_changes(collapsed_run: Path, folder: Path) -> None:
    inputs = _configs(folder, collapsed_run)
    order = _order(folder, *inputs, journal=folder / "kept.jsonl")
    looks = [Looked() for _ in range(4)]

    plain = gate(replace(order, journal=None))
    first, second = gate(order, looks[0]), gate(order, looks[1])
    inputs[0].write_text(inputs[0].read_text() + "# changed\n")
    gate(order, looks[2])
    gate(replace(order, request=replace(order.request, seed=7)), looks[3])

    assert plain == first == second
    assert looks[0].names == ["a.yaml", "b.yaml", "c.yaml"]
    assert looks[1].names == []
    assert "a.yaml" in looks[2].names
    assert looks[3].names == ["a.yaml", "b.yaml", "c.yaml"]


class Deadly(Alone):
    """A crew whose processes do not survive some inputs."""

    def take(self, hear: Hear) -> Sequence[tuple[Job[Any], Outcome]]:
        if self._waiting[0][1].name.endswith("a.yaml"):
            return [(self._waiting.popleft()[1], Died(how="signal 9: out of memory?"))]
        return super().take(hear)


def test_an_input_that_kills_its_process_is_an_entry_and_is_named(
    collapsed_run: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = _configs(folder, collapsed_run)
    monkeypatch.setattr("humouse_doctor.service.gate.crew_for", lambda *_: Deadly())

    decided = gate(_order(folder, *inputs, workers=2))

    assert decided.entries[0].sentence == f"{inputs[0]}: its process died twice (signal 9: out of memory?)"
    assert {entry.name: int(entry.exit_code) for entry in decided.entries} == dict(
        zip(map(str, inputs), (3, 1, 2), strict=True)
    )


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"refused": "x", "exit_code": 0}',
        b'{"refused": 1}',
        b'{"refused": "x", "exit_code": 3, "a": 1}',
    ],
)
def test_an_answer_that_is_none_is_never_believed(answer: bytes) -> None:
    found = json_answer.parse(answer, "runs/1")

    assert isinstance(found, InputError)
    assert str(found).startswith("runs/1: not a")
    assert "\n" not in str(found)


def test_an_answer_says_all_that_was_known(collapsed_run: Path) -> None:
    request = Request(checkpoint=collapsed_run, samples=64, quick=True)
    report = report_on(request)
    for error in (UsageError("no\nway"), InputError("x\udcff"), DoctorError("bug")):
        again = json_answer.parse(json_answer.render(error), "runs/1")
        assert (type(again), str(again)) == (type(error), str(error))

    again = json_answer.parse(json_answer.render(report), "runs/1")

    assert isinstance(again, Report)
    assert service.with_suggestion(again, request) == report


@pytest.mark.parametrize(
    ("inputs", "rehearse", "quick", "size"),
    [
        (3, False, False, 1), (4, False, False, 2), (40, False, True, 1), (60, False, True, 2),
        (1, True, False, 1), (2, True, False, 2), (90, None, False, 1),
    ],
)  # fmt: skip
def test_a_second_process_looks_at_inputs_where_it_pays(
    inputs: int, rehearse: bool | None, quick: bool, size: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("humouse_doctor.service.gate.cores", lambda: 2)
    order = _order(folder, workers=None)
    kind = Request(config=folder) if rehearse is None else Request(checkpoint=folder, rehearse_s=60.0 if rehearse else None)
    kind = replace(kind, quick=quick, checkpoint=None if rehearse else kind.checkpoint)
    requests = [replace(kind, seed=number) for number in range(inputs)]

    assert _crew(order, requests).workers == size
    assert _crew(replace(order, workers=3), requests).workers == 3
