"""What a gate asks of runs and what came of it: a policy, how every finding stands to it, and one exit code."""

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

GATE_VERSION = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """One finding that a policy puts up with: its code, where, why, and until the end of which day.

    `path` is a glob over paths with slashes, whose `*` also fits slashes; None is everywhere. The code of a probe covers
    the policy's thresholds on its metrics too.
    """

    code: str
    reason: str
    path: str | None = None
    expires: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a run must be to pass.

    Findings of at least `fail_on` fail (None: none by its severity), of the codes that begin with one of `select` (all,
    where empty). `thresholds` by `code.metric` take the place of the probe's own interval; `verdicts`, where not empty,
    are those accepted whatever else was ignored. What these and `require_data` ask for holds whatever `fail_on` and
    `select` say. `source` is the file it was read from.
    """

    fail_on: Severity | None = Severity.WARNING
    select: tuple[str, ...] = ()
    ignores: tuple[Ignore, ...] = ()
    thresholds: Mapping[str, Interval] = field(default_factory=lambda: MappingProxyType({}))
    require_data: bool = False
    verdicts: tuple[Verdict, ...] = ()
    source: str | None = None


class Standing(str, Enum):
    """What a finding is to the gate: only one that fails makes it fail."""

    FAILS = "fails"
    BELOW = "below fail-on"
    NOT_SELECTED = "not selected"
    IGNORED = "ignored"
    ACCEPTED = "within the policy's threshold"
    KNOWN = "in the baseline"


class Age(str, Enum):
    """What a finding is to the baseline."""

    NEW = "new"
    WORSENED = "worsened"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedFinding:
    """A finding and how it stands; `reason` says why it does not fail, or what has worsened. `age` needs a baseline."""

    finding: Finding
    standing: Standing
    reason: str | None = None
    age: Age | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What came of one input: its report, or None where it could not be read and the only finding says why.

    `findings` are the report's and the gate's own, worst first; `healed` are those of the baseline that were measured
    and are gone.
    """

    name: str
    report: Report | None
    findings: tuple[JudgedFinding, ...]
    exit_code: ExitCode
    healed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the input passes."""
        return self.exit_code is ExitCode.CLEAN

    @property
    def failing(self) -> tuple[JudgedFinding, ...]:
        """The findings that make it fail."""
        return tuple(judged for judged in self.findings if judged.standing is Standing.FAILS)

    @property
    def verdict(self) -> str:
        """The report's verdict, `unreadable` where there is none."""
        return "unreadable" if self.report is None else self.report.verdict.value

    @property
    def sentence(self) -> str:
        """The answer in one sentence."""
        return self.findings[0].finding.message if self.report is None else self.report.sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """All inputs of one call, worst first; `notes` are about the policy and the baseline rather than one input."""

    tool_version: str
    entries: tuple[Entry, ...]
    policy: Policy = field(default_factory=Policy)
    baseline: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """The highest of the inputs': a failure to look outweighs a finding."""
        return max((entry.exit_code for entry in self.entries), default=ExitCode.INPUT)
