"""The loss curves that a run has logged, against two predictors that know nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.history import LossCurve
from humouse_doctor.core.spec import Architecture
from humouse_doctor.inputs.logs.tables import ERROR_RATE, GAN_LOSS, MetricsTable
from humouse_doctor.inputs.logs.warm_up_log import WarmUpLog
from humouse_doctor.probes.shared import measures

#: A longer curve is thinned out.
_MOST_POINTS = 400
#: Names of a reconstruction's loss in a table, the surest first.
_LOSSES = (
    "recon_loss", "reconstruction_loss", "train_recon_loss", "train/recon_loss", "train_loss_epoch", "train_loss",
    "train/loss", "loss", "val_loss", "val/loss",
)  # fmt: skip
_EFFICIENCY = ("path_eff_real", "path_eff_fake")
#: The columns of a table that are looked at.
COLUMNS = (*_LOSSES, *_EFFICIENCY, ERROR_RATE, GAN_LOSS)


def of_log(path: Path, log: WarmUpLog | None, case: Case) -> tuple[LossCurve | None, tuple[str, ...]]:
    """Return the warm-up's loss curve from humouse's `log` at `path`, None without one, and sentences about it."""
    if log is None:
        return None, ()
    broke = () if log.broke_at is None else (f"{path.name}: the warm-up's loss is not finite from epoch {log.broke_at} on",)
    if not log.losses:
        return None, broke
    curve = _curve("warm-up", path, log.epochs, log.losses, case)
    return curve, (_fall(curve, case, sure=True), *broke)


def of_table(path: Path, table: MetricsTable, case: Case) -> tuple[LossCurve | None, tuple[str, ...]]:
    """Return the curve of a loss from the `COLUMNS` of the `table` at `path`, None without one, and sentences about it."""
    observations = [*_of_efficiency(path, table), *_of_error(path, table)]
    name = next((name for name in _LOSSES if name in table.columns), None)
    if name is None or GAN_LOSS in table.columns:
        return None, tuple(observations)
    by_epoch = defaultdict[int, list[float]](list)
    for epoch, value in zip(table.epochs, table.columns[name], strict=True):
        if value == value:  # a cell without a number is NaN
            by_epoch[epoch].append(value)
    if not by_epoch:
        return None, tuple(observations)
    epochs = sorted(by_epoch)
    curve = _curve(name, path, epochs, [float(np.mean(by_epoch[epoch])) for epoch in epochs], case)
    return curve, (*observations, _fall(curve, case, sure=False))  # that of another program may be of any kind


def of_events(
    path: Path, events: Mapping[str, Sequence[tuple[int, float]]], case: Case
) -> tuple[LossCurve | None, tuple[str, ...]]:
    """Return the curve of a loss from the scalars in TensorBoard's file at `path`, None without one, and a sentence on it."""
    name = next((tag for wanted in _LOSSES for tag in events if tag == wanted), None)
    if name is None:
        return None, ()
    by_step = dict(events[name])  # a resumed training repeats steps: the last counts
    steps = sorted(by_step)
    curve = _curve(name, path, steps, [by_step[step] for step in steps], case, unit="step")
    return curve, (_fall(curve, case, sure=False),)


def _curve(name: str, path: Path, epochs: Sequence[int], values: Sequence[float], case: Case, unit: str = "epoch") -> LossCurve:
    places = np.linspace(0, len(epochs) - 1, min(len(epochs), _MOST_POINTS)).round().astype(int)
    constant, motionless = knowing_nothing(case)
    return LossCurve(
        name=name,
        file=str(path),
        epochs=tuple(epochs[place] for place in places),
        values=tuple(_rounded(values[place]) for place in places),
        best_constant=constant,
        motionless=motionless,
        unit=unit,
    )


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def knowing_nothing(case: Case) -> tuple[float | None, float | None]:
    """Return the losses of the best constant, and of each sequence's own, weighted as the trainer logs its loss."""
    targets = case.samples.loss_targets
    weight = case.settings.number("training.reconstruction_loss_weight")
    if targets is None or weight is None:
        return None, None
    if case.network is not None and case.network.architecture is Architecture.SEQ2SEQ:
        weight = 1.0  # its warm-up knows no weight
    try:
        values = np.asarray(targets, dtype=np.float64)  # (N, T, D): the loss is the mean over all channels
        measures.require_numbers(values, "the targets")
        with np.errstate(over="raise", invalid="raise"):
            return (
                _rounded(weight * measures.best_constant_loss(values)),
                _rounded(weight * measures.motionless_loss(values)),
            )
    except (NotMeasurable, FloatingPointError):
        return None, None


def _fall(curve: LossCurve, case: Case, *, sure: bool) -> str:
    """Return a sentence on how far the loss fell, compared with predictors that know nothing."""
    first, last, count = curve.values[0], curve.values[-1], len(curve.epochs)
    what = "the warm-up's loss" if curve.name == "warm-up" else curve.name
    said = f"{Path(curve.file).name}: {what} "
    if count == 1:
        said += f"is {last:.4g} after one {curve.unit}"
    elif first > 0 and last <= first:
        said += f"fell by {_percent(1 - last / first)} from {curve.unit} {curve.epochs[0]} to {curve.epochs[-1]}, to {last:.4g}"
    else:
        said += f"did not fall: {first:.4g} at {curve.unit} {curve.epochs[0]}, {last:.4g} at {curve.unit} {curve.epochs[-1]}"
    if curve.best_constant is None or curve.motionless is None:
        return said
    own = "a motionless cursor" if case.space is None or case.space.absolute else "a cursor at one speed"
    where = "" if sure else " (if it is the L1 that this config compares)"
    said += f"; without learning anything, a constant reaches {curve.best_constant:.4g}, {own} {curve.motionless:.4g}{where}"
    if sure and curve.best_constant > 0 and last > 0.9 * curve.best_constant:
        said += ": almost nothing was learnt about single sequences"
    return said


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.095 or share == 0 else f"{share:.1%}"


def _last(table: MetricsTable, *names: str) -> tuple[int, tuple[float, ...]] | None:
    """Return the epoch and the values of the last row that has numbers in all these columns."""
    if not all(name in table.columns for name in names):
        return None
    rows = zip(table.epochs, *(table.columns[name] for name in names), strict=True)
    found = [row for row in rows if all(value == value for value in row[1:])]
    return (found[-1][0], tuple(found[-1][1:])) if found else None


def _of_efficiency(path: Path, table: MetricsTable) -> Iterator[str]:
    last = _last(table, *_EFFICIENCY)
    if last is not None:
        epoch, (real, drawn) = last
        yield f"{path.name}: at epoch {epoch} generated paths have a path efficiency of {drawn:.3g}, real ones {real:.3g}"


def _of_error(path: Path, table: MetricsTable) -> Iterator[str]:
    last = _last(table, ERROR_RATE)
    if last is None:
        return
    epoch, (share,) = last
    first = next(row for row in zip(table.epochs, table.columns[ERROR_RATE], strict=True) if row[1] == row[1])
    goes = "is" if first[0] == epoch else f"goes from {first[1]:.3g} at epoch {first[0]} to"
    yield f"{path.name}: the share of its samples that the detectors classify as real {goes} {share:.3g} at epoch {epoch}"
