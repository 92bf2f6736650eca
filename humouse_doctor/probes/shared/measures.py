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
#: The names of two channels.
_AXES = ("x", "y")
#: The evidence for a ratio of more than two channels.
_WORST, _OUTSIDE, _LEFT_OUT = "channel", "outside", "left_out"
_OF_MANY = {
    _WORST: "of more than two channels, the one that is judged, counted from 0",
    _OUTSIDE: "of more than two channels, those whose ratio is not healthy",
    _LEFT_OUT: "of more than two channels, those that do not vary in the data",
}
#: Ratios above this are written as a power of ten.
_READABLE = 1e6


def xy(values: FloatArray) -> FloatArray:
    """Return the position channels in float64: (N, T, D) -> (N, T, 2)."""
    return np.asarray(values[..., :2], dtype=np.float64)


def compared(case: Case, values: FloatArray) -> FloatArray:
    """Return the channels that the case's space compares, in float64: (N, T, D) -> (N, T, C)."""
    channels = 2 if case.space is None else case.space.channels
    return np.asarray(values[..., :channels], dtype=np.float64)


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


def last_third(lengths: FloatArray | None, rows: int, steps: int) -> BoolArray:
    """Return a mask (rows, steps) of the last third of a sequence's steps before the padding; the lengths are as above."""
    first = np.floor(_lengths(lengths, rows, steps) * 2 / 3)  # (rows,)
    counted: BoolArray = valid_steps(lengths, rows, steps) & (np.arange(steps) >= first[:, None])
    return counted


def _lengths(lengths: FloatArray | None, rows: int, steps: int) -> FloatArray:
    return np.full(rows, float(steps)) if lengths is None else np.minimum(np.resize(lengths, rows), steps)


def std_over_time(values: FloatArray, mask: BoolArray) -> FloatArray:
    """Return the mean over sequences of the standard deviation over the counted steps: (N, T, C) -> (C,).

    Sequences with fewer than `MIN_STEPS` counted steps are left out; raises `NotMeasurable` if none remains.
    """
    enough = mask.sum(axis=1) >= MIN_STEPS
    if not enough.any():
        raise NotMeasurable(f"no sequence has {MIN_STEPS} steps between the initial transient and the padding")
    kept, weights = values[enough], mask[enough][..., None].astype(np.float64)  # (n, T, C), (n, T, 1)
    count = weights.sum(axis=1)  # (n, 1)
    mean = (kept * weights).sum(axis=1) / count
    variance = (np.square(kept - mean[:, None]) * weights).sum(axis=1) / count
    return _without_rounding(np.sqrt(variance).mean(axis=0), kept * weights)


def _without_rounding(deviation: FloatArray, values: FloatArray) -> FloatArray:
    """Return a deviation (C,) of values (N, T, C), set to exactly 0 where it is only rounding."""
    return np.where(deviation > _ROUNDING * np.abs(values).max(axis=(0, 1)), deviation, 0.0)


def way_by_step(values: FloatArray) -> FloatArray:
    """Return how far sequences (N, T, D) move from each step to the next, the mean over them: (T - 1,)."""
    return np.asarray(np.linalg.norm(np.diff(np.asarray(values, dtype=np.float64), axis=1), axis=-1).mean(axis=0))


def lowest_axis_ratio(prediction: FloatArray, target: FloatArray) -> float:
    """Return prediction over target, (C,) each, on the axis where it is lowest; an axis whose target is 0 is left out.

    An axis that varies too much must not hide one that hardly varies. Raises `NotMeasurable` if both targets are 0.
    """
    return float(_axis_ratios(prediction, target).min())


def two_sided_axis_ratio(prediction: FloatArray, target: FloatArray, low: float) -> float:
    """Return the lowest axis' ratio if below `low`, else the highest's: too little must not hide behind too much."""
    ratios = _axis_ratios(prediction, target)
    return float(ratios.min() if ratios.min() < low else ratios.max())


def on_each_axis(metric: Metric) -> tuple[Metric, ...]:
    """Return a ratio that is judged on its worst channel, with its evidence.

    Two channels are the axes x and y, each with its own ratio; of more channels only the worst is named.
    """
    axes = (
        Metric(name=f"{metric.name}_{axis}", unit=metric.unit, meaning=f"{metric.name} on the {axis} axis") for axis in _AXES
    )
    of_many = (
        Metric(name=f"{metric.name}_{name}", unit="channel" if name == _WORST else "channels", meaning=meaning)
        for name, meaning in _OF_MANY.items()
    )
    return (metric, *axes, *of_many)


def evidence(metric: Metric, value: float, prediction: FloatArray, target: FloatArray) -> dict[str, float]:
    """Return the evidence for the `value` of a metric, prediction over target (C,) each, by name.

    It is the ratio of each of two axes, or the worst of more channels. One whose target is 0 is left out.
    """
    if len(target) == len(_AXES):
        pairs = zip(_AXES, prediction, target, strict=True)
        return {f"{metric.name}_{axis}": float(part / whole) for axis, part, whole in pairs if whole > 0}
    if len(target) < len(_AXES):
        return {}
    varies = np.flatnonzero(target > 0)
    ratios = prediction[varies] / target[varies]
    found = {
        _WORST: int(varies[np.argmin(np.abs(ratios - value))]),
        _OUTSIDE: sum(float(ratio) not in metric.healthy for ratio in ratios),
        _LEFT_OUT: len(target) - len(varies),
    }
    return {f"{metric.name}_{name}": float(number) for name, number in found.items()}


def two_sided(metric: Metric, prediction: FloatArray, target: FloatArray) -> dict[str, float]:
    """Return the metric's value, prediction over target (C,) on the worst channel, and the evidence for it."""
    worst = two_sided_axis_ratio(prediction, target, metric.healthy.low)
    return {metric.name: worst, **evidence(metric, worst, prediction, target)}


def left_out_channels(name: str, measured: Mapping[str, float]) -> int:
    """Return how many of more than two channels do not vary in the data, by the evidence for the metric `name`."""
    return int(measured.get(f"{name}_{_LEFT_OUT}", 0))


def _channels_in_words(name: str, measured: Mapping[str, float]) -> str:
    said = f" in channel {measured[f'{name}_{_WORST}']:.0f}, counted from 0"
    outside, left_out = int(measured[f"{name}_{_OUTSIDE}"]), left_out_channels(name, measured)
    if outside > 1:
        said += f"; {outside} channels are outside the healthy range"
    if left_out:
        said += f"; {left_out} {'does' if left_out == 1 else 'do'} not vary in the data and {'is' if left_out == 1 else 'are'}"
        said += " left out"
    return said


def is_series(case: Case) -> bool:
    """Return True if what is compared may be any series, of which nobody knows that it is a path."""
    return case.space is not None and case.space.as_is


def axes_in_words(case: Case, name: str, value: float, measured: Mapping[str, float], digits: int) -> str:
    """Return which channel has `value`, and of two the value of the other, to be put behind `value`; empty of one channel."""
    if f"{name}_{_WORST}" in measured:
        return _channels_in_words(name, measured)
    found = {axis: measured[f"{name}_{axis}"] for axis in _AXES if f"{name}_{axis}" in measured}
    if not found:
        return ""
    worse = min(found, key=lambda axis: abs(found[axis] - value))
    other = next(axis for axis in _AXES if axis != worse)
    called = {axis: f"channel {index}" if is_series(case) else axis for index, axis in enumerate(_AXES)}
    if other not in found:
        return f" in {called[worse]} ({called[other]} does not vary in the data and is left out)"
    if in_words(found[other], digits) == in_words(value, digits):
        return f" {'in both channels' if is_series(case) else 'on both axes'}"
    return f" in {called[worse]} and {in_words(found[other], digits)} in {called[other]}"


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
    """Return the standard deviation over all sequences and their steps before the padding: (N, T, C) -> (C,).

    Raises `NotMeasurable` if there is nothing but padding.
    """
    if lengths is None:
        return _without_rounding(values.std(axis=(0, 1)), values)
    valid = values[_some_valid(lengths, values)]  # (n, 2)
    return _without_rounding(valid.std(axis=0), valid[None])


def spread_across(values: FloatArray, lengths: FloatArray | None = None) -> FloatArray:
    """Return the mean over steps of the standard deviation across the sequences that are not over: (N, T, C) -> (C,).

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


def _some_valid(lengths: FloatArray | None, values: FloatArray) -> BoolArray:
    mask = valid_steps(lengths, len(values), values.shape[1])
    if not mask.any():
        raise NotMeasurable("every step is padding")
    return mask


def speed(paths: FloatArray, mask: BoolArray) -> FloatArray:
    """Return the root mean square of the changes from one counted step to the next: paths (N, T, C) -> (C,), 0 if none is."""
    both = mask[:, :-1] & mask[:, 1:]
    moved = np.diff(paths, axis=1)[both]  # (n, C)
    return np.asarray(np.sqrt(np.square(moved).sum(axis=0) / max(1, len(moved))))


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


def best_constant_loss(targets: FloatArray, lengths: FloatArray | None = None) -> float:
    """Return the L1 of the best single constant per axis, the median of everything before the padding: (N, T, 2) -> float."""
    counted = targets[_some_valid(lengths, targets)]  # (n, 2)
    return float(np.abs(counted - np.median(counted, axis=0)).mean())


def motionless_loss(targets: FloatArray, lengths: FloatArray | None = None) -> float:
    """Return the L1 of each sequence's own best constant, its median per axis before the padding: (N, T, 2) -> float.

    That is a motionless cursor if the loss compares positions, and a cursor at constant speed if it compares deltas.
    """
    if lengths is None:
        return float(np.abs(targets - np.median(targets, axis=1, keepdims=True)).mean())
    counted = [row[going] for row, going in zip(targets, _some_valid(lengths, targets), strict=True) if going.any()]
    return float(np.abs(np.concatenate([row - np.median(row, axis=0) for row in counted])).mean())


def loss_targets(case: Case) -> FloatArray:
    """Return the case's loss targets on the compared channels, (N, T, C); raise `NotMeasurable` if there are none."""
    assert case.samples.loss_targets is not None
    values = compared(case, case.samples.loss_targets)
    require_numbers(values, "the targets")
    return values


def predictions(case: Case) -> FloatArray:
    """Return the case's prior samples on the compared channels, (M, T, C); raise `NotMeasurable` if there are none."""
    assert case.samples.predictions is not None
    values = compared(case, case.samples.predictions)
    require_numbers(values, "the generated sequences")
    return values


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Targets (N, T, C) and prior samples (M, T, C) in the `space` in which symptoms are judged, None if it is unknown."""

    targets: FloatArray
    predictions: FloatArray
    space: Space | None

    @property
    def target_paths(self) -> FloatArray:
        """The targets as positions, (N, T, C)."""
        assert self.space is not None
        return self.space.positions(self.targets)

    @property
    def paths(self) -> FloatArray:
        """The prior samples as positions, (M, T, C)."""
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
    both = min(targets.shape[-1], drawn.shape[-1])  # the case says so where they differ
    targets, drawn = targets[..., :both], drawn[..., :both]
    return Judged(targets=targets, predictions=drawn, space=space)


def space_name(case: Case) -> str:
    """Return the space of `judged` in words, for messages."""
    if case.spaces_differ and case.reading is not None:
        return f"positions, with the output read as {case.reading.space.name}"
    return case.space.name if case.space else "the loss's space"
