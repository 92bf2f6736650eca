from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from humouse_doctor.stored import outcome
from humouse_doctor.verify.verification import VerifyRequest, verify
from tests import forked
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


def command(python: str, program: Path = TRAINER) -> str:
    return (
        f"{python} {shlex.quote(str(program))} --config run.yaml --data gestures.npz --checkpoint out/{{arm}}.pt"
        f" --seed {{seed}} {{overrides}}"
    )


def verified(invoke: Invoke, trainer: str, *more: object) -> tuple[Ended, dict[str, Any]]:
    """How verify ended with that trainer, and its outcome by title of the arm."""
    ended = invoke(
        "verify", "run.yaml", "--data", "gestures.npz", "--trainer", trainer, "--trainer-checkpoint", "out/{arm}.pt",
        "--format", "json", *more,
    )  # fmt: skip
    return ended, {arm["title"]: arm for arm in json.loads(ended.out)["arms"]}


def test_verify_finds_with_the_example_trainer_what_its_own_trials_find_and_keeps_what_it_said(
    invoke: Invoke, run: Path
) -> None:
    patch, refused = run / "fix.txt", run / "refused.txt"
    patch.write_text("training.warmup_latent_normalize=false\nmodel.generator.activation_xy=linear\n", encoding="utf-8")
    refused.write_text("model.generator.target_len=32\n", encoding="utf-8")

    # the start of a trainer is most of its time, so that one command tries all there is to be tried
    tried = ("--patch", patch, "--patch", "longer-warm-up-4x", "--patch", refused)
    with forked.served() as python:
        ended, arms = verified(invoke, command(python), "--seeds", 1, "--outcome", "kept.json", *tried)

    assert (ended.code, arms[str(patch)]["seeds"]) == (1, 1)
    assert arms[str(patch)]["effect"] is not None
    _finds_what_its_own_trials_find(run, str(patch))
    _kept_its_words(run, ended)
    _tells_what_the_trainer_refused(run, arms["as it is"], arms[str(refused)])


def _finds_what_its_own_trials_find(run: Path, patch: str) -> None:
    own = verify(
        VerifyRequest(config=run / "run.yaml", data=run / "gestures.npz", patches=(patch,), steps=24, seeds=1, workers=1),
        Listener(),
    ).outcome
    arms = {trial.arm for trial in own.trials}
    kept = [trial for trial in outcome.read(run / "kept.json").trials if trial.arm in arms]
    assert [(trial.arm, trial.failed) for trial in kept] == [(trial.arm, None) for trial in own.trials]
    whole = [(one, other) for one, other in zip(kept, own.trials, strict=True) if other.stopped is None]
    assert whole
    for theirs, ours in whole:
        for name in ("HD101.spread_ratio", "HD103.time_std_ratio", "HD105.skill"):
            assert theirs.measurements[name] == pytest.approx(ours.measurements[name], rel=1e-3)


def _kept_its_words(run: Path, ended: Ended) -> None:
    base_log, (longer_log,) = run / "verify-logs" / "as-it-is-seed0.log", (run / "verify-logs").glob("longer-warm-up-4x-*")
    base, longer = (path.read_text(encoding="utf-8").splitlines() for path in (base_log, longer_log))
    assert "reconstruction_epochs" not in base[0]
    assert base[0].startswith("$ ")
    assert longer[0].endswith("experiment.training.reconstruction_epochs=24")
    assert base[1].startswith("step 1 of 24: loss ")
    assert longer[1].startswith("step 1 of 96: loss ")
    assert base[1].split()[-1] == longer[1].split()[-1]  # the same start
    assert longer[-1] == f"wrote out/{longer_log.stem}.pt"
    assert (run / "out" / f"{longer_log.stem}.pt").is_file()
    assert "as it is, seed 0: " in ended.err


def _tells_what_the_trainer_refused(run: Path, as_it_is: dict[str, Any], refused: dict[str, Any]) -> None:
    (note,) = refused["notes"]
    assert (refused["effect"], refused["seeds"], as_it_is["seeds"]) == (None, 0, 1)
    assert note.startswith("seed 0: the trainer ended with exit code 2; its output is in verify-logs/")
    log = (run / note.rpartition(" ")[2]).read_text(encoding="utf-8")
    assert "trainer: the data has 16 steps and the generator makes 32" in log
    assert "Traceback" not in log


def test_a_trainer_that_hangs_is_killed_and_nothing_can_be_said(invoke: Invoke, run: Path) -> None:
    program = run / "hangs.sh"  # a shell has begun within a second, however busy the machine is
    program.write_text("echo going to sleep\nexec sleep 600\n", encoding="utf-8")

    ended, arms = verified(
        invoke, command("sh", program), "--seeds", 1, "--patch", "longer-warm-up-4x", "--trainer-timeout", "1s"
    )

    assert ended.code == 3
    assert {arm["seeds"] for arm in arms.values()} == {0}
    assert "did not end within 1 s and was killed" in arms["as it is"]["notes"][0]
    log = (run / "verify-logs" / "as-it-is-seed0.log").read_text(encoding="utf-8")
    assert log.splitlines()[1:] == ["going to sleep"]
