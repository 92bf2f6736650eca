from __future__ import annotations

from importlib import import_module

import pytest

from humouse_doctor.core.view import GateView, RunView, TrialsView
from humouse_doctor.gate.comparing import compare
from humouse_doctor.reporting import (
    github,
    gitlab,
    junit,
    markdown,
    outcome_json,
    outcome_screen,
    sarif,
    view_json,
    view_text,
)
from humouse_doctor.reporting.forms import Format, PlainFormat
from humouse_doctor.reporting.github import step_summary
from humouse_doctor.reporting.html import page
from humouse_doctor.reporting.rendering import REPORTS, TRIALS, Renderer
from tests.reporting.builders import collapsed, gated, healthy

#: The modules by their types, which mypy holds to the protocol; the tables name them, so that they are imported when used.
REPORT_MODULES: dict[Format, Renderer[RunView | GateView]] = {
    Format.TEXT: view_text,
    Format.JSON: view_json,
    Format.SARIF: sarif,
    Format.JUNIT: junit,
    Format.GITHUB: github,
    Format.GITLAB: gitlab,
    Format.MARKDOWN: markdown,
    Format.HTML: page,
}
TRIAL_MODULES: dict[Format, Renderer[TrialsView]] = {
    Format.TEXT: outcome_screen,
    Format.JSON: outcome_json,
    Format.HTML: page,
}


def test_every_format_has_a_module_that_renders_it() -> None:
    assert {form: import_module(name) for form, name in REPORTS.items()} == REPORT_MODULES
    assert set(REPORTS) == set(Format)


def test_every_plain_format_has_a_module_that_renders_trials() -> None:
    assert {form: import_module(name) for form, name in TRIALS.items()} == TRIAL_MODULES
    assert {form.value for form in TRIALS} == {form.value for form in PlainFormat}


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
