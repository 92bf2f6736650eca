"""Runs commands in a folder full of traps, and tells which of its files each has opened or listed.

For a process of its own, which `ran` starts as a console script is: without the current folder on its path, without an
environment, and by a user that nothing is known of.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
_CODE = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    " from tests.hostile.current_folder import main; main(json.loads(sys.argv[2]))"
)
_EVENTS = ("open", "os.listdir", "os.scandir", "os.walk", "glob.glob")
#: Modules that something imports, or looks for, if it looks into the current folder at all.
_MODULES = ("sitecustomize", "usercustomize", "torch", "yaml", "rich", "typer", "click", "jinja2", "matplotlib", "hydra",
            "msgspec", "omegaconf", "safetensors", "tomli", "tomllib", "typing", "random", "pickle", "conftest",
            "encodings")  # fmt: skip
_PACKAGES = ("numpy", "humouse_doctor", "hydra_plugins", "multiprocessing")
#: Files that some library or tool takes for its settings.
_SETTINGS = (
    "matplotlibrc", ".env", "setup.cfg", "tox.ini", "pytest.ini", ".netrc", "pip.conf", ".pythonrc", "pyvenv.cfg", ".gitconfig",
    "python._pth", ".hydra", "config.yaml", ".condarc", "torch_compile_debug", ".numpy-site.cfg", "site.cfg", ".inputrc",
)  # fmt: skip


class Ran(NamedTuple):
    """How a command ended, the files below the current folder that it opened or listed, and torch's compiler, if imported."""

    code: int
    err: str
    touched: list[str]
    compiler: bool


def plant(folder: Path) -> None:
    """Fill a folder with what no command has any business with."""
    for name in _MODULES:
        (folder / f"{name}.py").write_text("raise SystemExit('planted')\n")
    for name in _PACKAGES:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("raise SystemExit('planted')\n")
    for name in _SETTINGS:
        (folder / name).write_bytes(b"\xff = planted\n")
    (folder / ".git").write_text("gitdir: planted\n")
    (folder / "pyproject.toml").write_text('[tool.other]\nplanted = "1"\n')


def ran(folder: Path, commands: Sequence[Sequence[str]]) -> list[Ran]:
    """How each of `commands` ended that was run in `folder`, one after the other."""
    paths = [str(ROOT), *(entry for entry in sys.path if Path(entry).is_absolute())]
    ended = subprocess.run(
        [sys.executable, "-I", "-c", _CODE, json.dumps(paths), json.dumps(commands)],
        cwd=folder, env={"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return [Ran(*entry) for entry in json.loads(ended.stdout)]


class _Ear:
    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.touched: set[str] = set()
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _EVENTS and isinstance(arguments[0], str | bytes):
            full = os.path.abspath(os.fsdecode(arguments[0]))  # noqa: PTH100  # links are not followed
            if full == self.folder or full.startswith(f"{self.folder}{os.sep}"):
                self.touched.add(os.path.relpath(full, self.folder))


def _nobody(_: object) -> Any:
    raise KeyError("nobody")


def main(commands: Sequence[Sequence[str]]) -> None:
    """Run `commands` and print how they ended, as JSON."""
    pwd.getpwuid = _nobody
    ear = _Ear(str(Path.cwd()))
    sys.stdout.write(json.dumps([list(entry) for entry in _ran(ear, commands)]))


def _ran(ear: _Ear, commands: Sequence[Sequence[str]]) -> Iterator[Ran]:
    from humouse_doctor.cli import main as cli
    from humouse_doctor.inputs.checkpoints import child
    from tests.inputs.checkpoints.in_process import InProcess

    child.launch = InProcess
    for command in commands:
        ear.touched.clear()
        sys.argv = ["humouse-doctor", *command]
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.run()
        yield Ran(code, err.getvalue(), sorted(ear.touched), "torch._dynamo" in sys.modules)
