"""Run humouse-doctor and kill it at a given point: `python -m tests.lab.faults.launcher KILL ARGUMENTS...`.

KILL is `never`, `event:K`, `bytes:K:N` or `copies:PATH`. `event:K` is a SIGKILL just before the K-th call that changes the
current folder: an open for writing, a sync, a change of mode or owner, a rename or a removal; one more than these is the end.
With `bytes:K:N` the kernel ends the process as the K-th file opened for writing grows beyond N bytes. `copies:PATH` kills
nothing: just before the K-th such call the folder is copied to PATH/K, as a SIGKILL would leave it there.

`serve MODULES...` instead takes one job per line (JSON) from stdin and forks for each, which saves the start and the import
of the modules; KILL may then also be `after:N`, a SIGKILL from outside N microseconds after the fork.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import resource
import select
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Calls that change a folder, by the names of Python's audit events; the path is their first argument.
_CHANGES = ("os.rename", "os.chmod", "os.chown", "os.remove", "os.truncate", "os.link", "os.symlink", "os.mkdir")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
IN_PLACE = "in-place"
#: Slow imports, done before forking; numpy must have no threads then (OPENBLAS_NUM_THREADS=1).
_IMPORTED_ONCE = (
    "humouse_doctor.cli.commands",
    "humouse_doctor.cli.delivery",
    "humouse_doctor.service.gate",
    "humouse_doctor.service.patch",
    "humouse_doctor.service.show",
    "humouse_doctor.inputs.gestures.sources",
    "humouse_doctor.inputs.config.patcher",
    "humouse_doctor.gate.baseline",
    "humouse_doctor.gate.judging",
    "humouse_doctor.reporting.gate_text",
    "humouse_doctor.reporting.html.page",
    "humouse_doctor.stored.report",
    "jinja2",
    "numpy",
)


@dataclass(slots=True)
class Killer:
    """Counter of the changes to `folder`, which ends the process when it reaches a given count."""

    folder: str
    event: int = 0
    opened: int = 0
    size: int = 0
    copies: str = ""
    events_seen: int = 0
    opened_seen: int = 0

    def watch(self) -> None:
        real = os.fsync

        def fsync(handle: Any) -> None:
            self._count()
            real(handle)

        os.fsync = fsync  # type: ignore[assignment]  # the name of its parameter is its own
        sys.addaudithook(self._hear)

    def end(self) -> None:
        self._count()

    def _hear(self, name: str, arguments: tuple[object, ...]) -> None:
        writes = name == "open" and isinstance(arguments[2], int) and bool(arguments[2] & _WRITING)
        if not (writes or name in _CHANGES) or not self._is_here(arguments[0]):
            return
        self._count()
        if writes:
            self.opened_seen += 1
            if self.opened_seen == self.opened:
                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
                signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores the signal, and would only see an error
                resource.setrlimit(resource.RLIMIT_FSIZE, (self.size, self.size))

    def _is_here(self, path: object) -> bool:
        if isinstance(path, int):  # fchown has a descriptor instead
            return True
        return isinstance(path, (str, bytes, os.PathLike)) and os.path.abspath(os.fsdecode(path)).startswith(self.folder)  # noqa: PTH100

    def _count(self) -> None:
        self.events_seen += 1
        if self.events_seen == self.event:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.copies:
            shutil.copytree(self.folder, f"{self.copies}/{self.events_seen}")


def killer(spec: str, folder: str) -> Killer:
    match spec.split(":"):
        case ["event", event]:
            return Killer(folder, event=int(event))
        case ["bytes", opened, size]:
            return Killer(folder, opened=int(opened), size=int(size))
        case ["copies", path]:
            return Killer(folder, copies=path)
        case _:
            return Killer(folder)


def plant(name: str) -> None:
    """Put a fault into the package, which a fault run must find."""
    from humouse_doctor.inputs import files

    def in_place(path: Path, data: bytes, like: object = None, accept: object = None, *, own: bool = False) -> None:
        path.write_bytes(data)

    if name == IN_PLACE:
        files.replace_file = in_place


def run(spec: str, arguments: list[str]) -> tuple[int, Killer]:
    from humouse_doctor.cli import main

    sys.argv = ["humouse-doctor", *arguments]
    watched = killer(spec, f"{Path.cwd()}{os.sep}")
    watched.watch()
    code = main.run()
    watched.end()
    return code, watched


def serve() -> None:
    """Fork for every job and report how it ended: `status` (negative for a signal) and the count."""
    import typer.main

    from humouse_doctor.cli.commands import app

    typer.main.get_command = functools.cache(typer.main.get_command)
    typer.main.get_command(app)
    for line in sys.stdin:
        job = json.loads(line)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.chdir(job["folder"])
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            os.dup2(null, 2)
            known = set(sys.modules)
            code, watched = run(job["kill"], job["arguments"])
            told = {"counts": [watched.events_seen, watched.opened_seen], "modules": sorted(set(sys.modules) - known)}
            with os.fdopen(write, "w") as stream:
                json.dump(told, stream)
            os._exit(code)
        os.close(write)
        kind, _, microseconds = job["kill"].partition(":")
        if kind == "after" and not select.select([read], [], [], int(microseconds) / 1e6)[0]:
            os.kill(child, signal.SIGKILL)
        with os.fdopen(read) as stream:
            told = json.loads(stream.read() or "{}")
        _, status = os.waitpid(child, 0)
        for module in told.get("modules", ()):
            with contextlib.suppress(ImportError):  # some are made by others, and found by no name
                importlib.import_module(module)
        print(json.dumps({"status": os.waitstatus_to_exitcode(status), "counts": told.get("counts", [])}), flush=True)


def main() -> int:
    sys.dont_write_bytecode = True  # else what a first run compiles and writes counts, and a second run has it already
    plant(os.environ.get("PLANTED_FAULT", ""))
    if sys.argv[1] == "serve":
        for module in (*_IMPORTED_ONCE, *sys.argv[2:]):
            importlib.import_module(module)
        serve()
        return 0
    code, watched = run(sys.argv[1], sys.argv[2:])
    print(f"counted {watched.events_seen} {watched.opened_seen}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
