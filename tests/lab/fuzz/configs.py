"""Fuzz the config reader, and all of `preflight`, with damaged configs: settings, a report, or one line."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

import jsonschema

from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.report import Report
from humouse_doctor.core.settings import Settings
from humouse_doctor.core.text import harmless
from humouse_doctor.inputs.config import reader
from humouse_doctor.inputs.config.trainer_keys import BY_NAME
from humouse_doctor.service import commands as service
from humouse_doctor.stored import report as json_report
from tests import command_line
from tests.hostile.data import bytes_of, moving
from tests.lab.fuzz.target import Failure, Outcome, Rules, Target, damaged, require_line, reworded
from tests.verify.runs import CONFIG as TINY

_SCHEMA = json.loads((Path(json_report.__file__).parent / "schemas" / "report.json").read_text(encoding="utf-8"))
_EXAMPLES = Path(__file__).resolve().parents[3] / "examples"

#: Values for a key, each with a meaning for YAML, OmegaConf, Hydra or the trainer.
VALUES = [
    "null", "~", "", "true", "On", "no", "0", "-1", "1_000", "0x1F", "0o17", "017", "0b11", "190:20:30", "1:1:1.5", "5e-6",
    "1e999", "-1e5", ".5", "-.5", ".inf", "-.inf", ".nan", "1" + "0" * 400, "9" * 30, "1.0e-400", "2021-13-45", "2001-12-14",
    "2001-12-14t21:59:43.10-05:00", "'it''s'", '"a\\e[2J"', '"\\ud800"', '"\\UFFFFFFFF"', '"\\0"', "'", '"', "|\n  a\n  b",
    ">-\n  a", "[1, 2]", "[[[]]]", "[0.5, .nan]", "[1e400, 2]", "{}", "{a: 1}", "{a}", "{<<: *a}", "&a {x: 1}", "&a 1", "*a",
    "*b", "&a [*a]", "!!python/object/apply:os.system ['x']", "!!python/name:os.system", "!!binary aGk=", "!!set {a}",
    "!!omap [a: 1]", "!!timestamp 1", "!!int ''", "!!int 1.5", "!!float x", "!!float ''", "!!bool x", "!!null 1", "!!str 1",
    "!!map [1]", "!x 1", "! 1", "!<tag:yaml.org,2002:str> 1", "${a}", "${data.batch_size}", "${oc.env:HOME}",
    "${oc.env:HOME,x}", "${now:%Y}", "${training.lr.generator}", "${..lr}", "x${a}y", "${${a}}", "${", "$${a}", "${a:", "???",
    "tanh", "linear", "LSTM", "tcn", "transformer", "bezier", "é日", "😀", "\u202e", "\ufeff", "\u2028", "\x85", "a: b", "# x",
    "- a", "? a", "@x", "`x`", "%x", "/dev/zero", "../../../etc/passwd", ".", "/", "a" * 5000, "x" * 300 + ".pt", "pkg://os",
    "_self_", "1e5", "100000", "1000000", "1000000000000", "[0.9, 0.999]", "[1, 1]", "[true, false]", "0.0", "-0.0", "1e-320",
    "neuromotor", "sigapi",
]  # fmt: skip
_WORDS = [
    *(value.encode("utf-8", "surrogatepass") for value in VALUES), b"\n", b"\r\n", b"\r", b"\t", b" ", b"---\n", b"...\n",
    b"--- ", b"%YAML 1.1\n---\n", b"%YAML 9.9\n---\n", b"%TAG ! x\n---\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\x00",
    b"\xed\xa0\x80", b"<<: *a\n", b"<<: [*a, *a]\n", b"? ", b": ", b"- ", b"# ", b"experiment:\n", b"experiment: ",
    b"defaults:\n  - _self_\n", b"training.lr: 1\n", b"defaults: [experiment: x]\n", b"hydra: {searchpath: ['pkg://os']}\n",
    b"hydra: {searchpath: ['structured://this']}\n", b"hydra: {job: {env_copy: [HOME, '${hydra.job.env_set.HOME}']}}\n",
    b"defaults: [../../etc/x@data, _self_]\n", b"hydra: {runtime: {choices: {experiment: ../run}}}\n",
    b"training:\n", b"training: ", b"data: {}\n", b"{" * 40, b"[" * 70, b"'': 1\n", b"? [a]\n: 1\n", b"? {a: 1}\n: 1\n",
    b"1: 2\n", b"null: 1\n", b"model: &a\n", b"!!bool x: 1\n", b"!!timestamp x: 1\n", b"_target_: os.system\n",
]  # fmt: skip


def configs() -> list[str]:
    """Return small readable configs in several styles."""
    tiny = TINY.format(architecture="lstm", head="tanh", whiten="true", noise="0.0")
    flow = "training: {lr: {generator: 1.0e-4}, betas: [0.5, 0.9], reconstruction_epochs: 3}\ndata: {'sequence_length': 12}\n"
    shared = (
        "base: &a {hidden_dim: 8, num_layers: 1}\nrate: &b 5e-6\nmodel:\n  generator:\n    <<: *a\n    latent_dim: 4\n"
        "training:\n  lr: {generator: *b}\n  warmup_noise_std: ${rate}\n  betas:\n  - 0.5\n  - 0.9\n"
    )
    found = [path.read_text(encoding="utf-8") for path in sorted(_EXAMPLES.glob("*/config.yaml"))[:2]]
    return [*found, tiny, flow, f"defaults:\n  - _self_\n{flow}", shared, tiny.replace("\n", "\r\n"), f"\ufeff{flow}"]


def _rearranged(text: str, random: random.Random) -> str:
    """Return the text with whole lines moved, repeated or indented differently, or with other values."""
    lines = text.splitlines(keepends=True) or [""]
    for _ in range(random.choice((1, 1, 2, 4))):
        place, other = random.randrange(len(lines)), random.randrange(len(lines))
        match random.randrange(6):
            case 0:
                lines.insert(place, lines.pop(other))
            case 1:
                lines.insert(place, lines[other])
            case 2:
                lines[place] = " " * random.choice((1, 2, 4, 9)) + lines[place]
            case 3:
                lines[place] = lines[place].removeprefix("  ")
            case _:
                key, colon, _ = lines[place].partition(":")
                lines[place] = f"{key}{colon} {random.choice(VALUES)}\n"
    return "".join(lines)


def damaged_config(random: random.Random, texts: list[str]) -> bytes:
    """Return one of `texts` with damage to its lines, its bytes, or both."""
    text = random.choice(texts)
    kind = random.randrange(6)
    if kind < 4:
        text = _rearranged(text, random)
    if kind in (3, 4):
        text = reworded(text, random, VALUES)
    data = text.encode("utf-8", "surrogatepass")
    return damaged(data, random, _WORDS) if kind == 5 else data


class Configs(Target):
    """The rules: `preflight` reports on what the reader accepts, with a verdict and its exit code.

    Nothing is an internal error.
    """

    #: Of the whole process, which imports once.
    _imported: ClassVar[bool] = False

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder, seed)
        self.back = Path.cwd()
        self.data = folder / "data.npy"
        self.data.write_bytes(bytes_of(moving(32, 12, 3)))
        self.texts = configs()
        self.path = folder / "run.yaml"
        self.path.touch()
        self.rules = Rules(folder)
        self.validator = jsonschema.Draft202012Validator(_SCHEMA)
        self._report_on = service.report_on
        os.chdir(folder)  # files that a config names are not nearby
        if not Configs._imported:
            self._import_all()

    def _import_all(self) -> None:
        """Import, before watching starts, all that `preflight` and escaping import."""
        for text in [
            *self.texts,
            f"defaults: [_self_]\n{self.texts[3]}",
            f"defaults: [x: y]\n{self.texts[3]}",
            "a: !x 1",
            "a: *a",
        ]:
            for arguments in ((), ("--data", self.data)):
                self.path.write_bytes(text.encode())
                self._invoke(*arguments)
        harmless("\x1b")
        Configs._imported = True

    def close(self) -> None:
        os.chdir(self.back)

    def once(self) -> Outcome:
        data = damaged_config(self.random, self.texts)
        self.path.write_bytes(data)
        with_data = self.random.random() < 0.3
        words = self._read(data)
        return Outcome(words if words.startswith("refused") else self._looked_at(data, with_data))

    def _read(self, data: bytes) -> str:
        with self.rules.held(data):
            try:
                found = reader.read(self.path)
            except UsageError as error:
                return f"refused: {require_line(str(error), (str(self.path),), data)}"
        for complaint in found.complaints:
            require_line(complaint.message, ("",), data)
        _require_settings(found.settings, data)
        return "read"

    def _looked_at(self, data: bytes, with_data: bool) -> str:
        """Describe how `preflight` ends; only the inspection is held to the rules, not the printing."""

        def report_on(*arguments: Any) -> Report:
            try:
                with self.rules.held(data):
                    try:
                        return self._report_on(*arguments)
                    except UsageError as error:
                        refused.append(error)
            except Failure as failure:  # the command line would take it for its own error
                broken.append(failure)
                raise
            raise refused[0]

        refused, broken = list[UsageError](), list[Failure]()
        with mock.patch.object(service, "report_on", report_on):
            code, out, err = self._invoke(*(("--data", self.data) if with_data else ()))
        if broken:
            raise broken[0]
        if not out:
            line = err.removesuffix("\n")
            if code not in (2, 3):
                raise Failure(f"exit code {code}: {line[:300]}", data)
            return f"refused by preflight: {require_line(line, (f'humouse-doctor: {self.path}', 'humouse-doctor: '), data)}"
        report = json.loads(out)
        wrong = next(self.validator.iter_errors(report), None)
        if wrong is not None:
            raise Failure(f"a report that is none: {wrong.message[:200]}", data)
        crashed = [found for found in report["probes"] if found["status"] == "crashed"]
        if crashed:
            raise Failure(f"exit code {code}, crashed: {str(crashed)[:300]}", data)
        fails = any(finding["severity"] in ("warning", "error") for finding in report["findings"])
        promised = 1 if fails else 0 if report["verdict"] == "healthy" else 3
        if code != promised or (promised == 3 and report["verdict"] != "undetermined"):
            raise Failure(f"exit code {code} for {report['verdict']}, {len(report['findings'])} findings", data)
        return f"preflight {'with data ' if with_data else ''}says {report['verdict']}, exit code {code}"

    def _invoke(self, *arguments: object) -> tuple[int, str, str]:
        """Run the command line in this process, as the console script does."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = command_line.run("preflight", self.path, *arguments, "--format", "json")
        return code, out.getvalue(), err.getvalue()


def _require_settings(settings: Settings, data: bytes) -> None:
    """Raise `Failure` if a setting has a value that the table of keys does not accept."""
    wrong = Counter[str]()
    for key, setting in settings.items():
        complaint = BY_NAME[key].complaint(setting.value)
        if complaint is not None and not (setting.value is None and BY_NAME[key].default is None):
            wrong[f"{key} is {setting.value!r}: {complaint}"] += 1
    if wrong:
        raise Failure(f"settings that do not fit: {list(wrong)[:2]}", data)
