"""HD105: the generator cannot express real sequences, or prior latents do not reach those that it can express."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case, LatentFit, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Decides, Judgement, Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval
from humouse_doctor.probes.shared import measures

#: A fit whose own spread, relative to its targets, is below this says nothing about the prior.
MIN_FIT_SPREAD = 0.3

#: Fitted latents of a larger std, in stds of the prior, are not the prior's; those of a caller's own network may be its codes.
WIDE_FIT = 2.0

#: A loss this far above another is reported as a multiple of it.
_TIMES = 100.0

#: Judged on both sides here; HD204 and HD205 judge its low side, as the trace of their cause.
PRIOR_FIT_SPREAD = Metric(
    name="prior_fit_spread",
    unit="ratio",
    meaning="spread of prior samples over that of the fits to real targets, on the axis where it is least, or most",
    healthy=Interval(low=0.6, high=4.0),
    tolerable=Interval(low=0.3, high=8.0),
    deciding=True,
)


class NoSkill(Probe):
    code = "HD105"
    name = "no-skill"
    kind = Kind.SYMPTOM
    summary = "L1 after latents were fitted to real targets, against the best constant and each sequence's own."
    briefs = (
        "skill {skill:.2g} over a constant",
        "samples spread {prior_fit_spread:.2g} of fits to real ones",
    )
    needs = (Need.FIT, Need.PREDICTIONS)
    decides = Decides.IN_TRIALS
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="skill",
            unit="share",
            meaning="1 - L1 of the fit over L1 of the best constant",
            healthy=Interval(low=0.2),
            tolerable=Interval(low=0.1),
            label="skill",
            deciding=True,
        ),
        Metric(
            name="motion_skill",
            unit="share",
            meaning="1 - L1 of the fit over L1 of each sequence's own best constant",
            label="motion skill",
        ),
        *measures.on_each_axis(PRIOR_FIT_SPREAD),
        Metric(name="fitted_latent_std", unit="prior stds", meaning="std of the fitted latents"),
    )

    def measure(self, case: Case) -> dict[str, float]:
        fit = case.samples.fit
        assert fit is not None
        predicted, wanted = fitted_sequences(case, fit), fitted_targets(case, fit)
        measures.require_numbers(fit.latents, "the fitted latents")
        measures.require_sequences(wanted, measures.judged(case).predictions)
        constant, motionless = (
            loss_of(wanted, fit.lengths) for loss_of in (measures.best_constant_loss, measures.motionless_loss)
        )
        if motionless <= 0:
            raise NotMeasurable("the targets do not move, so skill is not defined")
        loss = float(np.abs(predicted - wanted)[measures.valid_steps(fit.lengths, *wanted.shape[:2])].mean())
        measured = {
            "skill": 1 - loss / constant,
            "motion_skill": 1 - loss / motionless,
            "fitted_latent_std": float(fit.latents.std()),
        }
        spreads = prior_and_fit(case, fit)
        return measured if spreads is None else {**measured, **measures.two_sided(PRIOR_FIT_SPREAD, *spreads)}

    def judge(self, measured: Mapping[str, float]) -> Judgement:
        return measures.judge_two_sided(self._judged, measured)

    def overshoots(self, measured: Mapping[str, float]) -> bool:
        return measures.overshoot(self._judged, measured)

    @property
    def _judged(self) -> tuple[Metric, ...]:
        return self.metric("skill"), PRIOR_FIT_SPREAD

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        own = "a motionless cursor's"
        if case.space is not None and case.space.as_is:
            own = "that of each sequence's own"
        elif case.space is not None and not case.space.absolute and not case.spaces_differ:
            own = "a cursor at one speed's"
        said = (
            f"with latents fitted to real sequences the loss is {_below(measured['skill'])} the best constant's and"
            f" {_below(measured['motion_skill'])} {own}"
        )
        ratio = measured.get("prior_fit_spread")
        if ratio is None or ratio in PRIOR_FIT_SPREAD.healthy:
            return said
        axes = measures.axes_in_words(case, "prior_fit_spread", ratio, measured, 2)
        prior = f"spread {measures.in_words(ratio, 2)} as far as the fits{axes}"
        if measured["skill"] not in self.metric("skill").healthy:
            return f"{said}; prior samples {prior}"
        said = f"prior samples miss the generator's skill: they {prior}, though {said}"
        foreign = case.network is not None and case.network.architecture is None
        std = measured.get("fitted_latent_std", 0.0)
        wide = f"; fitted latents have a std of {std:.1f}: if the codes it was trained on are as wide, hand them in"
        return f"{said}{wide}" if foreign and std > WIDE_FIT else said


def _below(skill: float) -> str:
    if skill < -_TIMES:
        return f"{1 - skill:.3g} times"
    return f"{skill:.0%} below" if skill >= 0 else f"{-skill:.0%} above"


def fitted_sequences(case: Case, fit: LatentFit) -> FloatArray:
    """Return the fit on the compared channels, (M, T, C); raise `NotMeasurable` if there is none."""
    values = measures.compared(case, fit.predictions)[..., : fit.targets.shape[-1]]
    measures.require_numbers(values, "the fitted sequences")
    return values


def fitted_targets(case: Case, fit: LatentFit) -> FloatArray:
    """Return the targets of the fit on the compared channels, (M, T, C); raise `NotMeasurable` if there is none."""
    values = measures.compared(case, fit.targets)[..., : fit.predictions.shape[-1]]
    measures.require_numbers(values, "the targets of the fit")
    return values


def prior_and_fit(case: Case, fit: LatentFit) -> tuple[FloatArray, FloatArray] | None:
    """Return the spread of prior samples and that of the fit, (C,) each, None if the fit hardly spreads.

    The fit's is 0 on an axis on which its targets do not vary.
    """
    fitted, wanted = (
        measures.spread(values, fit.lengths) for values in (fitted_sequences(case, fit), fitted_targets(case, fit))
    )
    if measures.lowest_axis_ratio(fitted, wanted) < MIN_FIT_SPREAD:
        return None
    drawn = measures.spread(measures.judged(case).predictions, None if fit.lengths is None else case.samples.lengths)
    return drawn, np.where(wanted > 0, fitted, 0.0)
