from __future__ import annotations

import json
import os
import re
import shlex
import sys
import time
from pathlib import Path

import pytest
import torch

from humouse_doctor.cases.from_config import generator_spec
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.outcome import AS_IT_IS, Arm, Trial
from humouse_doctor.core.remedy import CodeChange, Edit
from humouse_doctor.inputs.config import reader
from humouse_doctor.inputs.gestures.sources import read_gestures
from humouse_doctor.networks.architectures import build
from humouse_doctor.verify.bench import Bench, Job
from humouse_doctor.verify.trainer import Command, TrainerBench
from tests.verify.runs import STEPS, is_running, write_config, write_data

LINEAR = Arm(
    title="a linear head",
    edits=(
        Edit(key="model.generator.activation_xy", old="tanh", new="linear"),
        Edit(key="training.generator_init_path", old=None, new="it's here.pt", absent=True),
    ),
)

#: Leaves its arguments and a copy of a checkpoint, as told by its first three words.
DUMP = """\
import json, shutil, sys
told, source, target, *rest = sys.argv[1:]
print("trained", flush=True)
print("badly", file=sys.stderr)
open(told, "w").write(json.dumps(rest))
shutil.copyfile(source, target)
"""


class Bed:
    """A folder with a tiny run, a checkpoint of it, and programs that stand for trainers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config, self.logs = write_config(folder), folder / "logs"
        self.gestures = read_gestures(write_data(folder), reader.read(self.config).settings, 64, 0)
        self.source = folder / "source.pt"
        torch.manual_seed(0)
        torch.save(build(generator_spec(reader.read(self.config).settings)).state_dict(), self.source)

    def program(self, text: str) -> str:
        path = self.folder / "program.py"
        path.write_text(text, encoding="utf-8")
        return shlex.join([sys.executable, str(path)])

    def run(
        self, text: str, arm: Arm = AS_IT_IS, *, seed: int = 0, timeout_s: float = 30.0, overrides: tuple[str, ...] = ()
    ) -> Trial:
        bench = Bench(
            config=self.config,
            overrides=overrides,
            read=reader.read(self.config, overrides),
            gestures=self.gestures,
            base_steps=STEPS,
            samples=64,
        )
        command = Command(text=text, checkpoint=str(self.folder / "{arm}.pt"), logs=self.logs, timeout_s=timeout_s)
        return TrainerBench(bench=bench, command=command).run(Job(arm=arm, seed=seed, steps=STEPS), lambda _: None)

    def dump(self, more: str = "{overrides}") -> str:
        return f"{self.program(DUMP)} {self.folder}/told-{{seed}}.json {self.source} {self.folder}/{{arm}}.pt {more}"

    def told(self, seed: int = 0) -> object:
        return json.loads((self.folder / f"told-{seed}.json").read_text(encoding="utf-8"))

    def log(self) -> str:
        (path,) = self.logs.iterdir()
        return path.read_text(encoding="utf-8")


@pytest.fixture
def bed(tmp_path: Path) -> Bed:
    return Bed(tmp_path)


def command(text: str) -> Command:
    return Command(text=text, checkpoint="x.pt", logs=Path("logs"))


@pytest.mark.parametrize("text", ["python train.py", "python train.py x={overrides}", "", "python '{overrides} more'"])
def test_a_command_without_a_place_for_the_overrides_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"expected \{overrides\} as a word of its own"):
        command(text)


def test_a_command_whose_quotes_do_not_close_is_refused() -> None:
    with pytest.raises(UsageError, match="--trainer python 'train: No closing quotation"):
        command("python 'train")


def test_the_checkpoint_it_left_is_inspected(bed: Bed) -> None:
    trial = bed.run(bed.dump())

    assert trial.failed is None
    assert (trial.arm, trial.seed, trial.planned, trial.steps) == ("", 0, STEPS, STEPS)
    assert trial.measurements["HD101.spread_ratio"] < 0.5
    assert not trial.healthy
    assert trial.causes


def test_overrides_and_seed_are_passed_as_words(bed: Bed) -> None:
    assert bed.run(bed.dump("--seed {seed} {overrides} --last"), LINEAR, seed=3).failed is None

    assert bed.told(3) == [
        "--seed",
        "3",
        "experiment.model.generator.activation_xy=linear",
        "++experiment.training.generator_init_path='it\\'s here.pt'",
        "--last",
    ]


def test_the_run_as_it_is_has_no_overrides_but_those_of_the_whole_verify(bed: Bed) -> None:
    assert bed.run(bed.dump()).failed is None
    assert bed.told() == []

    assert bed.run(bed.dump(), overrides=("experiment.training.reconstruction_epochs=3",)).failed is None
    assert bed.told() == ["experiment.training.reconstruction_epochs=3"]


def test_no_shell_looks_at_the_command(bed: Bed) -> None:
    assert bed.run(bed.dump("'$(touch x)' ';' '*' {overrides}")).failed is None

    assert bed.told() == ["$(touch x)", ";", "*"]


def test_each_arm_and_seed_has_its_own_checkpoint_and_log(bed: Bed) -> None:
    for arm, seed in ((AS_IT_IS, 0), (AS_IT_IS, 1), (LINEAR, 0)):
        assert bed.run(bed.dump(), arm, seed=seed).failed is None

    names = sorted(path.name for path in bed.logs.iterdir())
    assert re.fullmatch(r"a-linear-head-[0-9a-f]{6}-seed0\.log", names[0])
    assert names[1:] == ["as-it-is-seed0.log", "as-it-is-seed1.log"]
    assert {path.stem for path in bed.folder.glob("*seed*.pt")} == {path.stem for path in bed.logs.iterdir()}


def test_the_log_has_the_command_and_all_it_said(bed: Bed) -> None:
    bed.run(bed.dump(), LINEAR)

    first, *rest = bed.log().splitlines()
    assert first.startswith(f"$ {shlex.quote(sys.executable)} ")
    assert "experiment.model.generator.activation_xy=linear" in first
    assert rest == ["trained", "badly"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import sys; sys.exit(3)", "the trainer ended with exit code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "the trainer ended with signal SIGTERM"),
        ("pass", "the trainer left no "),
    ],
)
def test_a_trainer_that_comes_to_nothing_is_a_trial_that_failed(bed: Bed, text: str, said: str) -> None:
    trial = bed.run(f"{bed.program(text)} {{overrides}}")

    assert trial.failed is not None
    assert trial.failed.startswith(said)
    assert trial.failed.endswith(f"its output is in {bed.logs / 'as-it-is-seed0.log'}")
    assert (trial.steps, trial.measurements) == (0, {})


def test_a_program_that_is_not_there_is_a_trial_that_failed(bed: Bed) -> None:
    trial = bed.run("no-such-program-anywhere {overrides}")

    assert trial.failed == "--trainer: cannot run no-such-program-anywhere: No such file or directory"


def test_a_checkpoint_from_before_is_not_taken_for_a_new_one(bed: Bed) -> None:
    old = bed.folder / "as-it-is-seed0.pt"
    old.write_bytes(bed.source.read_bytes())
    os.utime(old, (time.time() - 60, time.time() - 60))

    trial = bed.run(f"{bed.program('pass')} {{overrides}}")

    assert trial.failed is not None
    assert "as it was before" in trial.failed


def test_a_file_that_is_no_checkpoint_is_a_trial_that_failed(bed: Bed) -> None:
    bed.source.write_bytes(b"not a checkpoint")

    trial = bed.run(bed.dump())

    assert trial.failed is not None
    assert "\n" not in trial.failed


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_a_command_that_hangs_is_killed_with_all_it_started(bed: Bed) -> None:
    program = bed.folder / "program.sh"  # a shell has begun within a second, however busy the machine is
    program.write_text(f"sleep 600 &\necho $! > {shlex.quote(str(bed.folder / 'child'))}\nwait\n", encoding="utf-8")
    begun = time.monotonic()

    trial = bed.run(f"{shlex.join(['sh', str(program)])} {{overrides}}", timeout_s=1.0)

    assert time.monotonic() - begun < 300
    assert trial.failed is not None
    assert trial.failed.startswith("the trainer did not end within 1 s and was killed")
    grandchild = int((bed.folder / "child").read_text(encoding="utf-8"))
    until = time.monotonic() + 300
    while is_running(grandchild) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_running(grandchild)


def test_a_change_of_the_code_is_no_override_and_nothing_is_run(bed: Bed) -> None:
    trial = bed.run(bed.dump(), Arm(title="gates", code_changes=(CodeChange.SLOW_GATES,)))

    assert trial.failed == "needs a change of the trainer's code, which no override can make: slow-gates"
    assert not bed.logs.exists()


def test_a_folder_for_logs_that_cannot_be_made_is_a_trial_that_failed(bed: Bed) -> None:
    bed.logs.write_text("a file is in the way", encoding="utf-8")

    trial = bed.run(bed.dump())

    assert trial.failed is not None
    assert "cannot write the trainer's output" in trial.failed
