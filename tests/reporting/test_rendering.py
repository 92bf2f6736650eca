from __future__ import annotations

import pytest

from humouse_doctor.core.view import GateView
from humouse_doctor.gate.comparing import compare
from humouse_doctor.reporting import github
from humouse_doctor.reporting.rendering import step_summary
from tests.reporting.builders import collapsed, gated, healthy


def test_a_step_summary_has_what_has_changed() -> None:
    summary = step_summary(GateView(gate=gated(), comparison=compare(collapsed(), healthy())))

    assert "What has changed" in summary


@pytest.mark.parametrize("limit", [3_000, 30_000])
def test_a_step_summary_keeps_to_the_limit_and_the_verdict(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    monkeypatch.setattr(github, "SUMMARY_LIMIT", limit)
    before = collapsed("runs/" + "x" * 20_000 + ".pt")

    summary = step_summary(GateView(gate=gated(), comparison=compare(before, healthy())))

    assert len(summary.encode()) <= limit
    assert "1 of 3 pass" in summary
    assert "What has changed is too long to be shown here." in summary
