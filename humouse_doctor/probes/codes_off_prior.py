"""HD220: the codes that a decoder was trained on are far from those that are drawn for its samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Judgement, Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval, Remedy
from humouse_doctor.core.settings import Origin
from humouse_doctor.probes.no_skill import PRIOR_FIT_SPREAD, WIDE_FIT, NoSkill
from humouse_doctor.remedies import catalogue

#: A fit that takes less than this share off the loss does not tell which codes real sequences have.
_SKILLED = 0.7
#: The settings that put codes off the prior in humouse's own warm-up, which HD204 and HD205 judge.
_KNOWN = ("training.warmup_latent_normalize", "training.warmup_noise_std")


class CodesOffPrior(Probe):
    code = "HD220"
    name = "codes-off-prior"
    kind = Kind.CAUSE
    summary = "Std of the latents of real sequences, where those that are drawn spread less than these."
    briefs = ("codes have a std of {code_std:.2g}, 1 is drawn",)
    needs = (Need.FIT, Need.PREDICTIONS)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="code_std",
            unit="prior stds",
            meaning="std of latents fitted to real targets, where the fit is good",
            healthy=Interval(high=1.5),
            tolerable=Interval(high=2.0),
        ),
        Metric(name="drawn_spread", unit="ratio", meaning="spread of prior samples over that of the fits, on HD105's axis"),
    )
    explains = ("HD105",)
    sometimes = ("HD101", "HD103", "HD104", "HD107")
    key = "training.warmup_kl_weight"

    def measure(self, case: Case) -> dict[str, float]:
        if case.network is None or case.network.architecture is not None:
            raise NotMeasurable("what puts the codes of humouse's own generators off the prior is judged by HD204 and HD205")
        if any(case.settings.value(key) for key in _KNOWN if _is_stated(case, key)):
            raise NotMeasurable("the latent is whitened or noised: HD204 and HD205 judge that")
        fitted = NoSkill().measure(case)
        if fitted["skill"] < _SKILLED or PRIOR_FIT_SPREAD.name not in fitted:
            own = (
                "; if the network was trained on codes of its own, hand them in"
                if fitted["fitted_latent_std"] > WIDE_FIT
                else ""
            )
            raise NotMeasurable(
                f"the fit takes only {max(fitted['skill'], 0):.0%} off the loss: real codes are not known by it{own}"
            )
        return {"code_std": fitted["fitted_latent_std"], "drawn_spread": fitted[PRIOR_FIT_SPREAD.name]}

    def judge(self, measured: Mapping[str, float]) -> Judgement:
        if measured["drawn_spread"] >= PRIOR_FIT_SPREAD.healthy.low:
            return Judgement.HEALTHY
        return super().judge(measured)

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        return (
            f"the latents of real sequences have a std of {measured['code_std']:.2g} where 1 is drawn, and samples spread"
            f" {measured['drawn_spread']:.2f} as far as sequences of those: the decoder was trained on codes that the prior"
            " does not draw"
        )

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        return (catalogue.codes_as_drawn(),)


def _is_stated(case: Case, key: str) -> bool:
    """Return True if somebody states the setting, rather than the trainer's defaults."""
    setting = case.settings.get(key)
    return setting is not None and setting.origin is not Origin.DEFAULT
