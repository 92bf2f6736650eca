from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from humouse_doctor.core.errors import InputError
from humouse_doctor.survey import discover
from humouse_doctor.survey.discover import Found, Run, find, runs_at
from tests.survey.builders import hydra_run


def _touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def _names(root: Path) -> list[str]:
    return [run.path.relative_to(root).as_posix() for run in find(root).runs]


def test_the_jobs_of_a_multirun_are_found_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (10, 2, 0):
        hydra_run(tmp_path / "multirun" / "day" / "time" / str(number), checkpoint=number != 2)
    _touch(tmp_path / "multirun" / "day" / "time" / "multirun.yaml")

    found = find(tmp_path).runs

    assert [run.path.name for run in found] == ["0", "2", "10"]
    assert found[0].record == tmp_path / "multirun/day/time/0/.hydra/config.yaml"
    assert found[0].config is None  # inspect finds it


def test_what_lies_in_a_run_belongs_to_it_unless_it_is_a_run(tmp_path: Path) -> None:
    run = hydra_run(tmp_path / "run")
    _touch(run / "data" / "cache.pt")
    hydra_run(run / "again")

    assert _names(tmp_path) == ["run", "run/again"]


def test_the_newest_checkpoint_of_a_log_of_lightning_is_its_run(tmp_path: Path) -> None:
    for version in (0, 1):
        for age, name in enumerate(("epoch=9.ckpt", "last.ckpt")):
            os.utime(_touch(tmp_path / "lightning_logs" / f"version_{version}" / "checkpoints" / name), (age, age))
        _touch(tmp_path / "lightning_logs" / f"version_{version}" / "hparams.yaml")
    (tmp_path / "lightning_logs" / "version_2" / "checkpoints").mkdir(parents=True)

    found = find(tmp_path).runs

    assert [run.path.name for run in found] == ["last.ckpt", "last.ckpt", "version_2"]
    assert found[1].record == tmp_path / "lightning_logs" / "version_1" / "hparams.yaml"


def test_checkpoints_lie_about_with_one_config_above_or_one_each(tmp_path: Path) -> None:
    shared, each, whole = tmp_path / "shared", tmp_path / "each", tmp_path / "whole"
    for name in ("a.pt", "b.safetensors", "optimizer.pt", "discriminator_a.pt", "notes.txt"):
        _touch(shared / "weights" / name)
    config = _touch(shared / "run.yaml")
    for name in ("one", "two"):
        _touch(each / f"generator_{name}.pt")
        _touch(each / f"generator_{name}_best.pt")
        _touch(each / f"{name}.yaml")
    _touch(whole / "checkpoints" / "generator_x.pt")
    record = _touch(whole / "config.yaml")

    found = find(tmp_path).runs

    own = {name: each / f"{name}.yaml" for name in ("one", "two")}
    assert found == (
        *(Run(path=each / f"generator_{name}.pt", config=yaml, record=yaml) for name, yaml in own.items()),
        *(Run(path=shared / "weights" / name, config=config, record=config) for name in ("a.pt", "b.safetensors")),
        Run(path=whole, record=record),
    )  # fmt: skip


def test_a_folder_or_file_with_several_names_is_one_run(tmp_path: Path) -> None:
    hydra_run(tmp_path / "a")
    (tmp_path / "a" / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "b").symlink_to(tmp_path / "a", target_is_directory=True)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "latest.pt").symlink_to(_touch(tmp_path / "w" / "1.pt"))

    assert _names(tmp_path) == ["a", "w/1.pt"]


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hydra_run(tmp_path / "run")
    (tmp_path / "secret").mkdir()
    listed = os.scandir

    def refuse(path: Any) -> Any:
        if Path(path).name == "secret":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "scandir", refuse)

    assert find(tmp_path).notes == (f"1 folder could not be listed, the first {tmp_path / 'secret'} (Permission denied)",)
    with pytest.raises(InputError, match="no runs found; 1 folder could not be listed"):
        find(tmp_path / "secret")


def test_the_walk_has_bounds_and_says_so(tmp_path: Path) -> None:
    for number in range(20):
        hydra_run(tmp_path / str(number))
    deep = hydra_run(tmp_path.joinpath("0", *"x" * (discover._LEVELS + 1)))

    found = find(tmp_path)
    few = find(tmp_path, most=30)

    assert deep not in {run.path for run in found.runs}
    assert found.notes == ("1 folder more than 16 levels down: left out",)
    assert 0 < len(few.runs) < 20
    assert few.notes == ("only the first 30 entries were looked at; survey the folders below one by one",)


def test_what_was_not_seen_beside_a_single_run_is_said(tmp_path: Path) -> None:
    hydra_run(tmp_path / "run")
    hydra_run(tmp_path.joinpath("deep", *"x" * (discover._LEVELS + 1)))

    assert runs_at(tmp_path) == Found(runs=(Run(path=tmp_path),), notes=("1 folder more than 16 levels down: left out",))
    assert runs_at(tmp_path / "run").notes == ()


def test_no_runs_at_all_is_one_line_with_what_was_looked_for(tmp_path: Path) -> None:
    _touch(tmp_path / "notes.txt")

    with pytest.raises(InputError) as caught:
        find(tmp_path)

    assert str(caught.value).startswith(f"{tmp_path}: no runs found among 1 entry below it; looked for runs of Hydra")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="not a folder"):
        find(tmp_path / "notes.txt")
