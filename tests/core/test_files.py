from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from humouse_doctor.config.patcher import write
from humouse_doctor.core.errors import InputError
from humouse_doctor.core.files import replace_file


@pytest.fixture
def umask() -> Iterator[int]:
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


def test_a_new_file_gets_the_mode_the_umask_gives(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "report.json"
    replace_file(path, b"{}")
    assert path.read_bytes() == b"{}"
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask
    assert os.umask(umask) == umask


def test_a_file_gets_the_mode_of_the_one_it_is_like(tmp_path: Path) -> None:
    like, path = tmp_path / "like", tmp_path / "new"
    like.touch()
    like.chmod(0o604)
    replace_file(path, b"", like=like)
    assert path.stat().st_mode & 0o777 == 0o604


def test_a_file_like_one_that_is_not_there_gets_the_mode_the_umask_gives(tmp_path: Path, umask: int) -> None:
    replace_file(tmp_path / "new", b"", like=tmp_path / "none")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o640


def test_the_target_of_a_link_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    replace_file(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_long_name_leaves_room_for_the_temporary_one(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 120 + ".yaml")
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"


def test_a_folder_that_is_not_there_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\A\S+report: cannot write: No such file or directory; nothing was changed\Z"):
        replace_file(tmp_path / "none" / "report", b"")


@pytest.mark.parametrize("failing", ["mkstemp", "fsync", "replace"])
def test_a_failed_write_is_an_input_error_and_leaves_the_old_file_whole(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.yaml"
    path.write_bytes(b"old")

    def fail(*_: object, dir: object = None, prefix: object = None, suffix: object = None) -> None:  # noqa: A002
        raise PermissionError(13, "Permission denied")

    owner = {"mkstemp": tempfile, "fsync": os, "replace": Path}[failing]
    monkeypatch.setattr(owner, failing, fail)
    with pytest.raises(InputError, match=r"run\.yaml: cannot write: Permission denied; nothing was changed"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert [left.name for left in tmp_path.iterdir()] == ["run.yaml"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes into any folder")
def test_a_config_in_a_read_only_folder_is_left_whole(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    path = folder / "run.yaml"
    path.write_bytes(b"a: 1\n")
    folder.chmod(0o500)
    try:
        with pytest.raises(InputError, match="cannot write: Permission denied; nothing was changed"):
            write(path, "a: 2\n")
        assert path.read_bytes() == b"a: 1\n"
        assert [left.name for left in folder.iterdir()] == ["run.yaml"]
    finally:
        folder.chmod(0o700)
