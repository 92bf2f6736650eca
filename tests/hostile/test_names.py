"""Names of files that want to be read as something else, through what prints a patch."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.remedy import Edit
from humouse_doctor.inputs.config import patcher, yaml_text
from humouse_doctor.reporting import gate_text, outcome_text, text
from humouse_doctor.reporting.forms import Emit
from humouse_doctor.service import commands as service
from humouse_doctor.verify import trainer, warm_start
from tests.hostile.names import NAMES
from tests.reporting.builders import collapsed, gated
from tests.verify.builders import searched
from tests.verify.runs import write_config

GIT = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
FORGED = "x\n--- a/setup.py\n+++ b/setup.py\n@@ -1 +1,2 @@\n import setuptools\n+import os\n--- a/y\n+++ b/y"
SETUP = "import setuptools\n"


def run_with(name: str, folder: Path) -> Path:
    """A config of that name in a run's folder of the same name."""
    path = folder / name / name
    path.parent.mkdir(parents=True)
    path.write_bytes(write_config(folder).read_bytes())
    return path


def applied(command: list[str], folder: Path, text: str) -> None:
    environment = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_DIR": os.devnull}
    done = subprocess.run(command, cwd=folder, input=text.encode(), capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr


@GIT
@pytest.mark.parametrize(
    "name", [FORGED.replace("/", "\t"), FORGED.replace("a/", "").replace("b/", ""), "byte\udcff\n"], ids=ascii
)
def test_what_suggest_config_prints_changes_the_config_alone(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = run_with(name, tmp_path)
    before = config.read_bytes()
    (tmp_path / "setup.py").write_text(SETUP, encoding="utf-8")

    suggested = service.suggest(Request(config=config.relative_to(tmp_path)), Emit.DIFF, write=False)
    applied(["git", "apply"], tmp_path, suggested.text)

    assert (tmp_path / "setup.py").read_text(encoding="utf-8") == SETUP
    assert config.read_bytes() != before
    assert service.report_on(Request(config=config)).patch == ()


def test_a_diff_that_another_config_here_would_take_is_not_printed_but_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = run_with("run", tmp_path)
    (tmp_path / "here").mkdir()
    decoy = tmp_path / "here" / "run"
    decoy.write_bytes(config.read_bytes())
    monkeypatch.chdir(tmp_path / "here")

    with pytest.raises(UsageError, match=r"it would change another file, run; go to .* first"):
        service.suggest(Request(config=config), Emit.DIFF, write=False)

    before = decoy.read_bytes()
    assert service.suggest(Request(config=config), Emit.DIFF, write=True).changed.startswith("changed ")
    assert decoy.read_bytes() == before != config.read_bytes()


@GIT
@pytest.mark.parametrize("name", ["plain", "it's $(touch x)", "-x", "a b ", "é"])
def test_what_is_said_of_a_warm_start_can_be_pasted_and_changes_its_config(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = run_with(name, tmp_path)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    saved = Path(f"{name}.pt")

    words, place = warm_start._use(saved, load_case(Request(config=config)).case, yaml_text.read_text(config), None)
    subprocess.run(["bash", "-c", place.rpartition(f"{config}: ")[2]], check=True, env={**os.environ, "GIT_DIR": os.devnull})

    case = load_case(Request(config=config)).case
    assert case.settings.text("training.generator_init_path") == str(saved)
    said = shlex.split(words.removeprefix("to start from it: "))
    assert (
        patcher.override(Edit(key="training.generator_init_path", old=None, new=str(saved), absent=True), "experiment.") in said
    )
    assert {path.name for path in (tmp_path / "here").iterdir()} == {f"{name}.pt.diff"}


@pytest.mark.parametrize("name", ["a\nb", "${oc.env:HOME}", "byte\udcff"])
def test_a_warm_start_whose_name_no_override_can_hold_says_so_in_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = run_with("run", tmp_path)
    (said,) = warm_start._use(Path(name), load_case(Request(config=config)).case, yaml_text.read_text(config), None)
    assert "no line of overrides can hold" in said
    assert said.isprintable()


def test_the_log_of_a_trainer_begins_with_its_command_whatever_its_bytes() -> None:
    line = trainer.command_line(["python", "byte\udcff\n"])
    assert line == b"$ python 'byte\xff\\n'\n"


def test_no_line_of_a_text_is_a_names_own() -> None:
    def lines(name: str) -> int:
        report = collapsed()
        report = replace(
            report,
            sentence=f"in {name} it collapses",
            subject=replace(
                report.subject, name=name, checkpoint=name, config=name, data=name, remarks=(f"config: took {name}",)
            ),
        )
        gate = gated()
        gate = replace(gate, entries=tuple(replace(entry, name=name, notes=(name,)) for entry in gate.entries), notes=(name,))
        outcome = replace(searched(), config=name, warm_start=(name,))
        shown = (
            text.render(report, width=5_000),
            gate_text.render(gate, width=5_000),
            outcome_text.render(outcome, width=5_000),
        )
        return sum(len(one.splitlines()) for one in shown)

    assert lines("".join(NAMES)) == lines("plain")
