"""HD209: so many deltas are exactly zero that a warm-up on deltas starts out by standing still."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.cases import budget
from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval, Lever, Remedy
from humouse_doctor.probes.shared import measures, padding
from humouse_doctor.remedies import catalogue


class StillTargets(Probe):
    code = "HD209"
    name = "still-targets"
    kind = Kind.CAUSE
    summary = "Share of deltas that are exactly zero, and of steps that are padding, where the loss compares deltas."
    briefs = ("{still_share:.0%} of the deltas are exactly zero",)
    needs = (Need.TARGETS, Need.SPACE)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="still_share",
            unit="share",
            meaning="share of raw deltas that are exactly zero, padding included unless samples move as with a mask",
            healthy=Interval(high=catalogue.FIT_STILL),
            tolerable=Interval(high=0.5),
        ),
        Metric(name="padding_share", unit="share", meaning="share of steps that are padding"),
    )
    explains = ("HD101", "HD103", "HD104", "HD105")
    key = "training.absolute_coordinates"
    levers = (Lever.SPACE,)

    def measure(self, case: Case) -> dict[str, float]:
        deltas = self.raw_deltas(case)
        lengths = case.samples.lengths
        if lengths is None:
            return {"still_share": float((deltas == 0).mean())}
        counted = deltas[measures.valid_steps(lengths, *deltas.shape[:2])] if padding.is_left_out(case) else deltas
        return {"still_share": float((counted == 0).mean()), "padding_share": padding.share(lengths, deltas.shape[1])}

    @staticmethod
    def raw_deltas(case: Case) -> FloatArray:
        """Return the deltas (N, T, C) as they are before any scaling; raise `NotMeasurable` if the loss compares none."""
        assert case.space is not None
        budget.require_warm_up(case)
        if case.space.absolute and case.space.as_is:
            raise NotMeasurable(
                "the targets are taken for positions; if they are deltas, give training.absolute_coordinates=false"
            )
        if case.space.absolute:
            raise NotMeasurable(f"the loss compares {case.space.name}, where a zero delta is only a pause")
        if case.space.as_is:
            deltas = measures.loss_targets(case)  # a series as the loss compares it is raw
        elif case.samples.sequences is None:
            raise NotMeasurable("the raw sequences are not known")
        else:
            deltas = case.samples.sequences[..., :2]
        measures.require_numbers(deltas, "the raw sequences")
        return deltas

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        moves = "something" if case.space is not None and case.space.as_is else "a hand"
        left_out = padding.is_left_out(case)
        padded = ""
        if "padding_share" in measured:
            padded = f" ({measured['padding_share']:.0%} of the steps are padding{', left out here' if left_out else ''})"
        return (
            f"{measured['still_share']:.0%} of the deltas{' before the padding' if left_out else ''} are exactly zero{padded}:"
            f" until the generator knows when {moves} moves, standing still is the L1's best answer"
        )

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        if case.space is not None and case.space.as_is:
            return ()  # no scale moves what stands still: the deltas are to be taken elsewhere, or over more time
        return catalogue.scale_remedies(case)
