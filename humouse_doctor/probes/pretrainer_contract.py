"""HD207: does the run use a pretrainer checkpoint in the space it was trained for?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.case import PretrainerContract as Contract
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Kind, Metric, Probe
from humouse_doctor.core.remedy import Interval, Remedy
from humouse_doctor.core.spec import Activation, activation_of
from humouse_doctor.remedies import catalogue


class PretrainerContract(Probe):
    code = "HD207"
    name = "pretrainer-contract"
    kind = Kind.CAUSE
    lasting = True
    summary = "Whether a pretrainer checkpoint's head, statistics and space agree with the run that starts from it."
    briefs = ("the pretrainer does not fit: {broken_terms:.0f} terms",)
    needs = (Need.CONFIG,)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            name="broken_terms",
            unit="count",
            meaning="terms of the contract that do not hold",
            healthy=Interval(high=0),
            tolerable=Interval(high=0),
        ),
    )
    explains = ("HD101",)
    sometimes = ("HD102", "HD103", "HD104", "HD105")
    key = "training.generator_init_path"

    def measure(self, case: Case) -> dict[str, float]:
        if case.contract is None:
            raise NotMeasurable("the run does not start from a pretrainer checkpoint")
        return {"broken_terms": float(len(broken_terms(case.contract)))}

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        assert case.contract is not None
        return f"the pretrainer checkpoint {case.contract.file} does not fit this run: {'; '.join(broken_terms(case.contract))}"

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        return (catalogue.honour_contract(case),)


def broken_terms(contract: Contract) -> tuple[str, ...]:
    """Return, in words, each way in which the run breaks the contract with a pretrainer checkpoint; empty if there is none."""
    run_head, reads = contract.run_head, contract.run_reads
    sums = reads is not None and not reads.space.absolute
    because = "" if reads is None else f" ({'assumed: ' if reads.assumed else ''}{reads.because})"
    terms = (
        (contract.has_statistics, "it has no position statistics, so it is not a pretrainer checkpoint"),
        (_is_linear(contract.head), f"its head is {contract.head}, not linear"),
        (
            run_head is None or _is_linear(run_head),
            f"the run's activation_xy is {run_head}, the checkpoint's head is linear",
        ),
        (not contract.run_compares_deltas, "the run compares deltas, the checkpoint emits positions"),
        (not sums, f"the program sums the output{because}, the checkpoint emits positions"),
        (not contract.run_normalises, "the run z-scores its deltas, the checkpoint emits positions in pixels"),
    )
    return tuple(broken for holds, broken in terms if not holds)


def _is_linear(head: str) -> bool:
    return activation_of(head) is Activation.LINEAR
