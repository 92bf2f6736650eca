from __future__ import annotations

from dataclasses import replace

import pytest

from humouse_doctor.core.remedy import RemedyStatus
from humouse_doctor.core.report import Cause
from humouse_doctor.reporting.rows import support_of


@pytest.mark.parametrize(
    ("support", "explains", "said"),
    [
        (1.0, ("HD101",), "supported by HD101"),
        (0.5, ("HD101",), "supported by HD101, 50% of the symptoms it always produces"),
        (0.0, ("HD101",), "supported by HD101, none of which it always produces"),  # HD208, whose weights have moved since
        (0.0, (), "supported by no symptom"),
        (None, (), "no symptom was measured"),
    ],
)
def test_a_causes_support_is_its_symptoms_and_their_share(support: float | None, explains: tuple[str, ...], said: str) -> None:
    cause = Cause(code="HD208", name="x", support=support, message="x", explains=explains)

    assert support_of(cause, measured=True) == said
    assert support_of(replace(cause, trial=RemedyStatus.REFUTED), measured=True) == f"refuted by trials; {said}"
