from __future__ import annotations

import pytest

from humouse_doctor.core.report import Cause
from humouse_doctor.reporting.rows import share_of


@pytest.mark.parametrize(
    ("support", "explains", "said"),
    [
        (1.0, ("HD101",), ""),
        (0.5, ("HD101",), ", 50% of the symptoms it always produces"),
        (0.0, ("HD101",), ", none of which it always produces"),  # HD208 of a run that has moved its weights since
        (0.0, (), ""),
        (None, (), ""),
    ],
)
def test_the_share_of_a_causes_symptoms_means_something(support: float | None, explains: tuple[str, ...], said: str) -> None:
    assert share_of(Cause(code="HD208", name="x", support=support, message="x", explains=explains)) == said
