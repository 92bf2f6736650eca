"""Measures that probes share: spreads, movement and losses of arrays (N, T, D), in float64."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from humouse_doctor.core.arrays import BoolArray, FloatArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Judgement, Metric
from humouse_doctor.core.space import PIXELS, Space

#: The share of steps at the start in which a recurrent state still moves away from zero.
TRANSIENT_SHARE = 0.1
#: Sequences with fewer counted steps than this have no meaningful spread over time.
MIN_STEPS = 4
#: The fewest sequences, real or generated, from which a collapse can be judged.
MIN_SEQUENCES = 16
#: A standard deviation below this share of its values is rounding, not variation.
_ROUNDING = 1e-9
#: Paths of which a line at one speed leaves less than this share of the variance over time differ from it by jitter.
_UNIFORM = 0.02
#: The position channels.
_AXES = ("x", "y")
#: Ratios above this are written as a power of ten.
_READABLE = 1e6


def xy(values: FloatArray) -> FloatArray:
    """Return the position channels in float64: (N, T, D) -> (N, T, 2)."""
    return np.asarray(values[..., :2], dtype=np.float64)


def require_numbers(values: FloatArray, what: str) -> None:
    """Raise `NotMeasurable` if `values`, called `what` in the message, are empty, NaN or infinite."""
    if values.size == 0:
        raise NotMeasurable(f"{what} are empty")
    if not np.isfinite(values).all():
        raise NotMeasurable(f"{what} hold NaN or infinite values")


def require_sequences(*sides: FloatArray) -> None:
    """Raise `NotMeasurable` if one of `sides`, (N, T, D) each, has too few sequences."""
    fewest = min(len(side) for side in sides)
    if fewest < MIN_SEQUENCES:
        raise NotMeasurable(f"only {fewest} sequence{'' if fewest == 1 else 's'}: too few to tell")


def valid_steps(lengths: FloatArray | None, rows: int, steps: int) -> BoolArray:
    """Return a mask (rows, steps) of the steps before the padding.

    If there are more rows than lengths (N,), the lengths are repeated in turn.
    """
    before: BoolArray = np.arange(steps) < _lengths(lengths, rows, steps)[:, None]
    return before


def counted_steps(lengths: FloatArray | None, rows: int, steps: int) -> BoolArray:
    """Return a mask (rows, steps) of the steps after the transient, a share of a sequence's length, and before the padding.

    The lengths (N,) are those of `valid_steps`.
    """
    transient = np.ceil(_lengths(lengths, rows, steps) * TRANSIENT_SHARE)  # (rows,)
    counted: BoolArray = valid_steps(lengths, rows, steps) & (np.arange(steps) >= transient[:, None])
    return counted


def _lengths(lengths: FloatArray | None, rows: int, steps: int) -> FloatArray:
    return np.full(rows, float(steps)) if lengths is None else np.minimum(np.resize(lengths, rows), steps)


def std_over_time(values: FloatArray, mask: BoolArray) -> FloatArray:
    """Return the mean over sequences of the standard deviation over the counted steps: (N, T, 2) -> (2,).

    Sequences with fewer than `MIN_STEPS` counted steps are left out; raises `NotMeasurable` if none remains.
    """
    enough = mask.sum(axis=1) >= MIN_STEPS
    if not enough.any():
        raise NotMeasurable(f"no sequence has {MIN_STEPS} steps between the initial transient and the padding")
    kept, weights = values[enough], mask[enough][..., None].astype(np.float64)  # (n, T, 2), (n, T, 1)
    count = weights.sum(axis=1)  # (n, 1)
    mean = (kept * weights).sum(axis=1) / count
    variance = (np.square(kept - mean[:, None]) * weights).sum(axis=1) / count
    return _without_rounding(np.sqrt(variance).mean(axis=0), kept * weights)


def _without_rounding(deviation: FloatArray, values: FloatArray) -> FloatArray:
    """Return a deviation (2,) of values (N, T, 2), set to exactly 0 where it is only rounding."""
    return np.where(deviation > _ROUNDING * np.abs(values).max(axis=(0, 1)), deviation, 0.0)


def lowest_axis_ratio(prediction: FloatArray, target: FloatArray) -> float:
    """Return prediction over target, (2,) each, on the axis where it is lowest; an axis whose target is 0 is left out.

    An axis that varies too much must not hide one that hardly varies. Raises `NotMeasurable` if both targets are 0.
    """
    return float(_axis_ratios(prediction, target).min())


def two_sided_axis_ratio(prediction: FloatArray, target: FloatArray, low: float) -> float:
    """Return the lowest axis' ratio if below `low`, else the highest's: too little must not hide behind too much."""
    ratios = _axis_ratios(prediction, target)
    return float(ratios.min() if ratios.min() < low else ratios.max())


def on_each_axis(metric: Metric) -> tuple[Metric, Metric, Metric]:
    """Return a ratio that is judged on its worse axis, with that of each axis as evidence."""
    x, y = (
        Metric(name=f"{metric.name}_{axis}", unit=metric.unit, meaning=f"{metric.name} on the {axis} axis") for axis in _AXES
    )
    return metric, x, y


def axis_ratios(name: str, prediction: FloatArray, target: FloatArray) -> dict[str, float]:
    """Return prediction over target, (2,) each, by `name` and axis; an axis whose target is 0 is left out."""
    return {
        f"{name}_{axis}": float(part / whole) for axis, part, whole in zip(_AXES, prediction, target, strict=True) if whole > 0
    }


def two_sided(metric: Metric, prediction: FloatArray, target: FloatArray) -> dict[str, float]:
    """Return the metric's value, prediction over target (2,) on the worse axis, and that of each axis."""
    worse = two_sided_axis_ratio(prediction, target, metric.healthy.low)
    return {metric.name: worse, **axis_ratios(metric.name, prediction, target)}


def axes_in_words(name: str, value: float, measured: Mapping[str, float], digits: int) -> str:
    """Return which axis has `value`, and the value of the other, to be put behind `value`; empty if no axis is known."""
    found = {axis: measured[f"{name}_{axis}"] for axis in _AXES if f"{name}_{axis}" in measured}
    if not found:
        return ""
    worse = min(found, key=lambda axis: abs(found[axis] - value))
    other = next(axis for axis in _AXES if axis != worse)
    if other not in found:
        return f" in {worse} ({other} does not vary in the data and is left out)"
    if in_words(found[other], digits) == in_words(value, digits):
        return " on both axes"
    return f" in {worse} and {in_words(found[other], digits)} in {other}"


def judge_two_sided(metrics: Iterable[Metric], measured: Mapping[str, float]) -> Judgement:
    """Judge by the worst metric; too much variation alone is at most borderline, since it is not a collapse."""
    values = [(metric, measured[metric.name]) for metric in metrics if metric.name in measured]
    if any(value < metric.tolerable.low for metric, value in values):
        return Judgement.FOUND
    well = all(metric.judge(value) is Judgement.HEALTHY for metric, value in values)
    return Judgement.HEALTHY if well else Judgement.BORDERLINE


def overshoot(metrics: Iterable[Metric], measured: Mapping[str, float]) -> bool:
    """Return True if some metric is above its healthy interval and none is below."""
    values = [(metric, measured[metric.name]) for metric in metrics if metric.name in measured]
    above = any(value > metric.healthy.high for metric, value in values)
    return above and all(value >= metric.healthy.low for metric, value in values)


def _axis_ratios(prediction: FloatArray, target: FloatArray) -> FloatArray:
    usable = np.asarray(target) > 0
    if not usable.any():
        raise NotMeasurable("the targets do not vary, so there is nothing to compare with")
    return np.asarray(np.asarray(prediction)[usable] / np.asarray(target)[usable])


def in_words(ratio: float, digits: int) -> str:
    """Format a ratio for a message with this many decimal digits; one of millions as a power of ten.

    One too small for the digits is said to be less than they can show, never to be 0.
    """
    least = 10.0**-digits
    if 0 < ratio < least / 2:
        return f"less than {least:.{digits}f}"
    return f"{ratio:.{digits}f}" if ratio < _READABLE else f"{ratio:.2e}"


def spread(values: FloatArray, lengths: FloatArray | None = None) -> FloatArray:
    """Return the standard deviation over all sequences and their steps before the padding: (N, T, 2) -> (2,).

    Raises `NotMeasurable` if there is nothing but padding.
    """
    if lengths is None:
        return _without_rounding(values.std(axis=(0, 1)), values)
    valid = values[_some_valid(lengths, values)]  # (n, 2)
    return _without_rounding(valid.std(axis=0), valid[None])


def spread_across(values: FloatArray, lengths: FloatArray | None = None) -> FloatArray:
    """Return the mean over steps of the standard deviation across the sequences that are not over: (N, T, 2) -> (2,).

    A step counts by the number of those sequences. Raises `NotMeasurable` if there is nothing but padding.
    """
    if lengths is None:
        return _without_rounding(values.std(axis=0).mean(axis=0), values)
    mask = _some_valid(lengths, values)
    going = mask[:, mask.any(axis=0), None].astype(np.float64)  # (N, t, 1)
    kept = np.where(going > 0, values[:, mask.any(axis=0)], 0.0)  # (N, t, 2)
    count = going.sum(axis=0)  # (t, 1)
    mean = kept.sum(axis=0) / count
    variance = (np.square(kept - mean) * going).sum(axis=0) / count  # (t, 2)
    return _without_rounding((np.sqrt(variance) * count).sum(axis=0) / count.sum(), kept)


def _some_valid(lengths: FloatArray, values: FloatArray) -> BoolArray:
    mask = valid_steps(lengths, len(values), values.shape[1])
    if not mask.any():
        raise NotMeasurable("every step is padding")
    return mask


def moves_uniformly(paths: FloatArray, mask: BoolArray) -> bool:
    """Return True if paths (N, T, 2) go straight at one speed over the counted steps, up to jitter.

    They do if a straight line at a constant speed explains all but a fiftieth of the variance over time within a path. A path
    with fewer than `MIN_STEPS` counted steps is left out.
    """
    enough = mask.sum(axis=1) >= MIN_STEPS
    kept, weights = paths[enough], mask[enough].astype(np.float64)[..., None]  # (n, T, 2), (n, T, 1)
    count = weights.sum(axis=1, keepdims=True)
    time = np.arange(paths.shape[1], dtype=np.float64)[None, :, None]
    time = (time - (time * weights).sum(axis=1, keepdims=True) / count) * weights
    moved = (kept - (kept * weights).sum(axis=1, keepdims=True) / count) * weights
    slope = (time * moved).sum(axis=1, keepdims=True) / np.square(time).sum(axis=1, keepdims=True)
    whole = float(np.square(moved).sum())
    return whole > 0 and float(np.square(moved - slope * time).sum()) < _UNIFORM * whole


def best_constant_loss(targets: FloatArray) -> float:
    """Return the L1 of the best single constant per axis, the median of everything: (N, T, 2) -> float."""
    return float(np.abs(targets - np.median(targets, axis=(0, 1))).mean())


def motionless_loss(targets: FloatArray) -> float:
    """Return the L1 of each sequence's own best constant, its median per axis: (N, T, 2) -> float.

    That is a motionless cursor if the loss compares positions, and a cursor at constant speed if it compares deltas.
    """
    return float(np.abs(targets - np.median(targets, axis=1, keepdims=True)).mean())


def loss_targets(case: Case) -> FloatArray:
    """Return the case's loss targets on the position channels, (N, T, 2); raise `NotMeasurable` if there are none."""
    assert case.samples.loss_targets is not None
    values = xy(case.samples.loss_targets)
    require_numbers(values, "the targets")
    return values


def predictions(case: Case) -> FloatArray:
    """Return the case's prior samples on the position channels, (M, T, 2); raise `NotMeasurable` if there are none."""
    assert case.samples.predictions is not None
    values = xy(case.samples.predictions)
    require_numbers(values, "the generated sequences")
    return values


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Targets (N, T, 2) and prior samples (M, T, 2) in the `space` in which symptoms are judged, None if it is unknown."""

    targets: FloatArray
    predictions: FloatArray
    space: Space | None

    @property
    def target_paths(self) -> FloatArray:
        """The targets as positions, (N, T, 2)."""
        assert self.space is not None
        return self.space.positions(self.targets)

    @property
    def paths(self) -> FloatArray:
        """The prior samples as positions, (M, T, 2)."""
        assert self.space is not None
        return self.space.positions(self.predictions)


def judged(case: Case) -> Judged:
    """Return what symptoms are judged by; raise `NotMeasurable` if it is empty or not finite.

    Where the program reads what the loss compares, that is the loss's own space. Where it does not, these are positions in
    the data's unit, with the samples read as the program reads them.
    """
    targets, drawn, space = loss_targets(case), predictions(case), case.space
    if case.spaces_differ and case.reading is not None and case.samples.sequences is not None:
        space = PIXELS
        targets, drawn = PIXELS.targets(xy(case.samples.sequences), 2), case.reading.space.pixels(drawn)
        require_numbers(targets, "the targets")
        require_numbers(drawn, "the generated paths")
    return Judged(targets=targets, predictions=drawn, space=space)


def space_name(case: Case) -> str:
    """Return the space of `judged` in words, for messages."""
    if case.spaces_differ and case.reading is not None:
        return f"positions, with the output read as {case.reading.space.name}"
    return case.space.name if case.space else "the loss's space"
