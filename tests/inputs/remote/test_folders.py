from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import fsspec
import pytest
from filelock import FileLock, Timeout
from fsspec.implementations.memory import MemoryFileSystem

from humouse_doctor.core.errors import DoctorError, InputError, UsageError
from humouse_doctor.inputs.remote import copies, folders, names
from humouse_doctor.inputs.remote.filesystems import Folder
from humouse_doctor.inputs.remote.place import IsFolder, Place

ROOT = "memory://folders/runs"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if fsspec.filesystem("memory").exists("/folders"):  # of another test
        fsspec.filesystem("memory").rm("/folders", recursive=True)
    return tmp_path / "cache" / "humouse-doctor" / "remote"


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The URLs of the files whose bytes were fetched."""
    urls: list[str] = []
    really: Callable[..., str] = copies.received

    def counted(place: Place, *more: Any) -> str:
        urls.append(place.shown)
        return really(place, *more)

    monkeypatch.setattr(copies, "received", counted)
    return urls


def put(**files: bytes) -> None:
    for path, data in files.items():
        with fsspec.open(f"{ROOT}/{path}", "wb") as stream:
            stream.write(data)


def local(url: str = ROOT, most: int = 1000, levels: int = 16) -> tuple[Path, tuple[str, ...]]:
    return folders.local(url, most, levels)


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


RUN = {
    "1/.hydra/config.yaml": b"a: 1",
    "1/checkpoints/generator_x.pt": b"first",
    "2/.hydra/config.yaml": b"a: 2",
    "2/checkpoints/generator_x.pt": b"second",
}


def test_a_folder_is_copied_in_its_tree_without_what_is_no_part_of_a_run(cache: Path) -> None:
    put(**RUN, **{"1/checkpoints/discriminator_x.pt": b"no", "1/report.html": b"no", "url/train_gan.log": b"yes"})
    folder, notes = local()

    assert files_of(folder) == {**RUN, "url/train_gan.log": b"yes"}
    assert notes == ()
    assert names.named(f"{folder / '1' / 'x.pt'}: no, as {folder}") == f"{ROOT}/1/x.pt: no, as {ROOT}"
    assert names.is_copy(folder / "1")
    assert [path for path in cache.iterdir() if path.name.startswith(".")] == []


OLD = 1.7e9


@pytest.mark.parametrize(
    ("told", "noted"),
    [
        ({"created": OLD}, OLD),
        ({"LastModified": datetime.fromtimestamp(OLD, timezone.utc), "created": 1.0}, OLD),
        ({"LastModified": datetime.fromtimestamp(OLD, timezone.utc).replace(tzinfo=None)}, OLD),
        ({"mtime": None, "updated": "2023-11-14T22:13:20.000Z"}, OLD),
        ({"created": None}, 0.0),
        ({"updated": "soon", "created": float("nan")}, 0.0),
        ({"mtime": datetime(1, 1, 1)}, 0.0),
        ({"mtime": 1e20}, 0.0),
    ],
)
def test_a_copy_has_the_time_that_is_listed_or_else_a_fixed_one(
    monkeypatch: pytest.MonkeyPatch, told: dict[str, Any], noted: float
) -> None:
    put(**{"generator.pt": b"good"})
    ls = MemoryFileSystem.ls

    def with_time(self: MemoryFileSystem, path: str, **more: Any) -> Any:
        return [{**{key: entry[key] for key in ("name", "size", "type")}, **told} for entry in ls(self, path, **more)]

    monkeypatch.setattr(MemoryFileSystem, "ls", with_time)
    folder, _ = local()
    assert (folder / "generator.pt").stat().st_mtime == pytest.approx(noted, abs=1, rel=0)


def test_the_files_of_a_run_are_told_by_their_names_as_in_a_local_folder() -> None:
    run = (
        "GENERATOR_A.PT",
        "gen.Pth",
        "no_optimizer.yaml",
        "discriminator.csv",
        "optimizer.ckpt",
        "generator_optimizer.pt",
    )
    put(**dict.fromkeys(run, b"yes"), **dict.fromkeys(("optimizer.pt", "x_discriminator.ckpt", "x.bin"), b"no"))
    folder, notes = local()

    assert files_of(folder) == dict.fromkeys(run, b"yes")
    assert notes == ()


def test_what_has_not_changed_is_not_fetched_again_and_what_is_gone_goes(received: list[str]) -> None:
    put(**RUN)
    folder, _ = local()
    assert len(received) == 4
    assert local() == (folder, ())
    assert len(received) == 4

    put(**{"1/checkpoints/generator_x.pt": b"third"})
    MemoryFileSystem.store.pop("/folders/runs/2/checkpoints/generator_x.pt")
    assert local(f"{ROOT}/") == (folder, ())
    assert received[4:] == [f"{ROOT}/1/checkpoints/generator_x.pt"]
    left = dict(RUN, **{"1/checkpoints/generator_x.pt": b"third"})
    del left["2/checkpoints/generator_x.pt"]
    assert files_of(folder) == left

    (folder / "1/.hydra/config.yaml").write_bytes(b"cut")
    tags = folder.parents[1] / "tags~"
    assert sorted(json.loads(tags.read_text())) == sorted(left)
    local()
    assert files_of(folder) == left
    tags.write_text("[broken")
    local()
    assert len(received) == 4 + 1 + 1 + 3


def test_bounds_are_kept_and_what_is_left_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    put(**RUN, **{"1/a/b/c.yaml": b""})
    folder, notes = local(levels=2)
    assert notes == ("1 folder more than 2 levels down: left out",)
    assert files_of(folder) == RUN

    folder, notes = local(most=5)
    assert notes == ("only the first 5 entries were looked at; survey the folders below one by one",)
    assert files_of(folder).items() < RUN.items()

    monkeypatch.setattr(copies, "MOST_KEPT", 10)
    line = f"{ROOT}: 5 files of 0 GiB below it, and more than 0 are not fetched; name the folders below it one by one"
    with pytest.raises(InputError, match=f"^{re.escape(line)}$"):
        local()


def test_names_that_lead_elsewhere_are_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put(**{"1/generator.pt": b"good"})
    ls = MemoryFileSystem.ls

    def odd(self: MemoryFileSystem, path: str, **more: Any) -> Any:
        bad = ("../out.pt", "a/../../../out.pt", "a\\..\\out.pt", "a\n.pt", "./x.pt")
        found = ls(self, path, **more)
        return [*found, *({**found[0], "name": f"{path}/{name}", "type": "file"} for name in bad)]

    monkeypatch.setattr(MemoryFileSystem, "ls", odd)
    folder, notes = local()
    assert files_of(folder) == {"1/generator.pt": b"good"}
    assert notes == (f"10 files of a name that no copy can have, the first {ROOT}/../out.pt",)
    assert list(tmp_path.rglob("out.pt")) == []


def test_one_file_that_cannot_be_copied_does_not_end_the_look(monkeypatch: pytest.MonkeyPatch) -> None:
    put(**RUN, **{"1/x.pt/c.pt": b"yes", "1/" + "\u00e9" * 127 + ".pt": b"no"})
    ls = MemoryFileSystem.ls

    def with_both(self: MemoryFileSystem, path: str, **more: Any) -> Any:
        both = [{"name": f"{path}/x.pt", "type": "file", "size": 2}] if path.endswith("runs/1") else []
        return [*ls(self, path, **more), *both]

    monkeypatch.setattr(MemoryFileSystem, "ls", with_both)
    folder, notes = local()
    assert files_of(folder) == {**RUN, "1/x.pt/c.pt": b"yes"}
    assert notes == (f"2 files of a name that no copy can have, the first {ROOT}/1/x.pt",)


@pytest.mark.parametrize(
    ("url", "kind", "line"),
    [
        ("memory://folders/none", InputError, "there is no such file or folder"),
        (f"{ROOT}/1/.hydra/config.yaml", InputError, "a file, where a folder is expected"),
        (f"{ROOT}?versionId=5ecret", UsageError, "the URL of a folder has no query; leave it out"),
        ("https://me:5ecret@host/runs/", IsFolder, "a folder cannot be listed by HTTP; name the run's files one by one"),
        ("memory://", UsageError, "not a URL of a file; expected e.g. https://HOST/PATH"),
    ],
)
def test_what_is_no_folder_to_list_is_one_line(url: str, kind: type[DoctorError], line: str) -> None:
    put(**RUN)
    with pytest.raises(kind, match=rf"^\S+: {re.escape(line)}$") as raised:
        local(url)
    assert "5ecret" not in str(raised.value)


def test_a_file_that_cannot_be_fetched_ends_it_without_secrets_and_the_rest_is_kept(
    monkeypatch: pytest.MonkeyPatch, received: list[str]
) -> None:
    put(**RUN)
    local()
    put(**{"2/checkpoints/generator_x.pt": b"changed"})
    opened = Folder.opened

    def denied(self: Folder, file: Any) -> Any:
        if file.path.endswith(".pt"):
            raise PermissionError("Forbidden: https://me:5ecret@host/2/x?X-Amz-Signature=5ecret")
        return opened(self, file)

    with monkeypatch.context() as refusing:
        refusing.setattr(Folder, "opened", denied)
        with pytest.raises(InputError) as raised:
            local()
    assert str(raised.value) == (
        f"{ROOT}/2/checkpoints/generator_x.pt: access is denied (Forbidden: https://host/2/x?...); check the name and the"
        " credentials"
    )
    (old,) = (path for path in copies.root_for(Place.of_folder(ROOT)).rglob("2/checkpoints"))
    assert list(old.iterdir()) == []  # not the weights of before
    local()
    assert received[4:] == [f"{ROOT}/2/checkpoints/generator_x.pt"]


def test_folders_that_cannot_be_listed_and_files_that_are_gone_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    put(**RUN)
    ls = MemoryFileSystem.ls

    def partly(self: MemoryFileSystem, path: str, **more: Any) -> Any:
        if path.endswith("1/.hydra"):
            raise PermissionError("Access Denied")
        found = ls(self, path, **more)
        if path.endswith("2/checkpoints"):
            MemoryFileSystem.store.pop("/folders/runs/2/checkpoints/generator_x.pt", None)
        return found

    monkeypatch.setattr(MemoryFileSystem, "ls", partly)
    folder, notes = local()
    assert notes == (
        f"1 folder could not be listed, the first {ROOT}/1/.hydra (Access Denied)",
        f"1 file could not be found when fetched, the first {ROOT}/2/checkpoints/generator_x.pt",
    )
    assert sorted(files_of(folder)) == ["1/checkpoints/generator_x.pt", "2/.hydra/config.yaml"]


def test_a_copy_that_is_removed_while_it_is_made_is_an_error(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    put(**RUN)
    really: Callable[..., str] = copies.received

    def removed(place: Place, *more: Any) -> str:
        digest = really(place, *more)
        shutil.rmtree(cache)
        return digest

    monkeypatch.setattr(copies, "received", removed)
    monkeypatch.setattr(folders, "_AT_A_TIME", 1)
    with pytest.raises(InputError, match=rf"^{ROOT}/\S+: its copy was removed while it was fetched; try again$"):
        local()


def refused(self: FileLock, timeout: float) -> None:
    raise Timeout(self.lock_file)


def test_a_second_process_waits_until_the_first_has_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    put(**RUN)
    own = local()[0].parents[1]
    said: list[str] = []
    first = FileLock(own / "lock~")
    first.acquire()
    waiting = f"waiting for another process that fetches {ROOT}"

    def heard(text: str) -> None:
        said.append(text)
        if text == waiting:
            first.release()

    folders.local(ROOT, 1000, 16, heard)
    assert said[1] == waiting
    first.acquire()
    monkeypatch.setattr(FileLock, "acquire", refused)
    with pytest.raises(InputError, match="another process has been fetching it for an hour"):
        local()
