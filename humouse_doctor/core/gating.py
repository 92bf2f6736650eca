"""A gate as plain data: its policy, the standing of every finding, and one exit code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from types import MappingProxyType

from humouse_doctor.core.errors import ExitCode
from humouse_doctor.core.probe import Severity
from humouse_doctor.core.remedy import Interval
from humouse_doctor.core.report import Finding, Report, Verdict

#: What a file of the gate calls itself, and the version of its schema.
GATE_KIND, GATE_VERSION = "humouse-doctor gate", "1.0"
BASELINE_KIND, BASELINE_VERSION = "humouse-doctor baseline", "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """A finding that a policy accepts: its code, the paths it applies to, the reason, and the last day it is accepted.

    `path` is a glob over paths with slashes, whose `*` also fits slashes; None matches every path. A probe's code
    also covers the policy's thresholds on its metrics.
    """

    code: str
    reason: str
    path: str | None = None
    expires: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The conditions under which a run passes.

    A finding fails when its severity is at least `fail_on` (None: severity never fails) and its code begins with one of
    `select` (empty: any code). `thresholds` by `code.metric` replace the probe's own interval. `verdicts`, where not
    empty, lists the accepted verdicts, whatever findings are ignored. `thresholds`, `verdicts` and `require_data` apply
    whatever `fail_on` and `select` say. `source` is the file it was read from.
    """

    fail_on: Severity | None = Severity.WARNING
    select: tuple[str, ...] = ()
    ignores: tuple[Ignore, ...] = ()
    thresholds: Mapping[str, Interval] = field(default_factory=lambda: MappingProxyType({}))
    require_data: bool = False
    verdicts: tuple[Verdict, ...] = ()
    source: str | None = None


class Standing(str, Enum):
    """The standing of a finding in the gate: only `FAILS` makes the gate fail."""

    FAILS = "fails"
    BELOW = "below fail-on"
    NOT_SELECTED = "not selected"
    IGNORED = "ignored"
    ACCEPTED = "within the policy's threshold"
    KNOWN = "in the baseline"


class Age(str, Enum):
    """The state of a finding compared with the baseline."""

    NEW = "new"
    WORSENED = "worsened"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedFinding:
    """A finding with its standing.

    `reason` says why it does not fail, or what has worsened. `age` is None without a baseline.
    """

    finding: Finding
    standing: Standing
    reason: str | None = None
    age: Age | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The result of one input.

    `report` is None for an unreadable input, whose only finding gives the reason. `findings` are the report's and the
    gate's own, worst first. `healed` are findings of the baseline that were measured again and are gone.
    """

    name: str
    report: Report | None
    findings: tuple[JudgedFinding, ...]
    exit_code: ExitCode
    healed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """True if the input passes."""
        return self.exit_code is ExitCode.CLEAN

    @property
    def failing(self) -> tuple[JudgedFinding, ...]:
        """The findings that make the input fail."""
        return tuple(judged for judged in self.findings if judged.standing is Standing.FAILS)

    @property
    def leading(self) -> JudgedFinding | None:
        """The failing finding to look at first: the likeliest cause that fails, else the worst; None if nothing fails."""
        causes = () if self.report is None else self.report.causes
        by_code = {judged.finding.code: judged for judged in reversed(self.failing)}
        return next((by_code[cause.code] for cause in causes if cause.code in by_code), next(iter(self.failing), None))

    @property
    def verdict(self) -> str:
        """The report's verdict, or `unreadable` without a report."""
        return "unreadable" if self.report is None else self.report.verdict.value

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        return self.findings[0].finding.message if self.report is None else self.report.sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """All inputs of one call, worst first; `notes` concern the policy and the baseline rather than one input."""

    tool_version: str
    entries: tuple[Entry, ...]
    policy: Policy = field(default_factory=Policy)
    baseline: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """The highest exit code of the inputs: an unreadable input outweighs a finding."""
        return max((entry.exit_code for entry in self.entries), default=ExitCode.INPUT)
