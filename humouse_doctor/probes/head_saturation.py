"""HD102: a bounded head sits at its bounds, where it passes no gradient."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval
from humouse_doctor.probes.shared import measures

#: An output this close to a bound, on the scale where the bounds are -1 and 1, counts as saturated.
_NEAR_BOUND = 0.99


class HeadSaturation(Probe):
    code = "HD102"
    name = "head-saturation"
    kind = Kind.SYMPTOM
    secondary = True
    summary = "Share of outputs at the bound of a bounded head, such as tanh, and the mean slope there."
    briefs = ("{saturated_share:.0%} of outputs at the head's bound",)
    needs = (Need.PREDICTIONS, Need.HEADS)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="saturated_share",
            unit="share",
            meaning="share of outputs within 1 % of the head's bounds",
            healthy=Interval(high=0.2),
            tolerable=Interval(high=0.5),
        ),
        Metric(
            name="mean_slope",
            unit="ratio",
            meaning="mean of 1 - y², the share of a gradient the head lets through",
            healthy=Interval(low=0.2),
            tolerable=Interval(low=0.1),
        ),
    )

    def measure(self, case: Case) -> dict[str, float]:
        assert case.network is not None
        values = measures.predictions(case)
        heads = case.network.heads[: values.shape[-1]]
        scaled = []
        for axis, head in enumerate(heads):
            low, high = (-math.inf, math.inf) if head is None else head.bounds
            if math.isfinite(low) and math.isfinite(high):
                scaled.append((2 * values[..., axis] - low - high) / (high - low))
        if not scaled:
            known = ", ".join(sorted({head.value if head else "unknown" for head in heads}))
            raise NotMeasurable(f"the head has no bound to saturate at ({known})")
        outputs = np.stack(scaled)
        return {
            "saturated_share": float((np.abs(outputs) > _NEAR_BOUND).mean()),
            "mean_slope": float(np.maximum(1 - outputs**2, 0).mean()),
        }

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        return (
            f"{measured['saturated_share']:.0%} of the outputs are at the head's bound, which lets"
            f" {measured['mean_slope']:.1%} of a gradient through on average"
        )
