"""The outcome of a run's trials: every arm with its seeds, the effect of each change, and the set that cures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from humouse_doctor.core.errors import ExitCode
from humouse_doctor.core.remedy import CodeChange, Edit, Interval

#: What the file of an outcome calls itself, and the version of its schema.
OUTCOME_KIND, OUTCOME_VERSION = "humouse-doctor outcome", "1.1"


class Effect(str, Enum):
    """The effect of an arm's changes, compared with the run without them."""

    CURED = "cured"
    BETTER = "better"
    NO_EFFECT = "no effect"
    WORSE = "worse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One variant of the run: config edits, and changes to the trainer's code for which there is no config key.

    `remedies` are the ids of the remedies it applies. The arm without edits and changes is the unchanged run.
    """

    title: str
    remedies: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()
    code_changes: tuple[CodeChange, ...] = ()

    @property
    def key(self) -> str:
        """An id of this set of config edits and code changes, whatever their order."""
        return " ".join(sorted([*(f"{edit.key}={edit.new!r}" for edit in self.edits), *(c.value for c in self.code_changes)]))


#: The unchanged run, with which every other arm is compared.
AS_IT_IS = Arm(title="as it is")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One arm trained with one seed.

    `measurements` are the probes' numbers by `code.metric`. `causes`, `offered` (ids of remedies, best first) and `patch`
    (those in its patch) come from the diagnosis of the trained generator. `losses` are at most 50 means over equal shares of
    the `steps` taken, of those `planned`. `stopped` gives the reason for an early end, `failed` the reason why there is
    nothing to measure. A trial that was cut by the budget of time has failed `out_of_time`, which says nothing about its arm.
    `best_constant` and `motionless` are the losses of the best constant and of a cursor that does not move, in the loss's
    own unit.
    """

    arm: str
    seed: int
    planned: int
    steps: int = 0
    measurements: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    healthy: bool = False
    causes: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    patch: tuple[str, ...] = ()
    losses: tuple[float, ...] = ()
    best_constant: float | None = None
    motionless: float | None = None
    stopped: str | None = None
    failed: str | None = None
    out_of_time: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A metric's mean over the seeds, before and after; `difference` is a 95 % interval, None with a single seed."""

    metric: str
    before: float
    after: float
    difference: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmOutcome:
    """The result of one arm over its seeds; `effect` is None if a seed failed or the arm is the unchanged run.

    `distance` is the distance from health before and after (0: every symptom is within its healthy interval, 1: all are
    as far off as is counted). `gain` is a 95 % interval of the paired difference, None with a single seed. `expected`
    says which of its remedies' expectations were met.
    """

    arm: Arm
    seeds: int
    healthy_seeds: int
    effect: Effect | None
    distance: tuple[float, float]
    gain: Interval | None
    changes: tuple[Change, ...]
    expected: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a search: an arm that was tried, with its numbers in words.

    `kept` is True if it was healthy.
    """

    arm: str
    text: str
    kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All trials of one run.

    `fingerprint` identifies the config's values, the data and the trial's own settings. `own_steps` is the length of the
    run's own warm-up and `steps` that of each arm; `shortened` lists other limits of the trials. `path` holds the steps
    of the search. `chosen` is the key of the arm that cures with the least change, None without a cure. `needed` names its
    parts without which the run was not healthy, and `confirmed` and `refuted` are the codes of the causes that these
    trials speak for and against. `untried` lists, with the reasons, the arms that did not fit into the budget, and `hints`
    the changes to the trainer's code that `chosen` needs.
    """

    tool_version: str
    fingerprint: str
    config: str
    config_values: str
    data: str
    checkpoint: str | None
    own_steps: int | None
    steps: int
    seeds: int
    shortened: tuple[str, ...]
    trials: tuple[Trial, ...]
    arms: tuple[ArmOutcome, ...] = ()
    path: tuple[Step, ...] = ()
    chosen: str | None = None
    needed: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ()
    refuted: tuple[str, ...] = ()
    untried: tuple[str, ...] = ()
    warm_start: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    config_prefix: str = ""

    @property
    def base(self) -> ArmOutcome | None:
        """The unchanged run."""
        return self.arm(AS_IT_IS.key)

    @property
    def inconclusive(self) -> bool:
        """True if there is no cure, but not all arms could be tried."""
        return self.chosen is None and bool(self.untried)

    def arm(self, key: str | None) -> ArmOutcome | None:
        """Return the arm with that key, None if there is none."""
        return next((outcome for outcome in self.arms if outcome.arm.key == key), None)

    def exit_code(self) -> ExitCode:
        """Return the exit code: clean with a cure or with nothing to cure, input if nothing could be tried, else findings."""
        base = self.base
        if base is None or base.seeds == 0:
            return ExitCode.INPUT
        cured = self.chosen is not None or base.healthy_seeds == base.seeds
        return ExitCode.CLEAN if cured else ExitCode.FINDINGS
