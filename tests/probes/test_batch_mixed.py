from __future__ import annotations

from dataclasses import replace

import pytest

from humouse_doctor.core.case import Behaviour, Case
from humouse_doctor.core.probe import Judgement
from tests import builders

_PROBE = builders.probe("HD216")


def _of(effect: float | None) -> Case:
    return builders.case(replace(builders.healthy_samples(), behaviour=Behaviour(neighbour_effect=effect)))


@pytest.mark.parametrize(
    ("effect", "judgement"),
    [(0.0, Judgement.HEALTHY), (1e-6, Judgement.HEALTHY), (0.005, Judgement.BORDERLINE), (0.06, Judgement.FOUND)],
)
def test_the_change_by_neighbours_decides(effect: float, judgement: Judgement) -> None:
    assert builders.run("HD216", _of(effect)).judgement is judgement


def test_without_a_generator_or_a_spread_it_is_skipped() -> None:
    assert builders.run("HD216", _of(None)).reason == "all its sequences are the same, or not finite"
    assert builders.run("HD216", builders.healthy_case()).reason == "no generator was run"


def test_the_message_has_the_number_and_the_remedy_names_batch_first() -> None:
    case = _of(0.0625)
    measured = _PROBE.measure(case)
    assert "changes by 0.062 of the spread across sequences" in _PROBE.message(case, measured)
    assert "batch_first=True" in (_PROBE.remedies(case, measured)[0].code_hint or "")
