from __future__ import annotations

import os
from pathlib import Path

import pytest

from humouse_doctor.inputs.files import Bounded, is_file, is_folder, open_regular


def test_a_file_is_opened(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")

    with open_regular(tmp_path / "a") as stream:
        assert stream.read() == b"abc"


def test_what_is_no_file_is_told_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    for path, kind in ((tmp_path / "pipe", "a pipe"), (tmp_path, "a folder"), (Path("/dev/zero"), "a device")):
        with pytest.raises(OSError, match=f"it is {kind}, not a file"):
            open_regular(path)


def test_a_huge_file_of_holes_is_refused_and_a_small_one_read(tmp_path: Path) -> None:
    for name, size in (("small", 1 << 30), ("huge", 200 << 30)):
        with (tmp_path / name).open("wb") as stream:
            stream.write(b"head")
            stream.truncate(size)

    with open_regular(tmp_path / "small") as stream:
        assert stream.read(4) == b"head"
    with pytest.raises(OSError, match="it is 200 GiB with next to nothing stored in it"):
        open_regular(tmp_path / "huge")


def test_no_more_than_the_bound_is_read_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(11))

    with open_regular(tmp_path / "a") as stream:
        bounded = Bounded(stream, 10)
        assert bounded.read(10) == bytes(10)
        assert bounded.read() == bytes(1)
        for size in (-1, 11, 1 << 40):
            bounded.seek(0)
            with pytest.raises(ValueError, match="larger than 10 bytes"):
                bounded.read(size)
        assert {name for name in dir(bounded) if not name.startswith("_")} == {"read", "seek", "tell", "seekable"}


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "gone"])
def test_a_name_that_no_file_has_is_none(tmp_path: Path, name: str) -> None:
    assert not is_file(tmp_path / name)
    assert not is_folder(tmp_path / name)
