from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lab.faults.commands import HTML, SUGGEST
from tests.verify.runs import is_running, write_config, write_data

_ROOT = Path(__file__).parents[3]
_LINES = {"SIGINT": (130, "humouse-doctor: interrupted\n"), "SIGTERM": (143, "humouse-doctor: terminated\n")}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_config(tmp_path)
    write_data(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(_ROOT))
    return tmp_path


def _python(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.parametrize(
    ("name", "module", "arguments"),
    [
        ("SIGINT", "humouse_doctor.cli.interruption", ("probes",)),  # before any handler is installed
        ("SIGINT", "humouse_doctor.cli.commands", ("probes",)),
        ("SIGTERM", "typer", ("probes",)),
        ("SIGINT", "humouse_doctor.probes.pages", ("probes",)),
        ("SIGINT", "numpy._core._multiarray_umath", HTML.arguments),  # its import turns every exception into an ImportError
        ("SIGTERM", "numpy.linalg", SUGGEST.arguments),
        ("SIGINT", "jinja2", HTML.arguments),
        ("SIGINT", "torch._C", ("verify", *HTML.arguments[1:4], "--outcome", "kept.json")),
    ],
)
def test_an_interrupted_import_is_one_line(folder: Path, name: str, module: str, arguments: tuple[str, ...]) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    ended = _python("-m", "tests.lab.faults.interrupted", name, module, *arguments)

    assert (ended.returncode, ended.stderr) == _LINES[name]
    assert ended.stdout == ""
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_signal_after_all_is_done_changes_nothing() -> None:
    ended = _python("-m", "tests.lab.faults.interrupted", "SIGINT", "after", "explain", "HD201")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "HD201" in ended.stdout


_START = """\
import os, signal, subprocess, sys, time
from humouse_doctor.cli import interruption
interruption._LOOK_EVERY_S = 0.01
one = interruption.Interruption()
one.watch()
def come(number=signal.SIGINT):
    os.kill(os.getpid(), number)
def end():
    assert one.came
    one.end()
"""


def _interrupted(script: str) -> subprocess.CompletedProcess[str]:
    return _python("-c", _START + script)


@pytest.mark.parametrize(
    "script",
    [
        # raised in a callback, where it cannot propagate
        "class Thing:\n    def __del__(self):\n        come()\ntry:\n    Thing()\n    time.sleep(50)\nfinally:\n    end()",
        # swallowed by a library
        "try:\n    try:\n        come()\n    except BaseException:\n        pass\n    time.sleep(50)\nfinally:\n    end()",
        # a command that winds down is left alone until it takes too long
        "interruption._PATIENCE_S = 0.1\ntry:\n    come()\nfinally:\n    time.sleep(50)",
        # it ends at the second signal
        "interruption._LOOK_EVERY_S = 40\ntry:\n    come()\nfinally:\n    come(signal.SIGTERM)\n    time.sleep(50)",
        # cleaning up in threads and at exit has a time limit
        "one.finished()\ncome()\ntime.sleep(50)",
    ],
)
def test_nothing_keeps_an_interruption_from_ending_it(script: str) -> None:
    ended = _interrupted(script)

    assert (ended.returncode, ended.stderr) == _LINES["SIGINT"]


@pytest.mark.parametrize("every", [0.01, 40.0])
@pytest.mark.parametrize(
    "body", ["    import interrupts\n    print('on')\n", "    load()\n    print('on')\n"], ids=["line", "return"]
)
def test_an_import_is_left_to_end_and_nothing_after_it_runs(folder: Path, every: float, body: str) -> None:
    (folder / "interrupts.py").write_text("import later\ncome()\nprint('to its end', flush=True)\n", encoding="utf-8")
    (folder / "later.py").write_text("def work():\n    return 1\n", encoding="utf-8")
    before = (
        f"import builtins\nbuiltins.come = come\nsys.path.append({str(folder)!r})\ninterruption._LOOK_EVERY_S = {every}\n"
        "def load():\n    from interrupts import later\n"
    )

    ended = _interrupted(f"{before}try:\n{body}finally:\n    end()")

    assert (ended.returncode, ended.stderr, ended.stdout) == (*_LINES["SIGINT"], "to its end\n")


def test_a_temporary_folder_is_removed_even_where_it_does_not_wind_down(folder: Path) -> None:
    script = (
        f"import tempfile\nwith tempfile.TemporaryDirectory(dir={str(folder)!r}) as one_more:\n    come()\n    time.sleep(50)"
    )
    swallowed = "interruption._PATIENCE_S = 0.0\n" + script

    ended = _interrupted(swallowed)

    assert (ended.returncode, ended.stderr) == _LINES["SIGINT"]
    assert {path.name for path in folder.iterdir()} == {"run.yaml", "gestures.npz"}


def test_what_is_called_at_the_end_may_not_take_long() -> None:
    script = (
        "import atexit\natexit.register(time.sleep, 50)\ninterruption._AT_EXIT_S = 0.05\ntry:\n    come()\nfinally:\n    end()"
    )

    ended = _interrupted(script)

    assert (ended.returncode, ended.stderr) == _LINES["SIGINT"]


def test_winding_down_is_not_disturbed() -> None:
    ended = _interrupted("try:\n    come()\nfinally:\n    time.sleep(0.05)\n    print('undone', flush=True)\n    end()")

    assert (ended.returncode, ended.stderr, ended.stdout) == (*_LINES["SIGINT"], "undone\n")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_children_are_ended_with_their_own_children() -> None:
    child = "import subprocess, sys, time; print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"
    script = (
        "for session in (True, False):\n"
        f"    child = subprocess.Popen([sys.executable, '-c', {child!r}], stdout=subprocess.PIPE, start_new_session=session)\n"
        "    print(child.pid, child.stdout.readline().decode().strip() if session else child.pid)\n"
        "sys.stdout.flush()\ntry:\n    come(signal.SIGTERM)\nfinally:\n    end()"
    )

    ended = _interrupted(script)

    assert (ended.returncode, ended.stderr) == _LINES["SIGTERM"]
    until = time.monotonic() + 120
    while any(is_running(process) for process in map(int, ended.stdout.split())):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_signal_that_is_ignored_stays_so() -> None:
    ended = _python("-c", "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + _START + "come()\nprint('on')")

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "on\n", "")


def test_what_is_imported_leaves_the_signals_alone(invoke: Callable[..., Any]) -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
    before = [signal.getsignal(number) for number in numbers]

    assert invoke("preflight", "run.yaml").code == 1
    assert [signal.getsignal(number) for number in numbers] == before
