"""HD205: is noise added to the latent during the warm-up, and what does that do to prior samples?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.case import Case
from humouse_doctor.core.probe import Metric
from humouse_doctor.core.remedy import Lever
from humouse_doctor.probes.shared.latent_distortion import EFFECT, LatentDistortion


class LatentNoise(LatentDistortion):
    code = "HD205"
    name = "latent-noise"
    summary = "How much noise the warm-up adds to the latent, and how far prior samples spread against fitted ones."
    briefs = (
        "std {noise_std:.2g}: samples spread {least_prior_fit_spread:.2g} of fits",
        "noise of std {noise_std:.2g} on the latent",
    )
    strength = Metric(name="noise_std", unit="latent units", meaning="training.warmup_noise_std")
    metrics: ClassVar[tuple[Metric, ...]] = (strength, *EFFECT)
    key = "training.warmup_noise_std"
    levers = (Lever.LATENT,)

    def strength_of(self, case: Case) -> float:
        return max(0.0, case.settings.number(self.key) or 0.0)

    def fact(self, case: Case, measured: Mapping[str, float]) -> str:
        return f"the warm-up adds noise of std {measured['noise_std']:g} to the latent"
