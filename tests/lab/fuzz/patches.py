"""Fuzz the patcher with random edits of damaged but readable configs, and `verify` with damaged patch files.

The patcher's output is compared with stock PyYAML's reading, and its diff with two models that apply it and with `git
apply`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.remedy import Edit
from humouse_doctor.core.report import Report
from humouse_doctor.core.settings import Settings, Value
from humouse_doctor.diagnosis.diagnose import diagnose
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.inputs.config import patcher, reader
from humouse_doctor.inputs.config.trainer_keys import BY_NAME, KEYS
from humouse_doctor.verify import patches
from tests.lab.fuzz.configs import VALUES, configs, damaged_config
from tests.lab.fuzz.target import Failure, Outcome, Rules, Target, damaged, require_line, reworded

_NEW: list[Value] = [
    None, True, False, 0, 1, -1, 10**12, 10**30, 0.5, 1e-5, 5e-6, -0.0, 1e300, 5e-324, float("inf"), float("nan"), (0.5, 0.9),
    (), ("a", None, True), ((1,), (2,)), *VALUES, " a ", "\n", "a\nb", "\r", "\t", "\x1b[2J", "\x00", "\\", "a\\'",
    "::warning::x",
]  # fmt: skip
_WORDS = [
    *(value.encode("utf-8", "surrogatepass") for value in VALUES), b"@@ -1,3 +1,3 @@\n", b"@@ -0,0 +1 @@\n", b"@@ -1 +1 @@",
    b"@@ ", b"@@ -999999999,999999999 +1 @@\n", b"@@ -9999999999 +1 @@\n", b"--- a/x\n", b"+++ b/x\n", b"--- ", b"\n+", b"\n-",
    b"\n ", b"\n", b"\\ No newline at end of file\n", b"\r\n", b"training.betas=", b"++", b"experiment.",
    b"data.batch_size=4\n", b"=", b"training:\n", b"+    warmup_noise_std: 1\n", b"\x1b[2J", b"\xff", b"\x85", b"\xe2\x80\xa8",
    b"# ", b"diff --git a/x b/x\n", b"GIT binary patch\n",
]  # fmt: skip
_GIT_EVERY = 100


class Patches(Target):
    """The rules: an edit is made exactly or refused; a patch file gives edits or one line."""

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder, seed)
        self.texts = configs()
        self.path = folder / "run.yaml"
        self.path.write_text(self.texts[2], encoding="utf-8")
        self.file = folder / "fix"
        self.file.touch()
        self.case, self.report = _looked_at(self.path)
        self.files = list(_files(self.texts[2], str(self.path), self.case.settings))
        self.rules = Rules(folder)
        self.git = shutil.which("git")
        self.applied = 0
        for data in [*self.files, b"a: [", b"data: {x: *a}", b"training: {lr: {generator: x}}", b"data.batch_size=*a"]:
            self._named(data)
        self._changed(self.texts[2], self.case.settings, [Edit(key="training.betas", old=(0.5, 0.9), new=1)], b"")

    def once(self) -> Outcome:
        if self.random.random() < 0.4:
            data = self.random.choice(self.files)
            if self.random.random() < 0.7:
                data = reworded(data.decode(), self.random, [word.decode("utf-8", "replace") for word in _WORDS]).encode()
            else:
                data = damaged(data, self.random, _WORDS)
            with self.rules.held(data):
                return Outcome(self._named(data))
        data = damaged_config(self.random, self.texts)
        try:
            text = data.decode()
            settings = reader.read(self.path, text=text).settings
        except (UnicodeDecodeError, UsageError):
            return Outcome("not readable")
        if settings.source != str(self.path):
            return Outcome("of several files")
        edits = self._edits(settings)
        told = f"{edits}\n".encode("utf-8", "backslashreplace") + data
        with self.rules.held(told):
            after, words = self._changed(text, settings, edits, told)
        if after is not None:
            self._require_changes(text, after, settings, edits, told)
            self._require_diff(text, after, told)
            self._require_yaml(settings, edits, told)
        return Outcome(words)

    def _edits(self, settings: Settings) -> list[Edit]:
        found = list[Edit]()
        for key in self.random.sample(KEYS, self.random.choice((1, 1, 2, 3))):
            there = settings.in_file.get(key.name)
            stale = self.random.random() < 0.05
            old = self.random.choice(_NEW) if stale else there.value if there is not None else None
            new = self.random.choice([*_NEW, key.default])
            found.append(Edit(key=key.name, old=old, new=new, absent=(there is None) != (stale and self.random.random() < 0.5)))
        return found

    def _changed(self, text: str, settings: Settings, edits: list[Edit], data: bytes) -> tuple[str | None, str]:
        try:
            return patcher.patched(text, str(self.path), edits, settings.prefix), "patched"
        except patcher.PatchRefused as error:
            starts = tuple(f"{self.path}: {settings.prefix}{edit.key} " for edit in edits)
            return None, f"refused: {require_line(str(error), starts, data)}"

    def _require_changes(self, before: str, after: str, settings: Settings, edits: list[Edit], data: bytes) -> None:
        """Check that stock PyYAML reads the new values, and that nothing else has changed, including types."""
        expected, found = (_alone(yaml.safe_load(text.removeprefix("\ufeff"))) for text in (before, after))
        for edit in edits:
            *above, last = f"{settings.prefix}{edit.key}".split(".")
            node = expected
            for part in above:
                node = node.setdefault(part, {})
            node[last] = _alone(edit.new)
        if _typed(found) != _typed(expected):
            raise Failure("the patched text reads otherwise", data)

    def _require_diff(self, before: str, after: str, data: bytes) -> None:
        diff = patcher.unified_diff(before, after, str(self.path))
        if before != after and _applied(before, diff) != after:
            raise Failure("the diff gives another text", data)
        if before != after and patches._patched(before, diff, self.file) != after:
            raise Failure("verify reads the diff otherwise", data)
        self.applied += 1
        if self.git is None or self.applied % _GIT_EVERY or before == after:
            return
        folder = self.folder / "git"
        folder.mkdir()
        try:
            target = folder / patcher.diff_place(str(self.path))[1]
            target.write_bytes(before.encode())
            environment = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_DIR": os.devnull}
            done = subprocess.run(
                [self.git, "apply", "-"], cwd=folder, input=diff.encode(), capture_output=True, env=environment, check=False
            )
            if done.returncode or target.read_bytes().decode() != after:
                raise Failure(f"git does not apply the diff: {done.stderr.decode()[:200]}", data)
        finally:
            shutil.rmtree(folder)

    def _require_yaml(self, settings: Settings, edits: list[Edit], data: bytes) -> None:
        """Check that the new values alone also read back."""
        found = yaml.safe_load(patcher.as_yaml(edits, settings.prefix))
        for edit in edits:
            value = found
            for part in f"{settings.prefix}{edit.key}".split("."):
                value = value[part]
            if _typed(value) != _typed(_alone(edit.new)):
                raise Failure(f"the YAML form has {value!r} for {edit.new!r}", data)

    def _named(self, data: bytes) -> str:
        with self.rules.watch.looking_away():
            self.file.write_bytes(data)
        try:
            arm = patches.arm_of(str(self.file), self.case, self.report, ())
        except UsageError as error:
            starts = (f"--patch {self.file}: ", str(self.file))
            return f"file refused: {require_line(str(error), starts, data)}"
        for edit in arm.edits:
            wrong = BY_NAME[edit.key].complaint(edit.new)
            if wrong is not None or edit.new == edit.old:
                raise Failure(f"an edit that is none: {edit}, {wrong}", data)
        return "file gives edits"


def _looked_at(config: Path) -> tuple[Case, Report]:
    loaded = load_case(Request(config=config))
    return loaded.case, diagnose(loaded, examine(loaded.case))


def _files(text: str, name: str, settings: Settings) -> list[bytes]:
    """Return a diff, overrides and a YAML file, of the same edits and of others."""
    wanted: dict[str, Value] = {
        "model.generator.activation_xy": "linear", "training.reconstruction_epochs": 50, "training.warmup_kl_weight": 0.5,
    }  # fmt: skip
    edits = [Edit(key=key, old=settings.value(key), new=new, absent=key not in settings.in_file) for key, new in wanted.items()]
    after = patcher.patched(text, name, edits, settings.prefix)
    overrides = "".join(f"{patcher.override(edit, settings.prefix)}\n" for edit in edits)
    forms = [patcher.unified_diff(text, after, name), overrides, patcher.as_yaml(edits, settings.prefix), after]
    return [form.encode() for form in forms]


def _alone(node: Any) -> Any:
    """Return a copy that shares nothing, with lists instead of tuples."""
    if isinstance(node, dict):
        return {key: _alone(child) for key, child in node.items()}
    return [_alone(child) for child in node] if isinstance(node, list | tuple) else node


def _typed(node: Any) -> Any:
    """Return a value that is equal only to one of the same type: 1, 1.0 and true differ, NaN equals itself."""
    if isinstance(node, dict):
        return {f"{type(key).__name__} {key!r}": _typed(child) for key, child in node.items()}
    return [_typed(child) for child in node] if isinstance(node, list) else f"{type(node).__name__} {node!r}"


def _applied(before: str, diff: str) -> str:
    """Apply a unified diff to `before` by the numbers in its hunks; a slow model that trusts no line."""
    old, new, rows = before.split("\n"), list[str](), diff.split("\n")
    at, row = 0, 2
    while row < len(rows) and rows[row]:
        numbers = re.fullmatch(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", rows[row])
        assert numbers is not None, rows[row]
        start, count, begin, kept = (int(number) if number is not None else 1 for number in numbers.groups())
        start -= count > 0
        new.extend(old[at:start])
        assert len(new) == begin - (kept > 0)
        at, row, came = start, row + 1, 0
        while at < start + count or came < kept or (row < len(rows) and rows[row].startswith("\\")):
            mark, line = rows[row][0], rows[row][1:]
            if mark in " -":
                assert old[at] == line, (old[at], line)
                at += 1
            if mark in " +":
                new.append(line)
                came += 1
            if mark == "\\" and rows[row - 1][0] in " +":  # the new text does not end in a newline
                return "\n".join(new) if not _more(rows[row + 1 :]) else _fail(rows[row + 1])
            if mark == "\\" and at == len(old):  # the old text did not end in a newline, the new one does
                old.append("")
            row += 1
    return "\n".join([*new, *old[at:]])


def _more(rows: list[str]) -> bool:
    return any(rows)


def _fail(row: str) -> str:
    raise AssertionError(f"lines behind the last one: {row}")
