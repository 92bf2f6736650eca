"""What HD204 and HD205 share: a distorted latent shows where prior samples spread less than fitted ones."""

from __future__ import annotations

from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Metric
from humouse_doctor.core.remedy import Interval
from humouse_doctor.core.spec import Architecture
from humouse_doctor.probes import measures
from humouse_doctor.probes.no_skill import prior_fit_spread

#: A distorted latent makes what the prior draws shrink; it is not blamed for too wide a spread, which HD105 judges.
SHRUNK_PRIOR = Metric(
    name="prior_fit_spread",
    unit="ratio",
    meaning="spread of prior samples over that of latents fitted to real targets, on the axis where it is least",
    healthy=Interval(low=0.5),
    tolerable=Interval(low=0.25),
)


def effect(case: Case) -> dict[str, float]:
    """The effect on this checkpoint, nothing before training; raises `NotMeasurable` where it cannot be told."""
    if case.network is not None and case.network.architecture is Architecture.SEQ2SEQ:
        raise NotMeasurable("seq2seq samples its latent and neither whitens nor noises it")
    if case.subject_is_pretrainer:
        raise NotMeasurable("a pretrainer's checkpoint was trained with its own table of latents")
    if not case.has_checkpoint:
        return {}
    reason = case.lacks(Need.FIT) or case.lacks(Need.PREDICTIONS)
    if reason is not None:
        raise NotMeasurable(reason)
    assert case.samples.fit is not None
    ratio = prior_fit_spread(case, case.samples.fit, measures.lowest_axis_ratio)
    if ratio is None:
        raise NotMeasurable("the fitted sequences hardly spread either, so the prior's share cannot be told apart")
    return {SHRUNK_PRIOR.name: ratio, "fitted_latent_std": float(case.samples.fit.latents.std())}
