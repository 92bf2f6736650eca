"""Train a report's twins, make sure that they are sick and sound by plain numbers, and ask the tool about both."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

import numpy as np

import humouse_doctor
from humouse_doctor.core.verdict import Verdict
from tests.lab.reports.catalogue import part_of
from tests.lab.reports.report import Made, Report, numbers

Row = dict[str, Any]

#: Says that nothing in the network has been trained, or that its weights are no numbers: it stands for a cause.
_UNTRAINED = "HD108"


def asked(report: Report) -> Row:
    """Return what the tool says of both twins. Raises AssertionError for twins that are not what they should be."""
    twins = {name: _twin(report, sick=name == "sick") for name in ("sick", "healed")}
    return {
        "name": report.name,
        "part": part_of(report).value,
        "source": report.source,
        "expected": None if report.expected is None else list(report.expected),
        "answer": answer(report, twins["sick"]),
        **twins,
    }


def _twin(report: Report, *, sick: bool) -> Row:
    began = time.perf_counter()
    made = report.make(sick)
    trained = time.perf_counter()
    found = numbers(made)
    assert found.collapsed if sick else found.sound, f"{report.name}: sick={sick}, but {found}"
    asked_at = time.perf_counter()
    said = _said(made)
    return {
        **said,
        "numbers": {name: _rounded(value) for name, value in asdict(found).items()},
        "seconds": {"training": round(trained - began, 1), "asking": round(time.perf_counter() - asked_at, 1)},
    }


def _said(made: Made) -> Row:
    said = humouse_doctor.inspect(
        generator=made.generator,
        targets=np.asarray(made.targets, dtype=np.float64),
        conditions=None if made.conditions is None else np.asarray(made.conditions, dtype=np.float64),
        latent_dim=made.latent_dim,
        settings=made.settings,
        plugins=False,
    )
    return {
        "verdict": said.verdict.value,
        "confidence": said.confidence.value,
        "causes": [cause.code for cause in said.causes],
        "findings": [finding.code for finding in said.findings],
    }


def named(twin: Row) -> list[str]:
    """Return the codes that the tool names as causes, the first one first."""
    return ([_UNTRAINED] if _UNTRAINED in twin["findings"] else []) + list(twin["causes"])


def answer(report: Report, sick: Row) -> str:
    """Return right, partly, wrong or silent.

    Partly is the right cause, but not named first, or found and not made a cause. Where no cause can be seen, it is right to
    find the generator sick and to name none.
    """
    codes = named(sick)
    if report.expected is None:
        if codes:
            return "wrong"
        return "silent" if sick["verdict"] == Verdict.HEALTHY.value else "right"
    if codes and codes[0] in report.expected:
        return "right"
    if {*codes, *sick["findings"]} & set(report.expected):
        return "partly"
    return "wrong" if codes else "silent"


def _rounded(value: float | tuple[float, ...]) -> Any:
    if isinstance(value, tuple):
        return [_rounded(one) for one in value]
    return float(f"{value:.3g}") if np.isfinite(value) else None
