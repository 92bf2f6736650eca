"""Base of HD204 and HD205: a distorted latent shows where prior samples spread less than fitted ones."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.cases import budget
from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Judgement, Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval, Remedy
from humouse_doctor.core.settings import Origin
from humouse_doctor.core.spec import Architecture
from humouse_doctor.probes.no_skill import PRIOR_FIT_SPREAD, prior_and_fit
from humouse_doctor.probes.shared import measures
from humouse_doctor.remedies import catalogue

#: A distorted latent makes what the prior draws shrink; it is not blamed for too wide a spread, which HD105 judges.
SHRUNK_PRIOR = Metric(
    name="least_prior_fit_spread",
    unit="ratio",
    meaning="spread of prior samples over that of the fits to real targets, on the axis where it is least",
    healthy=Interval(low=0.75),
    tolerable=Interval(low=0.5),
)
#: The same ratio by axis, as HD105 has it beside the value that it judges.
_BY_AXIS = measures.on_each_axis(PRIOR_FIT_SPREAD)[1:]
FITTED_STD = Metric(name="fitted_latent_std", unit="prior stds", meaning="std of latents fitted to real targets")
EFFECT = (SHRUNK_PRIOR, *_BY_AXIS, FITTED_STD)


class LatentDistortion(Probe):
    """A setting that distorts the latent, judged by its effect where a checkpoint shows it.

    A subclass names the setting by `key`; `metrics` are `strength`, its own metric, with those of the effect after it.
    """

    kind = Kind.CAUSE
    needs = ()
    explains = ("HD101", "HD104", "HD105")
    sometimes = ("HD103",)
    key: ClassVar[str]
    strength: ClassVar[Metric]

    @abstractmethod
    def strength_of(self, case: Case) -> float:
        """Return the strength of the distortion, 0 if there is none."""

    @abstractmethod
    def fact(self, case: Case, measured: Mapping[str, float]) -> str:
        """Return what the warm-up does to the latent, the first half of the message."""

    def measure(self, case: Case) -> dict[str, float]:
        """Return the strength and, if there is one, the effect.

        Raises `NotMeasurable` if nothing states the setting, or if no warm-up runs.
        """
        _require_stated(case, self.key)
        budget.require_warm_up(case)
        strength = self.strength_of(case)
        measured = {self.strength.name: strength}
        return measured if strength == 0 else {**measured, **_effect(case)}

    def judge(self, measured: Mapping[str, float]) -> Judgement:
        """Judge the effect; without one, a setting that is on is borderline."""
        if measured[self.strength.name] == 0:
            return Judgement.HEALTHY
        if SHRUNK_PRIOR.name not in measured:
            return Judgement.BORDERLINE
        return SHRUNK_PRIOR.judge(measured[SHRUNK_PRIOR.name])

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        """Return the fact with its effect on this checkpoint; without one, with what it may do."""
        fact = self.fact(case, measured)
        if SHRUNK_PRIOR.name not in measured:
            return f"{fact}; prior samples may then spread less than fits to real sequences, which was not measured here"
        least, std = measured[SHRUNK_PRIOR.name], measured[FITTED_STD.name]
        axes = measures.axes_in_words(case, PRIOR_FIT_SPREAD.name, least, measured, 2)
        return f"{fact}: prior samples spread {least:.2f} as far as fits to real sequences (latents of std {std:.1f}){axes}"

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        """Return the undistorted latent."""
        return (catalogue.undistorted_latent(case),)


def _effect(case: Case) -> dict[str, float]:
    """Measure the effect on this checkpoint; return nothing before training, or if the fit does not show the effect.

    Raises `NotMeasurable` if the trainer does not distort the latent, whatever the config says.
    """
    if case.network is not None and case.network.architecture is Architecture.SEQ2SEQ:
        raise NotMeasurable("seq2seq samples its latent and neither whitens nor noises it")
    if case.subject_is_pretrainer:
        raise NotMeasurable("a pretrainer learns a latent for each sequence and distorts none")
    fit = case.samples.fit
    if fit is None or case.samples.predictions is None:
        return {}
    try:
        spreads = prior_and_fit(case, fit)
        if spreads is None:
            return {}
        least = measures.lowest_axis_ratio(*spreads)
    except NotMeasurable:
        return {}
    by_axis = measures.evidence(PRIOR_FIT_SPREAD, least, *spreads)
    return {SHRUNK_PRIOR.name: least, **by_axis, FITTED_STD.name: float(fit.latents.std())}


def _require_stated(case: Case, key: str) -> None:
    """Raise `NotMeasurable` if neither a config nor the caller states the setting at `key`."""
    setting = case.settings.get(key)
    if setting is None or (case.settings.source is None and setting.origin is Origin.DEFAULT):
        raise NotMeasurable(f"{key} is not known")
