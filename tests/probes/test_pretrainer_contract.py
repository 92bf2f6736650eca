from __future__ import annotations

import pytest

from humouse_doctor.core.case import Case, PretrainerContract
from humouse_doctor.core.probe import Judgement, Status
from humouse_doctor.core.space import Reading
from humouse_doctor.probes.pretrainer_contract import broken_terms
from tests import builders

_PROBE = builders.probe("HD207")


def _of(contract: PretrainerContract) -> Case:
    return builders.case(known=builders.settings(), contract=contract)


@pytest.mark.parametrize("head", ["linear", "none", "identity", "null"])
def test_a_contract_that_holds_is_healthy(head: str) -> None:
    result = builders.run("HD207", _of(PretrainerContract(file="lstm.pt", head=head, run_head=head)))
    assert (result.status, dict(result.measurements)) == (Status.HEALTHY, {"broken_terms": 0})


@pytest.mark.parametrize(
    ("contract", "broken"),
    [
        (
            PretrainerContract(file="p.pt", has_statistics=False),
            "it has no position statistics, so it is not a pretrainer checkpoint",
        ),
        (PretrainerContract(file="p.pt", head="relu"), "its head is relu, not linear"),
        (PretrainerContract(file="p.pt", run_head="tanh"), "the run's activation_xy is tanh, the checkpoint's head is linear"),
        (
            PretrainerContract(file="p.pt", run_compares_deltas=True),
            "the run compares deltas, the checkpoint emits positions",
        ),
        (
            PretrainerContract(file="p.pt", run_reads=Reading(space=builders.DELTAS, because="its line 7 sums")),
            "the program sums the output (its line 7 sums), the checkpoint emits positions",
        ),
        (
            PretrainerContract(file="p.pt", run_reads=Reading(space=builders.DELTAS, because="it sums", assumed=True)),
            "the program sums the output (assumed: it sums), the checkpoint emits positions",
        ),
        (
            PretrainerContract(file="p.pt", run_normalises=True),
            "the run z-scores its deltas, the checkpoint emits positions in pixels",
        ),
    ],
)
def test_each_fact_that_does_not_fit_is_one_broken_term(contract: PretrainerContract, broken: str) -> None:
    assert broken_terms(contract) == (broken,)


def test_a_program_that_reads_positions_keeps_the_contract() -> None:
    assert broken_terms(PretrainerContract(file="p.pt", run_reads=Reading(space=builders.POSITIONS, because="it draws"))) == ()


def test_every_broken_term_is_counted_and_said() -> None:
    case = _of(PretrainerContract(file="lstm.pt", head="tanh", run_compares_deltas=True))
    result = builders.run("HD207", case)
    assert (result.judgement, result.measurements["broken_terms"]) == (Judgement.FOUND, 2)
    assert _PROBE.message(case, result.measurements) == (
        "the pretrainer checkpoint lstm.pt does not fit this run: its head is tanh, not linear; the run compares deltas, the"
        " checkpoint emits positions"
    )


def test_a_run_without_a_pretrainer_checkpoint_is_skipped() -> None:
    result = builders.run("HD207", builders.case(known=builders.settings()))
    assert (result.status, result.reason) == (Status.SKIPPED, "the run does not start from a pretrainer checkpoint")


def test_its_remedy_is_to_honour_the_contract() -> None:
    assert [remedy.id for remedy in _PROBE.remedies(_of(PretrainerContract(file="lstm.pt", head="tanh")), {})] == [
        "honour-contract"
    ]
