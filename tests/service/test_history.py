from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from humouse_doctor.cases import drawn
from humouse_doctor.cases.request import Request
from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case, Subject
from humouse_doctor.core.history import History, Snapshot, SnapshotKind, Stage, StageKind
from humouse_doctor.core.report import Report, Verdict
from humouse_doctor.core.watching import WATCH_FILE, Beginning, Moment
from humouse_doctor.diagnosis import timeline
from humouse_doctor.service.commands import following_of, report_on, with_suggestion
from humouse_doctor.service.history import _watched, curve_of
from humouse_doctor.stored.watch import line_of
from tests.cases.builders import write_checkpoint, write_config
from tests.cases.test_from_samples import STEPS, wandering
from tests.diagnosis import runs
from tests.diagnosis.runs import B, F
from tests.inputs.logs.test_events import record, simple


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder of an untrained run whose generator makes sequences of other lengths than its samples have."""
    write_config(tmp_path)
    (tmp_path / "checkpoints").mkdir()
    shutil.move(write_checkpoint(tmp_path), tmp_path / "checkpoints" / "generator_x.pt")
    np.savez(tmp_path / "real.npz", sequences=wandering(0))
    return tmp_path


def _draw(run: Path, epoch: int, sequences: FloatArray, below: str = "checkpoints/sigma_eval") -> Path:
    path = run / below / f"epoch_{epoch:03d}" / "gan_samples.npz"
    path.parent.mkdir(parents=True)
    np.savez(path, sequences=sequences)
    return path


def _report(run: Path) -> Report:
    return report_on(Request(checkpoint=run, data=run / "real.npz", samples=16, quick=True))


def _history(run: Path) -> History:
    history = _report(run).history
    assert history is not None
    return history


def test_a_run_without_files_of_its_own_has_an_empty_history(run: Path) -> None:
    assert _history(run) == History()


def test_a_file_alone_has_no_history(run: Path) -> None:
    _draw(run, 0, wandering(1))
    report = report_on(Request(checkpoint=run / "checkpoints" / "generator_x.pt", config=run / "config.yaml", quick=True))

    assert report.history is None
    assert report.stage is not None


def test_the_health_by_epoch_is_told_with_the_epoch_at_which_it_fell_ill(run: Path) -> None:
    for epoch in (0, 3):
        _draw(run, epoch, wandering(1))
    last = _draw(run, 10, wandering(1) * 0.01)

    report = _report(run)

    assert report.history is not None
    assert [one.verdict for one in report.history.snapshots] == [Verdict.HEALTHY, Verdict.HEALTHY, Verdict.COLLAPSED]
    assert report.history.snapshots[-1].file == str(last)
    assert report.history.fell_ill == "epoch 10"
    assert report.history.snapshots[-1].measures["spread"] == pytest.approx(0.01, rel=0.3)


def test_archives_as_humouse_names_them_are_found(run: Path) -> None:
    _draw(run, 4, wandering(1), below="checkpoints/archive/sigma_eval_20251101_101010")

    assert [one.epoch for one in _history(run).snapshots] == [4]


def test_samples_that_contradict_the_checkpoint_count_more(run: Path) -> None:
    """Which epoch the weights are from is not known here, so the last evaluation counts."""
    _draw(run, 0, wandering(1))

    report = _report(run)

    assert report.verdict is Verdict.AT_RISK
    assert report.sentence.startswith("The samples that the program drew itself at epoch 0 are healthy (spread ")
    assert report.confidence.value == "low"


def test_a_file_that_holds_no_samples_is_told(run: Path) -> None:
    _draw(run, 0, np.zeros(3))

    (said,) = _history(run).observations

    assert said.startswith("the samples that the run drew itself at epoch 0 were not examined: ")
    assert said.isprintable()


def test_of_many_epochs_some_are_looked_at_the_first_and_the_last_among_them(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawn, "MAX_READ", 3)
    for epoch in range(9):
        _draw(run, epoch, wandering(1, count=16))

    history = _history(run)

    assert [one.epoch for one in history.snapshots] == [0, 4, 8]
    assert history.unread == 6


def test_logs_are_read_and_one_that_is_none_is_remarked_on(run: Path) -> None:
    (run / "train_gan.log").write_text("Warm-up epoch 1 | recon_loss=3\nWarm-up epoch 2 | recon_loss=2\n")
    (run / "checkpoints" / "metrics.csv").write_bytes(b"\xff\x00")

    report = _report(run)

    assert report.history is not None
    assert [curve.values for curve in report.history.curves] == [(3.0, 2.0)]
    assert report.history.observations[0].startswith("train_gan.log: the warm-up's loss fell by 33%")
    assert f"read {run / 'train_gan.log'}" in report.subject.remarks
    refused = next(remark for remark in report.subject.remarks if "metrics.csv" in remark)
    assert "cannot read it as a table of metrics" in refused


def test_without_data_samples_are_not_looked_at_and_that_is_said(run: Path) -> None:
    _draw(run, 0, wandering(1))
    report = report_on(Request(checkpoint=run, samples=16, quick=True))

    assert report.history is not None
    assert report.history.snapshots == ()
    assert "1 file of samples that the run drew itself was not examined: no data given" in report.subject.remarks


def test_samples_with_flat_times_are_told_as_a_subject_of_their_own(run: Path) -> None:
    times = np.random.default_rng(0).uniform(0.02, 0.06, (96, STEPS, 1)).astype(np.float32)
    np.savez(run / "real.npz", sequences=np.concatenate([wandering(0), times], axis=2))
    np.savez(run / "drawn.npz", sequences=np.concatenate([wandering(1), np.full_like(times, 0.04)], axis=2))
    np.savez(run / "varied.npz", sequences=np.concatenate([wandering(1), times], axis=2))

    flat, varied = (
        report_on(Request(checkpoint=run / name, data=run / "real.npz")).history for name in ("drawn.npz", "varied.npz")
    )

    assert flat is not None
    assert flat.observations[0].endswith("the timing profile is flat")
    assert varied is None


def test_samples_of_a_later_run_in_a_shared_folder_are_left(run: Path) -> None:
    """They would else outrank what an earlier run's weights draw."""
    config = run / "config.yaml"
    config.write_text(config.read_text() + "experiment_name: x\n")
    _draw(run, 0, wandering(1))
    (run / "train_gan.log").write_text("Warm-up epoch 1 | recon_loss=3\n")
    (run / "checkpoints" / "generator_y.pt").write_bytes(b"")
    (run / "checkpoints" / "metrics.csv").write_text("epoch,g_loss\n1,1\n")
    os.utime(run / "checkpoints" / "generator_x.pt", (1_000, 1_000))

    report = _report(run)

    assert report.history is not None
    assert report.history.snapshots == ()
    assert len(report.history.curves) == 1
    assert any("they are those of a later run, generator_y.pt" in remark for remark in report.subject.remarks)


@pytest.mark.parametrize("recorded", [True, False])
def test_samples_and_logs_of_another_job_are_left(run: Path, recorded: bool) -> None:
    """A multirun has a folder for each job, and one of the checkpoints is taken."""
    jobs = [run / "multirun" / str(number) for number in range(2)]
    for seconds, job in zip((2_000, 1_000), jobs, strict=True):
        (job / "checkpoints").mkdir(parents=True)
        shutil.copy(run / "checkpoints" / "generator_x.pt", job / "checkpoints" / "generator_x.pt")
        os.utime(job / "checkpoints" / "generator_x.pt", (seconds, seconds))
        (job / "checkpoints" / "metrics.csv").write_text(f"epoch,train_loss\n1,{seconds}\n")
        if recorded:
            (job / ".hydra").mkdir()
            shutil.copy(run / "config.yaml", job / ".hydra" / "config.yaml")
            (job / "train_gan.log").write_text(f"Warm-up epoch 1 | recon_loss={seconds}\n")
    _draw(run, 0, wandering(1), below="multirun/1/checkpoints/sigma_eval")

    report = report_on(
        Request(checkpoint=run / "multirun", config=run / "config.yaml", data=run / "real.npz", samples=16, quick=True)
    )

    assert report.history is not None
    assert report.history.snapshots == ()
    assert {curve.values for curve in report.history.curves} == {(2_000.0,)}
    assert len(report.history.curves) == 1 + recorded
    assert any(str(jobs[1] / "checkpoints") in remark for remark in report.subject.remarks if "of other runs" in remark)


def test_samples_that_may_be_those_of_another_run_are_looked_at_and_that_is_said(run: Path) -> None:
    config = run / "config.yaml"
    config.write_text(config.read_text() + "experiment_name: x\n")
    _draw(run, 0, wandering(1))
    for name in "xy":
        (run / "checkpoints" / f"generator_{name}.pt").touch()

    report = _report(run)

    assert report.history is not None
    assert len(report.history.snapshots) == 1
    assert any("they may be those of another run, generator_y.pt" in remark for remark in report.subject.remarks)


def test_a_table_of_an_earlier_run_is_left(run: Path) -> None:
    table = run / "checkpoints" / "sigma_eval_metrics.csv"
    table.write_text("epoch,avg_error_rate\n20,0.1\n")
    os.utime(table, (1_000, 1_000))

    report = _report(run)

    assert report.history is not None
    assert report.history.observations == ()
    assert f"ignored {table}: it is older than the checkpoint, so it is taken for an earlier run's" in report.subject.remarks


def test_what_a_watch_saw_is_a_part_of_the_history_but_not_of_what_the_run_drew(tmp_path: Path) -> None:
    file = tmp_path / WATCH_FILE
    beginning = Beginning(tool_version="1", generator="G", steps=200, every=1, best_constant=3.0, motionless=2.0)
    seen = [
        Moment(
            step=step,
            now=Verdict.COLLAPSED if step < 150 else Verdict.HEALTHY,
            outlook=Verdict.UNDETERMINED,
            causes=(),
            measures={"spread": step / 200},
            loss=None if step == 3 else 1 / step,
        )
        for step in range(1, 201)
    ]
    file.write_bytes(line_of(beginning) + b"".join(map(line_of, seen)))

    glances, curves, remarks = _watched([file, tmp_path / "other.txt"])
    history = timeline.history_of(glances, 0, None)

    assert (len(glances), glances[0].step, glances[-1].step) == (60, 1, 200)
    assert history.series == ()
    assert history.fell_ill is None
    assert history.observations[0].startswith(
        "by what a watch saw while it warmed up it is collapsed from step 1 to step 149, healthy from step 153 to step 200"
    )
    assert (len(curves[0].epochs), curves[0].unit, curves[0].best_constant) == (199, "step", 3.0)
    assert remarks == [f"read {file}"]
    file.write_bytes(b"nothing\n")
    assert _watched([file])[2][0].endswith("not a line of a watch: JSON is malformed: invalid character (byte 4)")


def test_a_loss_in_tensorboards_events_is_a_curve_over_steps(tmp_path: Path) -> None:
    file = tmp_path / "events.out.tfevents.1.host"
    file.write_bytes(b"".join(record(step, simple("train_loss", 2.0 / step)) for step in range(1, 5)))

    curve, said = curve_of(file, Case(subject=Subject(name="run")))

    assert curve is not None
    assert (curve.name, curve.unit, curve.epochs, curve.values[-1]) == ("train_loss", "step", (1, 2, 3, 4), 0.5)
    assert said == (f"{file.name}: train_loss fell by 75% from step 1 to 4, to 0.5",)


@pytest.mark.parametrize(("spread", "asked"), [(17.3, ["inspect", "--full"]), (0.6, ["verify", "--search"])])
def test_a_cure_of_the_warm_up_is_not_searched_for_where_the_adversarial_stage_did_it(spread: float, asked: list[str]) -> None:
    snapshots = [
        Snapshot(
            kind=SnapshotKind.EVALUATION, epoch=epoch, file="x.npz", verdict=Verdict.AT_RISK, measures={"spread": measured}
        )
        for epoch, measured in ((0, 0.65), (1, spread))
    ]
    sick = runs.report({"HD101": B, "HD103": F}, case=runs.trained())
    report = replace(
        sick,
        subject=replace(sick.subject, data="gestures.npz"),
        stage=Stage(kind=StageKind.ADVERSARIAL, epoch=1),
        history=timeline.history_of(snapshots, 0, None),
        remedies=(),
        chosen=(),
    )

    request = Request(checkpoint=Path("run"))

    (command,) = following_of(with_suggestion(report, request), request)

    assert [word for word in command.split() if word in (*asked, "inspect", "verify")] == asked
