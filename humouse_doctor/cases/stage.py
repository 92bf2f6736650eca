"""Find the stage of a checkpoint, by its name and by the files that humouse leaves beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.history import Stage, StageKind
from humouse_doctor.core.settings import Settings
from humouse_doctor.inputs.files import below, changed_at, is_file
from humouse_doctor.inputs.logs.summary import SUMMARY, Summary, read_summary
from humouse_doctor.inputs.logs.tables import ERROR_RATE, EVALUATIONS, GAN_LOSS, METRICS, MetricsTable, read_table

_PREFIX, _BEST = "generator_", "_best"
#: An evaluation is the best if its error is lower by more than this, as in humouse.
_LESS = 1e-6
#: Files of one run were written, or copied, in order but for so many seconds: a larger difference means another run.
OLDER_S = 60.0
#: A run's last row may be older than its weights by an evaluation, or by the end of an epoch: minutes in real runs.
_ROW_OLDER_S = 600.0
_MAX_ENTRIES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Epoch:
    """The number of adversarial epochs that the files beside a checkpoint state, None if unknown, and the evidence."""

    epoch: int | None
    because: str


def stage_of(path: Path, settings: Settings, *, pretrainer: bool = False) -> Stage:
    """Return the stage of the checkpoint at `path`; `pretrainer` is True for a pretrainer's file.

    A file beside the checkpoint that cannot be read raises nothing: the stage's evidence names it.
    """
    if pretrainer:
        return Stage(kind=StageKind.PRETRAINER, because="it contains the mean and std of its positions")
    name = experiment_of(path)
    if name is None:
        return Stage(kind=StageKind.UNKNOWN, because="its name is not one that humouse gives: generator_<name>.pt")
    found = _epoch(path)
    start = _start(settings)
    if found.epoch is None:
        return Stage(kind=StageKind.UNKNOWN, start=start, because=found.because)
    if found.epoch > 0:
        return Stage(kind=StageKind.ADVERSARIAL, epoch=found.epoch, start=start, because=found.because)
    if settings.source is None or _warms_up(settings):
        kind = StageKind.WARM_UP
    else:
        kind = StageKind.WARM_START if settings.text("training.generator_init_path") else StageKind.UNTRAINED
    return Stage(kind=kind, epoch=0, start=start, because=found.because)


def experiment_of(path: Path) -> str | None:
    """Return the experiment that humouse has named this file after, None for any other name."""
    if not path.stem.startswith(_PREFIX):
        return None
    return path.stem.removeprefix(_PREFIX).removesuffix(_BEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherRun:
    """Another run to which the files beside a checkpoint belong, if `sure`; else they may belong to either."""

    generator: str
    sure: bool

    def __str__(self) -> str:
        """Return whose files they are, as the end of a sentence that begins with `they`."""
        return f"are those of a later run, {self.generator}" if self.sure else f"may be those of another run, {self.generator}"


def other_run(path: Path) -> OtherRun | None:
    """Return the run that has, or may have, overwritten the files beside a checkpoint; None if there is none.

    Several experiments may share the folder, and all write files of the same names into it. Only times tell whose they are, and
    a copy loses these: it is sure for a generator that is clearly newer, and no newer than what it would have written. A
    generator that is newer than all of that, such as a warm start saved beside it, has overwritten nothing.
    """
    own, newest = changed_at(path), (0.0, "")
    for other in _generators(path.parent):
        written = changed_at(other) or 0.0
        if experiment_of(other) != experiment_of(path):
            newest = max(newest, (written, other.name))
        elif own is not None:
            own = max(own, written)
    seconds, name = newest
    if own is None or not name or seconds < own - OLDER_S:
        return None
    records = [time for record in (SUMMARY, EVALUATIONS, METRICS) if (time := changed_at(path.with_name(record))) is not None]
    if records and seconds > max(records) + OLDER_S:
        return None
    return OtherRun(generator=name, sure=bool(records) and seconds > own + OLDER_S)


def is_best(path: Path) -> bool:
    """Return True if humouse has written this file at its best evaluation rather than at the end."""
    return path.stem.startswith(_PREFIX) and path.stem.endswith(_BEST)


def siblings(path: Path, settings: Settings) -> Iterator[str]:
    """Yield a remark on each other generator of the same experiment beside a checkpoint, with its stage."""
    name = experiment_of(path)
    for other in () if name is None else sorted(_generators(path.parent)):  # no folder is listed for another name
        if other.name != path.name and experiment_of(other) == name:
            yield f"beside it, not inspected: {other.name}, {stage_of(other, settings)}"


def _generators(folder: Path) -> list[Path]:
    return [path for path in below(folder, 0, _MAX_ENTRIES, links=True) if is_generator(path)]


def is_generator(path: Path) -> bool:
    """Return True for a file named as humouse names a generator."""
    return path.name.startswith(_PREFIX) and path.suffix == ".pt" and is_file(path)


def _warms_up(settings: Settings) -> bool:
    epochs = settings.integer("training.reconstruction_epochs")
    return bool(epochs) and settings.flag("training.reset_generator_after_warmup") is not True


def _start(settings: Settings) -> str:
    """Return, in words, what the adversarial stage starts from by the config; empty without a config."""
    if settings.source is None:
        return ""
    epochs = settings.integer("training.reconstruction_epochs")
    if _warms_up(settings):
        return f"a warm-up of {epochs:,} epoch{'' if epochs == 1 else 's'}"
    loaded = settings.text("training.generator_init_path")
    return f"the weights in {loaded}" if loaded else "random weights"


def _epoch(path: Path) -> _Epoch:
    """Return the number of adversarial epochs that a checkpoint named by humouse has been through."""
    reasons: list[str] = []
    owner = other_run(path)
    if owner is not None:
        return _Epoch(epoch=None, because=f"the files beside it {owner}")
    best = is_best(path)
    summary = _summary(path, reasons)
    if summary is not None:
        epoch = summary.best_epoch if best else summary.final_epoch
        if epoch is not None:
            key = "best_sigma_epoch" if best else "final_epoch"
            return _Epoch(epoch=epoch, because=f"{SUMMARY}: {key} is {epoch}")
        reasons.append(f"{SUMMARY} names no {'best' if best else 'last'} epoch")
    table = _table(path, EVALUATIONS, ERROR_RATE, reasons)
    if best:
        lowest = None if table is None else _best_epoch(table)
        if lowest is not None:
            return _Epoch(epoch=lowest, because=f"{EVALUATIONS}: epoch {lowest} has the lowest error")
    else:
        ends = [] if table is None or not table.epochs else [(max(table.epochs), EVALUATIONS)]
        table = _table(path, METRICS, GAN_LOSS, reasons)
        if table is not None and table.epochs and GAN_LOSS in table.columns:
            ends.append((max(table.epochs), METRICS))
        if ends:  # a run evaluates at some of its epochs only
            last, name = max(ends, key=lambda end: end[0])
            return _Epoch(epoch=last, because=f"{name} ends with epoch {last}")
    reasons.append(
        f"neither {SUMMARY} nor {EVALUATIONS} beside it says from which epoch a {_BEST} file is; it may be the pure warm-up"
        if best
        else f"neither {SUMMARY}, {EVALUATIONS} nor {METRICS} beside it says from which epoch it is"
    )
    return _Epoch(epoch=None, because="; ".join(reasons))


def _summary(checkpoint: Path, reasons: list[str]) -> Summary | None:
    path = checkpoint.with_name(SUMMARY)
    if not is_file(path) or _outdated(path, checkpoint, reasons):
        return None
    try:
        return read_summary(path)
    except InputError as error:
        reasons.append(str(error))
        return None


def _table(checkpoint: Path, name: str, column: str, reasons: list[str]) -> MetricsTable | None:
    path = checkpoint.with_name(name)
    if not is_file(path) or _outdated(path, checkpoint, reasons):
        return None
    try:
        return read_table(path, lambda _: (column,))
    except InputError as error:
        reasons.append(str(error))
        return None


def is_outdated(path: Path, checkpoint: Path) -> bool:
    """Return True if a summary or table beside a checkpoint of humouse is older than its own run would leave it."""
    written, trained = changed_at(path), changed_at(checkpoint)
    if written is None or trained is None or path.parent != checkpoint.parent or experiment_of(checkpoint) is None:
        return False
    return written < trained - (OLDER_S if path.name == SUMMARY else _ROW_OLDER_S)


def _outdated(path: Path, checkpoint: Path, reasons: list[str]) -> bool:
    if not is_outdated(path, checkpoint):
        return False
    reasons.append(f"{path.name} is older than the checkpoint, so it is taken for an earlier run's")
    return True


def _best_epoch(table: MetricsTable) -> int | None:
    """Return the epoch with the best error by humouse's own rule, None if no row has an error."""
    lowest, found = math.inf, None
    for epoch, error in zip(table.epochs, table.columns.get(ERROR_RATE, ()), strict=False):
        if error + _LESS < lowest:
            lowest, found = error, epoch
    return found
