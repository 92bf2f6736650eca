"""Test odd places for output files: one line and an exit code, and nothing else is changed."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from humouse_doctor.inputs import files
from tests.conftest import Ended
from tests.verify.runs import write_config, write_data

Invoke = Callable[..., Ended]

_DATA = ("--data", "gestures.npz", "--max-sequences", 64)
#: A command that writes its file to `target`, by the option that writes it.
WRITERS: dict[str, Callable[[object], tuple[object, ...]]] = {
    "json": lambda target: ("preflight", "run.yaml", *_DATA, "-o", f"json={target}"),
    "html": lambda target: ("preflight", "run.yaml", *_DATA, "-o", f"html={target}"),
    "sarif": lambda target: ("gate", "run.yaml", *_DATA, "-o", f"sarif={target}"),
    "baseline": lambda target: ("gate", "run.yaml", *_DATA, "--write-baseline", target),
    "outcome": lambda target: ("verify", "run.yaml", *_DATA, "--steps", 4, "--outcome", target),
    "warm start": lambda target: ("verify", "run.yaml", *_DATA, "--steps", 4, "--save-warmstart", target),
}
STREAMED = ("json", "html", "sarif")


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_config(tmp_path)
    write_data(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(files, "_PATIENCE_S", 0.1)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return tmp_path


def names() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def one_line(ended: Ended) -> str:
    (line,) = ended.err.splitlines()
    assert line.isprintable()
    assert ended.out == ""
    return line


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("none/report", "none/report: cannot write a file there: its folder does not exist; nothing was changed"),
        ("folder", "folder: cannot write a file there: it is a folder; nothing was changed"),
        ("loop", "loop: cannot write: Too many levels of symbolic links; nothing was changed"),
        ("dangling", "dangling: cannot write a file there: its folder does not exist; nothing was changed"),
        ("x" * 300, "cannot write: File name too long; nothing was changed"),
    ],
)
def test_a_place_where_no_file_can_be_is_refused(invoke: Invoke, writer: str, place: str, said: str) -> None:
    Path("folder").mkdir()
    Path("loop").symlink_to("loop")
    Path("dangling").symlink_to("none/report")
    before = names()

    ended = invoke(*WRITERS[writer](place))

    assert ended.code == 3
    assert said in one_line(ended)
    assert names() == before


@pytest.mark.parametrize("writer", ["json", "baseline"])
def test_a_folder_that_may_not_be_written_to_is_named_before_any_work(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, writer: str
) -> None:
    Path("closed").mkdir()
    allowed = os.access  # a test that runs as root may write anywhere
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "closed" and allowed(path, mode))

    ended = invoke(*WRITERS[writer]("closed/report"))

    assert ended.code == 3
    assert one_line(ended) == (
        "humouse-doctor: closed/report: cannot write a file there: its folder may not be written to; nothing was changed"
    )


@pytest.mark.parametrize("writer", WRITERS)
def test_no_writer_waits_for_a_pipes_reader(invoke: Invoke, writer: str) -> None:
    os.mkfifo("pipe")

    ended = invoke(*WRITERS[writer]("pipe"))

    assert ended.code == 3
    assert one_line(ended).startswith("humouse-doctor: pipe: cannot write: it is a pipe")
    assert Path("pipe").is_fifo()


@pytest.mark.parametrize("writer", ["baseline", "outcome", "warm start"])
def test_what_is_read_again_is_no_device(invoke: Invoke, writer: str) -> None:
    ended = invoke(*WRITERS[writer](os.devnull))

    assert ended.code == 3
    assert one_line(ended) == f"humouse-doctor: {os.devnull}: cannot write: it is a device, not a file; nothing was changed"
    assert Path(os.devnull).is_char_device()


@pytest.mark.parametrize("writer", STREAMED)
def test_a_report_may_go_to_a_device(invoke: Invoke, writer: str) -> None:
    assert invoke(*WRITERS[writer](os.devnull)).code == 1
    assert Path(os.devnull).is_char_device()
    full = invoke(*WRITERS[writer]("/dev/full"))
    assert full.code == 3
    assert one_line(full) == "humouse-doctor: /dev/full: cannot write: No space left on device"


@pytest.mark.parametrize("writer", ["json", "baseline"])
def test_a_link_stays_a_link_and_its_target_is_replaced(invoke: Invoke, writer: str) -> None:
    Path("target").touch(0o600)
    Path("link").symlink_to("target")

    ended = invoke(*WRITERS[writer]("link"))

    assert ended.code in (0, 1)
    assert Path("link").is_symlink()
    assert Path("target").stat().st_size > 0
    assert Path("target").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[2Jb", "a\u202eb", "a\n::error::b", "##[error]b"])
def test_a_hostile_name_is_written_and_told_in_one_printable_line(invoke: Invoke, name: str) -> None:
    ended = invoke(*WRITERS["json"](name))

    assert ended.code == 1
    assert Path(name).stat().st_size > 0
    (line,) = ended.err.splitlines()
    assert line.startswith("json report in ")
    assert line.isprintable()
    assert "##[" not in line


@pytest.mark.parametrize("name", ["none\n::error::x/report", "none/##[error]"])
def test_a_refused_name_is_told_in_one_printable_line(invoke: Invoke, name: str) -> None:
    ended = invoke(*WRITERS["json"](name))

    assert ended.code == 3
    assert "##[" not in one_line(ended)


SUGGEST = ("suggest-config", "-c", "run.yaml", *_DATA, "--write")


@pytest.mark.parametrize("failing", ["_private", "fsync", "chmod", "replace"])
@pytest.mark.parametrize("writer", ["json", "baseline", "suggest-config"])
def test_a_disk_that_refuses_leaves_everything_as_it_was(
    invoke: Invoke, writer: str, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("target").write_bytes(b"" if writer == "baseline" else b"old")
    before = {name: Path(name).read_bytes() for name in names()}

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr({"_private": files, "fsync": os, "chmod": Path, "replace": Path}[failing], failing, fail)

    ended = invoke(*(SUGGEST if writer == "suggest-config" else WRITERS[writer]("target")))

    assert ended.code == 3
    assert one_line(ended).endswith(": cannot write: No space left on device; nothing was changed")
    assert {name: Path(name).read_bytes() for name in names()} == before


def test_a_folder_that_may_not_be_written_to_is_told(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate the refusal as root, who may write to every folder."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(files, "_private", refuse)

    ended = invoke(*SUGGEST)

    assert ended.code == 3
    assert one_line(ended).endswith("run.yaml.bak: cannot write: Permission denied; nothing was changed")
    assert names() == ["gestures.npz", "run.yaml"]


@pytest.mark.parametrize("content", ["experiment: {}\n", '{"kind": "another"}', "[1]", "not JSON", "[" * 100_000])
def test_a_baseline_takes_the_place_of_nothing_else(invoke: Invoke, content: str) -> None:
    Path("mine.yaml").write_text(content)

    ended = invoke(*WRITERS["baseline"]("mine.yaml"))

    assert ended.code == 2
    assert "mine.yaml: --write-baseline would overwrite a file that is not a baseline" in one_line(ended)
    assert Path("mine.yaml").read_text() == content


def test_a_baseline_takes_the_place_of_an_older_one(invoke: Invoke) -> None:
    first = invoke(*WRITERS["baseline"]("known.json"))
    again = invoke(*WRITERS["baseline"]("known.json"))

    assert (first.code, again.code) == (0, 0)


@pytest.mark.parametrize("writer", ["baseline", "outcome", "warm start"])
def test_two_options_do_not_name_one_file(invoke: Invoke, writer: str) -> None:
    Path("link").symlink_to("target")
    form = "json" if writer != "baseline" else "sarif"

    ended = invoke(*WRITERS[writer]("link"), "-o", f"{form}=target")

    assert ended.code == 2
    assert one_line(ended) == "humouse-doctor: link: two options name this file; choose another one"


@pytest.mark.parametrize(
    ("kind", "said"), [("folder", "Is a directory"), ("pipe", "a pipe that nobody reads"), ("loop", "Too many")]
)
def test_a_step_summary_that_is_no_file_is_one_line(
    invoke: Invoke, kind: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("folder").mkdir()
    os.mkfifo("pipe")
    Path("loop").symlink_to("loop")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", kind)

    ended = invoke("preflight", "run.yaml", "-f", "github")

    assert ended.code == 3
    assert one_line(ended).startswith(f"humouse-doctor: GITHUB_STEP_SUMMARY: {kind}: cannot write: ")
    assert said in ended.err


def _python(*arguments: str, redirect: str = "") -> subprocess.CompletedProcess[str]:
    """Return the program's command line for a shell."""
    words = ["sh", "-c", f'exec "$@" {redirect}', "sh", sys.executable, "-m", "humouse_doctor", *arguments]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)


def test_a_closed_stdout_is_an_input_error() -> None:
    ended = _python("probes", redirect=">&-")

    assert (ended.returncode, ended.stderr) == (3, "humouse-doctor: stdout: cannot write the report: it is closed\n")


@pytest.mark.parametrize("redirect", ["2>&-", "2>/dev/full"])
@pytest.mark.parametrize(("config", "code"), [("run.yaml", 1), ("none.yaml", 2)])
def test_a_stderr_that_takes_nothing_changes_no_exit_code(redirect: str, config: str, code: int) -> None:
    ended = _python("preflight", config, "-o", "json=report.json", redirect=redirect)

    assert (ended.returncode, ended.stderr) == (code, "")


def test_stdouts_own_file_is_no_place_for_a_report() -> None:
    refused = _python("preflight", "run.yaml", "-o", "json=out.txt", redirect="> out.txt")
    by_name = _python("preflight", "run.yaml", "-o", "json=/dev/stdout", redirect="> out.txt")
    piped = _python("preflight", "run.yaml", "-o", "json=/dev/stdout")

    assert (refused.returncode, by_name.returncode, piped.returncode) == (2, 2, 1)
    assert "stdout or stderr is redirected to this file" in refused.stderr
    assert piped.stdout.startswith("{")


def test_a_change_is_told_even_where_the_patch_cannot_be_shown() -> None:
    ended = _python("suggest-config", "-c", "run.yaml", "--data", "gestures.npz", "--write", redirect="> /dev/full")

    changed, failed = ended.stderr.splitlines()
    assert ended.returncode == 3
    assert changed == "changed run.yaml; its old content is in " + str(Path("run.yaml.bak").resolve())
    assert failed == "humouse-doctor: stdout: cannot write the report: No space left on device"
