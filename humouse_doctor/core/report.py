"""The report: its subject, the findings, and the remedies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from humouse_doctor.core.case import DataSummary, Subject
from humouse_doctor.core.errors import ExitCode
from humouse_doctor.core.history import History, Stage
from humouse_doctor.core.pictures import Pictures
from humouse_doctor.core.probe import Kind, ProbeResult, Severity, Status
from humouse_doctor.core.remedy import Edit, Remedy, RemedyStatus
from humouse_doctor.core.settings import Origin, Setting
from humouse_doctor.core.verdict import Verdict as Verdict  # a report's own word, which its readers import from here

SCHEMA_VERSION = "1.4"


class Confidence(str, Enum):
    """The share of the deciding probes that could measure."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """The place a finding points to: a line of the config, or the checkpoint (`line` and `key` None).

    `origin` is the source of the value of `key`, None if unknown.
    """

    file: str | None
    line: int | None = None
    key: str | None = None
    origin: Origin | None = None

    def __str__(self) -> str:
        """Return file and line, with the `remark` if there is one; empty without a file."""
        if self.file is None:
            return ""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place} ({self.remark})" if self.remark else place

    @property
    def remark(self) -> str:
        """The reason why the value of `key` differs from the file's; empty if it does not differ, or if that is unknown."""
        match self.origin:
            case Origin.DEFAULT:
                return f"no {self.key}, the default holds"
            case Origin.OVERRIDE:
                return f"{self.key} is given by --set"
            case Origin.INFERRED:
                return f"{self.key} is taken from the weights"
            case Origin.RECORDED:
                return f"{self.key} is the value that the weights were trained with"
            case Origin.CHECKPOINT:
                return f"{self.key} is stated in the checkpoint"
            case _:
                return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A fault that was found, in one sentence with its numbers.

    `fingerprint` holds the code and the setting's key but no numbers, so it is the same after a retraining. `remedies` are ids
    of the report's remedies.
    """

    code: str
    name: str
    kind: Kind
    severity: Severity
    message: str
    evidence: Mapping[str, float]
    location: Location
    remedies: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """An id that is equal for the same kind of finding at the same key, whatever the numbers."""
        return f"{self.code}:{self.location.key or ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A cause that the findings support.

    `support` is the share of its expected symptoms that were found, None before training. `trial` is confirmed or refuted by
    the trials of a verify, None without them.
    """

    code: str
    name: str
    support: float | None
    message: str
    explains: tuple[str, ...]
    trial: RemedyStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """The training that a config without a checkpoint was judged by.

    `steps` were trained on `sequences` sequences with one `seed`; the run's own warm-up has `own_steps` on `usable` ones.
    `seconds` is the wall time of all of it, from the first file that was read. `stopped` is the reason for an end before the
    time was up, empty if there was none. Without steps of its own a config is judged by rules alone.
    """

    steps: int
    own_steps: int
    sequences: int
    usable: int
    seconds: float
    seed: int
    stopped: str = ""

    @property
    def cut(self) -> bool:
        """True if time ran out before the last step."""
        return 0 < self.steps < self.own_steps and not self.stopped

    def __str__(self) -> str:
        """Say how much was trained, and what may stay hidden by it."""
        if not self.steps:
            return "Not rehearsed: the config's warm-up has no or an unknown number of steps; judged by rules alone."
        steps = (
            f"all of its {self.own_steps:,}" if self.steps == self.own_steps else f"{self.steps:,} of its {self.own_steps:,}"
        )
        rows = f"all {self.usable:,}" if self.sequences == self.usable else f"{self.sequences:,} of {self.usable:,}"
        said = f"Rehearsed: {steps} steps on {rows} sequences in {self.seconds:,.0f} s (seed {self.seed})"
        if self.stopped:
            return f"{said}; {self.stopped}."
        if self.cut:
            return f"{said}; a collapse or a recovery in later steps would not be seen."
        return f"{said}." if self.sequences == self.usable else f"{said}; the other sequences were not looked at."


#: Say that a report before training is not measured, and what would: a rehearsal, which needs data.
RULES_ALONE = "By rules alone: nothing was trained; --rehearse measures it."
RULES_WITHOUT_DATA = "By rules alone: nothing was trained; --data DATA --rehearse measures it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything a renderer needs; probe results are in code order, causes and remedies best first.

    `patch` merges the edits of the remedies whose ids are `chosen`, unless trials have confirmed a `cure`. `settings` are
    those the probes used. `diff` is the patch as a unified diff of the config, empty if nothing can be changed in
    place. `pictures` is None if nothing can be drawn. `stage` is None without a checkpoint, `history` unless a run's
    folder was looked at, `rehearsed` unless a config was rehearsed. `suggest` is the command that prints the patch,
    `search` the one that searches for a cure; neither is stored, so that a report read back has None.
    """

    tool_version: str
    verdict: Verdict
    confidence: Confidence
    sentence: str
    subject: Subject
    data: DataSummary | None
    causes: tuple[Cause, ...]
    unexplained: tuple[str, ...]
    findings: tuple[Finding, ...]
    probes: tuple[ProbeResult, ...]
    remedies: tuple[Remedy, ...]
    patch: tuple[Edit, ...]
    chosen: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = ()
    config_prefix: str = ""
    cure: Remedy | None = None
    diff: str = ""
    pictures: Pictures | None = None
    stage: Stage | None = None
    history: History | None = None
    rehearsed: Rehearsed | None = None
    suggest: str | None = None
    search: str | None = None

    @property
    def before_training(self) -> bool:
        """True without a checkpoint and a rehearsal."""
        trained = self.rehearsed is not None and self.rehearsed.steps > 0
        return self.subject.checkpoint is None and not trained

    @property
    def basis(self) -> str:
        """A sentence on the evidence for the verdict on a config; empty for a checkpoint and for a generator in memory."""
        if self.rehearsed is not None:
            return str(self.rehearsed)
        if not self.before_training or self.subject.config is None:
            return ""
        return RULES_WITHOUT_DATA if self.data is None else RULES_ALONE

    @property
    def chosen_remedies(self) -> tuple[Remedy, ...]:
        """The remedies merged into `patch`: the confirmed cure, else the chosen ones."""
        if self.cure is not None:
            return (self.cure,)
        by_id = {remedy.id: remedy for remedy in self.remedies}
        return tuple(by_id[name] for name in self.chosen if name in by_id)

    def exit_code(self, fail_on: Severity | None = Severity.WARNING) -> ExitCode:
        """Return the program's exit code; with `fail_on` None, findings never fail."""
        if any(result.status is Status.CRASHED for result in self.probes):
            return ExitCode.INTERNAL
        if fail_on is not None and any(finding.severity.rank >= fail_on.rank for finding in self.findings):
            return ExitCode.FINDINGS
        return ExitCode.INPUT if self.verdict is Verdict.UNDETERMINED else ExitCode.CLEAN
