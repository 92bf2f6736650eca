from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.core.errors import ExitCode, InputError, UsageError
from humouse_doctor.core.outcome import AS_IT_IS, Arm, Outcome, Trial
from humouse_doctor.core.remedy import CodeChange, Edit
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.inputs.config import reader
from humouse_doctor.inputs.gestures.sources import read_gestures
from humouse_doctor.networks import observe, sampling
from humouse_doctor.remedies.arms import together
from humouse_doctor.remedies.candidates import candidates
from humouse_doctor.stored import outcome as outcome_json
from humouse_doctor.verify import verification, warm_start
from humouse_doctor.verify.bench import Bench, Job
from humouse_doctor.verify.effects import compare
from humouse_doctor.verify.patches import _patched
from humouse_doctor.verify.verification import VerifyRequest, _hints, _judged_causes, _require_same_config, verify
from tests.conftest import fit_little
from tests.reporting.builders import healthy
from tests.verify.builders import trial
from tests.verify.runs import STEPS, Listener, is_running, write_config, write_data

RATE, GATES = "faster-rate", "slow-gates"
ROOT = Path(__file__).parent.parent.parent


def order(folder: Path, **changes: Any) -> VerifyRequest:
    """What to verify of a tiny run: one thing after the other, and few steps."""
    config, data = folder / "run.yaml", folder / "gestures.npz"
    options = {"steps": STEPS, "seeds": 2, "workers": 1, "patches": (RATE, GATES), **changes}
    return VerifyRequest(config=config, data=data, **options)


@pytest.fixture(scope="module", autouse=True)
def _few_fits() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        fit_little(monkeypatch)
        yield


def test_a_device_that_is_not_there_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--device gpu: expected cpu, cuda, cuda:1 or auto"):
        verify(order(tmp_path, device="gpu"), Listener())


def test_trials_of_another_device_are_not_taken_over(run: Path) -> None:
    request = order(run)
    config, gestures = reader.read(request.config), read_gestures(request.data, reader.read(request.config).settings, 64, 0)
    here, there = (
        verification._fingerprint(replace(request, device=device), config.settings, gestures, None)
        for device in ("cpu", "cuda")
    )
    assert here != there


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder with a config and gestures."""
    write_config(tmp_path)
    write_data(tmp_path)
    return tmp_path


@dataclass(frozen=True)
class Done:
    """One whole verify: its folder, its outcome and what was told of it."""

    folder: Path
    outcome: Outcome
    told: Listener


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Two arms with two seeds each, without interruption; do not write into its folder."""
    folder = tmp_path_factory.mktemp("done")
    write_config(folder)
    write_data(folder)
    told = Listener()
    return Done(folder, verify(order(folder, outcome=folder / "outcome.json"), told).outcome, told)


def of(outcome: Outcome, name: str, seed: int = 0) -> Trial:
    """The trial of the arm with that title."""
    key = next(arm.arm.key for arm in outcome.arms if arm.arm.title == name)
    return next(trial for trial in outcome.trials if (trial.arm, trial.seed) == (key, seed))


def test_every_arm_is_trained_with_every_seed_the_run_as_it_is_first(done: Done) -> None:
    rate, gates = (next(arm.arm.key for arm in done.outcome.arms if arm.arm.title == name) for name in (RATE, GATES))

    assert done.told.taken_up == [(key, seed) for key in ("", rate, gates) for seed in (0, 1)]
    assert [(trial.arm, trial.seed) for trial in done.outcome.trials] == done.told.taken_up
    assert done.outcome.arms[0].arm == AS_IT_IS
    assert {(trial.steps, trial.stopped) for trial in done.told.over if trial.stopped is None} == {(STEPS, None)}


def test_arms_of_one_seed_start_alike_and_seeds_do_not(done: Done) -> None:
    base, rate = of(done.outcome, "as it is"), of(done.outcome, RATE)

    assert base.losses[0] == rate.losses[0]  # the same weights and batch; the rate tells from the second step on
    assert base.losses[1:] != rate.losses[1:]
    assert of(done.outcome, "as it is", 1).losses[0] != base.losses[0]
    assert {trial.best_constant for trial in done.outcome.trials} == {base.best_constant}


def test_what_the_outcome_says_of_its_arms_is_what_its_trials_say(done: Done) -> None:
    trials = {key: [one for one in done.outcome.trials if one.arm == key] for key in {one.arm for one in done.outcome.trials}}

    for arm in done.outcome.arms:
        assert replace(arm, expected=()) == compare(arm.arm, trials[""], trials[arm.arm.key])
    off = [arm.distance[1] for arm in done.outcome.arms[1:]]
    assert off == sorted(off)


def test_the_outcome_that_was_kept_is_the_one_returned(done: Done) -> None:
    assert outcome_json.read(done.folder / "outcome.json") == done.outcome
    assert (done.outcome.steps, done.outcome.own_steps, done.outcome.shortened) == (STEPS, STEPS, ())
    assert done.outcome.config_prefix == "experiment."


def test_progress_is_told_against_the_predictors_that_know_nothing(done: Done) -> None:
    assert done.told.pulses[0].step == 1
    assert {pulse.best_constant for pulse in done.told.pulses} == {done.outcome.trials[0].best_constant}
    assert done.told.pulses[0].loss == pytest.approx(done.outcome.trials[0].losses[0], rel=1e-4)


def test_a_trial_does_not_depend_on_what_was_tried_before(done: Done) -> None:
    alone = verify(order(done.folder, patches=(GATES,), seeds=1), Listener()).outcome

    assert of(alone, GATES) == of(done.outcome, GATES)


class Spoils(Listener):
    """Changes the config and deletes what else was read once the first trial is over."""

    folder: Path

    def ended(self, job: Job, trial: Trial) -> None:
        if not self.over:
            write_config(self.folder, head="linear", whiten="false", architecture="tcn")
            (self.folder / "gestures.npz").unlink()
            (self.folder / "rate.yaml").unlink()
        super().ended(job, trial)


def test_inputs_that_change_or_go_after_the_first_trial_change_no_later_arm(run: Path) -> None:
    rate = run / "rate.yaml"
    rate.write_text("training:\n  lr:\n    generator: 1.0e-2\n", encoding="utf-8")
    asked = order(run, steps=8, seeds=1, patches=(str(rate),), warm_start=run / "start.pt")
    whole = verify(asked, Listener()).outcome
    diff = (run / "start.pt.diff").read_bytes()
    spoils = Spoils()
    spoils.folder = run

    assert verify(asked, spoils).outcome == whole
    assert len(spoils.over) == 3
    assert (run / "start.pt.diff").read_bytes() == diff


class Reads(Listener):
    """Reads what was kept each time that a trial is over."""

    path: Path
    counts: list[int]

    def ended(self, job: Job, trial: Trial) -> None:
        kept = outcome_json.read(self.path)
        assert json.loads(self.path.read_text(encoding="utf-8"))["kind"]
        assert trial in kept.trials
        self.counts.append(len(kept.trials))


def test_the_file_is_whole_after_every_trial(run: Path) -> None:
    reads = Reads()
    reads.path, reads.counts = run / "outcome.json", []

    verify(order(run, steps=8, outcome=run / "outcome.json"), reads)

    assert reads.counts == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("after", [1, 3, 6])
def test_what_was_interrupted_goes_on_with_what_is_missing_and_ends_the_same(done: Done, tmp_path: Path, after: int) -> None:
    path = tmp_path / "outcome.json"
    with pytest.raises(KeyboardInterrupt):
        verify(order(done.folder, outcome=path), Listener(interrupt_after=after))
    assert len(outcome_json.read(path).trials) == after
    told = Listener()

    again = verify(order(done.folder, outcome=path), told).outcome

    assert told.taken_up == done.told.taken_up[after:]
    assert again == done.outcome
    assert path.read_bytes() == (done.folder / "outcome.json").read_bytes()


def test_trials_of_other_gestures_at_the_same_place_are_made_anew(run: Path) -> None:
    short = {"steps": 8, "seeds": 1, "patches": (GATES,), "outcome": run / "outcome.json"}
    verify(order(run, **short), Listener())
    before = (run / "gestures.npz").stat()
    with np.load(run / "gestures.npz") as held:
        arrays = dict(held)
    np.savez(run / "gestures.npz", **{**arrays, "sequences": arrays["sequences"][::-1]})
    os.utime(run / "gestures.npz", ns=(before.st_atime_ns, before.st_mtime_ns))
    told = Listener()

    verify(order(run, **short), told)

    assert len(told.taken_up) == 2
    assert (run / "gestures.npz").stat().st_size == before.st_size


def test_more_seeds_and_arms_are_added_to_what_is_there(done: Done, tmp_path: Path) -> None:
    path = tmp_path / "outcome.json"
    path.write_bytes((done.folder / "outcome.json").read_bytes())
    told = Listener()

    more = verify(order(done.folder, outcome=path, patches=("slower-rate",), seeds=3), told).outcome

    slower = next(arm.arm.key for arm in more.arms if arm.arm.title == "slower-rate")
    assert told.taken_up == [("", 2), (slower, 0), (slower, 1), (slower, 2)]
    assert {arm.arm.title for arm in more.arms} == {"as it is", "slower-rate"}


def test_trials_of_other_values_are_not_taken_for_those_of_this_run(done: Done, tmp_path: Path) -> None:
    path = tmp_path / "outcome.json"
    path.write_bytes((done.folder / "outcome.json").read_bytes())
    told = Listener()

    verify(order(done.folder, outcome=path, overrides=("data.batch_size=8",), patches=(GATES,), seeds=1, steps=8), told)

    assert len(told.taken_up) == 2


def test_trials_of_another_config_are_not_written_over(done: Done, tmp_path: Path) -> None:
    """Configs of two runs may give the same name for the file; the same config under another name goes on."""
    path = tmp_path / "0-trials.json"
    path.write_bytes((done.folder / "outcome.json").read_bytes())
    before, told = path.read_bytes(), Listener()
    asked = order(done.folder, outcome=path, patches=(GATES,), seeds=1, steps=8)
    other = tmp_path / "run.yaml"
    other.write_bytes(asked.config.read_bytes())

    with pytest.raises(UsageError, match=r"0-trials\.json: holds the trials of another config, .*run\.yaml; name another file"):
        verify(replace(asked, config=other), told)
    assert (path.read_bytes(), told.taken_up) == (before, [])
    (tmp_path / "link.yaml").symlink_to(asked.config)
    _require_same_config(replace(asked, config=tmp_path / "link.yaml"), outcome_json.read(path))


@pytest.mark.parametrize(
    "content", ["my diary\n", '{"kind": "another program\'s"}', "[]", "", '{"kind": "humouse-doctor outcome"}']
)
def test_a_file_that_is_no_outcome_is_refused_and_left_as_it_is(run: Path, content: str) -> None:
    path, told = run / "notes.json", Listener()
    path.write_text(content, encoding="utf-8")

    with pytest.raises(InputError, match=r"notes\.json: not an outcome that verify wrote"):
        verify(order(run, outcome=path), told)

    assert path.read_text(encoding="utf-8") == content
    assert told.taken_up == []


def test_an_arm_that_cannot_be_trained_does_not_take_the_others_with_it(run: Path) -> None:
    too_long = run / "long.yaml"
    too_long.write_text("model:\n  generator:\n    target_len: 32\n", encoding="utf-8")

    found = verify(order(run, patches=(str(too_long), RATE), steps=8), Listener()).outcome

    by_title = {arm.arm.title: arm for arm in found.arms}
    failed = by_title[str(too_long)]
    assert (failed.effect, failed.seeds) == (None, 0)
    assert failed.notes[0].startswith("seed 0: the data has 16 steps and the generator makes 32")
    assert by_title[RATE].effect is not None
    assert by_title[RATE].seeds == 2


def test_several_processes_make_the_same_trials_as_one(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observe, "fit_latents", sampling.fit_latents)  # other processes fit in all steps
    one, many = (verify(order(run, workers=workers, seeds=1, steps=4), Listener()).outcome for workers in (1, 2))

    assert sorted(many.trials, key=lambda trial: trial.arm) == sorted(one.trials, key=lambda trial: trial.arm)
    assert len(one.trials) == 3
    assert many.arms == one.arms


def test_without_a_word_the_remedies_of_the_diagnosis_are_tried_and_its_patch_as_a_whole(run: Path) -> None:
    verified = verify(order(run, patches=(), steps=2, seeds=1), Listener())

    titles = {arm.arm.title for arm in verified.outcome.arms}
    assert "undistorted-latent" in titles
    assert any(title.startswith("suggested patch: ") for title in titles)
    assert len({arm.arm.key for arm in verified.outcome.arms}) == len(verified.outcome.arms)
    assert {remedy.id for remedy in verified.report.remedies} & titles


def test_a_slow_machine_gets_shorter_trials_and_they_say_so(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "seconds_per_step", lambda _: 1e5)
    path = run / "outcome.json"
    asked = order(run, steps=None, budget_s=1e4, seeds=1, patches=(GATES,), outcome=path)
    short = verify(asked, Listener()).outcome
    monkeypatch.undo()
    told = Listener()

    later = verify(asked, told).outcome

    assert (short.steps, short.own_steps) == (8, STEPS)
    assert short.shortened == (f"8 of the warm-up's {STEPS} steps",)
    assert told.taken_up == []  # what was begun with few steps goes on with them
    assert later == short


def test_what_the_budget_cuts_is_inconclusive_and_tried_again_later(run: Path) -> None:
    path = run / "outcome.json"

    cut = verify(order(run, steps=None, budget_s=1e-3, seeds=1, patches=(GATES,), outcome=path), Listener()).outcome

    assert cut.inconclusive
    assert cut.untried == ("slow-gates: cut when the time of --budget was over",)
    assert cut.trials == ()  # a trial that was cut says nothing, so nothing is stored of it


def test_more_epochs_are_as_many_more_steps(run: Path) -> None:
    found = verify(order(run, patches=("longer-warm-up-4x",), seeds=1, steps=8), Listener()).outcome

    base, longer = of(found, "as it is"), of(found, "longer-warm-up-4x")
    assert (base.planned, longer.planned) == (8, 32)
    assert longer.losses[: base.steps] == base.losses


def test_a_run_without_a_warm_up_is_refused_before_anything_is_tried(run: Path) -> None:
    with pytest.raises(UsageError, match="its warm-up has no steps to try; give --steps"):
        verify(order(run, steps=None, overrides=("training.reconstruction_epochs=0",)), Listener())


def test_a_search_says_its_path_and_what_it_left(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Bench.measured

    def sick(bench: Bench, job: Job, *rest: Any) -> Any:
        trial, trained = real(bench, job, *rest)
        return replace(trial, healthy=False), trained

    monkeypatch.setattr(Bench, "measured", sick)
    found = verify(order(run, patches=(), search=True, max_arms=3, steps=2), Listener()).outcome

    assert found.path[0].text.startswith("as it is: ")
    assert {step.arm for step in found.path} == {arm.arm.key for arm in found.arms}
    assert any(text.endswith(": --max-arms 3 was reached") for text in found.untried)
    assert found.inconclusive
    assert (found.chosen, found.exit_code()) == (None, ExitCode.FINDINGS)


def test_an_arm_that_cures_with_every_seed_is_chosen(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Bench.measured

    made: list[Any] = []

    def cured(bench: Bench, job: Job, *rest: Any) -> Any:
        """One training stands for all: dozens of arms, and what cures is said here."""
        made.append(made[0] if made else real(bench, job, *rest))
        trial, trained = made[0]
        of_job = replace(trial, arm=job.arm.key, seed=job.seed, planned=job.steps, steps=job.steps)
        return replace(of_job, healthy=CodeChange.SLOW_GATES in job.arm.code_changes), trained

    monkeypatch.setattr(Bench, "measured", cured)

    plain = verify(order(run, steps=2), Listener()).outcome
    searched = verify(order(run, steps=2, patches=(), search=True), Listener()).outcome

    assert plain.chosen == GATES
    assert plain.exit_code() is ExitCode.CLEAN
    assert len(plain.hints) == 1
    assert "log U(1, 15)" in plain.hints[0]
    assert searched.chosen is not None
    assert GATES in searched.chosen
    assert (searched.path[-1].arm, searched.path[-1].kept) == (searched.chosen, True)
    assert len(made) > 20


@pytest.fixture
def bench(run: Path) -> Bench:
    config = run / "run.yaml"
    read = reader.read(config)
    gestures = read_gestures(run / "gestures.npz", read.settings, 64, 0)
    return Bench(config=config, overrides=(), read=read, gestures=gestures, base_steps=8, samples=64)


def test_what_humouse_cannot_load_says_why(bench: Bench, run: Path) -> None:
    remedies = candidates(load_case(Request(config=bench.config, data=run / "gestures.npz")).case)

    def why_not(*names: str) -> str | None:
        return warm_start.why_not(bench, together([remedies[name] for name in names]))

    assert why_not("normalised-positions", "slow-gates") is None
    assert (
        why_not("normalised-positions", "time-input") == "its recurrent layer has one more input, which humouse's does not have"
    )
    assert why_not("seq2seq") == "a pretrainer's checkpoint is an lstm generator, not seq2seq"
    assert why_not("slow-gates") == "it was not trained on z-scored positions"
    tanh = Arm(title="tanh", code_changes=(CodeChange.NORMALISED_POSITIONS,))
    assert warm_start.why_not(bench, tanh) == "its head is not linear"


@pytest.mark.parametrize("architecture", ["tcn", "seq2seq"])
def test_an_architecture_without_a_warm_start_is_refused(run: Path, architecture: str) -> None:
    write_config(run, architecture=architecture)

    with pytest.raises(UsageError, match="--save-warmstart: "):
        verify(order(run, patches=(), seeds=1, steps=8, warm_start=run / "start.pt"), Listener())

    assert not (run / "start.pt").exists()


def test_a_warm_start_is_read_as_a_pretrainers_checkpoint_and_gives_the_trials_numbers(run: Path) -> None:
    path = run / "start.pt"
    found = verify(order(run, patches=(), seeds=1, warm_start=path), Listener()).outcome

    (start,) = (arm for arm in found.arms if arm.arm.title.startswith("warm start: "))
    trial = of(found, start.arm.title)
    case = load_case(Request(config=run / "run.yaml")).case
    overrides = tuple(f"{edit.key}={reader.spell(edit.new)}" for edit in warm_start.config_edits(case, path))
    read = load_case(Request(checkpoint=path, config=run / "run.yaml", data=run / "gestures.npz", overrides=overrides)).case
    measured = {f"{result.code}.{name}": value for result in examine(read) for name, value in result.measurements.items()}
    assert read.subject_is_pretrainer
    for name in ("HD101.spread_ratio", "HD103.time_std_ratio", "HD104.latent_std_ratio"):
        assert measured[name] == pytest.approx(trial.measurements[name], rel=1e-3)
    assert found.warm_start[0].startswith(f"{path}: {start.arm.title}, seed 0, {trial.steps} steps; ")
    assert "read back as humouse would load it" in found.warm_start[1]
    content = torch.load(path, weights_only=False)
    assert set(content) == {"state_dict", "config", "position_mean", "position_std"}
    assert content["config"]["activation_xy"] == "linear"


def test_a_hint_is_given_once_though_its_remedy_makes_two_changes(run: Path) -> None:
    config = run / "run.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("output_space: positions", "output_space: deltas"), encoding="utf-8")
    case = load_case(Request(config=config, data=run / "gestures.npz")).case
    remedies = candidates(case)

    (both,) = _hints(case, together([remedies["loss-as-read"], remedies["slow-gates"]]))
    (gates,) = _hints(case, together([remedies["slow-gates"]]))

    assert both == remedies["loss-as-read"].code_hint
    assert gates == remedies["slow-gates"].code_hint
    assert gates in both


def test_a_warm_start_of_a_program_that_sums_is_a_generators_own_weights(run: Path) -> None:
    """Read back as the run would read it, the file draws the paths of the trial."""
    path, config = run / "start.pt", run / "run.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("output_space: positions", "output_space: deltas"), encoding="utf-8")

    found = verify(order(run, patches=(), seeds=1, steps=8, warm_start=path), Listener()).outcome

    (start,) = (arm for arm in found.arms if arm.arm.title.startswith("warm start: "))
    trial = of(found, start.arm.title)
    assert start.arm.remedies == ("loss-as-read", "slow-gates")
    content = torch.load(path, weights_only=True)
    assert "output.weight" in content
    case = load_case(Request(config=config)).case
    overrides = tuple(f"{edit.key}={reader.spell(edit.new)}" for edit in warm_start.config_edits(case, path))
    read = load_case(Request(checkpoint=path, config=config, data=run / "gestures.npz", overrides=overrides)).case
    measured = {f"{result.code}.{name}": value for result in examine(read) for name, value in result.measurements.items()}
    assert not read.subject_is_pretrainer
    for name in ("HD101.spread_ratio", "HD103.time_std_ratio", "HD104.latent_std_ratio"):
        assert measured[name] == pytest.approx(trial.measurements[name], rel=1e-3)


def test_a_warm_start_that_gives_other_numbers_leaves_the_one_that_was_there(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run / "start.pt").write_bytes(b"old")
    monkeypatch.setattr(warm_start, "_TOLERANCE", -1.0)

    with pytest.raises(UsageError, match=r"--save-warmstart: HD101\.spread_ratio is .* in the trial; the file was not written"):
        verify(order(run, patches=(), seeds=1, steps=8, warm_start=run / "start.pt"), Listener())

    assert (run / "start.pt").read_bytes() == b"old"
    assert not [path.name for path in run.iterdir() if path.suffix == ".tmp"]


def test_a_warm_start_comes_with_the_configs_patch(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run)

    found = verify(order(run, patches=(), seeds=1, steps=8, warm_start=Path("start.pt")), Listener()).outcome

    assert "to start from it: " in found.warm_start[2]
    assert "experiment.training.reconstruction_epochs=0" in found.warm_start[2]
    before = (run / "run.yaml").read_text(encoding="utf-8")
    (run / "changed.yaml").write_text(_patched(before, Path("start.pt.diff").read_text(encoding="utf-8"), Path("x")))
    settings = reader.read(run / "changed.yaml").settings
    assert settings.text("training.generator_init_path") == "start.pt"
    assert settings.integer("training.reconstruction_epochs") == 0


def test_expectations_are_told_as_met_or_not(run: Path) -> None:
    found = verify(order(run, patches=("normalised-positions",), seeds=1), Listener()).outcome

    (arm,) = (arm for arm in found.arms if arm.arm.remedies == ("normalised-positions",))
    after = {change.metric: change.after for change in arm.changes}
    (spread,) = (line for line in arm.expected if line.startswith("HD101.spread_ratio "))
    assert spread.endswith(", met" if 0.5 <= after["HD101.spread_ratio"] <= 4 else ", not met")


ORPHANS = """\
import sys
from pathlib import Path
from humouse_doctor.core.outcome import AS_IT_IS
from humouse_doctor.fleet.crews import local
from humouse_doctor.verify.bench import Job
from humouse_doctor.verify.trial_store import TrialStore
from humouse_doctor.verify.runner import Runner
from tests.verify.builders import outcome
from tests.reporting.builders import healthy
from tests.verify.builders import trial
from tests.verify.runs import Listener, Sleeper

if __name__ == "__main__":
    runner = Runner(maker=Sleeper(Path(sys.argv[1])), store=TrialStore(None, outcome()), listener=Listener(), crew=local(2))
    runner.trials([Job(arm=AS_IT_IS, seed=seed, steps=1) for seed in (10, 11)])
"""


def _until(true: Any, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.1)
    return bool(true())


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_processes_whose_parent_was_killed_end_with_it(tmp_path: Path) -> None:
    script = tmp_path / "orphans.py"
    script.write_text(ORPHANS, encoding="utf-8")
    with (tmp_path / "said").open("wb") as said:
        parent = subprocess.Popen(
            [sys.executable, str(script), str(tmp_path)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=said,
            stderr=said,
        )
    workers: list[int] = []
    try:
        assert _until(lambda: len(list(tmp_path.glob("*.pid"))) == 2, 180), (tmp_path / "said").read_text(encoding="utf-8")
        workers = [int(path.read_text(encoding="utf-8")) for path in tmp_path.glob("*.pid")]
        assert all(is_running(worker) for worker in workers)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait(timeout=300)
        assert _until(lambda: not any(is_running(worker) for worker in workers), 60)
    finally:
        for process in (parent.pid, *workers):
            if is_running(process):
                os.kill(process, signal.SIGKILL)
        parent.wait(timeout=300)


def test_the_cure_confirms_what_it_cannot_do_without_and_refutes_what_it_does_not_touch() -> None:
    whitening = Edit(key="training.warmup_latent_normalize", old=True, new=False)
    gates = Arm(title="x", edits=(whitening,), code_changes=(CodeChange.SLOW_GATES,))
    base = [trial(causes=("HD201", "HD203", "HD204"))]

    assert _judged_causes(base, healthy(), gates, ("drive",)) == (("HD203",), ("HD201",))
    assert _judged_causes(base, healthy(), Arm(title="y", edits=(whitening,)), ()) == (("HD204",), ("HD201", "HD203"))
    assert _judged_causes(base, healthy(), None, ("drive",)) == ((), ())


@pytest.mark.parametrize(("new", "judged"), [(1e-3, (("HD210",), ())), (1e-5, ((), ("HD210",)))])
def test_a_higher_rate_does_what_more_steps_do(new: float, judged: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
    rate = Arm(title="x", edits=(Edit(key="training.lr.generator", old=1e-4, new=new),))

    assert _judged_causes([trial(causes=("HD210",))], healthy(), rate, ("rate",)) == judged
