"""Compute effects from trials: distances from health, and what an arm changed about them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, stdev

from humouse_doctor.core.outcome import Arm, ArmOutcome, Change, Effect, Trial
from humouse_doctor.core.probe import Metric, ProbeResult
from humouse_doctor.core.remedy import Interval
from humouse_doctor.core.report import Report, Verdict
from humouse_doctor.diagnosis.causes import explodes, lacks
from humouse_doctor.probes.registry import current

#: A ratio off its healthy interval by this factor counts as the worst: 0.02 and 0.0002 are both flat.
_AS_FAR_AS_COUNTS = 20.0
#: A change of the mean distance from health smaller than this is not an effect, whatever its interval.
_SMALLEST_EFFECT = 0.03
#: A cure is sure if it is this factor inside the healthy interval: 7 of 12 searches that were lost in the zoo ended at an arm
#: that was barely healthy.
_MARGIN = 1.2
#: A part is needless only if without it no ratio moves away from 1 by more than this factor, and no share loses more than this.
_RATIO_LOST, _SHARE_LOST = 1.25, 0.1
#: Two-sided 95 % quantiles of Student's t by degrees of freedom, 1 to 9; beyond 9 the last value stays, which is cautious.
_T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


def _deciding() -> Mapping[str, Metric]:
    """Return the metrics that measure how far from health a trial ended, by `code.metric`."""
    return {name: metric for name, metric in current().metrics.items() if metric.deciding}


def called_healthy(results: Sequence[ProbeResult], report: Report) -> bool:
    """Return True if the deciding symptoms are healthy, and `inspect` would not warn of the run for another reason."""
    return is_healthy(results) and report.verdict not in (Verdict.AT_RISK, Verdict.COLLAPSED)


def is_healthy(results: Sequence[ProbeResult]) -> bool:
    """Return True if every deciding symptom was measured, none lacks anything, and none is too large beyond tolerance.

    That is what `inspect` asks of a healthy run: samples that move somewhat too much have not collapsed.
    """
    by_code = {result.code: result for result in results}
    decide = [by_code.get(code) for code in current().deciding_in_trials]
    return all(one is not None and one.judgement is not None and not lacks(one) and not explodes(one) for one in decide)


def _decided(measurements: Mapping[str, float]) -> Iterator[tuple[str, Metric, float | None]]:
    """Yield each deciding metric with its value, None if it was not measured.

    An optional one that its probe left out of what it measured is passed over.
    """
    measured = {name.partition(".")[0] for name in measurements}
    for name, metric in _deciding().items():
        if name in measurements or not (metric.optional and name.partition(".")[0] in measured):
            yield name, metric, measurements.get(name)


def is_inside(measurements: Mapping[str, float]) -> bool:
    """Return True if every deciding metric was measured and is within its healthy interval by a fifth of each bound."""
    return all(
        value is not None and _MARGIN * metric.healthy.low <= value <= metric.healthy.high / _MARGIN
        for _, metric, value in _decided(measurements)
    )


def is_as_well(measurements: Mapping[str, float], whole: Mapping[str, float]) -> bool:
    """Return True if no deciding metric is further from 1 than in `whole` by more than a quarter, or a skill lower by 0.1."""
    return all(
        value is not None and (name not in whole or _lost(metric, value, whole[name]) <= 0)
        for name, metric, value in _decided(measurements)
    )


def _lost(metric: Metric, value: float, whole: float) -> float:
    """Return how much worse `value` is than `whole`, less what may be lost."""
    if metric.unit != "ratio":
        return whole - value - _SHARE_LOST
    if min(value, whole) <= 0:
        return math.inf
    return abs(math.log(value)) - abs(math.log(whole)) - math.log(_RATIO_LOST)


def distance(measurements: Mapping[str, float]) -> float:
    """Return the distance from health, 0 to 1: the mean over the deciding metrics, where an unmeasured one counts as 1.

    A ratio contributes log(bound / value) / log 20, any other metric (bound - value) / bound, each clipped to [0, 1].
    """
    return fmean(1.0 if value is None else _distance_of(metric, value) for _, metric, value in _decided(measurements))


def _distance_of(metric: Metric, value: float) -> float:
    """Return how far `value` is outside the metric's healthy interval, 0 to 1."""
    low, high = metric.healthy.low, metric.healthy.high
    if value in metric.healthy:
        return 0.0
    if metric.unit != "ratio":
        return min(1.0, (low - value) / low)
    if value <= 0:
        return 1.0
    factor = low / value if value < low else value / high
    return min(1.0, math.log(factor) / math.log(_AS_FAR_AS_COUNTS))


def furthest(measurements: Mapping[str, float]) -> str | None:
    """Return, in words, the measure that is furthest from health; None if all of the measured ones are healthy."""
    off = {
        name: _distance_of(metric, measurements[name]) if metric.deciding else 0.0
        for name, metric in current().metrics.items()
        if name.partition(".")[0] in current().deciding_in_trials
        and name in measurements
        and measurements[name] not in metric.healthy
    }
    if not off:
        return None
    worst = max(off, key=lambda name: off[name])
    code, _, name = worst.partition(".")
    word = current().by_code[code].word(name)
    named = f"{word} ({worst})" if word != name or worst in current().labels else worst
    return f"{named} is {measurements[worst]:.3g}, healthy is {current().metrics[worst].healthy}"


def risk_of(trial: Trial) -> str | None:
    """Return why a trial whose deciding numbers are healthy is not called so, None for any other."""
    if trial.healthy or furthest(trial.measurements) is not None:
        return None
    unknown = dict.fromkeys(name.partition(".")[0] for name, _, value in _decided(trial.measurements) if value is None)
    if unknown:
        return f"{', '.join(unknown)} could not be measured"
    return (
        f"at risk by {', '.join(trial.causes)}" if trial.causes else "at risk by what it draws, though the numbers are healthy"
    )


def interval95(values: Sequence[float]) -> Interval | None:
    """Return Student's 95 % interval of the mean of paired differences, None with fewer than two."""
    if len(values) < 2:
        return None
    half = _T95[min(len(values) - 1, len(_T95)) - 1] * stdev(values) / math.sqrt(len(values))
    return Interval(low=fmean(values) - half, high=fmean(values) + half)


def compare(arm: Arm, base: Sequence[Trial], trials: Sequence[Trial]) -> ArmOutcome:
    """Compare `arm` with the run as it is, over the seeds that both were trained with."""
    before = {trial.seed: trial for trial in base if trial.failed is None}
    paired = [(before[trial.seed], trial) for trial in trials if trial.failed is None and trial.seed in before]
    failures = tuple(f"seed {trial.seed}: {trial.failed}" for trial in trials if trial.failed is not None)
    stops = tuple(f"seed {trial.seed}: {trial.stopped}" for trial in trials if trial.stopped is not None)
    risks = tuple(f"seed {one.seed}: {risk}" for one in trials if one.failed is None and (risk := risk_of(one)) is not None)
    if not paired:
        return ArmOutcome(
            arm=arm, seeds=0, healthy_seeds=0, effect=None, distance=(1.0, 1.0), gain=None, changes=(), notes=failures
        )
    off = [(distance(one.measurements), distance(other.measurements)) for one, other in paired]
    gains = [before - after for before, after in off]
    gain = interval95(gains)
    healthy = sum(trial.healthy for _, trial in paired)
    effect = None if failures or arm.key == "" else _effect(paired, gains, gain)
    return ArmOutcome(
        arm=arm,
        seeds=len(paired),
        healthy_seeds=healthy,
        effect=effect,
        distance=(fmean(before for before, _ in off), fmean(after for _, after in off)),
        gain=gain,
        changes=tuple(_changes(paired)),
        notes=failures + stops + risks,
    )


def _effect(paired: Sequence[tuple[Trial, Trial]], gains: Sequence[float], gain: Interval | None) -> Effect:
    """Judge an arm: cured if every seed is healthy, else by its mean gain.

    The gain counts if all seeds agree on its sign or its interval excludes 0.
    """
    if all(after.healthy for _, after in paired):
        return Effect.NO_EFFECT if all(before.healthy for before, _ in paired) else Effect.CURED
    mean = fmean(gains)
    agree = all(one >= _SMALLEST_EFFECT for one in gains) or all(one <= -_SMALLEST_EFFECT for one in gains)
    if abs(mean) < _SMALLEST_EFFECT or not (agree or (gain is not None and 0.0 not in gain)):
        return Effect.NO_EFFECT
    return Effect.BETTER if mean > 0 else Effect.WORSE


def _changes(paired: Sequence[tuple[Trial, Trial]]) -> list[Change]:
    changes = []
    for name in dict.fromkeys((*_deciding(), *current().labels)):  # the deciding ones, and those that tables show
        both = [
            (before.measurements[name], after.measurements[name])
            for before, after in paired
            if name in before.measurements and name in after.measurements
        ]
        if len(both) == len(paired):
            changes.append(
                Change(
                    metric=name,
                    before=fmean(value for value, _ in both),
                    after=fmean(value for _, value in both),
                    difference=interval95([after - before for before, after in both]),
                )
            )
    return changes
