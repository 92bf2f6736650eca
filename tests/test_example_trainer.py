from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from humouse_doctor.stored import outcome
from humouse_doctor.verify.verification import VerifyRequest, verify
from tests.conftest import Ended
from tests.verify.runs import Listener, write_config, write_data

TRAINER = Path(__file__).parent.parent / "examples" / "trainer.py"
Invoke = Callable[..., Ended]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a tiny run, in which all commands run, each on one thread."""
    write_config(tmp_path)
    write_data(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return tmp_path


def command(program: Path = TRAINER, more: str = "", shell: str = sys.executable) -> str:
    return (
        f"{shlex.join([shell, str(program)])} --config run.yaml --data gestures.npz --checkpoint out/{{arm}}.pt"
        f" --seed {{seed}} {more} {{overrides}}"
    )


def verified(invoke: Invoke, trainer: str, *more: object) -> tuple[Ended, dict[str, Any]]:
    """How verify ended with that trainer, and its outcome by title of the arm."""
    ended = invoke(
        "verify", "run.yaml", "--data", "gestures.npz", "--trainer", trainer, "--trainer-checkpoint", "out/{arm}.pt",
        "--format", "json", *more,
    )  # fmt: skip
    return ended, {arm["title"]: arm for arm in json.loads(ended.out)["arms"]}


def test_verify_tries_a_patch_with_the_example_trainer_and_finds_what_its_own_trials_find(invoke: Invoke, run: Path) -> None:
    patch = run / "fix.txt"
    patch.write_text("training.warmup_latent_normalize=false\nmodel.generator.activation_xy=linear\n", encoding="utf-8")

    ended, arms = verified(invoke, command(), "--seeds", 1, "--patch", patch, "--outcome", "kept.json")

    arm = arms[str(patch)]
    assert ended.code == 1
    assert arm["seeds"] == 1
    assert arm["effect"] is not None
    kept = outcome.read(run / "kept.json")
    own = verify(
        VerifyRequest(config=run / "run.yaml", data=run / "gestures.npz", patches=(str(patch),), steps=24, seeds=1, workers=1),
        Listener(),
    ).outcome
    assert [(trial.arm, trial.failed) for trial in kept.trials] == [(trial.arm, None) for trial in own.trials]
    whole = [(one, other) for one, other in zip(kept.trials, own.trials, strict=True) if other.stopped is None]
    assert whole
    for theirs, ours in whole:
        for name in ("HD101.spread_ratio", "HD103.time_std_ratio", "HD105.skill"):
            assert theirs.measurements[name] == pytest.approx(ours.measurements[name], rel=1e-3)


def test_what_the_trainer_said_is_kept_and_names_the_overrides(invoke: Invoke, run: Path) -> None:
    ended, _ = verified(invoke, command(), "--seeds", 1, "--patch", "longer-warm-up-4x")

    longer_log, base_log = sorted((run / "verify-logs").iterdir(), key=lambda path: path.name, reverse=True)
    base, longer = (path.read_text(encoding="utf-8").splitlines() for path in (base_log, longer_log))
    assert longer_log.name.startswith("longer-warm-up-4x-")
    assert "reconstruction_epochs" not in base[0]
    assert base[0].startswith("$ ")
    assert longer[0].endswith("experiment.training.reconstruction_epochs=24")
    assert base[1].startswith("step 1 of 24: loss ")
    assert longer[1].startswith("step 1 of 96: loss ")
    assert base[1].split()[-1] == longer[1].split()[-1]  # the same start
    assert longer[-1] == f"wrote out/{longer_log.stem}.pt"
    assert (run / "out" / f"{longer_log.stem}.pt").is_file()
    assert "as it is, seed 0: " in ended.err


def test_a_trainer_that_refuses_its_config_is_a_trial_that_failed_with_its_words_in_the_log(invoke: Invoke, run: Path) -> None:
    patch = run / "fix.txt"
    patch.write_text("model.generator.target_len=32\n", encoding="utf-8")

    ended, arms = verified(invoke, command(), "--seeds", 1, "--patch", patch)

    (note,) = arms[str(patch)]["notes"]
    assert (ended.code, arms[str(patch)]["effect"], arms[str(patch)]["seeds"]) == (1, None, 0)
    assert arms["as it is"]["seeds"] == 1
    assert note.startswith("seed 0: the trainer ended with exit code 2; its output is in verify-logs/")
    log = (run / note.rpartition(" ")[2]).read_text(encoding="utf-8")
    assert "trainer: the data has 16 steps, the generator makes 32" in log
    assert "Traceback" not in log


def test_a_trainer_that_hangs_is_killed_and_nothing_can_be_said(invoke: Invoke, run: Path) -> None:
    program = run / "hangs.sh"  # a shell has begun within a second, however busy the machine is
    program.write_text("echo going to sleep\nexec sleep 600\n", encoding="utf-8")

    ended, arms = verified(
        invoke, command(program, shell="sh"), "--seeds", 1, "--patch", "longer-warm-up-4x", "--trainer-timeout", "1s"
    )

    assert ended.code == 3
    assert {arm["seeds"] for arm in arms.values()} == {0}
    assert "did not end within 1 s and was killed" in arms["as it is"]["notes"][0]
    log = (run / "verify-logs" / "as-it-is-seed0.log").read_text(encoding="utf-8")
    assert log.splitlines()[1:] == ["going to sleep"]
