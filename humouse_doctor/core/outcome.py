"""What trials of a run have shown: every arm with its seeds, what each change did, and the set that cures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from humouse_doctor.core.errors import ExitCode
from humouse_doctor.core.remedy import CodeChange, Edit, Interval

OUTCOME_VERSION = "1.0"


class Effect(str, Enum):
    """What an arm's changes did to the run, against the same run without them."""

    CURED = "cured"
    BETTER = "better"
    NO_EFFECT = "no effect"
    WORSE = "worse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One variant of the run: config edits, and changes to the trainer's code that no key can bring about.

    `remedies` are the ids of the remedies it applies; the arm without edits and changes is the run as it is.
    """

    title: str
    remedies: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()
    code_changes: tuple[CodeChange, ...] = ()

    @property
    def key(self) -> str:
        """The same for the same variant, in whatever order it was put together."""
        return " ".join(sorted([*(f"{edit.key}={edit.new!r}" for edit in self.edits), *(c.value for c in self.code_changes)]))


#: The run as it is: what every other arm is compared with.
AS_IT_IS = Arm(title="as it is")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One arm trained with one seed.

    `measurements` are the probes' by `code.metric`; `causes` and `offered` (ids of remedies, best first) what the
    diagnosis says of what was trained. `losses` are at most 50 means over equal shares of the `steps` taken of those
    `planned`; `stopped` says why it ended early, `failed` why there is nothing to measure. `best_constant` and
    `motionless` are the losses of the best constant and of a cursor that does not move, in the loss's own unit.
    """

    arm: str
    seed: int
    planned: int
    steps: int = 0
    measurements: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    healthy: bool = False
    causes: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    losses: tuple[float, ...] = ()
    best_constant: float | None = None
    motionless: float | None = None
    stopped: str | None = None
    failed: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A metric's mean over the seeds before and after; `difference` is a 95 % interval, None with a single seed."""

    metric: str
    before: float
    after: float
    difference: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmOutcome:
    """What an arm did, over its seeds; `effect` is None where a seed failed or the arm is the run as it is.

    `distance` is that from health (0: every symptom within its healthy interval, 1: all of them as far off as counts)
    before and after; `gain` a 95 % interval of the paired difference, None with a single seed. `expected` says which of
    its remedies' expectations were met.
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
    """One step of a search: what was added to, or left out of, the set so far, and whether the set stays like that."""

    arm: str
    text: str
    kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All that was tried on one run.

    `fingerprint` is that of the config's values, the data and the trial's own settings; `own_steps` are those the run's
    warm-up has and `steps` those its arms were given, `shortened` says what else was left out. `path` is a search's;
    `chosen` is the key of the arm that cures with the least change, None where none does; `untried` says what was left
    and `hints` what `chosen` needs in the trainer's code.
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
    untried: tuple[str, ...] = ()
    warm_start: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    config_prefix: str = ""

    @property
    def base(self) -> ArmOutcome | None:
        """The run as it is."""
        return self.arm(AS_IT_IS.key)

    def arm(self, key: str | None) -> ArmOutcome | None:
        """The arm of that key."""
        return next((outcome for outcome in self.arms if outcome.arm.key == key), None)

    def exit_code(self) -> ExitCode:
        """Clean where a cure was found or there was nothing to cure, else findings; input where nothing could be tried."""
        base = self.base
        if base is None or base.seeds == 0:
            return ExitCode.INPUT
        cured = self.chosen is not None or base.healthy_seeds == base.seeds
        return ExitCode.CLEAN if cured else ExitCode.FINDINGS
