from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from humouse_doctor.cases import run_folder
from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.inputs.config.reader import from_values
from tests.cases.builders import write_checkpoint, write_config


def touch(path: Path, age: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    os.utime(path, (1_000_000 - age, 1_000_000 - age))
    return path


def test_the_newest_candidate_is_taken_and_the_others_are_listed(tmp_path: Path) -> None:
    old, new = touch(tmp_path / "generator_a.pt", age=5), touch(tmp_path / "sub" / "generator_b.pt")

    choice = run_folder.find_checkpoint(tmp_path, from_values({}))

    assert choice.path == new
    assert f"the newest of 2; left {old}" in choice.remark


def test_many_candidates_are_not_all_listed(tmp_path: Path) -> None:
    for number in range(9):
        touch(tmp_path / f"generator_{number}.pt", age=number)

    remark = run_folder.find_checkpoint(tmp_path, from_values({})).remark

    assert "the newest of 9" in remark
    assert remark.endswith("...")
    assert "generator_8" not in remark


@pytest.mark.parametrize("looks", [1, 2, 3])
def test_a_checkpoint_that_is_rotated_away_meanwhile_is_no_candidate(
    looks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = touch(tmp_path / "generator_a.pt", age=5), touch(tmp_path / "generator_b.pt")
    real, seen = Path.stat, list[Path]()

    def stat(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        state = real(path, follow_symlinks=follow_symlinks)
        seen.append(path)
        if path == new and seen.count(new) == looks:
            path.unlink()
        return state

    monkeypatch.setattr(Path, "stat", stat)

    assert run_folder.find_checkpoint(tmp_path, from_values({})).path in (old, new)


def test_a_discriminator_is_no_candidate(tmp_path: Path) -> None:
    touch(tmp_path / "generator_and_discriminator.pt")

    with pytest.raises(InputError, match=r"no generator checkpoint found .* or a path of samples$"):
        run_folder.find_checkpoint(tmp_path, from_values({}))
    (run := tmp_path / "my run").mkdir()
    with pytest.raises(InputError, match=r"; its config alone: humouse-doctor preflight '/.*/my run'$"):
        run_folder.find_checkpoint(run, replace(from_values({}), source="config.yaml"))


def test_an_index_of_shards_comes_before_the_shards(tmp_path: Path) -> None:
    for name in ("model.safetensors.index.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"):
        (tmp_path / name).touch()
    assert run_folder.find_checkpoint(tmp_path, from_values({})).path.name == "model.safetensors.index.json"


def test_the_configs_checkpoint_folder_is_searched_above_the_run(tmp_path: Path) -> None:
    run = tmp_path / "outputs" / "day" / "time"
    run.mkdir(parents=True)
    found = touch(tmp_path / "checkpoints" / "gan" / "generator_x.pt")

    choice = run_folder.find_checkpoint(run, from_values({"logging.checkpoint_dir": "checkpoints/gan"}))

    assert choice.path.resolve() == found


def test_the_resolved_config_comes_before_others(tmp_path: Path) -> None:
    touch(tmp_path / "other.yaml")
    found = touch(tmp_path / ".hydra" / "config.yaml", age=100)

    first = run_folder.find_config(tmp_path)
    found.unlink()
    second = run_folder.find_config(tmp_path)

    assert first is not None
    assert first.path == found
    assert second is not None
    assert second.path.name == "other.yaml"


def test_a_hidden_file_is_no_config(tmp_path: Path) -> None:
    touch(tmp_path / ".pre-commit-config.yaml")

    assert run_folder.find_config(tmp_path) is None


def test_no_config_is_no_error(tmp_path: Path) -> None:
    assert run_folder.find_config(tmp_path) is None


def test_the_data_cache_is_found_by_data_set_and_length(tmp_path: Path) -> None:
    touch(tmp_path / "data" / "processed" / "balabit" / "gestures_seq200_feat-x.npz")
    wanted = touch(tmp_path / "data" / "processed" / "balabit" / "gestures_seq64_feat-x.npz", age=50)

    choice = run_folder.find_data(tmp_path, from_values({"data.sequence_length": 64}))

    assert choice is not None
    assert choice.path.resolve() == wanted


def test_a_named_file_is_found_from_the_configs_folder_upwards(tmp_path: Path) -> None:
    config = touch(tmp_path / "conf" / "experiment" / "x.yaml")
    named = touch(tmp_path / "checkpoints" / "lstm.pt")

    assert run_folder.find_named("checkpoints/lstm.pt", config) == named
    assert run_folder.find_named("checkpoints/gone.pt", config) is None
    assert run_folder.find_named("checkpoints/gone.pt", None) is None


def test_the_file_named_after_the_experiment_comes_before_the_newest(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    config.write_text("experiment_name: x\n" + config.read_text())
    checkpoint = write_checkpoint(tmp_path)
    (tmp_path / "generator_y.pt").write_bytes(checkpoint.read_bytes())

    case = load_case(Request(checkpoint=tmp_path, samples=8)).case
    checkpoint.unlink()
    other = load_case(Request(checkpoint=tmp_path, samples=8))

    assert any("took" in remark and "generator_x.pt" in remark for remark in case.subject.remarks)
    assert any("experiment_name is x" in finding.message for finding in other.tool_findings)


def test_preflight_finds_the_config_of_a_run_folder(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    config = write_config(tmp_path / "run")

    case = load_case(Request(config=tmp_path / "run")).case

    assert case.subject.config == str(config)
    with pytest.raises(UsageError, match="a folder without a config"):
        load_case(Request(config=tmp_path))


@pytest.mark.parametrize(("stem", "said"), [("generator_x", False), ("generator_x_best", False), ("generator_y", True)])
def test_the_best_weights_of_an_experiment_are_named_after_it_too(stem: str, said: bool, tmp_path: Path) -> None:
    write_checkpoint(tmp_path).rename(tmp_path / f"{stem}.pt")
    config = write_config(tmp_path)
    config.write_text(f"experiment_name: x\n{config.read_text()}")

    found = load_case(Request(checkpoint=tmp_path, samples=8, quick=True)).tool_findings

    assert any("experiment_name is x" in finding.message for finding in found) is said
