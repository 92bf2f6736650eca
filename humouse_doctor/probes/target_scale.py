"""HD202: the output layer cannot reach the targets' scale in the steps of the warm-up."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

from humouse_doctor.cases import budget
from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Decides, Judgement, Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval, Lever, Remedy
from humouse_doctor.core.spec import Architecture, Head, MeasuredHead
from humouse_doctor.probes.shared import measures
from humouse_doctor.remedies import catalogue

#: If more than this many times the available steps are needed, longer training is not a practical remedy.
_HOPELESS = 4.0
#: Targets of unit scale have an rms of 1 to 3. Above this a TCN, for which the estimate does not hold, is borderline.
_LARGE_RMS = 10.0


class TargetScale(Probe):
    code = "HD202"
    name = "target-scale"
    kind = Kind.CAUSE
    summary = "Steps the output layer needs to reach the targets' scale at this learning rate, against the steps there are."
    briefs = (
        "needs {steps_needed:,.0f}+ steps to scale, has {steps_available:,.0f}",
        "the rms of the targets is {target_rms:.3g}, not 1",
    )
    needs = (Need.TARGETS, Need.HEADS)
    decides = Decides.BEFORE_TRAINING
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(name="steps_needed", unit="steps", meaning="rms of the targets over lr x (H + 1)"),
        Metric(name="steps_available", unit="steps", meaning="epochs x sequences / batch size"),
        Metric(
            name="steps_share",
            unit="ratio",
            meaning="steps available over steps needed",
            healthy=Interval(low=0.8),
            tolerable=Interval(low=0.4),
        ),
        Metric(name="target_rms", unit="loss space", meaning="root mean square of the targets, the larger axis"),
    )
    explains = ("HD101", "HD103", "HD104", "HD105")
    key = "training.absolute_coordinates"
    levers = (Lever.SPACE, Lever.STEPS)

    def measure(self, case: Case) -> dict[str, float]:
        assert case.network is not None
        hidden = case.network.hidden_dim
        targets = measures.loss_targets(case)
        if case.reading is not None and case.reading.compared:  # the loss sums the output, which makes their steps
            targets = np.diff(targets, axis=1, prepend=0.0)
        measured = [isinstance(head, MeasuredHead) for head in case.network.heads[: targets.shape[-1]]]
        if any(measured):  # the output layer has to reach what the head makes the targets of
            targets = _before_head(case.network.heads, targets)
        rms = float(np.sqrt(np.square(targets).mean(axis=(0, 1))).max())
        if rms <= 0:
            raise NotMeasurable("all targets are zero")
        if case.network.architecture is Architecture.TCN:
            if case.settings.number("training.lr.generator") is not None:
                budget.learning_rate(case)
            return {"target_rms": rms}
        rate = budget.learning_rate(case)
        if hidden is None:
            raise NotMeasurable("its estimate is for an output layer on recurrent states, which are bounded")
        needed = rms / (rate * (hidden + 1))
        available = budget.steps_available(case)
        if available == 0:
            budget.require_warm_up(case)
        if available is None:
            words = budget.in_words(needed) if math.isfinite(needed) else "more than any number of"
            raise NotMeasurable(f"{words} steps are needed, but {budget.steps_trouble(case)}")
        share = available / needed if needed > 0 else math.inf
        if any(measured) and share not in self.metric("steps_share").healthy:
            raise NotMeasurable(
                f"the head scales what the output layer gives, and before it the targets have an rms of {rms:.3g}: in which"
                " scale the loss compares them is not known"
            )
        return {"steps_needed": needed, "steps_available": available, "steps_share": share, "target_rms": rms}

    def judge(self, measured: Mapping[str, float]) -> Judgement:
        if "steps_share" in measured:
            return super().judge(measured)
        return Judgement.BORDERLINE if measured["target_rms"] > _LARGE_RMS else Judgement.HEALTHY

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        space = case.space.name if case.space else "the loss's space"
        if "steps_share" not in measured:
            return (
                f"the targets ({space}) have an rms of {measured['target_rms']:.3g}, far from 1: how many steps a TCN"
                " needs to reach that scale is not known, and short warm-ups did not reach it"
            )
        rms, rate = f"{measured['target_rms']:.3g}", f"{budget.learning_rate(case):g}"
        needed, has = (budget.in_words(measured[name]) for name in ("steps_needed", "steps_available"))
        if _is_bounded_below(case, measured["target_rms"]):
            return (
                f"the targets ({space}) have an rms of {rms}, which the head never emits; without its bounds the output layer"
                f" would need about {needed} steps at lr {rate} to reach that scale, and has {has}{budget.counted_on(case)}"
            )
        return (
            f"the targets ({space}) have an rms of {rms}; at lr {rate} the output layer needs about {needed} steps to reach"
            f" that scale and has {has}{budget.counted_on(case)}"
        )

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        scale = catalogue.scale_remedies(case)
        # more steps towards a scale in which the output is not read make what is read worse
        if measured.get("steps_share", 0.0) * _HOPELESS < 1 or (case.spaces_differ and catalogue.sums_output(case)):
            return scale
        # in the zoo's calibration part, more steps alone cured none of the runs for which they came first
        return (*scale, catalogue.enough_steps(case, measured["steps_needed"], measured["steps_available"]))


def _is_bounded_below(case: Case, rms: float) -> bool:
    """Return True if every head's values, whatever their sign, are below the rms of the targets."""
    compared = None if measures.is_series(case) else 2
    heads = () if case.network is None else case.network.heads[:compared]
    return bool(heads) and all(head is not None and max(map(abs, head.bounds)) < rms for head in heads)


def _before_head(heads: Sequence[Head | None], targets: FloatArray) -> FloatArray:
    """Return targets (N, T, C) as the layer before measured heads would have to give them, by their slope at zero."""
    known = heads[: targets.shape[-1]]
    centre = np.array([head.centre if isinstance(head, MeasuredHead) else 0.0 for head in known])
    gain = np.array([(head.gain if isinstance(head, MeasuredHead) else 0.0) or 1.0 for head in known])
    return np.asarray((targets[..., : len(known)] - centre) / gain)
