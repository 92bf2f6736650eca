"""Commands that write, on a run of a few sequences, and the states their folder may be in after a kill."""

from __future__ import annotations

import json
import re
import shutil
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from humouse_doctor.inputs.config import reader
from humouse_doctor.stored import outcome
from tests.verify.runs import write_config, write_data

#: The mode of all files before and after; the umask gives it to new files too.
MODE, UMASK = 0o640, 0o026
_TEMPORARY = re.compile(r"\.(?P<target>.+)\.humouse-doctor-[0-9a-f]{8}-\w{8}\.tmp")
_INPUTS = frozenset({"run.yaml", "gestures.npz"})
_EMPTY_BASELINE = b'{"kind": "humouse-doctor baseline", "schema_version": "1.0", "tool_version": "0", "runs": []}\n'


class Violation(Exception):
    """A state that no kill may leave."""


@dataclass(frozen=True, slots=True, eq=False)
class Command:
    """A command; `old` are the files it replaces, `backups` the copies of others that it adds."""

    name: str
    arguments: tuple[str, ...]
    old: Mapping[str, bytes]
    is_whole: Callable[[bytes], bool]
    backups: Mapping[str, str] = field(default_factory=dict)
    code: int = 1


def _is_json(data: bytes) -> bool:
    return isinstance(json.loads(data), (dict, list))


def _is_config(data: bytes) -> bool:
    with TemporaryDirectory() as folder:
        path = Path(folder, "run.yaml")
        path.write_bytes(data)
        return len(reader.read(path).settings) > 0


def _is_outcome(data: bytes) -> bool:
    with TemporaryDirectory() as folder:
        path = Path(folder, "kept.json")
        path.write_bytes(data)
        return len(outcome.read(path).trials) > 0


_DATA = ("--data", "gestures.npz", "--max-sequences", "64")
#: The form of stdout that is made soonest; nobody reads it.
_SHORT = ("-f", "json")
SUGGEST = Command(
    "suggest-config --write", ("suggest-config", "-c", "run.yaml", *_DATA, "--write"),
    {"run.yaml": b""}, _is_config, {"run.yaml.bak": "run.yaml"}, 0,
)  # fmt: skip
JSON = Command(
    "preflight --output json",
    ("preflight", "run.yaml", *_DATA, *_SHORT, "-o", "json=report.json"),
    {"report.json": b"{}\n"},
    _is_json,
)
HTML = Command(
    "preflight --output html", ("preflight", "run.yaml", *_DATA, *_SHORT, "-o", "html=report.html"), {"report.html": b"old\n"},
    lambda data: data.rstrip().endswith(b"</html>"),
)  # fmt: skip
GATE = Command(
    "gate --write-baseline", ("gate", "run.yaml", *_DATA, "--write-baseline", "known.json"),
    {"known.json": _EMPTY_BASELINE}, _is_json, code=0,
)  # fmt: skip
VERIFY = Command(
    "verify --outcome",
    (
        "verify", "run.yaml", *_DATA, "--steps", "4", "--seeds", "1", "--workers", "1", "--patch", "slow-gates",
        "--outcome", "kept.json",
    ),
    {}, _is_outcome,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class State:
    """A folder's content: how many of the replaced files are new, and what else is there."""

    new: int
    temporaries: tuple[str, ...]
    backups: int


class Scene:
    """A folder in which one command is run repeatedly, each time from the same files."""

    def __init__(self, command: Command, folder: Path) -> None:
        self.command, self.folder = command, folder
        folder.mkdir()
        write_config(folder)
        write_data(folder)
        self._inputs = {path.name: path.read_bytes() for path in folder.iterdir()}
        self._old = {name: content or self._inputs[name] for name, content in command.old.items()}
        self._written = {*self._old, *(("kept.json",) if command is VERIFY else ())}
        self.new: dict[str, bytes] = {}

    def reset(self) -> None:
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        for name, content in (self._inputs | self._old).items():
            (self.folder / name).write_bytes(content)
            (self.folder / name).chmod(MODE)

    def remember(self) -> None:
        """Take the output of a run that was not killed as the only valid new content."""
        self.new = {name: (self.folder / name).read_bytes() for name in self._written}
        for name, content in self.new.items():
            if content == self._old.get(name) or not self.command.is_whole(content):
                raise Violation(f"{name} was not written by a run that nobody ended")

    def state(self, copy: Path | None = None) -> State:
        """Return the state of the folder, or of a copy of it; raise `Violation`."""
        found = {path.name: path for path in (copy or self.folder).iterdir()}
        temporaries = tuple(name for name in found if _TEMPORARY.fullmatch(name))
        foreign = found.keys() - self._written - self.command.backups.keys() - _INPUTS - set(temporaries)
        if foreign:
            raise Violation(f"the folder holds {', '.join(sorted(foreign))}")
        if len(temporaries) > 1:
            raise Violation(f"{len(temporaries)} temporary files")
        new = sum(self._is_new(name, found) for name in self._old)
        new += self.command is VERIFY and self._is_outcome(found)
        backups = 0
        for name, of in self.command.backups.items():
            if name in found:
                backups += 1
                self._require(found[name].read_bytes() == self._old[of], f"{name} is not what {of} was")
            elif new:
                raise Violation(f"{of} is changed and has no backup")
        for name, path in found.items():
            mode = stat.S_IMODE(path.stat().st_mode)
            allowed = mode & ~MODE == 0 if name in temporaries else mode == MODE
            self._require(allowed, f"{name} has the mode {mode:o}")
        for name in _INPUTS - self._old.keys():
            self._require(found[name].read_bytes() == self._inputs[name], f"the input {name} is changed")
        return State(new, temporaries, backups)

    def _is_new(self, name: str, found: Mapping[str, Path]) -> bool:
        self._require(name in found, f"{name} is gone")
        content = found[name].read_bytes()
        if content == self._old[name]:
            return False
        self._require(content == self.new[name], f"{name} is neither the old one nor the new one ({len(content)} bytes)")
        return True

    def _is_outcome(self, found: Mapping[str, Path]) -> bool:
        """Return True if the content is an outcome with trials; times differ between runs, so bytes cannot be compared."""
        if "kept.json" not in found:
            return False
        try:
            return self.command.is_whole(found["kept.json"].read_bytes())
        except Exception as error:
            raise Violation(f"kept.json cannot be read again: {error}") from None

    @staticmethod
    def _require(holds: bool, words: str) -> None:
        if not holds:
            raise Violation(words)
