"""Rows and folders of runs, without a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from humouse_doctor.core.errors import ExitCode
from humouse_doctor.core.probe import Kind, Severity
from humouse_doctor.core.report import Confidence, Finding, Location
from humouse_doctor.core.settings import Value
from humouse_doctor.core.surveying import STATES, Row, State, Survey
from humouse_doctor.survey.answers import survey_of

KEYS = ("model.generator.activation_xy", "seed", "training.lr.generator")
CODES = {State.SICK: ExitCode.FINDINGS, State.HEALTHY: ExitCode.CLEAN, State.UNKNOWN: ExitCode.INPUT}


def row(name: str, verdict: str, settings: Mapping[str, Value], cause: str = "", spread: float = 1.0) -> Row:
    state = STATES[verdict]
    finding = Finding(
        code=cause[:5] or "HD101",
        name=cause[6:] or "spread-ratio",
        kind=Kind.CAUSE,
        severity=Severity.ERROR,
        message="it is so",
        evidence=MappingProxyType({"spread_ratio": spread}),
        location=Location(file=f"{name}/config.yaml", line=7, key="model.generator.activation_xy"),
    )
    unread = verdict == "unreadable"
    return Row(
        run=name,
        verdict=verdict,
        exit_code=CODES[state],
        sentence=f"{name} is {verdict}.",
        data=None if unread else "data.npz",
        checkpoint=None if unread else f"{name}/generator.pt",
        confidence=None if unread else Confidence.MEDIUM,
        causes=(cause,) if cause else (),
        findings=(finding,) if state is State.SICK else (),
        numbers=MappingProxyType({} if unread else {"spread": spread, "movement": 0.9, "variety": 1.1, "detour": 1.0}),
        settings=MappingProxyType(dict(settings)),
        paths=() if unread else (((0.0, 0.0), (0.25, 0.5 * spread), (0.5, spread)),),
        patched=bool(cause),
    )


def swept() -> tuple[Row, ...]:
    """Return 24 runs: a tanh head makes sick, and with a linear one a rate of 0.1 does; the seed means nothing."""
    rows = []
    for number in range(22):
        head, rate = ("tanh", "linear")[number % 2], (0.1, 0.001, 0.01)[number % 6 // 2]
        settings: dict[str, Value] = dict(zip(KEYS, (head, number // 6 % 3, rate), strict=True))
        if head == "tanh":
            made = row(f"multirun/{number}", "collapsed", settings, "HD201 out-of-reach-targets", 0.002 * (number + 1))
        elif rate == 0.1:
            made = row(f"multirun/{number}", "at-risk", settings, "HD212 rate-too-high", 0.4)
        else:
            made = row(f"multirun/{number}", "healthy", settings, spread=0.8 + 0.01 * number)
        rows.append(made)
    blank: dict[str, Value] = dict(zip(KEYS, ("tanh", 0, 0.1), strict=True))
    rows.append(row("multirun/22", "unreadable", blank))
    rows.append(row("multirun/23", "undetermined", blank))
    return tuple(rows)


def survey() -> Survey:
    return survey_of(swept(), KEYS, "0.1.0")


def hydra_run(folder: Path, *overrides: str, config: str = "", checkpoint: bool = True) -> Path:
    """Write what Hydra and humouse leave of a run, with an empty file for the weights."""
    (folder / ".hydra").mkdir(parents=True)
    (folder / ".hydra" / "config.yaml").write_text(config or "experiment: {training: {epochs: 1}}\n")
    (folder / ".hydra" / "overrides.yaml").write_text("".join(f"- {line}\n" for line in overrides) or "[]\n")
    if checkpoint:
        (folder / "checkpoints").mkdir()
        (folder / "checkpoints" / "generator_x.pt").touch()
    return folder
