"""The printed command that searches for a cure: of the same run, with all that the run was looked at with."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
import typer.main

from humouse_doctor.cases.request import Request
from humouse_doctor.cli.commands import app
from humouse_doctor.core.gating import Policy
from humouse_doctor.core.report import Report
from humouse_doctor.gate.judging import judged_alone
from humouse_doctor.reporting import markdown, text
from humouse_doctor.reporting.forms import Emit
from humouse_doctor.service.commands import following_of, with_suggestion
from humouse_doctor.service.patch import suggestion
from tests.reporting.builders import collapsed

RUN = Request(checkpoint=Path("runs/x"))
END = "--search --budget 10m --outcome x-trials.json"


def sick(config: str | None = "conf/x.yaml", data: str | None = "d.npz") -> Report:
    return replace(collapsed(), subject=replace(collapsed().subject, config=config, data=data))


@pytest.mark.parametrize(
    ("request_", "report", "command"),
    [
        (RUN, sick(), f"conf/x.yaml --data d.npz {END}"),
        (
            replace(RUN, overrides=("a.b=1",), source=Path("src")),
            sick(),
            f"conf/x.yaml --data d.npz --source src --set a.b=1 {END}",
        ),
        (replace(RUN, config=Path("conf/all.yaml")), sick(), f"conf/all.yaml --data d.npz {END}"),  # which includes x.yaml
        (replace(RUN, rehearse_s=60.0, device="cuda", salvage=True), sick(), f"conf/x.yaml --data d.npz --device cuda {END}"),
        (RUN, sick("-x.yaml", "-d.npz"), f"./-x.yaml --data ./-d.npz {END}"),
        (RUN, sick("https://h/x.yaml", "s3://h/d.npz"), f"https://h/x.yaml --data s3://h/d.npz {END}"),
        (RUN, sick(None), None),
        (RUN, sick(data=None), None),
        (RUN, sick("\x1b.yaml"), None),
        (replace(RUN, model="m:make"), sick(), None),
        (replace(RUN, part="decoder"), sick(), None),
        (replace(RUN, as_is=True), sick(), None),
    ],
)
def test_the_search_is_of_the_run_that_was_looked_at(request_: Request, report: Report, command: str | None) -> None:
    made = with_suggestion(report, request_).search

    assert made == (None if command is None else f"humouse-doctor verify {command}")
    known = {option for parameter in typer.main.get_command(app).commands["verify"].params for option in parameter.opts}  # type: ignore[attr-defined]
    assert {word for word in shlex.split(made or "") if word.startswith("--")} <= known


def test_every_text_prints_the_same_search_or_none() -> None:
    of_all, own = (
        with_suggestion(sick(), request) for request in (replace(RUN, overrides=("a=1",)), replace(RUN, model="m:f"))
    )

    for report, command in ((of_all, of_all.search), (own, None)):
        notes = suggestion(replace(report, subject=replace(report.subject, config="x.yaml")), RUN, Emit.OVERRIDES, False).notes
        texts = (text.render(report, width=400), markdown.render(judged_alone(report, Policy(), "0.1.0")), "\n".join(notes))
        for said in texts:
            assert ("humouse-doctor verify" in said) == (command is not None)
            assert command is None or command in said

    bare = replace(of_all, patch=(), remedies=(), chosen=())
    assert following_of(bare, RUN) == (of_all.search,)
    assert following_of(replace(bare, search=None), replace(RUN, model="m:f"))[0].endswith("--model m:f --full")
