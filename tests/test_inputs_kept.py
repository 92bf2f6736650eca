"""No output overwrites an input, whether it was named or found, and whatever link leads to it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ended
from tests.inputs.checkpoints.files import weights
from tests.verify.runs import write_config, write_data

Invoke = Callable[..., Ended]
CACHE = Path("data/processed/synthetic/gestures_seq24_feat-none.npz")
SAID = "it was read as an input, and is not overwritten; choose another file"


@pytest.fixture
def run(collapsed_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a run's folder, which is also the current folder."""
    shutil.copytree(collapsed_run, tmp_path / "run")
    monkeypatch.chdir(tmp_path / "run")
    return tmp_path / "run"


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def require_kept(ended: Ended, before: dict[Path, bytes], folder: Path, said: str = SAID) -> None:
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert said in line
    assert contents(folder) == before


@pytest.mark.parametrize("found", [".hydra/config.yaml", str(CACHE), f"{CACHE}.meta.json"])
@pytest.mark.parametrize("way", ["by its name", "by a link", "by another name"])
def test_what_was_found_in_a_runs_folder_is_not_overwritten(invoke: Invoke, run: Path, found: str, way: str) -> None:
    target = Path(found)
    if way == "by a link":
        target = Path("link")
        target.symlink_to(found)
    elif way == "by another name":
        target = Path("other")
        target.hardlink_to(found)
    before = contents(run)

    require_kept(invoke("preflight", ".", "-o", "text=report.txt", "-o", f"json={target}"), before, run)


def test_a_checkpoint_that_was_found_is_not_overwritten(invoke: Invoke, run: Path) -> None:
    before = contents(run)
    (checkpoint,) = run.glob("checkpoints/*.pt")

    require_kept(invoke("inspect", ".", "--quick", "-o", f"json={checkpoint}"), before, run)


@pytest.mark.parametrize("option", ["-o", "--save-warmstart"])
def test_a_shard_is_not_overwritten(invoke: Invoke, run: Path, option: str) -> None:
    save_file = pytest.importorskip("safetensors.torch").save_file
    save_file(weights(), "a.safetensors")
    Path("i.json").write_text(json.dumps({"weight_map": dict.fromkeys(weights(), "a.safetensors")}))
    config, data = write_config(run), write_data(run)
    before = contents(run)

    if option == "-o":
        ended = invoke("inspect", "i.json", "--set", "model.generator.target_len=6", "--quick", "-o", "json=a.safetensors")
    else:
        ended = invoke("verify", config, "-d", data, "--checkpoint", "i.json", "--steps", 4, option, "a.safetensors")

    require_kept(ended, before, run)


def test_a_file_of_a_defaults_list_is_not_overwritten(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("hydra")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "small.yaml").write_text("generator: {latent_dim: 4}\n")
    (tmp_path / "config.yaml").write_text("defaults: [{model: small}, _self_]\ntraining: {reconstruction_epochs: 3}\n")
    before = contents(tmp_path)

    require_kept(invoke("preflight", "config.yaml", "-o", "json=model/small.yaml"), before, tmp_path)


@pytest.mark.parametrize("name", ["humouse-doctor.toml", "pyproject.toml"])
def test_the_policy_that_was_found_is_not_overwritten_nor_a_baseline_written(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_config(tmp_path)
    Path(name).write_text('[tool.humouse-doctor]\nfail-on = "error"\n')
    before = contents(tmp_path)

    ended = invoke("gate", "run.yaml", "--write-baseline", "known.json", "-o", f"json={name}")

    require_kept(ended, before, tmp_path)


def test_a_step_summary_is_not_added_to_an_input(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "run.yaml")
    write_config(tmp_path)
    before = contents(tmp_path)

    require_kept(invoke("preflight", "run.yaml", "-f", "github", "-o", "json=a.json"), before, tmp_path)


@pytest.mark.parametrize(
    "options",
    [
        ("--patch", "a.diff", "--outcome", "a.diff"),
        ("--patch", "a.diff", "-o", "json=a.diff"),
        ("--patch", "a.diff", "--save-warmstart", "a"),
        ("--outcome", "a", "--save-warmstart", "a"),
        ("--outcome", "a.diff", "--save-warmstart", "a"),
        ("--save-warmstart", "a", "-o", "json=a.diff"),
    ],
)
def test_no_two_options_of_verify_name_one_file(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_config(tmp_path)
    Path("a.diff").write_text("training.lr.generator=0.1\n")
    before = contents(tmp_path)

    ended = invoke("verify", "run.yaml", "--data", "gestures.npz", "--steps", 4, *options)

    require_kept(ended, before, tmp_path, "choose another")


def test_a_trainers_log_is_not_written_through_a_link(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config, data = write_config(tmp_path), write_data(tmp_path)
    before = config.read_bytes()
    log = tmp_path / "verify-logs" / "as-it-is-seed0.log"
    log.parent.mkdir()
    log.symlink_to(config)

    invoke("verify", config, "-d", data, "--steps", 4, "--patch", "slow-gates", "--trainer", "true {overrides}",
           "--trainer-checkpoint", "none.pt")  # fmt: skip

    assert config.read_bytes() == before
    assert {path.name for path in log.parent.iterdir()} >= {log.name}
    assert not log.is_symlink()


def test_a_current_folder_that_is_gone_is_told(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    config = write_config(tmp_path)
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    try:
        ended = invoke("gate", config)
    finally:
        os.chdir(tmp_path)

    assert (ended.code, ended.out) == (3, "")
    assert ended.err == "humouse-doctor: the current folder has been deleted; change to another one\n"
