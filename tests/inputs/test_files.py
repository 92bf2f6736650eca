from __future__ import annotations

import errno
import hashlib
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.inputs import files
from humouse_doctor.inputs.config.patcher import write
from humouse_doctor.inputs.files import append_file, replace_file, write_stream


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


@pytest.mark.parametrize("failing", ["_private", "fsync", "chmod", "replace"])
def test_a_failed_write_is_an_input_error_and_leaves_the_old_file_whole(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.yaml"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    owner = {"_private": files, "fsync": os, "chmod": Path, "replace": Path}[failing]
    monkeypatch.setattr(owner, failing, fail)
    with pytest.raises(InputError, match=r"run\.yaml: cannot write: Permission denied; nothing was changed"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert [left.name for left in tmp_path.iterdir()] == ["run.yaml"]


def test_a_config_whose_name_leaves_no_room_for_its_backup_is_left_whole(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 248 + ".yaml")
    path.write_bytes(b"a: 1\n")
    with pytest.raises(InputError, match=r"yaml\.bak: cannot write: File name too long; nothing was changed"):
        write(path, "a: 2\n")
    assert path.read_bytes() == b"a: 1\n"


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


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_the_mode_is_never_wider_than_the_old_one(mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.yaml"
    path.write_bytes(b"old")
    path.chmod(mode)
    seen: list[int] = []
    real = os.fsync

    def look(handle: int) -> None:
        seen.append(stat.S_IMODE(os.fstat(handle).st_mode))
        real(handle)

    monkeypatch.setattr(os, "fsync", look)
    replace_file(path, b"new", accept=lambda written: seen.append(stat.S_IMODE(written.stat().st_mode)))

    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert seen == [mode, mode]


def test_a_file_is_nobody_elses_while_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    real = files._private

    def look(name: str, flags: int) -> int:
        handle = real(name, flags)
        made.append(stat.S_IMODE(os.fstat(handle).st_mode))
        return handle

    monkeypatch.setattr(files, "_private", look)
    replace_file(tmp_path / "new", b"")

    assert made == [0o600]


def test_a_signal_as_soon_as_there_is_a_file_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = files._private

    def interrupted(name: str, flags: int) -> int:
        os.close(real(name, flags))
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "_private", interrupted)
    with pytest.raises(KeyboardInterrupt):
        replace_file(tmp_path / "new", b"")

    assert list(tmp_path.iterdir()) == []


def test_bits_that_lend_rights_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_bytes(b"old")
    path.chmod(0o6755)

    replace_file(path, b"new")

    assert stat.S_IMODE(path.stat().st_mode) == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_another_owners_file_stays_theirs(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_bytes(b"old")
    os.chown(path, 1234, 4321)
    path.chmod(0o640)

    replace_file(path, b"new")

    state = path.stat()
    assert (state.st_uid, state.st_gid, stat.S_IMODE(state.st_mode)) == (1234, 4321, 0o640)


def test_a_group_that_cannot_be_kept_opens_the_file_to_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.yaml"
    path.write_bytes(b"old")
    path.chmod(0o664)

    def refuse(handle: int, owner: int, group: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refuse)
    replace_file(path, b"new")

    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_another_hard_link_keeps_the_old_content(tmp_path: Path) -> None:
    path, other = tmp_path / "run.yaml", tmp_path / "other"
    path.write_bytes(b"old")
    other.hardlink_to(path)

    replace_file(path, b"new")

    assert (path.read_bytes(), other.read_bytes()) == (b"new", b"old")


def test_a_link_to_what_is_not_there_yet_stays_a_link(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("target")

    replace_file(link, b"new")

    assert link.is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"


def test_a_link_to_itself_is_left_alone(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("link")

    with pytest.raises(InputError, match="link: cannot write: Too many levels of symbolic links; nothing was changed"):
        replace_file(link, b"new")

    assert link.is_symlink()
    assert names(tmp_path) == ["link"]


@pytest.mark.parametrize(("kind", "words"), [("folder", "a folder"), ("pipe", "a pipe"), ("device", "a device")])
def test_what_is_no_file_is_never_replaced_by_one(kind: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "target"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif os.geteuid() == 0:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    else:
        path = Path(os.devnull)
    before = path.stat().st_mode

    with pytest.raises(InputError, match=f"cannot write: it is {words}, not a file; nothing was changed"):
        replace_file(path, b"new")

    assert path.stat().st_mode == before


@pytest.mark.parametrize("name", ["x" * 300, "a\x00b"])
def test_a_name_that_no_file_can_have_is_an_input_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot write: .*; nothing was changed"):
        replace_file(tmp_path / name, b"new")

    assert names(tmp_path) == []


def test_a_full_disk_leaves_the_old_file_whole(tmp_path: Path) -> None:
    """The limit of a file's size stands for the disk's: the kernel writes the first half and refuses the rest."""
    path = tmp_path / "run.yaml"
    path.write_bytes(b"old")
    code = (
        "import resource, sys; from pathlib import Path; from humouse_doctor.inputs.files import replace_file\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "try: replace_file(Path(sys.argv[1]), b'x' * 10_000)\n"
        "except Exception as error: print(error)"
    )

    ended = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout) == (0, f"{path}: cannot write: File too large; nothing was changed\n")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["run.yaml"]


def test_what_is_not_accepted_takes_no_place(tmp_path: Path) -> None:
    path = tmp_path / "warm.pt"
    path.write_bytes(b"old")

    def refuse(written: Path) -> None:
        assert written.read_bytes() == b"new"
        raise UsageError("not what was tried")

    with pytest.raises(UsageError, match="not what was tried"):
        replace_file(path, b"new", accept=refuse)

    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["warm.pt"]


def _left_by_a_killed_write(path: Path) -> Path:
    """Leave a temporary file of an abandoned write of `path`."""
    left: list[Path] = []

    def killed(written: Path) -> None:
        left.append(written.with_name(written.name.replace(".tmp", "x.tmp")))
        left[0].write_bytes(written.read_bytes())
        raise InputError("killed")

    with pytest.raises(InputError, match="killed"):
        replace_file(path, b"half", accept=killed)
    long_ago = time.time() - 2 * files._STALE_S
    os.utime(left[0], (long_ago, long_ago))
    return left[0]


def test_what_a_killed_process_has_left_goes_with_a_later_write(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    stale = _left_by_a_killed_write(path)
    young = stale.with_name(stale.name.replace("x.tmp", "y.tmp"))
    young.touch()
    assert fnmatch(stale.name, ".run.yaml.humouse-doctor-*.tmp")
    others = [".other.yaml.humouse-doctor-abcdefgh.tmp", ".run.yaml.abcdefgh.tmp", "run.yaml.tmp"]
    for name in others:
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))

    replace_file(path, b"new")

    assert names(tmp_path) == sorted([young.name, *others, "run.yaml"])


def test_what_a_killed_process_has_left_of_another_long_name_stays(tmp_path: Path) -> None:
    name = "report-of-the-experiment-in-space-{}.json"
    left = _left_by_a_killed_write(tmp_path / name.format("A"))

    replace_file(tmp_path / name.format("B"), b"new")
    assert left.exists()

    replace_file(tmp_path / name.format("A"), b"new")
    assert not left.exists()


def test_a_pipe_that_nobody_reads_is_not_waited_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    monkeypatch.setattr(files, "_PATIENCE_S", 0.1)

    for write_to in (write_stream, append_file):
        with pytest.raises(InputError, match="pipe: cannot write: it is a pipe that nobody reads"):
            write_to(pipe, b"new")


def test_what_is_longer_than_a_pipe_holds_arrives_whole(tmp_path: Path) -> None:
    pipe, data = tmp_path / "pipe", os.urandom(300_000)
    os.mkfifo(pipe)
    code = "import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest())"
    reader = subprocess.Popen([sys.executable, "-c", code, str(pipe)], stdout=subprocess.PIPE, text=True)

    write_stream(pipe, data)

    read, _ = reader.communicate(timeout=300)
    assert read.strip() == hashlib.sha256(data).hexdigest()


def test_a_full_device_is_an_input_error() -> None:
    for write_to in (write_stream, append_file):
        with pytest.raises(InputError, match="/dev/full: cannot write: No space left on device"):
            write_to(Path("/dev/full"), b"new")


def test_appending_writes_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "summary.md"
    append_file(path, b"one\n")
    append_file(path, b"two\n")
    real, calls = os.write, iter([True, False])

    def half(handle: int, data: memoryview) -> int:
        if next(calls):
            return real(handle, data[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(InputError, match=r"summary\.md: cannot write: No space left on device"):
        append_file(path, b"three\n")

    assert path.read_bytes() == b"one\ntwo\n"


def test_what_another_process_appends_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "summary.md"
    path.write_bytes(b"one\n")
    real, calls = os.write, iter([True, False])

    def half(handle: int, data: memoryview) -> int:
        if next(calls):
            return real(handle, data[:3])
        with path.open("ab") as other:
            other.write(b"another step's\n")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(InputError, match=r"summary\.md: cannot write: No space left on device"):
        append_file(path, b"three\n")

    assert path.read_bytes() == b"one\nthranother step's\n"
