"""HD106: the real loss's gradient does not reach the layers that see the latent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Judgement, Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval


class VanishingGradient(Probe):
    code = "HD106"
    name = "vanishing-gradient"
    kind = Kind.SYMPTOM
    secondary = True
    summary = "Gradient of the loss at the first layer over that at the last, for prior samples against real targets."
    briefs = ("first layer gets {first_last_ratio:.0e} of the gradient",)
    needs = (Need.GRADIENTS,)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="first_last_ratio",
            unit="ratio",
            meaning="rms gradient of the first layer's weight over the last layer's",
            healthy=Interval(low=1e-4),
            tolerable=Interval(low=1e-6),
        ),
        Metric(name="last_rms", unit="loss per weight", meaning="rms gradient of the last layer's weight"),
    )

    def measure(self, case: Case) -> dict[str, float]:
        assert case.samples.gradients is not None
        rms = list(case.samples.gradients.rms_by_layer.values())
        if len(rms) < 2:
            raise NotMeasurable("fewer than two layers received a gradient")
        if not np.isfinite(rms).all():
            raise NotMeasurable("the gradient holds NaN or infinite values")
        if rms[-1] <= 0:  # then there is no share of it that could reach the first layer
            return {"last_rms": 0.0}
        return {"first_last_ratio": rms[0] / rms[-1], "last_rms": rms[-1]}

    def judge(self, measured: Mapping[str, float]) -> Judgement:
        return super().judge(measured) if "first_last_ratio" in measured else Judgement.FOUND

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        if "first_last_ratio" not in measured:
            return "the loss's gradient at the last layer is 0 already, so no layer is trained: look at the head before it"
        return (
            f"the first layer receives {measured['first_last_ratio']:.1e} of the gradient that the last one does: the"
            " layers that see the latent are hardly trained"
        )
