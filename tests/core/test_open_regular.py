from __future__ import annotations

import os
from pathlib import Path

import pytest

from humouse_doctor.core.files import is_file, is_folder, open_regular


def test_a_file_is_opened(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")

    with open_regular(tmp_path / "a") as stream:
        assert stream.read() == b"abc"


def test_what_is_no_file_is_told_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    for path, kind in ((tmp_path / "pipe", "a pipe"), (tmp_path, "a folder"), (Path("/dev/zero"), "a device")):
        with pytest.raises(OSError, match=f"it is {kind}, not a file"):
            open_regular(path)


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "gone"])
def test_a_name_that_no_file_has_is_none(tmp_path: Path, name: str) -> None:
    assert not is_file(tmp_path / name)
    assert not is_folder(tmp_path / name)
