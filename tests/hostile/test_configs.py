"""Configs that no honest program would write, driven through the command line: one line, its exit code, nothing run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ended

Invoke = Callable[..., Ended]

SOUND = "training: {lr: {generator: 1.0e-4}, betas: [0.5, 0.9], reconstruction_epochs: 3}\n"
LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))

#: Text (or bytes) of a config, and what the line says of it.
HOSTILE: dict[str, tuple[str | bytes, str]] = {
    "an alias bomb": (LAUGHS + SOUND, "more than 10000 values"),
    "a mapping bomb in a list": (
        "x: &x [{a: 1}]\n" + "y: [" + ", ".join(["*x"] * 9000) + "]\n" + SOUND,
        "more than 10000 values",
    ),
    "a cycle": ("training: &t\n  lr: *t\n", "contains itself"),
    "nested a thousand deep": ("training: " + "[" * 1000 + "]" * 1000 + "\n", "nested too deeply"),
    "a hundred thousand keys": ("".join(f"k{n}: 1\n" for n in range(100_000)), "larger than 500 kB"),
    "twenty thousand keys": ("".join(f"k{n}: 1\n" for n in range(21_000)), "more than 10000 values"),
    "larger than a config": ("# " + "x" * 600_000 + "\n" + SOUND, "larger than 500 kB"),
    "utf-16": (SOUND.encode("utf-16"), "UTF-8"),
    "latin-1": ("experiment_name: é\n".encode("latin-1") + SOUND.encode(), "UTF-8"),
    "a NUL": (SOUND + "name: a\x00b\n", ":2: not valid YAML"),
    "a python tag": ("training: !!python/object/apply:os.system ['touch ran']\n", "is refused"),
    "a tag of one's own": ("training: {lr: !mine 3}\n", "is refused"),
    "a key given twice": (SOUND + "data: {}\ndata: {}\n", "stands twice"),
    "an escape in a key given twice": (SOUND + '"a\\e[2J": 1\n"a\\e[2J": 1\n', "stands twice"),
    "a number of a million digits": ("training: {reconstruction_epochs: " + "9" * 400_000 + "}\n", "cannot be read as int"),
    "a list": ("- training\n", "not a mapping"),
    "nothing": ("", "empty"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_config_ends_in_one_line(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    content, said = HOSTILE[name]
    monkeypatch.chdir(tmp_path)
    Path("x.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    start = time.monotonic()

    ended = invoke("preflight", "x.yaml")

    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert line.startswith("humouse-doctor: x.yaml")
    assert said in line
    assert line.isprintable()
    assert len(line) < 600
    assert time.monotonic() - start < 10
    assert [path.name for path in Path().iterdir()] == ["x.yaml"]


def test_no_pipe_is_waited_for(invoke: Invoke, tmp_path: Path) -> None:
    pipe = tmp_path / "x.yaml"
    os.mkfifo(pipe)

    ended = invoke("preflight", pipe)

    assert (ended.code, ended.err) == (2, f"humouse-doctor: {pipe}: cannot read the config: it is a pipe, not a file\n")


def test_a_link_to_itself_is_no_config(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").symlink_to("x.yaml")

    ended = invoke("preflight", tmp_path / "x.yaml")

    assert ended.code == 2
    assert ended.err.count("\n") == 1


def test_a_secret_of_the_environment_is_never_shown(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_MINE", "hunter2")
    path = tmp_path / "x.yaml"
    path.write_text("experiment_name: ${oc.env:SECRET_OF_MINE}\n" + SOUND.replace("3}", "'${oc.env:SECRET_OF_MINE}'}"))

    for form in ("text", "json", "html", "markdown"):
        ended = invoke("preflight", path, "-f", form)
        assert "hunter2" not in ended.out + ended.err


def _experiment(folder: Path, root: str) -> Path:
    (folder / "experiment").mkdir(parents=True)
    (folder / "experiment" / "x.yaml").write_text(SOUND)
    path = folder / "config.yaml"
    path.write_text(root)
    return path


def test_no_package_of_a_search_path_is_imported(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "planted_package"
    package.mkdir()
    (package / "__init__.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    monkeypatch.syspath_prepend(tmp_path)
    path = _experiment(
        tmp_path / "conf",
        "defaults:\n  - experiment: x\n  - _self_\nhydra:\n  searchpath: ['pkg://planted_package']\n",
    )

    ended = invoke("preflight", path)

    assert ended.code == 2
    assert "the search path pkg://planted_package is refused" in ended.err
    assert ended.err.count("\n") == 1
    assert not (tmp_path / "ran").exists()


def test_a_bomb_in_a_group_file_ends_before_hydra_reads_it(invoke: Invoke, tmp_path: Path) -> None:
    path = _experiment(tmp_path / "conf", "defaults:\n  - experiment: x\n  - _self_\n")
    (tmp_path / "conf" / "experiment" / "x.yaml").write_text(LAUGHS + SOUND)
    start = time.monotonic()

    ended = invoke("preflight", path)

    assert ended.code == 2
    assert "more than 10000 values" in ended.err
    assert time.monotonic() - start < 10


def test_defaults_lists_that_multiply_come_to_an_end(invoke: Invoke, tmp_path: Path) -> None:
    path = _experiment(tmp_path / "conf", "defaults:\n  - experiment: x\n  - a0@p: x\n  - _self_\n")
    for level in range(12):
        group = tmp_path / "conf" / f"a{level}"
        group.mkdir()
        below = "".join(f"  - /a{level + 1}@q{n}: x\n" for n in range(6)) if level < 11 else ""
        (group / "x.yaml").write_text((f"defaults:\n{below}  - _self_\n" if below else "") + "v: 1\n")
    start = time.monotonic()

    ended = invoke("preflight", path)

    assert ended.code == 2
    assert "its defaults lists bring in more than" in ended.err
    assert time.monotonic() - start < 20
