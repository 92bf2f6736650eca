from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from humouse_doctor.core.remedy import Edit
from humouse_doctor.inputs.config.patcher import PatchRefused, diff_place, patched, require_own_file, unified_diff
from tests.hostile.names import LETTERS, NAMES
from tests.inputs.config.documents import Document, documents

PROGRAMS = [
    pytest.param(program, marks=pytest.mark.skipif(shutil.which(program[0]) is None, reason=f"{program[0]} is not installed"))
    for program in (["git", "apply", "-"], ["patch", "-p1"])
]


def ran(command: list[str], folder: Path, text: str = "") -> bytes:
    environment = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(command, cwd=folder, input=text.encode(), capture_output=True, env=environment, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode("utf-8", "backslashreplace")
    return done.stdout


#: Parts of a name are not empty, `.` or `..`.
_PARTS = st.text(st.sampled_from(LETTERS), min_size=1, max_size=12).filter(lambda part: part not in (".", ".."))
_PATHS = st.lists(_PARTS, min_size=1, max_size=3).map("/".join)


def check_that_it_applies(command: list[str], folder: Path, target: Path, before: str, after: str, shown: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(before.encode())
    ran(command, folder, unified_diff(before, after, shown))
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
    ran(["git", "init", "-q"], tmp_path)
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


def content_below(folder: Path) -> dict[bytes, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {os.fsencode(path.relative_to(folder)): path.read_bytes() for path in files}


def check_that_only_these_change(names: list[str], folder: Path) -> None:
    """Check that a diff of all `names` changes these files only, although files with similar names lie beside them."""
    apart: dict[str, str] = {}
    for name in names:  # a file is no folder of another
        apart.setdefault(name.split("/")[0], name)
    wanted = list(apart.values())
    for number, name in enumerate(wanted):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"a: %d\n" % number)
    for near in ("setup.py", *(name.strip() for name in wanted), *("".join(name.split()[:1]) for name in wanted)):
        path = folder / near
        if near and not path.exists() and path.parent.is_dir():
            path.write_bytes(b"a: 0\n")
    before = content_below(folder)
    diff = "".join(unified_diff(f"a: {number}\n", "a: new\n", str(folder / name)) for number, name in enumerate(wanted))
    for command in ("git apply -", "patch -p1 --batch --silent"):
        if shutil.which(command.split()[0]) is None:
            continue
        if command.startswith("git"):
            numbers = ran(["git", "apply", "--numstat", "-z"], folder, diff)
            assert [row.split(b"\t", 2)[2] for row in numbers.split(b"\0")[:-1]] == [os.fsencode(name) for name in wanted]
        ran(command.split(), folder, diff)
        assert content_below(folder) == {**before, **{os.fsencode(name): b"a: new\n" for name in wanted}}
        for name in wanted:
            (folder / name).write_bytes(before[os.fsencode(name)])


def test_the_diff_of_a_nasty_name_changes_that_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_that_only_these_change(NAMES, tmp_path)


@settings(max_examples=15)
@given(names=st.lists(_PATHS, min_size=4, max_size=12))
def test_the_diff_of_any_name_changes_that_file_alone(names: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder, here = tmp_path_factory.mktemp("any"), Path.cwd()
    os.chdir(folder)
    try:
        check_that_only_these_change(names, folder)
    finally:
        os.chdir(here)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_names_are_spelled_as_git_spells_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = [name for name in NAMES if "/" not in name and "##[" not in name and not name.endswith(" ")]
    for name in names:
        (tmp_path / name).write_bytes(b"a: 1\n")
    ran(["git", "init", "-q"], tmp_path)
    ran(["git", "add", "."], tmp_path)
    for name in names:
        (tmp_path / name).write_bytes(b"a: 2\n")

    made = ran(["git", "diff", "--no-color"], tmp_path).decode()

    theirs = re.findall(r"^(--- .*\n\+\+\+ .*\n)@@", made, re.MULTILINE)
    ours = ["".join(unified_diff("a: 1\n", "a: 2\n", name).splitlines(keepends=True)[:2]) for name in names]
    assert len(theirs) == len(names)
    assert sorted(theirs) == sorted(ours)


def test_a_name_that_no_file_has_is_refused() -> None:
    with pytest.raises(PatchRefused, match=r"half\\ud800: no file has such a name") as refused:
        unified_diff("a: 1\n", "a: 2\n", "half\ud800")
    assert str(refused.value).isprintable()


def test_the_way_back_through_a_link_leads_to_the_file_that_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "here" / "link").symlink_to(tmp_path / "elsewhere" / "deep")
    monkeypatch.chdir(tmp_path / "here")
    assert diff_place("link/../run.yaml") == (tmp_path / "elsewhere", "run.yaml")


@pytest.mark.parametrize(
    ("repository", "here", "path", "other"),
    [
        ("", "here", "../run/x.yaml", "x.yaml"),
        (".", "src", "../conf/x.yaml", "conf/x.yaml"),
        (".", "x", "x/run.yaml", "run.yaml"),
        (".", "b/c", "c/run.yaml", "run.yaml"),
        (".", "x/y", "x/y/run.yaml", "run.yaml"),
    ],
    ids=["outside", "from the top", "below a folder of the same name", "as the new side", "two deep"],
)
def test_a_diff_that_would_change_another_file_here_is_refused(
    repository: str, here: str, path: str, other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / here
    for name in (path, other):
        (folder / name).resolve().parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text("a: 1\n")
    if repository:
        (tmp_path / ".git").mkdir()
    monkeypatch.chdir(folder)
    require_own_file(path)
    (folder / other).write_text("a: 1\n")
    with pytest.raises(PatchRefused, match="it would change another file") as refused:
        require_own_file(path)
    assert "\n" not in str(refused.value)


def test_a_link_to_the_file_is_no_other_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("here", "run"):
        (tmp_path / name).mkdir()
    (tmp_path / "run" / "x.yaml").write_text("a: 1\n")
    (tmp_path / "here" / "x.yaml").symlink_to(tmp_path / "run" / "x.yaml")
    monkeypatch.chdir(tmp_path / "here")
    require_own_file("../run/x.yaml")
