"""What HD204 and HD205 share: a distorted latent shows where prior samples spread less than fitted ones."""

from __future__ import annotations

from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Metric
from humouse_doctor.core.remedy import Interval
from humouse_doctor.core.settings import Origin, Setting
from humouse_doctor.core.spec import Architecture
from humouse_doctor.probes.no_skill import prior_fit_spread
from humouse_doctor.probes.shared import measures

#: A distorted latent makes what the prior draws shrink; it is not blamed for too wide a spread, which HD105 judges.
SHRUNK_PRIOR = Metric(
    name="prior_fit_spread",
    unit="ratio",
    meaning="spread of prior samples over that of latents fitted to real targets, on the axis where it is least",
    healthy=Interval(low=0.75),
    tolerable=Interval(low=0.5),
)


def effect(case: Case) -> dict[str, float]:
    """The effect on this checkpoint; nothing before training, and nothing where it cannot be told from the fit.

    Raises `NotMeasurable` where the trainer does not distort the latent, whatever the config says.
    """
    if case.network is not None and case.network.architecture is Architecture.SEQ2SEQ:
        raise NotMeasurable("seq2seq samples its latent and neither whitens nor noises it")
    if case.subject_is_pretrainer:
        raise NotMeasurable("a pretrainer's checkpoint was trained with its own table of latents")
    fit = case.samples.fit
    if fit is None or case.samples.predictions is None:
        return {}
    try:
        ratio = prior_fit_spread(case, fit, measures.lowest_axis_ratio)
    except NotMeasurable:
        return {}
    if ratio is None:
        return {}
    return {SHRUNK_PRIOR.name: ratio, "fitted_latent_std": float(fit.latents.std())}


def stated(case: Case, key: str) -> Setting:
    """The setting at `key`; raises `NotMeasurable` where neither a config nor the caller says anything about it."""
    setting = case.settings.get(key)
    if setting is None or (case.settings.source is None and setting.origin is Origin.DEFAULT):
        raise NotMeasurable(f"{key} is not known")
    return setting
