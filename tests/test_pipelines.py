"""The action and the hook for other people's pipelines, as far as they run without those pipelines."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

TOP = Path(__file__).parent.parent
CONFIG = "examples/collapsed-latent-noise/config.yaml"


def _action() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((TOP / "action.yml").read_text(encoding="utf-8"))
    return content


def _step(name: str) -> dict[str, Any]:
    step: dict[str, Any] = next(step for step in _action()["runs"]["steps"] if step["name"] == name)
    return step


class Ran:
    """The results of the action's gate step."""

    def __init__(self, folder: Path, **inputs: str) -> None:
        bin_folder = folder / "humouse-doctor" / "bin"
        bin_folder.mkdir(parents=True)
        (bin_folder / "humouse-doctor").symlink_to(Path(sys.executable).parent / "humouse-doctor")
        step = _step("Gate")
        given = {name: inputs.get(re.sub(r".*inputs\.([\w-]+).*", r"\1", value), "") for name, value in step["env"].items()}
        for name in ("output", "summary"):
            (folder / name).touch()
        runner = {
            "RUNNER_TEMP": str(folder),
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary"),
            "GITHUB_WORKSPACE": str(TOP),
        }
        self.ended = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=TOP,
            env={**os.environ, **given, **runner},
            capture_output=True,
            text=True,
            check=False,
        )
        lines = (folder / "output").read_text(encoding="utf-8").splitlines()
        self.outputs = dict(line.split("=", 1) for line in lines)
        self.summary = (folder / "summary").read_text(encoding="utf-8")


def test_the_actions_gate_step_annotates_summarises_and_fails(tmp_path: Path) -> None:
    ran = Ran(tmp_path, paths=f"{CONFIG}\n\n  \n")

    assert ran.ended.returncode == 1
    assert f"::warning file={CONFIG},line=" in ran.ended.stdout
    assert ran.outputs["exit-code"] == "1"
    assert Path(ran.outputs["sarif-file"]).read_text(encoding="utf-8").startswith("{")
    assert Path(ran.outputs["html-file"]).read_text(encoding="utf-8").lower().startswith("<!doctype html>")
    assert "HD205" in ran.summary


def test_the_actions_inputs_reach_the_tool_as_words_and_never_as_code(tmp_path: Path) -> None:
    planted = tmp_path / "planted"
    hostile = f"$(touch {planted}) `touch {planted}`; touch {planted} #.yaml"

    ran = Ran(tmp_path / "run", paths=f"{hostile}\n{CONFIG}", policy=hostile)

    assert ran.ended.returncode == 3  # there is no such policy
    assert hostile in ran.ended.stderr
    assert ran.outputs == {"exit-code": "3"}
    assert not planted.exists()


def test_a_bad_option_ends_the_action_with_its_own_code(tmp_path: Path) -> None:
    ran = Ran(tmp_path, paths=CONFIG, **{"fail-on": "sometimes"})

    assert (ran.ended.returncode, ran.outputs) == (2, {"exit-code": "2"})


def test_the_action_rehearses_if_asked_to(tmp_path: Path) -> None:
    ran = Ran(tmp_path, paths=CONFIG, rehearse="60s")

    assert ran.ended.returncode == 2
    assert ran.ended.stderr.strip().endswith("--rehearse trains on the run's own gestures: add --data")


def test_every_input_of_the_action_is_used_and_none_stands_in_a_script() -> None:
    action = _action()
    text = (TOP / "action.yml").read_text(encoding="utf-8")

    assert all(f"inputs.{name} " in text or f"inputs.{name})" in text for name in action["inputs"])
    assert not any("${{" in step.get("run", "") for step in action["runs"]["steps"])


def test_every_foreign_action_is_pinned_by_its_commit() -> None:
    used = [step["uses"] for step in _action()["runs"]["steps"] if "uses" in step]

    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40}", name) for name in used)


def _hooks() -> list[dict[str, Any]]:
    hooks: list[dict[str, Any]] = yaml.safe_load((TOP / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    return hooks


@pytest.mark.parametrize(("hook", "options"), [*zip(_hooks(), [[], ["--rehearse=60s"]], strict=True)])
def test_the_hooks_take_experiments_configs_and_run_the_gate(hook: dict[str, Any], options: list[str]) -> None:
    assert re.search(hook["files"], "conf/experiment/train_gan.yaml")
    assert re.search(hook["files"], "sub/conf/experiment/deep/x.yml")
    assert not re.search(hook["files"], "conf/data/x.yaml")
    assert re.search(hook["files"], "conf/experiment/line\nfeed.yaml")
    assert hook["entry"].split() == ["humouse-doctor", "gate", *options]


@pytest.mark.parametrize(
    "path", ["-x/conf/experiment/x.yaml", "--write-baseline=x/conf/experiment/x.yaml", "-ohtml=conf/experiment/x.yaml"]
)
def test_the_hook_takes_no_path_that_would_be_an_option(path: str) -> None:
    assert not any(re.search(hook["files"], path) for hook in _hooks())


def test_paths_and_values_of_the_action_that_begin_with_a_dash_are_no_options(tmp_path: Path) -> None:
    written = tmp_path / "written"

    ran = Ran(tmp_path / "run", paths=f"--write-baseline={written}\n--version\n{CONFIG}", baseline="--version")

    assert ran.ended.returncode == 3  # there is no such baseline
    assert "--version: " in ran.ended.stderr
    assert not written.exists()


def test_nothing_of_a_path_gets_into_the_actions_outputs_or_a_command_of_its_log(tmp_path: Path) -> None:
    hostile = tmp_path / "x%0A::error::owned\u2028::error::owned\r##[error]owned"
    hostile.mkdir()

    ran = Ran(tmp_path / "run", paths=f"{hostile}\nexit-code=0\n::error::owned")

    assert set(ran.outputs) == {"exit-code", "sarif-file", "html-file"}
    assert ran.outputs["exit-code"] == "3"
    lines = [line for line in (ran.ended.stdout + ran.ended.stderr).splitlines() if re.match(r"\s*::|.*##\[", line)]
    assert lines
    assert all(re.match(r"::error (file=[^:]*,)?title=[^:]*::", line) for line in lines), lines


@pytest.mark.skipif(shutil.which("pre-commit") is None, reason="pre-commit is not installed")
def test_the_hook_runs_under_pre_commit(tmp_path: Path) -> None:
    config = tmp_path / "conf" / "experiment" / "x.yaml"
    config.parent.mkdir(parents=True)
    shutil.copy(TOP / CONFIG, config)
    for arguments in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)

    ended = subprocess.run(
        ["pre-commit", "try-repo", str(TOP), "humouse-doctor", "--all-files"],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert "HD205" in ended.stdout
