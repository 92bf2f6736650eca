"""HD101: generated sequences do not spread as far as their targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.probe import Decides, Judgement, Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval
from humouse_doctor.probes.shared import measures


class SpreadRatio(Probe):
    code = "HD101"
    name = "spread-ratio"
    kind = Kind.SYMPTOM
    summary = "Standard deviation of the generated values over that of the targets, per axis."
    briefs = ("spread {spread_ratio:.2g} of real",)
    needs = (Need.TARGETS, Need.PREDICTIONS)
    decides = Decides.ALWAYS
    metrics: ClassVar[tuple[Metric, ...]] = (
        *measures.on_each_axis(
            Metric(
                name="spread_ratio",
                unit="ratio",
                meaning="std of predictions over std of targets, on the axis where it is least, or most where none lacks",
                healthy=Interval(low=0.5, high=4.0),
                tolerable=Interval(low=0.25, high=8.0),
                label="spread",
                deciding=True,
            )
        ),
        Metric(name="prediction_std", unit="judged space", meaning="std of predictions, mean of the axes"),
        Metric(name="target_std", unit="judged space", meaning="std of targets, mean of the axes"),
    )

    def measure(self, case: Case) -> dict[str, float]:
        judged = measures.judged(case)
        measures.require_sequences(judged.predictions, judged.targets)
        predicted, wanted = (measures.spread(values, case.samples.lengths) for values in (judged.predictions, judged.targets))
        return {
            **measures.two_sided(self.metric("spread_ratio"), predicted, wanted),
            "prediction_std": float(predicted.mean()),
            "target_std": float(wanted.mean()),
        }

    def judge(self, measured: Mapping[str, float]) -> Judgement:
        return measures.judge_two_sided([self.metric("spread_ratio")], measured)

    def overshoots(self, measured: Mapping[str, float]) -> bool:
        return measures.overshoot([self.metric("spread_ratio")], measured)

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        space, ratio = measures.space_name(case), measured["spread_ratio"]
        return (
            f"generated values have a std of {_std(measured['prediction_std'])} where the targets ({space}) have"
            f" {_std(measured['target_std'])}: {measures.in_words(ratio, 3)} {'of' if ratio < 1 else 'times'} the spread"
            + measures.axes_in_words(case, "spread_ratio", ratio, measured, 3)
            + (", far too wide" if ratio > self.metric("spread_ratio").tolerable.high else "")
        )


def _std(value: float) -> str:
    return f"{value:,.0f}" if 1e3 <= value < 1e9 else f"{value:.3g}"
