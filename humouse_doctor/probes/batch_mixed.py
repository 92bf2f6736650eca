"""HD216: a sequence changes with the rest of its batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval, Remedy
from humouse_doctor.core.spec import Architecture
from humouse_doctor.remedies import catalogue


class BatchMixed(Probe):
    code = "HD216"
    name = "batch-mixed"
    kind = Kind.CAUSE
    summary = "Change of a generated sequence when only the others of its batch change."
    briefs = ("others in a batch change it by {neighbour_effect:.2g}",)
    needs = (Need.PREDICTIONS,)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="neighbour_effect",
            unit="ratio",
            meaning="RMS change of a sequence when the others of its batch change, over the std across sequences",
            healthy=Interval(high=1e-3),
            tolerable=Interval(high=1e-2),
        ),
    )
    explains = ("HD105",)
    sometimes = ("HD101", "HD103", "HD104", "HD107")
    lasting = True

    def measure(self, case: Case) -> dict[str, float]:
        behaviour = case.samples.behaviour
        if behaviour is None or behaviour.neighbour_effect is None:
            raise NotMeasurable(
                "no generator was run" if behaviour is None else "all its sequences are the same, or not finite"
            )
        return {"neighbour_effect": behaviour.neighbour_effect}

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        seq2seq = case.network is not None and case.network.architecture is Architecture.SEQ2SEQ
        why = (
            "humouse's seq2seq reads its decoder's start (N, L * H) as (L, N, H), which mixes them if it has several layers"
            if seq2seq
            else "the axes of batch and time are swapped somewhere, or a norm takes its statistics from the batch"
        )
        return (
            f"a sequence changes by {measured['neighbour_effect']:.2g} of the spread across sequences when only the others of"
            f" its batch change: {why}"
        )

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        return (catalogue.separate_sequences(case),)
