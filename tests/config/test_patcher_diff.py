from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from humouse_doctor.config.patcher import diff_place, patched, require_own_file, unified_diff
from humouse_doctor.core.remedy import Edit
from tests.config.documents import Document, documents

PROGRAMS = [
    pytest.param(program, marks=pytest.mark.skipif(shutil.which(program[0]) is None, reason=f"{program[0]} is not installed"))
    for program in (["git", "apply", "-"], ["patch", "-p1"])
]


def run(command: list[str], folder: Path, text: str = "") -> None:
    environment = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(command, cwd=folder, input=text.encode(), capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


def check_that_it_applies(command: list[str], folder: Path, target: Path, before: str, after: str, shown: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(before.encode())
    run(command, folder, unified_diff(before, after, shown))
    assert target.read_bytes().decode() == after
    assert [path.name for path in target.parent.iterdir()] == [target.name]


@pytest.mark.parametrize("command", PROGRAMS)
@settings(max_examples=20)
@given(document=documents(), data=st.data())
def test_the_diff_applied_gives_exactly_the_patched_text(
    command: list[str], document: Document, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = data.draw(st.sampled_from(sorted(document.values)))
    key = path.removeprefix(document.prefix)
    replace = Edit(key=key, old=document.values[path], new="other")
    insert = Edit(key="training.warmup_noise_std", old=None, new=0.5, absent=True)
    edits = data.draw(st.sampled_from([[replace], [insert], [replace, insert]]))
    after = patched(document.text, "run.yaml", edits, document.prefix)
    folder = tmp_path_factory.mktemp("diff")
    check_that_it_applies(command, folder, folder / "run.yaml", document.text, after, "run.yaml")


@pytest.mark.parametrize("command", PROGRAMS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("end", [True, False])
@pytest.mark.parametrize("name", ["run.yaml", "my runs/the run.yaml", "läufe/日.yaml"])
def test_the_diff_applies_to_any_line_end_and_name(
    command: list[str], newline: str, end: bool, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = newline.join(["a: 1", "b:", "  c: 2"]) + newline * end
    after = patched(before, name, [Edit(key="b.c", old=2, new=3), Edit(key="b.d", old=None, new=4, absent=True)])
    check_that_it_applies(command, tmp_path, tmp_path / name, before, after, name)


@pytest.mark.parametrize("command", PROGRAMS)
@pytest.mark.parametrize("inside", [".", "conf", "elsewhere"])
def test_the_diff_of_an_absolute_path_in_a_repository_applies(
    command: list[str], inside: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    run(["git", "init", "-q"], tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "conf" / "experiment").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / inside)
    target = tmp_path / "conf" / "experiment" / "x.yaml"
    above = tmp_path if inside == "elsewhere" else tmp_path / inside
    check_that_it_applies(command, above, target, "a: 1\n", "a: 2\n", str(target))


@pytest.mark.parametrize("path", ["../conf/run.yaml", "./../conf/./run.yaml", "sub/../../conf/run.yaml"])
def test_a_path_with_dots_is_shown_from_the_top_of_the_repository(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(tmp_path / "src")
    assert diff_place(path) == (tmp_path, "conf/run.yaml")


def test_a_path_below_the_current_folder_is_relative_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert diff_place("conf/../run.yaml") == diff_place(str(tmp_path / "run.yaml")) == (tmp_path, "run.yaml")


def test_a_path_outside_any_repository_is_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert diff_place(str(tmp_path / "runs" / "run.yaml")) == (tmp_path / "runs", "run.yaml")


def test_a_text_that_did_not_change_has_no_diff() -> None:
    assert unified_diff("a: 1\n", "a: 1\n", "run.yaml") == ""


def test_the_diff_shows_the_change_with_its_surroundings() -> None:
    assert unified_diff("a: 1\nb: 2\nc: 3", "a: 1\nb: 5\nc: 3", "a run.yaml") == (
        "--- a/a run.yaml\t\n+++ b/a run.yaml\t\n@@ -1,3 +1,3 @@\n a: 1\n-b: 2\n+b: 5\n c: 3\n\\ No newline at end of file\n"
    )
