from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from torch import nn

from humouse_doctor.cases.request import Request
from humouse_doctor.core.errors import DoctorError, ExitCode, InputError, UsageError
from humouse_doctor.core.outcome import AS_IT_IS
from humouse_doctor.core.probe import Severity
from humouse_doctor.core.report import Confidence, Report, Verdict
from humouse_doctor.inputs.config import reader
from humouse_doctor.inputs.gestures.sources import read_gestures
from humouse_doctor.stored import report as report_json
from humouse_doctor.verify import bench
from humouse_doctor.verify.bench import Bench, Pulse
from humouse_doctor.verify.rehearsing import rehearsed
from tests.verify.runs import STEPS, write_config, write_data

#: A hundred epochs of four steps.
LONG = ("training.reconstruction_epochs=100",)
STEPS_LONG = 400
SOUND = {"head": "linear", "whiten": "false"}


class Clock:
    """A clock that goes on by `step` seconds with each look at it: a training step is two looks."""

    def __init__(self, step: float) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def request(folder: Path, *overrides: str, seconds: float = 60.0, sound: bool = False) -> Request:
    return Request(
        config=write_config(folder, **(SOUND if sound else {})),
        data=write_data(folder),
        overrides=overrides,
        samples=64,
        quick=True,
        rehearse_s=seconds,
    )


def report_of(asked: Request, clock: Clock | None = None, pulses: list[Pulse] | None = None) -> Report:
    heard = [] if pulses is None else pulses
    return rehearsed(asked, 0.0, clock=clock or Clock(0.001), on_pulse=heard.append)[0]


def test_with_enough_time_the_whole_warm_up_is_trained_and_measured_as_a_trial_is(tmp_path: Path) -> None:
    asked = replace(request(tmp_path), quick=False)

    report = report_of(asked)

    assert report.rehearsed is not None
    assert (report.rehearsed.steps, report.rehearsed.own_steps, report.rehearsed.cut) == (STEPS, STEPS, False)
    assert report.verdict is Verdict.COLLAPSED
    assert report.confidence is Confidence.HIGH
    assert report.exit_code() is ExitCode.FINDINGS
    assert asked.config is not None
    assert asked.data is not None
    read = reader.read(asked.config)
    gestures = read_gestures(asked.data, read.settings, 64, 0)
    trial = Bench(config=asked.config, overrides=(), read=read, gestures=gestures, base_steps=STEPS, samples=64)
    measured = {f"{probe.code}.{name}": value for probe in report.probes for name, value in probe.measurements.items()}
    assert measured == trial.run(trial.job(AS_IT_IS, 0)).measurements


def test_a_config_that_comes_out_healthy_is_called_healthy(tmp_path: Path) -> None:
    report = report_of(request(tmp_path, "training.reconstruction_epochs=30", "training.lr.generator=0.02", sound=True))

    assert (report.verdict, report.causes, report.exit_code()) == (Verdict.HEALTHY, (), ExitCode.CLEAN)
    assert report.basis == "Rehearsed: all of its 120 steps on all 64 sequences in 0 s (seed 0)."
    assert report.subject.name == report.subject.config == str(tmp_path / "run.yaml")
    assert report.subject.checkpoint is None
    assert report_json.parse(report_json.render(report), "x") == report


def test_a_cut_training_that_is_healthy_by_then_is_healthy_and_says_what_it_may_hide(tmp_path: Path) -> None:
    clock, pulses = Clock(1.0), list[Pulse]()

    report = report_of(request(tmp_path, *LONG, "training.lr.generator=0.01", seconds=200, sound=True), clock, pulses)

    assert report.rehearsed is not None
    assert 0.9 * 100 < report.rehearsed.steps <= 100
    assert 190 < clock.now <= 202
    assert (report.verdict, report.confidence) == (Verdict.HEALTHY, Confidence.MEDIUM)
    assert f"{report.rehearsed.steps} of its 400 steps" in report.basis
    assert "a collapse or a recovery in later steps would not be seen" in report.basis
    assert {pulse.planned for pulse in pulses} == {STEPS_LONG}
    assert pulses[-1].step == report.rehearsed.steps


def test_a_cut_training_that_is_on_its_way_is_not_called_collapsed(tmp_path: Path) -> None:
    report = report_of(request(tmp_path, *LONG, "training.lr.generator=0.01", seconds=40, sound=True), Clock(1.0))

    assert report.verdict is Verdict.UNDETERMINED
    assert report.sentence.startswith(
        "Still in training when time ran out after 19 of 400 steps: what is not healthy was still"
    )
    assert "spread 0.0" in report.sentence
    assert report.sentence.endswith("all of them would take about 18 min: --rehearse=18m.")
    assert {finding.severity for finding in report.findings} == {Severity.NOTE}
    assert (report.causes, report.remedies, report.patch) == ((), (), ())
    assert report.exit_code() is ExitCode.INPUT


def test_a_cut_training_that_goes_nowhere_is_collapsed(tmp_path: Path) -> None:
    report = report_of(request(tmp_path, *LONG, "training.lr.generator=1e-5", seconds=100), Clock(1.0))

    assert report.rehearsed is not None
    assert report.rehearsed.cut
    assert (report.verdict, report.exit_code()) == (Verdict.COLLAPSED, ExitCode.FINDINGS)
    assert report.confidence is not Confidence.HIGH


def test_a_training_whose_weights_have_hardly_left_their_start_is_not_called_collapsed(tmp_path: Path) -> None:
    report = report_of(request(tmp_path, *LONG, "training.lr.generator=0.001", seconds=40), Clock(1.0))

    assert report.verdict is Verdict.UNDETERMINED
    assert "by then a weight can have moved by 0.05 of the bound it was drawn from" in report.sentence


def test_one_number_that_stays_off_is_enough_for_a_collapse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = request(tmp_path, *LONG, "training.lr.generator=0.02", seconds=40, sound=True)
    assert report_of(asked, Clock(1.0)).verdict is Verdict.UNDETERMINED
    numbers = bench.by_name
    monkeypatch.setattr("humouse_doctor.verify.rehearsing.by_name", lambda results: {**numbers(results), "HD105.skill": 0.01})

    assert report_of(asked, Clock(1.0)).verdict is Verdict.COLLAPSED


def test_a_look_that_takes_all_the_time_is_the_only_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, examined = Clock(1.0), Bench.examined

    def slowly(*given: object) -> object:
        clock.now += 60
        return examined(*given)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(Bench, "examined", slowly)

    report = report_of(request(tmp_path, *LONG, "training.lr.generator=0.03", seconds=60), clock)

    assert report.rehearsed is not None
    assert report.rehearsed.steps == 14  # those by the time of the look
    assert clock.now < 100
    assert report.verdict is Verdict.UNDETERMINED
    assert "it was looked at only once" in report.sentence


def test_a_time_in_which_next_to_nothing_is_trained_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"--rehearse: only 2 of 400 steps fit into 5 s; give it more time, e\.g\. --rehearse=5m"
    ):
        report_of(request(tmp_path, *LONG, seconds=5), Clock(1.0))


def test_a_loss_that_is_no_number_ends_it_and_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, calls = nn.functional.l1_loss, iter(range(1, STEPS))
    monkeypatch.setattr(nn.functional, "l1_loss", lambda *given: whole(*given) * (math.nan if next(calls) == 3 else 1.0))

    report = report_of(request(tmp_path))

    assert report.basis.endswith("in 0 s (seed 0); the loss became NaN or infinite at step 3.")
    assert report.verdict is Verdict.COLLAPSED


def test_a_part_of_the_sequences_is_said(tmp_path: Path) -> None:
    report = report_of(replace(request(tmp_path), max_sequences=32))

    assert "all of its 24 steps on 32 of 64 sequences" in report.basis
    assert report.basis.endswith("; the other sequences were not looked at.")


def test_a_config_without_a_warm_up_is_judged_by_rules_and_says_so(tmp_path: Path) -> None:
    report = report_of(request(tmp_path, "training.reconstruction_epochs=0"))

    assert report.before_training
    assert report.basis == "Not rehearsed: the config's warm-up has no or an unknown number of steps; judged by rules alone."
    assert not any(probe.code == "HD101" and probe.judgement is not None for probe in report.probes)


def test_probes_that_are_left_out_are_not_in_the_report(tmp_path: Path) -> None:
    report, _ = rehearsed(request(tmp_path), 0.0, select=["HD1"], ignore=["HD104"], clock=Clock(0.001))

    assert {probe.code[:3] for probe in report.probes} == {"HD1"}
    assert "HD104" not in {probe.code for probe in report.probes}


def test_the_config_s_own_findings_and_remarks_stay(tmp_path: Path) -> None:
    asked = request(tmp_path, "training.warmup_encoder_layers=2")
    assert asked.config is not None
    asked.config.write_text(asked.config.read_text().replace("batch_size: 16", "batch_size: 16\n    nonsense: 3"))

    report = report_of(asked)

    assert any("training.warmup_encoder_layers is 1 here" in remark for remark in report.subject.remarks)
    assert report.subject.data == str(asked.data)


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"data": None}, UsageError, "--rehearse trains on the run's own gestures: add --data"),
        ({"data": Path("gone.npz")}, InputError, "gone.npz"),
        ({"overrides": ("training.lr.generator=x",)}, UsageError, "--set training.lr.generator=x: expected a finite number"),
        ({"overrides": ("model.generator.target_len=99",)}, UsageError, "the data has 16 steps and the generator makes 99"),
    ],
)
def test_what_cannot_be_rehearsed_is_one_line(
    tmp_path: Path, change: dict[str, object], kind: type[DoctorError], said: str
) -> None:
    with pytest.raises(kind, match=said) as refused:
        report_of(replace(request(tmp_path), **change))  # type: ignore[arg-type]  # of different types

    assert "\n" not in str(refused.value)
