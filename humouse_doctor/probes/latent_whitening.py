"""HD204: is the latent whitened by its batch during the warm-up, and what does that do to prior samples?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.case import Case
from humouse_doctor.core.probe import Judgement, Kind, Metric, Probe
from humouse_doctor.core.remedy import Remedy
from humouse_doctor.core.settings import Origin
from humouse_doctor.probes.shared import latent_distortion
from humouse_doctor.probes.shared.latent_distortion import SHRUNK_PRIOR
from humouse_doctor.remedies import catalogue


class LatentWhitening(Probe):
    code = "HD204"
    name = "latent-whitening"
    kind = Kind.CAUSE
    summary = "Whether the warm-up whitens the latent, and how far prior samples spread against fitted ones."
    needs = ()
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(name="whitening", unit="flag", meaning="1 where training.warmup_latent_normalize is on, by default too"),
        SHRUNK_PRIOR,
        Metric(name="fitted_latent_std", unit="prior stds", meaning="std of latents fitted to real targets"),
    )
    explains = ("HD101", "HD104", "HD105")
    sometimes = ("HD103",)
    key = "training.warmup_latent_normalize"

    def measure(self, case: Case) -> dict[str, float]:
        on = latent_distortion.stated(case, "training.warmup_latent_normalize").value is True
        measured = {"whitening": float(on)}
        return measured if not on else {**measured, **latent_distortion.effect(case)}

    def judge(self, measured: Mapping[str, float]) -> Judgement:
        if measured["whitening"] == 0:
            return Judgement.HEALTHY
        metric = SHRUNK_PRIOR
        return Judgement.BORDERLINE if metric.name not in measured else metric.judge(measured[metric.name])

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        setting = case.settings.get(self.key or "")
        silent = " (the trainer's default, the file is silent)" if setting and setting.origin is Origin.DEFAULT else ""
        said = f"the warm-up whitens the latent by its batch{silent}"
        if "prior_fit_spread" in measured:
            return (
                f"{said}: what the prior draws spreads {measured['prior_fit_spread']:.2f} as far as what fitted latents"
                f" (std {measured['fitted_latent_std']:.1f}) give"
            )
        return f"{said}; in measured runs prior samples then spread a quarter as far as reconstructions"

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        return (catalogue.undistorted_latent(case),)
