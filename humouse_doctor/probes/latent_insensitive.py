"""HD104: different latents give the same sequences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.probe import Decides, Judgement, Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval
from humouse_doctor.probes.shared import measures

#: A channel of many that varies less than this share of its spread across sequences is alike in all of them.
_ALIKE = 0.01


class LatentInsensitive(Probe):
    code = "HD104"
    name = "latent-insensitive"
    kind = Kind.SYMPTOM
    summary = "Standard deviation across latents at a step, over that across targets; effective rank of the outputs."
    briefs = ("variety {latent_std_ratio:.2g} of real",)
    needs = (Need.TARGETS, Need.PREDICTIONS)
    decides = Decides.ALWAYS
    metrics: ClassVar[tuple[Metric, ...]] = (
        *measures.on_each_axis(
            Metric(
                name="latent_std_ratio",
                unit="ratio",
                meaning="std across latents at a step, prediction over target",
                healthy=Interval(low=0.5, high=4.0),
                tolerable=Interval(low=0.25, high=8.0),
                deciding=True,
            )
        ),
        Metric(name="effective_rank", unit="dimensions", meaning="participation ratio of the generated sequences"),
        Metric(name="target_effective_rank", unit="dimensions", meaning="participation ratio of the targets"),
    )

    def measure(self, case: Case) -> dict[str, float]:
        judged = measures.judged(case)
        drawn, wanted = judged.predictions, judged.targets
        measures.require_sequences(drawn, wanted)
        across = measures.spread_across(wanted, case.samples.lengths)
        if len(across) > 2:  # of many channels one may be nearly alike in all sequences, such as the time
            across = np.where(across < _ALIKE * measures.spread(wanted, case.samples.lengths), 0.0, across)
        return {
            **measures.two_sided(
                self.metric("latent_std_ratio"),
                measures.spread_across(drawn, case.samples.lengths),
                across,
            ),
            "effective_rank": effective_rank(drawn),
            "target_effective_rank": effective_rank(wanted),
        }

    def judge(self, measured: Mapping[str, float]) -> Judgement:
        return measures.judge_two_sided([self.metric("latent_std_ratio")], measured)

    def overshoots(self, measured: Mapping[str, float]) -> bool:
        return measures.overshoot([self.metric("latent_std_ratio")], measured)

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        ratio = measured["latent_std_ratio"]
        axes = measures.axes_in_words(case, "latent_std_ratio", ratio, measured, 3)
        return (
            f"at a given step the sequences of different latents vary {measures.in_words(ratio, 3)} as much as real ones{axes}"
            " (effective rank"
            f" {measured['effective_rank']:.1f} against {measured['target_effective_rank']:.1f})"
        )


def effective_rank(values: FloatArray) -> float:
    """Return the participation ratio along principal axes, (sum of variances)² / sum of squares: (N, T, D) -> [0, N).

    It is computed from the Gram matrix of at most 512 sequences; 0 if nothing varies.
    """
    flat = values[:512].reshape(min(len(values), 512), -1)  # (n, T * D)
    moved = flat - flat[:1]  # a constant is then exactly 0
    centred = moved - moved.mean(axis=0)
    peak = np.abs(centred).max(initial=0.0)
    if peak <= 0:
        return 0.0
    gram = (centred / peak) @ (centred / peak).T  # (n, n)
    return float(np.trace(gram) ** 2 / np.square(gram).sum())
