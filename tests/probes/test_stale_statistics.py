from __future__ import annotations

from dataclasses import replace

import pytest

from humouse_doctor.core.case import Case, WeightFacts
from humouse_doctor.core.probe import Judgement
from tests import builders

_PROBE = builders.probe("HD215")


def _of(norms: int, stale: int) -> Case:
    weights = WeightFacts(non_finite=0, total=100, excess_over_start=3.0, norms=norms, stale_norms=stale)
    return builders.case(builders.collapsed_samples(1.0), weights=weights)


@pytest.mark.parametrize(("stale", "judgement"), [(0, Judgement.HEALTHY), (1, Judgement.FOUND), (4, Judgement.FOUND)])
def test_one_stale_layer_is_enough(stale: int, judgement: Judgement) -> None:
    result = builders.run("HD215", _of(4, stale))
    assert result.judgement is judgement
    assert result.measurements == {"stale_share": stale / 4, "norms": 4.0}


def test_a_network_without_batch_norms_is_skipped() -> None:
    assert builders.run("HD215", _of(0, 0)).reason == "the network has no batch norm that keeps running statistics"


def test_the_message_counts_the_layers_and_the_remedy_needs_no_training() -> None:
    case = _of(4, 3)
    measured = _PROBE.measure(case)
    assert _PROBE.message(case, measured).startswith("3 of 4 batch norms were trained, but their running mean and variance")
    (remedy,) = _PROBE.remedies(replace(case), measured)
    assert "update_bn" in (remedy.code_hint or "")
    assert not remedy.edits
