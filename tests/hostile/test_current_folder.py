"""Of the current folder no file is read but those that were named, and those that SECURITY.md lists."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from humouse_doctor.reporting.forms import Format
from humouse_doctor.stored import report
from tests.hostile.current_folder import Ran, plant, ran
from tests.inputs.checkpoints.files import save, weights
from tests.reporting.builders import collapsed
from tests.verify.runs import write_config, write_data

DATA = ("-d", "gestures.npz")
SMALL = ("--quick", "--samples", "8", "--max-sequences", "8", "--set", "model.generator.target_len=6")
#: What each command may open below the current folder; written is elsewhere.
READS = {
    "--help": set(),
    "--version": set(),
    "probes": set(),
    "explain": set(),
    "show": {"saved.json"},
    "show --format html": {"saved.json"},
    "preflight": {"run.yaml", "gestures.npz", "gestures.npz.meta.json"},
    "preflight of Hydra's": {"hydra_config", "hydra_config/config.yaml", "hydra_config/model", "hydra_config/model/small.yaml"},
    "suggest-config": {"run.yaml", "gestures.npz", "gestures.npz.meta.json"},
    "gate": {"run.yaml", "gestures.npz", "gestures.npz.meta.json", "pyproject.toml"},
    "inspect": {"generator.pt"},
    "verify": {"run.yaml", "gestures.npz", "gestures.npz.meta.json"},
}


def commands(out: Path) -> dict[str, tuple[str, ...]]:
    everywhere = tuple(
        part for form in Format if form is not Format.HTML for part in ("-o", f"{form.value}={out / form.value}")
    )
    return {
        "--help": ("--help",),
        "--version": ("--version",),
        "probes": ("probes",),
        "explain": ("explain", "HD201"),
        "show": ("show", "saved.json", *everywhere),
        "show --format html": ("show", "saved.json", "-f", "html"),
        "preflight": ("preflight", "run.yaml", *DATA, *everywhere),
        "preflight of Hydra's": ("preflight", "hydra_config/config.yaml"),
        "suggest-config": ("suggest-config", "-c", "run.yaml", *DATA),
        "gate": ("gate", "run.yaml", *DATA, *everywhere),
        "inspect": ("inspect", "generator.pt", *SMALL),
        "verify": ("verify", "run.yaml", *DATA, "--steps", "2", "--seeds", "1", "--workers", "1", "--patch", "slow-gates"),
    }


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    folder, out = tmp_path_factory.mktemp("traps"), tmp_path_factory.mktemp("out")
    plant(folder)
    write_config(folder)
    write_data(folder)
    save(folder / "generator.pt", weights())
    (folder / "saved.json").write_text(report.render(collapsed()), encoding="utf-8")
    (folder / "hydra_config" / "model").mkdir(parents=True)
    (folder / "hydra_config" / "config.yaml").write_text("defaults: [{model: small}, _self_]\ntraining: {}\n")
    (folder / "hydra_config" / "model" / "small.yaml").write_text("generator: {latent_dim: 4}\n")
    there = sorted(folder.rglob("*"))
    asked = commands(out)
    found = dict(zip(asked, ran(folder, list(asked.values())), strict=True))
    assert sorted(folder.rglob("*")) == there
    return found


@pytest.mark.parametrize("name", READS)
def test_no_other_file_of_the_current_folder_is_opened(ended: dict[str, Ran], name: str) -> None:
    assert set(ended[name].touched) <= READS[name]
    assert ended[name].code in (0, 1, 3, 4), ended[name].err


@pytest.mark.parametrize("name", READS)
def test_a_user_without_name_and_home_gets_no_line_of_a_library(ended: dict[str, Ran], name: str) -> None:
    lines = [line for line in ended[name].err.splitlines() if " report in " not in line]
    if name in ("suggest-config", "verify"):  # which say on stderr what they found
        assert not [line for line in lines if "directory" in line or "Warning" in line or "home" in line.split()]
    else:
        assert lines == []


def test_the_folder_has_what_is_read_so_that_the_ear_hears_it(ended: dict[str, Ran]) -> None:
    for name, files in READS.items():
        assert len(ended[name].touched) >= min(len(files), 1), name


def test_no_compiler_is_imported_to_inspect_and_to_train(ended: dict[str, Ran]) -> None:
    """Nothing of this folder, but of a process in which nothing else was imported: torch's own optimiser imports it."""
    assert [(ended[name].code, ended[name].compiler) for name in ("inspect", "verify")] == [(1, False), (1, False)], ended


def test_python_m_with_the_safe_path_runs_what_is_installed(tmp_path: Path) -> None:
    if sys.version_info < (3, 11):
        pytest.skip("-P came with Python 3.11")
    plant(tmp_path)
    paths = os.pathsep.join([str(Path(report.__file__).parents[2]), *(p for p in sys.path if p and Path(p).is_absolute())])
    done = subprocess.run(
        [sys.executable, "-P", "-m", "humouse_doctor", "--version"],
        cwd=tmp_path, env={"PYTHONPATH": paths}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.split()[:1], done.stderr) == (0, ["humouse-doctor"], ""), json.dumps(done.stderr)
