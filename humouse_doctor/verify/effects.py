"""Trials to effects: how far from health a trained generator is, and what an arm changed about that."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

from humouse_doctor.core.outcome import Arm, ArmOutcome, Change, Effect, Trial
from humouse_doctor.core.probe import Judgement, Metric, ProbeResult
from humouse_doctor.core.remedy import Interval
from humouse_doctor.probes.registry import current

#: A ratio this many times off its healthy interval is as bad as any worse one: 0.02 and 0.0002 are both flat.
_AS_FAR_AS_COUNTS = 20.0
#: A change of the mean distance from health below this is none, whatever its interval.
_SMALLEST_EFFECT = 0.03
#: Two-sided 95 % quantiles of Student's t by degrees of freedom, 1 to 9; 1.96 beyond would claim too much, so 2.26 stays.
_T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


def _deciding() -> Mapping[str, Metric]:
    """Return the metrics that measure how far from health a trial ended, by `code.metric`."""
    return {name: metric for name, metric in current().metrics.items() if metric.deciding}


def is_healthy(results: Sequence[ProbeResult]) -> bool:
    """Whether every deciding symptom was measured and lies within its healthy interval."""
    by_code = {result.code: result for result in results}
    return all(code in by_code and by_code[code].judgement is Judgement.HEALTHY for code in current().deciding_in_trials)


def distance(measurements: Mapping[str, float]) -> float:
    """How far from health, 0 to 1: the mean over the deciding metrics; one that could not be measured counts as 1.

    A ratio's share is log(bound / value) / log 20, any other metric's (bound - value) / bound, each within [0, 1].
    """
    return fmean(_off(metric, measurements[name]) if name in measurements else 1.0 for name, metric in _deciding().items())


def _off(metric: Metric, value: float) -> float:
    """How far `value` is outside the metric's healthy interval, 0 to 1."""
    low, high = metric.healthy.low, metric.healthy.high
    if value in metric.healthy:
        return 0.0
    if metric.unit != "ratio":
        return min(1.0, (low - value) / low)
    if value <= 0:
        return 1.0
    factor = low / value if value < low else value / high
    return min(1.0, math.log(factor) / math.log(_AS_FAR_AS_COUNTS))


def interval95(values: Sequence[float]) -> Interval | None:
    """Student's 95 % interval of the mean of paired differences; None with fewer than two."""
    if len(values) < 2:
        return None
    half = _T95[min(len(values) - 1, len(_T95)) - 1] * stdev(values) / math.sqrt(len(values))
    return Interval(low=fmean(values) - half, high=fmean(values) + half)


def compare(arm: Arm, base: Sequence[Trial], trials: Sequence[Trial]) -> ArmOutcome:
    """What `arm` did over the seeds that both it and the run as it is were trained with."""
    before = {trial.seed: trial for trial in base if trial.failed is None}
    paired = [(before[trial.seed], trial) for trial in trials if trial.failed is None and trial.seed in before]
    failures = tuple(f"seed {trial.seed}: {trial.failed}" for trial in trials if trial.failed is not None)
    stops = tuple(f"seed {trial.seed}: {trial.stopped}" for trial in trials if trial.stopped is not None)
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
        notes=failures + stops,
    )


def _effect(paired: Sequence[tuple[Trial, Trial]], gains: Sequence[float], gain: Interval | None) -> Effect:
    """Cured with every seed; else by the mean gain, where all seeds agree on it or its interval leaves 0 out."""
    if all(after.healthy for _, after in paired):
        return Effect.NO_EFFECT if all(before.healthy for before, _ in paired) else Effect.CURED
    mean = fmean(gains)
    agree = all(one >= _SMALLEST_EFFECT for one in gains) or all(one <= -_SMALLEST_EFFECT for one in gains)
    if abs(mean) < _SMALLEST_EFFECT or not (agree or (gain is not None and 0.0 not in gain)):
        return Effect.NO_EFFECT
    return Effect.BETTER if mean > 0 else Effect.WORSE


def _changes(paired: Sequence[tuple[Trial, Trial]]) -> list[Change]:
    changes = []
    for name in dict.fromkeys((*_deciding(), *current().labels)):  # what decides, and what tables show
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
