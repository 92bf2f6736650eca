"""Test odd surroundings: streams closed or full, a deleted folder, odd terminal sizes, too little memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from humouse_doctor.cli import libraries
from humouse_doctor.core.errors import InputError, MachineError, ordinary
from tests.verify.runs import write_config, write_data

Invoke = Callable[..., Any]
_ROOT = Path(__file__).parents[3]
_LONG = "n" * 300


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_config(tmp_path)
    write_data(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(_ROOT))
    return tmp_path


def _shell(command: str, *arguments: str) -> tuple[int, str]:
    """Return exit code and stderr of a command started by a shell, with `$@` as the program."""
    words = ["bash", "-c", command, "bash", sys.executable, "-m", "humouse_doctor", *arguments]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
    return ended.returncode, ended.stderr


@pytest.mark.parametrize(
    ("redirect", "code", "said"),
    [
        (">&-", 3, "humouse-doctor: stdout: cannot write the report: it is closed\n"),
        (">&- 2>&-", 3, ""),
        ("<&- >&- 2>&-", 3, ""),
        ("<&-", 1, ""),
        (">/dev/full", 3, "humouse-doctor: stdout: cannot write the report: No space left on device\n"),
        ("| true; exit ${PIPESTATUS[0]}", 1, ""),
    ],
)
def test_streams_that_are_closed_or_full(redirect: str, code: int, said: str) -> None:
    assert _shell(f'"$@" {redirect}', "preflight", "run.yaml") == (code, said)


def test_a_file_is_whole_where_all_streams_are_closed(folder: Path, invoke: Invoke) -> None:
    assert _shell('"$@" <&- >&- 2>&-', "preflight", "run.yaml", "-o", "json=report.json")[0] == 3
    assert (folder / "report.json").read_text(encoding="utf-8") == invoke("preflight", "run.yaml", "-f", "json").out


def test_a_current_folder_that_is_gone(folder: Path) -> None:
    (folder / "gone").mkdir()

    ended = _shell('cd gone && rmdir "$PWD" && "$@"', "preflight", str(folder / "run.yaml"))

    assert ended == (3, "humouse-doctor: the current folder has been deleted; change to another one\n")


@pytest.mark.parametrize("size", ["²", "①", "9" * 20, "-5", "", "0", "x"])
def test_sizes_that_are_none_are_not_there(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, size: str) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    plain = invoke("preflight", "run.yaml")
    monkeypatch.setenv("COLUMNS", size)
    monkeypatch.setenv("LINES", size)

    assert invoke("preflight", "run.yaml") == plain
    assert "COLUMNS" not in os.environ  # rich and click read it, too
    assert "LINES" not in os.environ


@pytest.mark.parametrize(("size", "widest"), [("1", 60), ("999999", 1000)])
def test_a_size_has_bounds(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, size: str, widest: int) -> None:
    monkeypatch.setenv("COLUMNS", size)
    shown = invoke("preflight", "run.yaml").out

    assert 30 < max(len(line) for line in shown.splitlines()) <= widest


@pytest.mark.parametrize(
    "arguments",
    [
        ("inspect", _LONG), ("inspect", f"{_LONG}/{_LONG}"), ("inspect", "x.pt", "-c", _LONG), ("inspect", _LONG, "-d", _LONG),
        ("preflight", _LONG), ("preflight", "run.yaml", "-d", _LONG), ("preflight", "run.yaml", "-o", f"json={_LONG}"),
        ("preflight", "run.yaml", "--compare", _LONG), ("suggest-config", _LONG), ("suggest-config", "-c", _LONG),
        ("suggest-config", "-c", "run.yaml", "--outcome", _LONG), ("gate", _LONG), ("gate", f"{_LONG}.yaml"),
        ("gate", "run.yaml", "--policy", _LONG), ("gate", "run.yaml", "--baseline", _LONG),
        ("gate", "run.yaml", "--write-baseline", _LONG), ("show", _LONG), ("demo", _LONG), ("verify", _LONG, "-d", "x"),
        ("verify", "run.yaml", "-d", "gestures.npz", "--checkpoint", _LONG),
        ("verify", "run.yaml", "-d", "gestures.npz", "--outcome", _LONG),
    ],
)  # fmt: skip
def test_a_name_that_is_too_long_is_told_of(invoke: Invoke, arguments: tuple[str, ...]) -> None:
    ended = invoke(*arguments)

    assert ended.code in (2, 3), ended.err
    said = ended.err or ended.out  # a gate reports it in its table of inputs
    assert "internal error" not in said
    assert "Traceback" not in said
    if ended.err:
        assert ended.err.count("\n") == 1


def test_a_folder_that_may_not_be_looked_into(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.stat

    def forbidden(path: Any, *rest: Any, **options: Any) -> os.stat_result:
        if "secret" in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *rest, **options)

    monkeypatch.setattr(os, "stat", forbidden)

    for arguments in ("inspect secret/x.pt", "preflight secret/run.yaml", "suggest-config -c secret/run.yaml"):
        ended = invoke(*arguments.split())
        assert (ended.code in (2, 3), ended.err.count("\n")) == (True, 1), ended
        assert "secret/" in ended.err


@pytest.mark.parametrize(("limit", "command", "library"), [("60000", "preflight", "numpy"), ("400000", "verify", "torch")])
def test_a_limit_that_a_library_does_not_fit_into(limit: str, command: str, library: str) -> None:
    code, said = _shell(f'ulimit -v {limit}; "$@"', command, "run.yaml", "-d", "gestures.npz")

    assert code == 3
    assert said.startswith(f"humouse-doctor: {library} cannot be loaded: it needs ")
    assert said.endswith("raise the limit (ulimit -v)\n")
    assert said.count("\n") == 1


def test_a_library_with_room_is_imported() -> None:
    assert libraries.Room().find_spec("numpy", None) is None


def _numpys_own() -> ImportError:
    """Return numpy's import error: a page of advice, with the reason as its cause."""
    error = ImportError("\n\nIMPORTANT: PLEASE READ THIS\nand more", name="numpy")
    error.__cause__ = ImportError("libopenblas.so: failed to map segment from shared object")
    return error


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (_numpys_own(), MachineError, "libopenblas.so: failed to map segment"),
        (ImportError("libtorch_cpu.so: cannot be opened"), MachineError, "a library cannot be loaded: libtorch_cpu.so"),
        (MemoryError(), MachineError, "not enough memory"),
        (PermissionError(13, "Permission denied", "a/b"), InputError, "a/b: Permission denied"),
        (OSError("libgomp.so.1: cannot allocate memory in static TLS block"), MachineError, "libgomp.so.1"),
    ],
)
def test_ordinary_trouble_is_no_mistake_of_the_program(error: Exception, kind: type[Exception], said: str) -> None:
    found = ordinary(error)

    assert type(found) is kind
    assert said in str(found)


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), ImportError("x", name="humouse_doctor.gone")])
def test_a_mistake_of_the_program_stays_one(error: Exception) -> None:
    assert ordinary(error) is None


def test_a_library_that_cannot_be_loaded_is_not_the_files_fault(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    from humouse_doctor.inputs.gestures import arrays

    def broken(*_: object) -> ModuleType:
        raise ImportError("libopenblas.so: failed to map segment from shared object", name="numpy")

    monkeypatch.setattr(arrays, "_read", broken)

    for arguments in (("preflight", "run.yaml", "-d", "gestures.npz"), ("gate", "run.yaml", "-d", "gestures.npz")):
        ended = invoke(*arguments)
        assert ended.code == 3
        assert "a library cannot be loaded: libopenblas.so" in ended.err
        assert "gestures.npz" not in ended.err
