"""HD214: the code of a variational autoencoder carries nothing: the KL term costs too much, or the past alone suffices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Judgement, Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval, Lever, Remedy
from humouse_doctor.core.settings import Origin
from humouse_doctor.core.spec import Architecture
from humouse_doctor.probes.shared import measures
from humouse_doctor.remedies import catalogue

_KEY = "training.warmup_kl_weight"
#: Samples that vary this much as the targets do, on the worse axis, come from a code that is not empty: in calibration they
#: varied at most 0.38 times as much where the term cost 0.8 times a code's gain.
_SPEAKS = 0.5
#: Sequences whose principal axes are taken.
_MOST = 512


class CollapsedPosterior(Probe):
    code = "HD214"
    name = "collapsed-posterior"
    kind = Kind.CAUSE
    summary = "Weight of the KL term, against the weight from which a code costs more than it can gain."
    briefs = (
        "a code moves {taught_code_share:.2g} of a step",
        "the KL costs {kl_share:.2g} times a code's gain",
    )
    needs = (Need.TARGETS,)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="kl_share",
            unit="ratio",
            meaning="KL weight over the one from which the best code of a linear decoder is empty",
            healthy=Interval(high=0.25),
            tolerable=Interval(high=0.75),
        ),
        Metric(name="kl_weight", unit="weight", meaning="weight of the KL term"),
        Metric(
            name="taught_code_share",
            unit="ratio",
            meaning="change by another code where the true past is handed in, over the targets' change from step to step",
            healthy=Interval(low=0.4),
            tolerable=Interval(low=0.25),
        ),
    )
    explains = ("HD104",)
    sometimes = ("HD101", "HD103", "HD105", "HD107")
    key = _KEY
    levers = (Lever.KL,)

    def measure(self, case: Case) -> dict[str, float]:
        """Return the cost of the code, and what it says beside a past that is handed in, where that is too little."""
        behaviour = case.samples.behaviour
        share = None if behaviour is None else behaviour.taught_code_share
        taught = {} if share is None or share in self.metric("taught_code_share").healthy else {"taught_code_share": share}
        try:
            return {**self._cost(case), **taught}
        except NotMeasurable:
            if taught:
                return taught
            raise

    def _cost(self, case: Case) -> dict[str, float]:
        weight = _weight(case)
        if weight is None:
            raise NotMeasurable(f"no KL term is known to be in the loss; if it has one, give --set {_KEY}=WEIGHT")
        targets = measures.loss_targets(case)
        measures.require_sequences(targets)
        limit = heaviest_useful(targets, absolute_error=_is_humouse(case))
        if not limit > 0:
            raise NotMeasurable("all targets are the same")
        share = weight / limit
        if self.metric("kl_share").judge(share) is Judgement.FOUND and not _is_humouse(case):
            _require_silence(case, weight)
        return {"kl_share": share, "kl_weight": weight}

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        if "taught_code_share" in measured:
            return (
                "with the true past handed in the decoder makes the targets whatever the code is: another code changes its"
                f" output by {measured['taught_code_share']:.2g} of a step; by itself it has no true past, and its code says"
                " nothing"
            )
        loss = "absolute" if _is_humouse(case) else "squared"
        return (
            f"with a weight of {measured['kl_weight']:g} the KL term costs {measured['kl_share']:.2g} times the most that a"
            f" latent code can save, if the rest of the loss is the mean {loss} error: codes then hold nothing of the sequence"
        )

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        past = (catalogue.less_teaching(),) if "taught_code_share" in measured else ()
        if "kl_share" not in measured:
            return past
        costly = self.metric("kl_share").judge(measured["kl_share"]) is not Judgement.HEALTHY
        lighter = (catalogue.lighter_kl(case, measured["kl_weight"] / measured["kl_share"]),) if costly or not past else ()
        return (*past, *lighter)


def heaviest_useful(targets: FloatArray, *, absolute_error: bool) -> float:
    """Return the KL weight from which on the best code of a linear decoder is empty, for targets (N, T, D).

    A linear VAE with noise of variance s² uses those principal axes whose variance is above s² (Lucas et al., 2019, "Don't
    Blame the ELBO!"). A mean squared error over T * D numbers with a KL weight w is such a VAE with s² = w * T * D / 2. An
    absolute error is close to the square over sqrt(2 pi) standard deviations, while the code still carries little.
    """
    rows = np.asarray(targets[:_MOST], dtype=np.float64)
    flat = rows.reshape(len(rows), -1)  # (n, T * D)
    centred = flat - flat.mean(axis=0)
    largest = float(np.linalg.norm(centred, ord=2) ** 2 / len(centred))  # variance along the first principal axis
    limit: float = 2 * largest / centred.shape[1]
    if not absolute_error:
        return limit
    spread = float(centred.std(axis=0).mean())
    return limit / (math.sqrt(2 * math.pi) * spread) if spread > 0 else 0.0


def _require_silence(case: Case, weight: float) -> None:
    """Raise `NotMeasurable` if samples vary as those of a code that carries something: the loss then is another one."""
    if case.samples.predictions is None:
        return
    judged = measures.judged(case)
    drawn, wanted = (measures.spread_across(values, case.samples.lengths) for values in (judged.predictions, judged.targets))
    ratio = measures.lowest_axis_ratio(drawn, wanted)
    if ratio >= _SPEAKS:
        raise NotMeasurable(
            f"samples vary {ratio:.2f} times as much as the targets, so the code is not empty: a weight of {weight:g} is not on"
            " a KL term beside a mean error"
        )


def _weight(case: Case) -> float | None:
    """Return the KL weight, None if the loss has no KL term as far as is known."""
    setting = case.settings.get(_KEY)
    stated = setting is not None and setting.origin is not Origin.DEFAULT
    foreign = case.network is not None and case.network.architecture is None
    return case.settings.number(_KEY) if _is_humouse(case) or (foreign and stated) else None


def _is_humouse(case: Case) -> bool:
    return case.network is not None and case.network.architecture is Architecture.SEQ2SEQ
