"""HD213: the latent has fewer numbers than the targets have directions of variation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval, Lever, Remedy
from humouse_doctor.core.settings import Origin
from humouse_doctor.probes.latent_insensitive import effective_rank
from humouse_doctor.probes.shared import measures
from humouse_doctor.remedies import catalogue

_KEY, _CONDITIONS = "model.generator.latent_dim", "model.generator.condition_dim"


class NarrowLatent(Probe):
    code = "HD213"
    name = "narrow-latent"
    kind = Kind.CAUSE
    summary = "Numbers in the latent, against the directions in which the targets vary."
    briefs = ("{latent_dim:.0f} numbers for {target_effective_rank:.1f} directions of data",)
    needs = (Need.TARGETS,)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="latent_share",
            unit="ratio",
            meaning="numbers in the latent and the condition over the targets' effective rank",
            healthy=Interval(low=0.7),
            tolerable=Interval(low=0.7),
        ),
        Metric(name="latent_dim", unit="count", meaning="numbers in the latent"),
        Metric(name="target_effective_rank", unit="dimensions", meaning="participation ratio of the targets"),
    )
    explains = ("HD101", "HD104")
    sometimes = ("HD103", "HD105", "HD107")
    key = _KEY
    levers = (Lever.WIDTH,)

    def measure(self, case: Case) -> dict[str, float]:
        setting = case.settings.get(_KEY)
        if setting is None or (setting.origin is Origin.DEFAULT and case.settings.source is None):
            raise NotMeasurable("the size of the latent is not known")
        size = case.settings.integer(_KEY)
        targets = measures.loss_targets(case)
        deltas = case.space is not None and not case.space.absolute
        rank = effective_rank(
            np.cumsum(targets, axis=1) if deltas else targets
        )  # deltas vary in many directions by noise alone
        if size is None or rank <= 0:
            raise NotMeasurable("the size of the latent is not known" if size is None else "all targets are the same")
        behaviour = case.samples.behaviour
        conditioned = behaviour is not None and behaviour.as_conditioned is not None
        given = (case.settings.integer(_CONDITIONS) or 0) if conditioned else 0  # these tell sequences apart as well
        return {"latent_share": (size + given) / rank, "latent_dim": float(size), "target_effective_rank": rank}

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        size = measured["latent_dim"]
        return (
            f"the latent has {size:.0f} {'number' if size == 1 else 'numbers'}, and the targets vary in about"
            f" {measured['target_effective_rank']:.1f} directions: it cannot tell all of them apart"
        )

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        return (catalogue.wider_latent(case),)
