"""Fuzz the readers of saved reports, gates, outcomes, baselines and policies: one line, or a consistent result.

A report that is read is rendered in one of the quick formats and survives a round trip through JSON.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.core.gating import Policy
from humouse_doctor.core.outcome import Effect
from humouse_doctor.core.outcome import Outcome as Trials
from humouse_doctor.core.probe import Status
from humouse_doctor.core.report import Report, Verdict
from humouse_doctor.core.view import RunView
from humouse_doctor.gate import baseline, policy
from humouse_doctor.gate.judging import Judge, judged_alone
from humouse_doctor.reporting import rendering
from humouse_doctor.reporting.forms import Format
from humouse_doctor.stored import gate, outcome, saved
from humouse_doctor.stored import report as json_report
from tests.lab.fuzz.target import Failure, Outcome, Rules, Target, damaged, require_line
from tests.reporting.builders import collapsed, pictures, sound
from tests.verify.builders import searched

_VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2**63, 10**400, 0.5, 1e308, -1e308, 5e-324, float("nan"), float("inf"), "", "x", "\x1b[2J",
    "\ud800", "::error::x", "\n" * 50, "healthy", "found", "skipped", "crashed", "cured", "HD101", "HD103", "_target_", [], {},
    [[]], [None], {"": None}, "9" * 30, "training.generator_init_path", "x" * 21_000,
]  # fmt: skip
_WORDS = [
    *(json.dumps(value).encode() for value in _VALUES), b"{", b"}", b"[" * 300, b"]", b",", b":", b'"', b"\\ud800", b"\xff",
    b"\xef\xbb\xbf", b"\x00", b"NaN", b"-Infinity", b"1e999", b"[[ignore]]\n", b"[thresholds]\n", b"\n", b" = ", b"a." * 600,
    b'"""', b"'''", b"1979-05-27", b"0x10", b"nan", b"# ", b"[tool.humouse-doctor]\n",
]  # fmt: skip
_POLICY = b"""\
fail-on = "error"
select = ["HD1", "HD2"]
verdicts = ["healthy", "at-risk"]
require-data = true
[thresholds]
"HD103.time_std_ratio" = "0.4 to 3"
[[ignore]]
code = "HD204"
path = "runs/*"
reason = "known"
expires = 2027-01-31
"""
#: The HTML page draws, and takes a second.
_QUICK = [form for form in Format if form is not Format.HTML]
_DECIDING = {"HD101", "HD103", "HD104"}


class Stored(Target):
    """The rules: a report, an outcome, a baseline or a policy, or one line."""

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder, seed)
        self.rules = Rules(folder)
        self.path = folder / "x.json"
        report = replace(collapsed(), pictures=pictures())
        entry = Judge(policy=Policy(), today=date(2026, 1, 1)).entry("x", report)
        baseline.write(self.path, [entry], "0")
        self.contents: dict[str, Any] = {
            "report": json_report.to_dict(report),
            "well": json_report.to_dict(sound()),
            "gate": json.loads(gate.render(judged_alone(report, Policy(), "0"))),
            "outcome": outcome.to_dict(searched()),
            "baseline": json.loads(self.path.read_text(encoding="utf-8")),
        }
        self.readers: dict[str, Callable[[Path], object]] = {
            "report": saved.read, "well": saved.read, "gate": saved.read, "outcome": outcome.read,
            "baseline": baseline.read, "policy": policy.read,
        }  # fmt: skip
        # import, before watching starts, everything a reader imports, including the codec that escapes characters
        "\x1b".encode("unicode_escape")
        for kind in self.readers:
            data = _POLICY if kind == "policy" else json.dumps(self.contents[kind]).encode()
            found = self.readers[kind](self._written(data))
            if isinstance(found, Report):
                for form in _QUICK:
                    _shown(found, form)

    def once(self) -> Outcome:
        kind = self.random.choice(list(self.readers))
        if kind == "policy":
            data = self._policy()
        else:
            content = self.contents[kind]
            if kind == "well":
                content = {**content, "probes": self.random.sample(content["probes"], self.random.randrange(4))}
            data = json.dumps(self._changed(content, self.random.choice((0, 1, 1, 2, 3)))).encode()
            if self.random.random() < 0.2:
                data = damaged(data, self.random, _WORDS)
        path = self._written(data)
        with self.rules.held(data):
            try:
                found = self.readers[kind](path)
            except (InputError, UsageError) as error:
                return Outcome(f"refused {kind}: {require_line(str(error), (f'{path}:',), data)}")
            if isinstance(found, Report):
                _shown(found, self.random.choice(_QUICK))
                if json_report.parse(json_report.render(found), "x") != found:
                    raise Failure("a report that comes back otherwise", data)
        if isinstance(found, Report) and found.verdict is Verdict.HEALTHY and not _is_known(found):
            raise Failure("health that nothing was measured for", data)
        if isinstance(found, Trials) and any(one.effect is Effect.CURED and one.healthy_seeds < 1 for one in found.arms):
            raise Failure("a cure without a healthy seed", data)
        return Outcome(f"read {kind}")

    def _policy(self) -> bytes:
        lines = _POLICY.splitlines(keepends=True)
        self.random.shuffle(lines)
        chosen = b"".join(lines[: self.random.randrange(len(lines))])
        return damaged(chosen, self.random, _WORDS) if self.random.random() < 0.5 else chosen

    def _written(self, data: bytes) -> Path:
        self.path.write_bytes(data)
        return self.path

    def _changed(self, content: Any, times: int) -> Any:
        """Return `content` with this many values replaced or removed."""
        changed = copy.deepcopy(content)
        for _ in range(times):
            inside = changed
            while True:
                keys = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
                if not keys:
                    break
                key = self.random.choice(keys)
                if isinstance(inside[key], dict | list) and inside[key] and self.random.random() < 0.9:
                    inside = inside[key]
                    continue
                if self.random.random() < 0.1:
                    del inside[key]
                else:
                    inside[key] = copy.deepcopy(self.random.choice(_VALUES))
                break
        return changed


def _shown(report: Report, form: Format) -> None:
    assert rendering.render(RunView(gate=judged_alone(report, Policy(), "0"), report=report), form) is not None


def _is_known(report: Report) -> bool:
    measured = {result.code for result in report.probes if result.status in (Status.HEALTHY, Status.FOUND)}
    before_training = report.subject.checkpoint is None and report.data is not None
    return measured >= _DECIDING or (before_training and bool(measured & {"HD201", "HD202", "HD207"}))
