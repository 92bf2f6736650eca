from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from humouse_doctor.core.outcome import AS_IT_IS, Arm, Trial
from humouse_doctor.core.remedy import CodeChange, Edit
from humouse_doctor.inputs.config import reader
from humouse_doctor.inputs.gestures.sources import read_gestures
from humouse_doctor.verify import bench as benches
from humouse_doctor.verify.bench import Bench, Job, Pulse
from tests.verify.runs import STEPS, write_config, write_data


def bench_of(folder: Path, *overrides: str, pretrainer: bool = False, **changes: str) -> Bench:
    config = write_config(folder, **changes)
    read = reader.read(config, overrides)
    gestures = read_gestures(write_data(folder), read.settings, 64, 0)
    return Bench(
        config=config,
        overrides=overrides,
        read=read,
        gestures=gestures,
        base_steps=STEPS,
        pretrainer=pretrainer,
        samples=64,
    )


def of(key: str, new: object) -> Arm:
    assert new is None or isinstance(new, str | int | float | bool)
    return Arm(title=key, edits=(Edit(key=key, old=None, new=new),))


def ran(bench: Bench, arm: Arm = AS_IT_IS, seed: int = 0) -> Trial:
    return bench.run(bench.job(arm, seed))


def test_an_arms_edits_are_on_top_of_the_overrides(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "data.batch_size=8", "training.reconstruction_epochs=3")

    settings = bench.settings(of("training.reconstruction_epochs", 5))

    assert (settings.value("data.batch_size"), settings.value("training.reconstruction_epochs")) == (8, 5)


@pytest.mark.parametrize("text", ["it's", 'a "b"', "x: y # z", "true", "1e-3", " a ", "é日", ""])
def test_text_arrives_as_it_was_written(tmp_path: Path, text: str) -> None:
    assert bench_of(tmp_path).settings(of("training.generator_init_path", text)).value("training.generator_init_path") == text


@pytest.mark.parametrize(
    ("arm", "steps"),
    [
        (AS_IT_IS, STEPS),
        (of("training.reconstruction_epochs", 12), 2 * STEPS),
        (of("training.reconstruction_epochs", 1), STEPS // 6),
        (of("data.batch_size", 32), STEPS // 2),
        (of("training.warmup_latent_normalize", False), STEPS),
        (of("training.reconstruction_epochs", 0), STEPS),
    ],
)
def test_an_arm_is_as_many_times_as_long_as_its_own_warm_up_is(tmp_path: Path, arm: Arm, steps: int) -> None:
    assert bench_of(tmp_path).job(arm, 0).steps == steps


def test_a_worker_without_the_device_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)

    trial = ran(replace(bench_of(tmp_path), device="cuda"))

    assert trial.failed is not None
    assert trial.failed.startswith("--device cuda: torch ")
    assert not trial.healthy


def test_a_training_that_comes_to_nothing_is_ended_half_way(tmp_path: Path) -> None:
    trial = ran(bench_of(tmp_path, "training.lr.generator=1e-9"))

    assert trial.stopped is not None
    assert trial.stopped.startswith(f"stopped as futile after {STEPS // 2} of {STEPS} steps")
    assert (trial.steps, trial.planned, len(trial.losses)) == (STEPS // 2, STEPS, STEPS // 2)
    assert trial.measurements
    assert not trial.healthy


@pytest.mark.parametrize(("architecture", "pretrainer"), [("seq2seq", False), ("lstm", True)])
def test_one_that_cannot_be_judged_half_way_is_not_ended(tmp_path: Path, architecture: str, pretrainer: bool) -> None:
    trial = ran(bench_of(tmp_path, "training.lr.generator=1e-9", architecture=architecture, pretrainer=pretrainer))

    assert (trial.stopped, trial.failed, trial.steps) == (None, None, STEPS)


@pytest.mark.parametrize("factor", [math.nan, math.inf])
def test_a_loss_that_is_no_number_ends_the_training_and_is_no_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, factor: float
) -> None:
    whole, calls = nn.functional.l1_loss, iter(range(1, STEPS))
    # a rate that overflows does so on some processors only; a factor makes the loss, its gradients and the weights no number
    monkeypatch.setattr(nn.functional, "l1_loss", lambda *given: whole(*given) * (factor if next(calls) == 3 else 1.0))

    trial = ran(bench_of(tmp_path))

    assert trial.failed is None
    assert trial.stopped == "the loss became NaN or infinite at step 3"
    assert (trial.steps, len(trial.losses)) == (3, 2)
    assert all(math.isfinite(loss) for loss in trial.losses)
    assert not trial.healthy


@pytest.mark.parametrize("rate", ["1e12", "1e30"])
def test_a_rate_beyond_all_bounds_is_no_crash_whether_or_not_its_losses_are_numbers(tmp_path: Path, rate: str) -> None:
    trial = ran(bench_of(tmp_path, f"training.lr.generator={rate}", head="linear", whiten="false"))

    assert trial.failed is None
    assert all(math.isfinite(loss) for loss in trial.losses)
    assert not trial.healthy


def test_what_cannot_be_trained_is_a_trial_that_failed(tmp_path: Path) -> None:
    trial = ran(bench_of(tmp_path, architecture="tcn"), Arm(title="gates", code_changes=(CodeChange.SLOW_GATES,)))

    assert trial.failed == "slow-gates does not apply to a tcn generator"
    assert (trial.steps, trial.measurements, trial.losses) == (0, {}, ())


def test_a_trial_without_end_is_not_begun(tmp_path: Path) -> None:
    trial = ran(bench_of(tmp_path), of("training.reconstruction_epochs", 10**12))

    assert trial.failed is not None
    assert trial.failed.endswith("steps, and no trial has more than 1,000,000")
    assert trial.steps == 0


def test_a_training_that_goes_on_after_the_deadline_is_cut(tmp_path: Path) -> None:
    trial = ran(replace(bench_of(tmp_path), deadline=0.0))

    assert trial.failed == f"only 1 of its {STEPS} steps fit into the time"
    assert trial.out_of_time


def test_torchs_own_trouble_is_told_in_one_short_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_memory(*_: object) -> None:
        raise RuntimeError("not enough memory:\n" + "you tried to allocate a lot " * 50)

    monkeypatch.setattr(benches, "train", out_of_memory)

    trial = ran(bench_of(tmp_path))

    assert trial.failed is not None
    assert trial.failed.startswith("RuntimeError: not enough memory: you tried")
    assert len(trial.failed) < 250


def test_signs_of_life_go_from_the_first_step_to_the_last(tmp_path: Path) -> None:
    pulses: list[Pulse] = []
    bench = bench_of(tmp_path)

    trial = bench.run(Job(arm=AS_IT_IS, seed=0, steps=STEPS), pulses.append)

    assert [pulse.step for pulse in pulses] == list(range(1, trial.steps + 1))
    assert {(pulse.best_constant, pulse.motionless) for pulse in pulses} == {(trial.best_constant, trial.motionless)}


def test_losses_are_means_over_equal_shares(tmp_path: Path) -> None:
    bench, pulses = bench_of(tmp_path, "training.lr.generator=1e-4"), list[Pulse]()

    trial = bench.run(Job(arm=of("training.warmup_noise_std", 0.1), seed=0, steps=100), pulses.append)

    told = [pulse.loss for pulse in pulses]
    if trial.steps == 100:
        assert len(trial.losses) == 50
        pairs = [(told[number] + told[number + 1]) / 2 for number in range(0, 100, 2)]
    else:
        assert trial.steps == 50
        pairs = told
    assert trial.losses == pytest.approx(pairs, rel=1e-4)


def test_a_seed_repeats_and_another_does_not(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, noise="0.1")

    assert ran(bench, seed=1) == ran(bench, seed=1)
    assert ran(bench, seed=1).losses != ran(bench, seed=2).losses
