"""Try random legal names for a config, its folder and a checkpoint: no reader of the output may misread them.

A diff must name the right file to a model of git's reader and to git itself; lines of overrides must read back as the
edits, by our reader and by Hydra's; a URI must lead back to the name; and no report may have other lines than that of a run
with plain names.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote_to_bytes, urljoin

from hydra.core.override_parser.overrides_parser import OverridesParser

from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.core.remedy import Edit
from humouse_doctor.core.report import Report
from humouse_doctor.inputs.config import patcher, reader
from humouse_doctor.remedies import catalogue
from humouse_doctor.reporting import paths
from humouse_doctor.reporting.forms import Format
from humouse_doctor.reporting.rendering import render
from humouse_doctor.service import commands as service
from tests.hostile.names import LETTERS, NAMES
from tests.lab.fuzz.target import Failure, Outcome, Rules, Target
from tests.reporting.reading import commands
from tests.verify.runs import CONFIG as TINY

#: A width at which no line is wrapped, and the most bytes of a part of a name.
_WIDE, _MOST_BYTES = 3_000, 200
_LINED = (Format.TEXT, Format.GITHUB, Format.MARKDOWN, Format.JUNIT)
_ESCAPED = re.compile(rb'\\([abtnvfr"\\]|[0-3][0-7]{2})')
_LETTERS = dict(zip(b'abtnvfr"\\', b'\a\b\t\n\v\f\r"\\', strict=True))
_GIT_EVERY = 25


class Names(Target):
    """A run with odd names is inspected, and everything printed about it is read back."""

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder, seed)
        self.here = Path.cwd()
        self.work = folder / "work"
        self.work.mkdir()
        os.chdir(self.work)
        self.text = TINY.format(architecture="lstm", head="tanh", whiten="true", noise="0.0")
        self.rules = Rules(folder)
        self.git, self.tried = shutil.which("git"), 0
        self.hydra = OverridesParser.create()
        (folder / "run.yaml").write_text(self.text, encoding="utf-8")
        service.report_on(Request(config=folder / "run.yaml"))  # and import, before watching starts, all that a patch imports
        self.case = load_case(Request(config=folder / "run.yaml")).case
        self.lines = self._lines(self._looked_at("run/run.yaml", "x.pt", b"")[0])

    def close(self) -> None:
        os.chdir(self.here)

    def once(self) -> Outcome:
        config, checkpoint = f"{self._name()}/{self._name()}", self._name()
        data = f"{config}\n{checkpoint}".encode("utf-8", "surrogateescape")
        report, edits = self._looked_at(config, checkpoint, data)
        self._require_diff(report.diff, config, data)
        if self._lines(report) != self.lines:
            form, found = next((form, n) for form, n in self._lines(report).items() if n != self.lines[form])
            raise Failure(f"the {form.value} report has {found} lines or commands and not {self.lines[form]}", data)
        self._require_names(report, data)
        return Outcome("held" if self._require_overrides(edits, data) else "held, overrides refused")

    def _name(self) -> str:
        while True:
            if self.random.random() < 0.2:
                found = self.random.choice(NAMES).replace("/", self.random.choice(LETTERS))
            else:
                found = "".join(self.random.choices(LETTERS, k=self.random.choice((1, 2, 4, 8, 20))))
            if found not in (".", "..") and len(os.fsencode(found)) <= _MOST_BYTES:
                return found

    def _looked_at(self, config: str, checkpoint: str, data: bytes) -> tuple[Report, tuple[Edit, ...]]:
        """Return the report of the config, as if it were of the checkpoint, and the edits to start from that."""
        path = self.work / config
        path.parent.mkdir(exist_ok=True)
        path.write_text(self.text, encoding="utf-8", newline="")
        request = Request(config=Path(config))
        try:
            with self.rules.held(data):
                report = service.report_on(request)
            self.tried += 1
            if self.git is not None and self.tried % _GIT_EVERY == 1:
                self._require_git(report.diff, config, data)
        finally:
            shutil.rmtree(self.work)
            self.work.mkdir()
            os.chdir(self.work)
        report = replace(report, subject=replace(report.subject, name=config, checkpoint=checkpoint))
        return report, catalogue.warm_start(self.case, checkpoint).edits

    def _require_diff(self, diff: str, config: str, data: bytes) -> None:
        rows = diff.encode("utf-8", "surrogateescape").split(b"\n")
        heads = [row for row in rows if row.startswith((b"--- ", b"+++ "))]
        named = [_as_git_reads(row[4:]) for row in heads[:2]]
        raw = os.fsencode(Path(config).as_posix())
        if len(heads) != 2 or named != [b"a/" + raw, b"b/" + raw] or not rows[2].startswith(b"@@ "):
            raise Failure(f"the diff names {named}", data)

    def _require_git(self, diff: str, config: str, data: bytes) -> None:
        """Check that git applies the diff to the config alone."""
        assert self.git is not None
        (self.work / "setup.py").write_text(self.text, encoding="utf-8")
        environment = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_DIR": os.devnull}
        for options in (["--numstat", "-z"], []):
            done = subprocess.run(
                [self.git, "apply", *options, "-"], input=diff.encode("utf-8", "surrogateescape"), capture_output=True,
                env=environment, check=False,
            )  # fmt: skip
            if done.returncode:
                raise Failure(f"git does not apply the diff: {done.stderr!r}"[:200], data)
            if options and [row.split(b"\t", 2)[2] for row in done.stdout.split(b"\0")[:-1]] != [os.fsencode(config)]:
                raise Failure(f"git takes the diff for {done.stdout!r}", data)
        changed = [path for path in self.work.rglob("*") if path.is_file() and path.read_text(encoding="utf-8") != self.text]
        if changed != [self.work / config]:
            raise Failure(f"git has changed {changed}", data)

    def _lines(self, report: Report) -> dict[Format, tuple[int, int]]:
        """Return each format's number of lines for the report, and the number of commands a pipeline would find in them."""
        shown = service.view_of(report, service.Display(root=str(self.work)), service.Beside())
        rendered = {form: render(shown, form, width=_WIDE) for form in _LINED}
        lines = {form: [line for line in text.splitlines() if not line.startswith("```")] for form, text in rendered.items()}
        return {form: (len(lines[form]), len(commands(text)[0])) for form, text in rendered.items()}

    def _require_names(self, report: Report, data: bytes) -> None:
        """Check that formats for programs name the right file."""
        assert report.subject.config is not None
        assert report.subject.checkpoint is not None
        shown = service.view_of(report, service.Display(root=str(self.folder)), service.Beside())
        saved = json.loads(render(shown, Format.JSON))["subject"]
        if (saved["config"], saved["checkpoint"]) != (report.subject.config, report.subject.checkpoint):
            raise Failure(f"the JSON report names {saved}", data)
        known = {os.fsencode(self.work / path) for path in (report.subject.config, report.subject.checkpoint)}
        given = {paths.uri(report.subject.config, str(self.folder)), paths.uri(report.subject.checkpoint, str(self.work))}
        for uri, root in zip(given, (self.folder, self.work), strict=False):
            _require_uri(uri, {self.folder, self.work, root}, known, data)
        for uri in re.findall(r'"uri": "([^"]*)"', render(shown, Format.SARIF)):
            _require_uri(uri, {self.folder}, known, data)

    def _require_overrides(self, edits: tuple[Edit, ...], data: bytes) -> bool:
        """Return True if the edits can be spelled as overrides; check that each reads back, for us and for Hydra."""
        refused = False
        for edit in edits:
            try:
                line = patcher.override_line(edit)
            except patcher.PatchRefused as error:
                refused = True
                new = edit.new
                if not isinstance(new, str) or (new.isprintable() and "${" not in new and new != "???"):
                    raise Failure(f"no line of overrides for {new!r}: {error}", data) from None
                continue
            ours = reader.read(None, [patcher.from_hydra(line.lstrip("+"))]).settings.value(edit.key)
            (theirs,) = self.hydra.parse_overrides([line])
            value = theirs.value()
            value = getattr(value, "text", value) if isinstance(edit.new, str) else value
            if line != line.strip("\n") or len(line.splitlines()) != 1 or ours != edit.new or value != edit.new:
                raise Failure(f"a line of overrides reads otherwise: {line!r}, {ours!r}, {value!r}", data)
        return not refused


def _require_uri(uri: str, roots: set[Path], known: set[bytes], data: bytes) -> None:
    found = {unquote_to_bytes(urljoin(f"{root.as_uri()}/", uri)).removeprefix(b"file://") for root in roots}
    if not uri.isascii() or not found & known:
        raise Failure(f"a URI leads to {found}", data)


def _as_git_reads(row: bytes) -> bytes:
    """Return a name in a diff's header as `git apply` reads it: up to a tab, or in quotes with C's escapes."""
    if not row.startswith(b'"'):
        return row.partition(b"\t")[0]
    inner, end = row[1:].rsplit(b'"', 1)
    return _ESCAPED.sub(_unescaped, inner) + end.removesuffix(b"\t")


def _unescaped(found: re.Match[bytes]) -> bytes:
    known = _LETTERS.get(found[1][0]) if len(found[1]) == 1 else int(found[1], 8)
    assert known is not None
    return bytes([known])
