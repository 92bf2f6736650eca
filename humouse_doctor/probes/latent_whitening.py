"""HD204: is the latent whitened by its batch during the warm-up, and what does that do to prior samples?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.case import Case
from humouse_doctor.core.probe import Metric
from humouse_doctor.core.remedy import Lever
from humouse_doctor.core.settings import Origin
from humouse_doctor.probes.shared.latent_distortion import EFFECT, LatentDistortion


class LatentWhitening(LatentDistortion):
    code = "HD204"
    name = "latent-whitening"
    summary = "Whether the warm-up whitens the latent, and how far prior samples spread against fitted ones."
    briefs = (
        "samples spread {least_prior_fit_spread:.2g} of fits to real ones",
        "the latent is whitened by its batch",
    )
    strength = Metric(name="whitening", unit="flag", meaning="1 where training.warmup_latent_normalize is on, by default too")
    metrics: ClassVar[tuple[Metric, ...]] = (strength, *EFFECT)
    key = "training.warmup_latent_normalize"
    levers = (Lever.LATENT,)

    def strength_of(self, case: Case) -> float:
        return float(case.settings.flag(self.key) is True)

    def fact(self, case: Case, measured: Mapping[str, float]) -> str:
        setting = case.settings.get(self.key)
        silent = " (the trainer's default, the file is silent)" if setting and setting.origin is Origin.DEFAULT else ""
        return f"the warm-up whitens the latent by its batch{silent}"
