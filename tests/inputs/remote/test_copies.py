from __future__ import annotations

import logging
import os
import re
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import fsspec
import pytest

from humouse_doctor import inspect
from humouse_doctor.core.errors import DoctorError, InputError, UsageError
from humouse_doctor.inputs.config import hydra_record
from humouse_doctor.inputs.remote import copies, filesystems, http, names
from humouse_doctor.inputs.remote.place import Place, shown
from humouse_doctor.inputs.source import trainer
from tests.inputs.remote import server


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with server.serving() as base:
        yield base


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(server, "FILES", {"/good.pt": b"good"})
    return tmp_path / "cache" / "humouse-doctor" / "remote"


def put(url: str, data: bytes) -> str:
    with fsspec.open(url, "wb") as stream:
        stream.write(data)
    return url


def test_a_path_stays_what_it_is(cache: Path) -> None:
    assert copies.local("run/x.pt") == Path("run/x.pt")
    assert copies.local(Path("C:/x.pt")) == Path("C:/x.pt")
    assert copies.local("simplecache::s3://b/x.pt") == Path("simplecache::s3://b/x.pt")
    assert not cache.exists()


def test_a_copy_is_private_and_named_by_its_url_and_made_once_for_each_content(cache: Path) -> None:
    url = put("memory://bucket/run/.hydra/config.yaml", b"first")
    copy = copies.local(url)
    before = copy.stat()

    assert copy.read_bytes() == b"first"
    assert hydra_record.is_record(copy)
    assert stat.S_IMODE(before.st_mode) == 0o600
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert (copies.local(url), copy.stat().st_ino, copy.stat().st_mtime_ns) == (copy, before.st_ino, before.st_mtime_ns)
    assert names.named(f"{copy}: no, {copy}.bak and {copy.parent}/more") == f"{url}: no, {url}.bak and {url[:-12]}/more"

    put(url, b"second")
    again = copies.local(url)
    assert again != copy
    assert again.read_bytes() == b"second"
    assert sorted(path.name for path in cache.iterdir()) == sorted([copy.parts[-3], again.parts[-3]])


def test_a_tag_of_the_server_saves_a_second_transfer(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = copies.local(f"{base}/good.pt")
    monkeypatch.setattr(copies, "received", None)

    assert copies.local(f"{base}/good.pt") == copy
    assert copy.read_bytes() == b"good"


def test_a_folder_of_any_name_may_be_part_of_a_url(cache: Path) -> None:
    url = put(f"memory://bucket/{names.RECORD.strip('~')}/x.pt", b"data")
    assert names.named(str(copies.local(url))) == url


def test_statistics_beside_data_come_with_them(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "FILES", {"/a.npz": b"data", "/a.npz.meta.json": b"{}", "/b.npz": b"data"})
    copy, alone = copies.local(f"{base}/a.npz"), copies.local(f"{base}/b.npz")

    assert copy.with_name("a.npz.meta.json").read_bytes() == b"{}"
    assert [path.name for path in alone.parent.iterdir()] == ["b.npz"]


def test_user_and_password_go_to_the_url_s_own_server(base: str) -> None:
    url = base.replace("://", "://me:pass%21@")
    assert copies.local(f"{url}/user.pt").read_bytes() == b"Basic bWU6cGFzcyE="
    assert copies.local(f"{url}/to-good.pt").read_bytes() == b"good"


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("none.pt", r"there is no such file \(HTTP 404\)"),
        ("denied.pt", r"access is denied \(HTTP 403\); check the name, and the user or signature in the URL"),
        ("broken.pt", "cannot be fetched: the server answers HTTP 500"),
        ("to-file.pt", "it is redirected to a place by file; refused"),
        ("to-file-by-uri.pt", "it is redirected to a place by file; refused"),
        ("to-ftp.pt", "it is redirected to a place by ftp; refused"),
        ("round.pt", r"cannot be fetched: it is redirected in a circle, or nowhere \(HTTP 302\)"),
        ("short.pt", "3 bytes came of the 4,096 that were announced; try again"),
        ("vast.pt", r"1,125,899,906,842,624 bytes are announced, and more than 0 GiB are not fetched; refused"),
        ("endless.pt", "it does not end, and more than 0 GiB are not fetched; refused"),
        ("packed.pt", "it is sent as gzip, which was not asked for; refused"),
        ("silent.pt", "cannot be fetched: timed out"),
    ],
)
def test_what_cannot_be_had_is_one_line_without_secrets_and_leaves_nothing(
    path: str, line: str, base: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "MOST_BYTES", 1 << 20)
    monkeypatch.setattr(http, "SILENCE_S", 0.1)
    url = f"{base.replace('://', '://me:letmein@')}/{path}?X-Amz-Signature=5ecret&token=t0ken#part"

    with pytest.raises(InputError) as raised:
        copies.local(url)

    assert re.fullmatch(rf"{re.escape(base)}/{path}\?\.\.\.: {line}", str(raised.value))
    assert list(cache.iterdir()) == []


def test_a_server_that_is_not_there_is_one_line(base: str) -> None:
    with pytest.raises(InputError, match=r"\Ahttp://127\.0\.0\.1:1/x\.pt: cannot be fetched: Connection refused\Z"):
        copies.local("http://127.0.0.1:1/x.pt")


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("ftp://host/x.pt", "ftp://host/x.pt: no files are fetched by ftp; give a path, or a URL by abfs,"),
        ("file:///etc/passwd", "file:///etc/passwd: not a URL of a file"),
        ("s3://simplecache::file:///x", "s3://simplecache::file:///x: not a URL of a file"),
        ("https://me:pw@host:port/x", "https://host:port/x: not a URL of a file"),
        ("https://host/run/?a=b", "https://host/run/?...: a folder cannot be listed by HTTP; name the run's files"),
        ("https://host", "https://host: a folder cannot be listed by HTTP"),
        (
            "memory://bucket/folder",
            "memory://bucket/folder: a folder, where a file is expected; inspect, suggest-config,",
        ),
    ],
)
def test_a_url_that_cannot_be_used_is_one_line(url: str, line: str) -> None:
    put("memory://bucket/folder/x.pt", b"")
    with pytest.raises(UsageError) as raised:
        copies.local(url)

    assert str(raised.value).startswith(line)


@pytest.mark.parametrize(
    ("first", "then", "why"),
    [
        ("https://host/x", "https://other/x", ""),
        ("https://host/x", "/y", ""),
        ("http://host/x", "https://host/x", ""),
        ("https://host/x", "http://host/x", "from https to http"),
        ("https://host/x", "HTTP://host/x", "from https to http"),
        ("https://host/x", "https://169.254.169.254/latest", "to a private address"),
        ("https://host/x", "https://[::1]/latest", "to a private address"),
        ("https://host/x", "//2130706433/x", "to a private address"),
        ("https://8.8.8.8/x", "https://10.1/x", "to a private address"),
        ("https://host/x", "https://8.8.8.8/x", ""),
        ("https://host/x", "https://localhost:8080/", "to a private address"),
        ("http://10.0.0.1/x", "http://10.0.0.2/x", ""),
        ("https://host/x", "data:,x", "to a place by data"),
    ],
)
def test_a_redirect_leads_to_no_weaker_or_more_private_place(first: str, then: str, why: str) -> None:
    assert http._why_not(urlsplit(first), urlsplit(then)) == why


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(url: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(filesystems, "url_to_fs", missing)
    with pytest.raises(UsageError, match=r"\As3://b/x\.pt: s3:// needs a package that is not installed: pip install s3fs\Z"):
        copies.local("s3://b/x.pt")


def test_what_a_file_system_says_is_shown_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(url: str) -> None:
        raise RuntimeError(f"403 for {url}\nand https://me:word@host/y?sig=abc with key K3Y4 and pass!")

    monkeypatch.setattr(filesystems, "url_to_fs", failing)
    with pytest.raises(InputError) as raised:
        copies.local("s3://me:pass%21@b/x.pt?k=K3Y4")

    assert str(raised.value) == (
        "s3://b/x.pt?...: cannot be fetched: 403 for s3://b/x.pt?... and https://host/y?... with key ... and ..."
    )


def test_a_server_that_never_ends_its_headers_is_given_up() -> None:
    never = threading.Event()
    with pytest.raises(TimeoutError, match="not done after 0 s"):
        copies.within(0.01, lambda end: Path(str(never.wait(5))))
    never.set()


def test_the_oldest_copies_go_when_there_are_too_many(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [copies.local(put(f"memory://bucket/{name}.pt", bytes(1000))) for name in "abc"]
    left, fresh = cache / ".part-0", cache / ".part-1"
    for path in (left, fresh):
        path.touch()
    now = time.time()
    for path, age in ((found[0].parents[1], 9000), (found[1].parents[1], 8000), (left, 8000)):
        os.utime(path, (now - age, now - age))
    monkeypatch.setattr(copies, "MOST_KEPT", 2500)

    copies.local("memory://bucket/c.pt")

    assert [path.exists() for path in (*found, left, fresh)] == [False, True, True, False, True]


def test_nothing_above_the_copies_is_taken_for_a_part_of_their_run(cache: Path) -> None:
    copy = copies.local(put("memory://bucket/x.pt", b""))
    for other in (cache.parent / ".hydra" / "config.yaml", cache.parents[1] / trainer.TRAINER):
        other.parent.mkdir(parents=True)
        other.write_text("a: 1\n")

    assert hydra_record.around(copy) is None
    assert trainer.around(copy) is None


def test_names_are_shown_without_what_is_secret() -> None:
    assert shown("https://me:pw@host/x?sig=1#a") == "https://host/x?..."
    assert shown("https://host/x@1") == "https://host/x@1"
    assert shown("abfs://box@account/x") == "abfs://box@account/x"
    assert shown("abfs://me:pw@account/x") == "abfs://account/x"
    assert Place.of_folder("s3://box/run").below("a#1?b.pt").shown == "s3://box/run/a%231%3Fb.pt"
    assert Place.of("https://host/../%2e%2e/a b;c".replace(" ", "%20")).file == Path("_/a_b_c")


def test_the_packages_that_log_errors_are_silenced_once() -> None:
    before = list(logging.getLogger("fsspec").handlers)
    for _ in range(2):
        copies.local(put("memory://bucket/x.pt", b"first"))

    assert any(isinstance(handler, logging.NullHandler) for handler in before)
    assert logging.getLogger("fsspec").handlers == before


def test_python_s_interface_names_the_url(cache: Path) -> None:
    url = put("memory://bucket/x.pt", b"no checkpoint")

    with pytest.raises(DoctorError) as raised:
        inspect(url)

    assert str(raised.value).startswith(f"{url}: ")
