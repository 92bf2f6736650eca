"""HD218: so many steps are padding that a loss on deltas without a mask starts out by standing still."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval, Remedy
from humouse_doctor.core.spec import Architecture
from humouse_doctor.probes.shared import measures, padding
from humouse_doctor.probes.still_targets import StillTargets
from humouse_doctor.remedies import catalogue


class PaddingCompared(Probe):
    code = "HD218"
    name = "padding-compared"
    kind = Kind.CAUSE
    summary = "Share of steps that are padding, where a recurrent network learns deltas that move until it begins."
    briefs = ("{padding_share:.0%} of the steps are padding",)
    needs = (Need.TARGETS, Need.SPACE)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="padding_share",
            unit="share",
            meaning="share of steps that are padding",
            healthy=Interval(high=0.42),
            tolerable=Interval(high=0.45),
        ),
        Metric(
            name="motion_in_padding",
            unit="ratio",
            meaning="samples where most targets have ended, over targets before, as distances from the padding's value",
        ),
        Metric(name="still_inside", unit="share", meaning="share of raw deltas that are exactly zero before the padding"),
    )
    explains = ("HD103", "HD104")
    sometimes = ("HD101", "HD105", "HD107")

    def measure(self, case: Case) -> dict[str, float]:
        deltas = StillTargets.raw_deltas(case)
        lengths = case.samples.lengths
        if lengths is None:
            raise NotMeasurable("how long the sequences are is not known")
        network = case.network
        if network is None:
            raise NotMeasurable("whether its layers are recurrent is not known")
        if network.architecture is Architecture.TCN or network.hidden_dim is None:
            raise NotMeasurable("its bounds are for recurrent layers alone")
        inside = measures.valid_steps(lengths, *deltas.shape[:2])
        if not inside.any():
            raise NotMeasurable("all steps are padding")
        still = float((deltas[inside] == 0).mean())
        if still > catalogue.FIT_STILL:
            raise NotMeasurable(f"{still:.0%} of the deltas are exactly zero before the padding as well, see HD209")
        motion = padding.motion_in_padding(case)
        if padding.is_left_out(case):
            raise NotMeasurable(f"samples move on in the padding, as with a mask ({motion:.2g} of the targets before it)")
        measured = {"padding_share": padding.share(lengths, deltas.shape[1]), "still_inside": still}
        return measured if motion is None else {**measured, "motion_in_padding": motion}

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        return (
            f"{measured['padding_share']:.0%} of the steps are padding, and {measured['still_inside']:.0%} of the deltas before"
            " it are zero: unless the loss leaves the padding out, an L1 on deltas learns to stand still first"
        )

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        return (catalogue.masked_loss(),)
