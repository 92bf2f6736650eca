"""HD205: is noise added to the latent during the warm-up, and what does that do to prior samples?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.case import Case
from humouse_doctor.core.probe import Judgement, Kind, Metric, Probe
from humouse_doctor.core.remedy import Remedy
from humouse_doctor.probes.shared import latent_distortion
from humouse_doctor.probes.shared.latent_distortion import SHRUNK_PRIOR
from humouse_doctor.remedies import catalogue


class LatentNoise(Probe):
    code = "HD205"
    name = "latent-noise"
    kind = Kind.CAUSE
    summary = "How much noise the warm-up adds to the latent, and how far prior samples spread against fitted ones."
    needs = ()
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(name="noise_std", unit="latent units", meaning="training.warmup_noise_std"),
        SHRUNK_PRIOR,
        Metric(name="fitted_latent_std", unit="prior stds", meaning="std of latents fitted to real targets"),
    )
    explains = ("HD101", "HD104", "HD105")
    sometimes = ("HD103",)
    key = "training.warmup_noise_std"

    def measure(self, case: Case) -> dict[str, float]:
        latent_distortion.stated(case, "training.warmup_noise_std")
        noise = max(0.0, case.settings.number("training.warmup_noise_std") or 0.0)
        measured = {"noise_std": noise}
        return measured if noise == 0 else {**measured, **latent_distortion.effect(case)}

    def judge(self, measured: Mapping[str, float]) -> Judgement:
        if measured["noise_std"] == 0:
            return Judgement.HEALTHY
        metric = SHRUNK_PRIOR
        return Judgement.BORDERLINE if metric.name not in measured else metric.judge(measured[metric.name])

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        said = f"the warm-up adds noise of std {measured['noise_std']:g} to the latent"
        if "prior_fit_spread" in measured:
            return (
                f"{said}: what the prior draws spreads {measured['prior_fit_spread']:.2f} as far as what fitted latents"
                f" (std {measured['fitted_latent_std']:.1f}) give"
            )
        return f"{said}; in measured runs noise of std 1 left prior samples a tenth of the reconstructions' spread"

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        return (catalogue.undistorted_latent(case),)
