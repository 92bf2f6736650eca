"""Run commands in odd surroundings: any values of environment variables, and any current folder.

Each command must end as it does without them, or with 2 or 3 and one line; it must print no traceback and write nothing but
its step summary.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

from humouse_doctor.reporting.forms import Format
from humouse_doctor.stored import report
from tests import command_line
from tests.hostile.forks import Watch
from tests.lab.fuzz.target import Failure, Outcome, Target
from tests.reporting.builders import sound
from tests.verify.runs import write_config

_NAMES = (
    "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM", "COLORTERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "LANG", "LC_ALL",
    "LC_NUMERIC", "LANGUAGE", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE", "GITHUB_ACTIONS", "GITHUB_OUTPUT", "CI",
    "CI_PROJECT_DIR", "HOME", "USER", "LOGNAME", "TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "PATH", "PWD",
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MPLCONFIGDIR", "MATPLOTLIBRC", "HYDRA_FULL_ERROR",
    "TERMINAL_WIDTH", "PY_COLORS", "_TYPER_STANDARD_TRACEBACK", "_TYPER_FORCE_DISABLE_TERMINAL", "COMP_WORDS", "COMP_CWORD",
    "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "TORCH_LOGS", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "SYSTEMROOT", "TZ",
    "SOURCE_DATE_EPOCH", "JUPYTER_COLUMNS", "JUPYTER_LINES", "WT_SESSION", "EDITOR", "PAGER", "SHELL", "NETRC", "http_proxy",
)  # fmt: skip
#: The variables among them that this package reads itself.
_READ = ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "TERM", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE", "CI_PROJECT_DIR")
#: Variables an interpreter reads at its start, so that a new one is started; without values it refuses.
_AT_START = {
    "PYTHONIOENCODING": ("ascii", "latin-1", "utf-16", "cp037", "utf-8:strict", ":strict", "ascii:ignore"),
    "PYTHONUTF8": ("0", "1"),
    "PYTHONWARNINGS": ("error", "always", "nonsense", "error::DeprecationWarning"),
    "PYTHONOPTIMIZE": ("1", "2", "x"),
    "PYTHONHASHSEED": ("0", "1", "random"),
    "PYTHONUNBUFFERED": ("1",),
    "PYTHONSAFEPATH": ("", "1"),
    "PYTHONDONTWRITEBYTECODE": ("1",),
    "PYTHONCOERCECLOCALE": ("0", "warn"),
    "PYTHONLEGACYWINDOWSSTDIO": ("1",),
    "PYTHONINTMAXSTRDIGITS": ("0", "640"),
    "PYTHONNODEBUGRANGES": ("1",),
    "PYTHONPATH": ("", ":", "/nowhere", "\udcff"),
    "PYTHONBREAKPOINT": ("os.system", "nonsense"),
    "LC_ALL": ("C", "POSIX", "C.UTF-8", "tr_TR.UTF-8", "nonsense"),
    "LANG": ("C", "de_DE.ISO-8859-1"),
    "HOME": ("", "/nowhere", "relative"),
}  # fmt: skip
_VALUES = (
    "", "0", "1", "-1", "80", "4294967296", "9" * 30, "9" * 5000, "1e3", "0x10", " 80 ", "\u00b2", "\u0663", "nan", "true",
    "dumb", "xterm", "xterm-256color", "unknown", "C", "POSIX", "tr_TR.UTF-8", "de_DE", "nonsense", ".", "..", "/", "~",
    "/nowhere/at/all", "/dev/null", "/dev/full", "\udcff", "x" * 300, "x" * 100_000, "\n", "\x1b[2J", "::error::x", "%s%n",
    "${HOME}", "a=b", "\u202e", "\U0001f4a9", "summary.md", "\r\n",
)  # fmt: skip
_FOLDERS = ("here", "a b", "a\nb", "\udcff", "\u202e", "-x", "d" * 200, "gone", "deep", "link", ".git", "::error::x")
_QUICK = [form for form in Format if form is not Format.HTML]
_HANGS_S = 20
#: One in this many runs in an interpreter of its own, which takes as long as a hundred others.
_OWN = 150


class Environments(Target):
    """A command with other variables and in another folder."""

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder, seed)
        self._before = os.getcwd()  # noqa: PTH109  # one text among others
        self._watch = Watch()
        self._config = write_config(folder)
        self._saved = folder / "saved.json"
        self._saved.write_text(report.render(sound()), encoding="utf-8")
        for name in _FOLDERS[:-1]:
            with contextlib.suppress(OSError):
                (folder / name).mkdir()
        (folder / "link").rmdir()
        (folder / "link").symlink_to("here")
        (folder / "deep" / "/".join(["d" * 100] * 15)).mkdir(parents=True)
        self._expected: dict[tuple[str, ...], int] = {}
        for command in self._commands():  # import everything they need before watching starts
            self._expected[command] = self._run(command, {}, folder / "here")[0]

    def _commands(self) -> list[tuple[str, ...]]:
        config, saved = str(self._config), str(self._saved)
        return [
            ("--help",), ("--version",), ("probes",), ("explain", "HD201"), ("explain", "HD2"), ("gate", config, "--nonsense"),
            *(("show", saved, "-f", form.value) for form in _QUICK),
            *(("gate", config, "-f", form.value) for form in _QUICK),
            ("preflight", config), ("preflight", config, "-f", "github"), ("suggest-config", "-c", config),
        ]  # fmt: skip

    def once(self) -> Outcome:
        command = self.random.choice(list(self._expected))
        own = self.random.randrange(_OWN) == 0
        names = self.random.choice((_READ, _NAMES))
        values = {name: self._value() for name in self.random.sample(names, self.random.choice((1, 1, 2, 4, 7)))}
        if own:
            values = {name: self.random.choice(_AT_START[name]) for name in self.random.sample(list(_AT_START), 3)}
        folder = self.folder / self.random.choice(_FOLDERS) if self.random.random() < 0.4 else self.folder / "here"
        if folder.name == "deep":
            folder = self._deepest(folder)
        data = json.dumps([command, values, str(folder)]).encode()
        code, out, err = self._alone(command, values, folder) if own else self._watched(command, values, folder, data)
        if "Traceback" in out + err:
            raise Failure("a traceback", data)
        if code == self._expected[command]:
            return Outcome(f"as without {'in its own interpreter' if own else command[0]}")
        lines = err.splitlines()
        if code not in (2, 3) or out or len(lines) != 1 or not lines[0].startswith("humouse-doctor: "):
            raise Failure(f"code {code} where {self._expected[command]} belongs: {err[:200]!r}", data)
        return Outcome(f"refused: {lines[0][:40]}")

    def _deepest(self, folder: Path) -> Path:
        while inside := [path for path in folder.iterdir() if path.is_dir()]:
            folder = inside[0]
        return folder

    def _value(self) -> str:
        if self.random.random() < 0.8:
            return self.random.choice((*_VALUES, str(self.folder), str(self._config), str(self.folder / "new.md")))
        return "".join(chr(self.random.choice((self.random.randrange(1, 128), self.random.randrange(0x80, 0xD800))))
                       for _ in range(self.random.randrange(20)))  # fmt: skip

    def _watched(self, command: tuple[str, ...], values: dict[str, str], folder: Path, data: bytes) -> tuple[int, str, str]:
        self._watch.seen.clear()
        contents = {path: path.read_bytes() for path in (self._config, self._saved)}
        signal.signal(signal.SIGALRM, _ring)
        signal.alarm(_HANGS_S)
        try:
            with warnings.catch_warnings(record=True) as warned:
                found = self._run(command, values, folder)
        except _Hangs:
            raise Failure("it hangs", data) from None
        finally:
            signal.alarm(0)
        summary = values.get("GITHUB_STEP_SUMMARY")
        writes = [event for event in self._watch.seen if event.startswith(("open ", "os.", "subprocess", "socket", "shutil"))]
        asked = [event for event in writes if summary and event.startswith("open ") and repr(summary)[:150] in event]
        asked += [event for event in writes if event.startswith("os.unsetenv") and ("COLUMNS" in event or "LINES" in event)]
        if len(writes) > len(asked):
            raise Failure(f"it wrote: {[event for event in writes if event not in asked][:2]}", data)
        changed = [path for path, content in contents.items() if path.read_bytes() != content]
        for path in changed:  # a step summary may go to any file that the command does not read
            path.write_bytes(contents[path])
        if any(str(path) in command for path in changed):
            raise Failure("an input was changed", data)
        if warned:
            raise Failure(f"a warning: {warned[0].message}", data)
        return found

    def _run(self, command: tuple[str, ...], values: dict[str, str], folder: Path) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        environment = dict(os.environ)
        try:
            with _in(folder):
                os.environ.clear()
                os.environ.update(values)
                with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), self._watch.looking():
                    code = command_line.run(*command)
        finally:
            os.environ.clear()
            os.environ.update(environment)
            for made in (folder / "summary.md", self.folder / "new.md"):
                with contextlib.suppress(OSError):
                    made.unlink()
        return code, out.getvalue(), err.getvalue()

    def _alone(self, command: tuple[str, ...], values: dict[str, str], folder: Path) -> tuple[int, str, str]:
        path = json.dumps([entry for entry in sys.path if entry])
        code = f"import json, sys; sys.path[:] = json.loads({path!r}); from humouse_doctor.__main__ import main; main()"
        with _in(folder):
            ended = subprocess.run(
                [sys.executable, "-c", code, *command], env={"OMP_NUM_THREADS": "1", **values}, capture_output=True, check=False
            )
        return ended.returncode, ended.stdout.decode("latin-1"), ended.stderr.decode("latin-1")

    def close(self) -> None:
        os.chdir(self._before)


class _Hangs(BaseException):
    """A timeout, of a class that no `except Exception` catches."""


def _ring(*_: object) -> None:
    raise _Hangs


@contextlib.contextmanager
def _in(folder: Path) -> Iterator[None]:
    """Change into a folder for a block; delete it first if its name says so."""
    before = os.open(".", os.O_RDONLY)
    folder.mkdir(exist_ok=True)
    os.chdir(folder)
    if folder.name == "gone":
        folder.rmdir()
    try:
        yield
    finally:
        os.fchdir(before)
        os.close(before)
