"""A run over time: the stage its checkpoint is from, what it drew itself by epoch, and the curves of its loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import islice

from humouse_doctor.core.verdict import Verdict

#: A saved report may hold any number of measures; a table of them has this many columns at most.
_MOST_MEASURES = 10


class StageKind(str, Enum):
    """The training that a checkpoint's weights have been through."""

    WARM_UP = "after-the-warm-up"
    ADVERSARIAL = "after-adversarial-epochs"
    PRETRAINER = "pretrainer"
    WARM_START = "warm-start"
    UNTRAINED = "untrained"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The stage of a checkpoint, and the evidence for it.

    `epoch` is the number of adversarial epochs behind the weights, None if unknown. `start` says what these began from, and
    `because` which file says so; both are empty if nothing does.
    """

    kind: StageKind
    epoch: int | None = None
    start: str = ""
    because: str = ""

    @property
    def words(self) -> str:
        """The stage in words, without the evidence."""
        match self.kind:
            case StageKind.WARM_UP:
                return "after the warm-up, before the first adversarial epoch"
            case StageKind.ADVERSARIAL:
                begun = f", which began from {self.start}" if self.start else ""
                if self.epoch is None:
                    return f"after adversarial epochs{begun}"
                return f"after {self.epoch:,} adversarial epoch{'' if self.epoch == 1 else 's'}{begun}"
            case StageKind.PRETRAINER:
                return "a pretrainer's file"
            case StageKind.WARM_START:
                return f"a warm start from {self.start}, before the first adversarial epoch"
            case StageKind.UNTRAINED:
                return "before any training"
            case StageKind.UNKNOWN:
                return "not known, so adversarial epochs may have moved the weights since the warm-up"

    def __str__(self) -> str:
        """Return the stage and the evidence in one line."""
        return f"{self.words} ({self.because})" if self.because else self.words


class SnapshotKind(str, Enum):
    """The part of a program that drew samples."""

    EVALUATION = "evaluation"
    TRAINING = "training"
    DIFFUSION = "diffusion"
    #: A glance of a watch during the warm-up.
    WATCH = "watch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Samples that the program drew itself at one epoch, measured like those of a checkpoint.

    `step` is the training step within the run, None at an evaluation. `measures` are ratios to the data by name: spread,
    movement, variety, detour, timing. `verdict` is None, with the `reason`, if the file was not measured.
    """

    kind: SnapshotKind
    epoch: int
    step: int | None = None
    file: str
    verdict: Verdict | None = None
    measures: Mapping[str, float]
    reason: str = ""

    @property
    def label(self) -> str:
        """The time of the snapshot in words."""
        if self.kind is SnapshotKind.WATCH:
            return f"step {self.step:,}"
        return f"epoch {self.epoch}" if self.step is None else f"epoch {self.epoch}, step {self.step}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LossCurve:
    """A loss over epochs, with the losses of two predictors that know nothing, None if the targets are not known.

    `epochs` and `values` have one length; a long curve is thinned out evenly. The epochs are steps where `unit` says so.
    """

    name: str
    file: str
    epochs: tuple[int, ...]
    values: tuple[float, ...]
    best_constant: float | None = None
    motionless: float | None = None
    unit: str = "epoch"


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The history of a run, from the files that it left behind.

    `snapshots` are in order of time; `unread` counts those that were not looked at. `fell_ill` is the label of the first
    snapshot that is not healthy after a healthy one. `observations` are sentences about all of it.
    """

    snapshots: tuple[Snapshot, ...] = ()
    unread: int = 0
    fell_ill: str | None = None
    curves: tuple[LossCurve, ...] = ()
    observations: tuple[str, ...] = ()

    @property
    def series(self) -> tuple[Snapshot, ...]:
        """The snapshots with a verdict, all of one kind: evaluations if there are any, else diffusion, else training."""
        known = [one for one in self.snapshots if one.kind is not SnapshotKind.WATCH]
        known = [snapshot for snapshot in known if snapshot.verdict not in (None, Verdict.UNDETERMINED)]
        kinds = {snapshot.kind for snapshot in known}
        most = next(
            (kind for kind in (SnapshotKind.EVALUATION, SnapshotKind.DIFFUSION) if kind in kinds), SnapshotKind.TRAINING
        )
        return tuple(snapshot for snapshot in known if snapshot.kind is most)

    @property
    def watched(self) -> tuple[Snapshot, ...]:
        """The glances of a watch."""
        return tuple(snapshot for snapshot in self.snapshots if snapshot.kind is SnapshotKind.WATCH)

    @property
    def measured(self) -> tuple[str, ...]:
        """The names of the snapshots' measures, in the order in which they first appear; at most about ten."""
        names = dict.fromkeys(name for snapshot in self.snapshots for name in snapshot.measures)
        return tuple(islice(names, _MOST_MEASURES))
