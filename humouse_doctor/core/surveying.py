"""A survey as plain data: a row per run, and what the rows say together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from humouse_doctor.core.errors import ExitCode
from humouse_doctor.core.pictures import Points
from humouse_doctor.core.report import Confidence, Finding
from humouse_doctor.core.settings import Value
from humouse_doctor.core.verdict import Verdict

#: What a survey's file calls itself and each of its rows, and the version of their schema.
SURVEY_KIND, ROW_KIND, SURVEY_VERSION = "humouse-doctor survey", "humouse-doctor survey row", "1.0"
#: The verdict of a run without a report.
UNREADABLE = "unreadable"


class State(str, Enum):
    """The state of a run, as runs are counted: what is unknown is neither sick nor healthy."""

    SICK = "sick"
    HEALTHY = "healthy"
    UNKNOWN = "unknown"


#: The state behind each verdict, the worst verdict first.
STATES: Mapping[str, State] = MappingProxyType(
    {
        Verdict.COLLAPSED.value: State.SICK,
        Verdict.AT_RISK.value: State.SICK,
        UNREADABLE: State.UNKNOWN,
        Verdict.UNDETERMINED.value: State.UNKNOWN,
        Verdict.HEALTHY.value: State.HEALTHY,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One run. `run` is the path to give to `inspect`, with `config` and `data` where that does not find them itself.

    `numbers` are the generated over the real spread, movement, variety and detour, as far as they were measured. `settings`
    are the values of the survey's keys, None for a key that the run does not have. `paths` are a few of its generated paths in
    few points, about their starts, in units of the largest real path's size. `patched` is True if its report has a patch.
    """

    run: str
    verdict: str
    exit_code: ExitCode
    sentence: str
    config: str | None = None
    data: str | None = None
    checkpoint: str | None = None
    confidence: Confidence | None = None
    causes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    numbers: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    settings: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))
    paths: tuple[Points, ...] = ()
    patched: bool = False

    @property
    def state(self) -> State:
        """The state as which the run is counted."""
        return STATES[self.verdict]

    @property
    def cause(self) -> str:
        """The first cause, as code and name; empty without one."""
        return self.causes[0] if self.causes else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Runs with one value of a setting, or a range of it: how many are known, and how many of these are sick.

    `low` and `high` are the bounds of the share of sick ones (Wilson, 95 %).
    """

    value: str
    sick: int
    known: int
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Separation:
    """The shares of sick runs by a setting.

    `p` is the probability of shares that differ as much if the setting meant nothing, over shufflings of the runs, and
    `corrected` (Holm) accounts for the number of settings. `also` are keys that have changed together with this one, which no
    count can tell apart.
    """

    key: str
    also: tuple[str, ...]
    shares: tuple[Share, ...]
    p: float
    corrected: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """Runs that meet all of `conditions`, and how many of the known ones among them are sick."""

    conditions: tuple[str, ...]
    sick: int
    known: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Sick runs with one first cause, empty for runs without one.

    `shared` are values, or ranges, that all of them have and not all other runs. `example` is the run of them that is furthest
    from healthy, or one with a patch.
    """

    cause: str
    runs: int
    shared: Mapping[str, str]
    example: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """All runs of a survey, the worst first, and what they say together; `folder` holds all of them, and ends with a slash.

    `keys` are all settings in which runs differ, `compared` those of them whose values, or ranges of them, known runs share.

    `separations` are of every setting that could be tested, the clearest first; `untested` says why there are none. `tree` are
    the ends of a tree of at most two conditions, empty without a setting that separates. `best` are the healthy runs closest to
    the data. `only` is the state to list, None for all runs. `notes` say what was not looked at.
    """

    tool_version: str
    keys: tuple[str, ...]
    compared: tuple[str, ...]
    folder: str
    rows: tuple[Row, ...]
    separations: tuple[Separation, ...] = ()
    untested: str = ""
    tree: tuple[Branch, ...] = ()
    best: tuple[Row, ...] = ()
    families: tuple[Family, ...] = ()
    only: State | None = None
    notes: tuple[str, ...] = ()

    @property
    def listed(self) -> tuple[Row, ...]:
        """The rows to list."""
        return tuple(row for row in self.rows if self.only in (None, row.state))

    def count(self, state: State) -> int:
        """Return the number of runs in a state."""
        return sum(row.state is state for row in self.rows)

    @property
    def exit_code(self) -> ExitCode:
        """The highest exit code of the runs, as a gate's: one that cannot be read outweighs a sick one."""
        return max((row.exit_code for row in self.rows), default=ExitCode.CLEAN)  # a part may have no run
