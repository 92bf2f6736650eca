from __future__ import annotations

from humouse_doctor.core.case import Case, PretrainerContract
from humouse_doctor.core.probe import Judgement, Status
from tests import builders

_PROBE = builders.probe("HD207")


def _of(*broken: str) -> Case:
    contract = PretrainerContract(file="lstm.pt", broken=broken)
    return builders.case(known=builders.settings(), contract=contract)


def test_a_contract_that_holds_is_healthy() -> None:
    result = builders.run("HD207", _of())
    assert (result.status, dict(result.measurements)) == (Status.HEALTHY, {"broken_terms": 0})


def test_every_broken_term_is_counted_and_said() -> None:
    case = _of("its head is tanh, not linear", "the run compares deltas")
    result = builders.run("HD207", case)
    assert (result.judgement, result.measurements["broken_terms"]) == (Judgement.FOUND, 2)
    assert _PROBE.message(case, result.measurements) == (
        "the pretrainer checkpoint lstm.pt does not fit this run: its head is tanh, not linear; the run compares deltas"
    )


def test_a_run_without_a_pretrainer_checkpoint_is_skipped() -> None:
    result = builders.run("HD207", builders.case(known=builders.settings()))
    assert (result.status, result.reason) == (Status.SKIPPED, "the run does not start from a pretrainer checkpoint")


def test_its_remedy_is_to_honour_the_contract() -> None:
    assert [remedy.id for remedy in _PROBE.remedies(_of("x"), {})] == ["honour-contract"]
