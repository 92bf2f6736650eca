from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
import typer.main

from humouse_doctor.cli.commands import app
from humouse_doctor.core.outcome import Effect, Outcome
from humouse_doctor.core.view import TrialsView
from humouse_doctor.reporting.forms import Format
from humouse_doctor.reporting.rendering import render
from humouse_doctor.service import verify
from humouse_doctor.service.verify import VerifyRequest
from tests.verify.builders import GATES, arm_outcome, base_outcome, outcome, searched

PLAIN = VerifyRequest(config=Path("run.yaml"), data=Path("d.npz"))
KEPT = replace(PLAIN, outcome=Path("o.json"), checkpoint=Path("g.pt"), overrides=("data.batch_size=4",))
SEARCHED = replace(KEPT, search=True)
FAILED = outcome(base_outcome(), arm_outcome(GATES, Effect.BETTER))
CUT = replace(FAILED, untried=("slow-gates: no time was left",))
MORE = "--seeds 3 --budget 1200s --max-arms 48 --outcome o.json"
SET = "--set model.generator.activation_xy=linear --set training.warmup_latent_normalize=false"


@pytest.mark.parametrize(
    ("request_", "found", "command"),
    [
        (KEPT, searched(), "suggest-config g.pt --config run.yaml --data d.npz --set data.batch_size=4 --outcome o.json"),
        (PLAIN, searched(), f"preflight run.yaml --data d.npz {SET}"),
        (
            replace(PLAIN, overrides=("model.generator.activation_xy=tanh", "a=b")),
            searched(),
            f"preflight run.yaml --data d.npz --set a=b {SET}",
        ),
        (PLAIN, outcome(base_outcome(healthy=3)), "gate run.yaml --data d.npz"),
        (PLAIN, FAILED, "verify run.yaml --data d.npz --search --seeds 3 --budget 1200s --outcome run-trials.json"),
        (
            replace(PLAIN, patches=("a.diff",), steps=9),
            CUT,
            "verify run.yaml --data d.npz --patch a.diff --seeds 3 --steps 9 --outcome run-trials.json",
        ),
        (
            SEARCHED,
            CUT,
            f"verify run.yaml --data d.npz --set data.batch_size=4 --checkpoint g.pt --search {MORE}",
        ),
        (SEARCHED, FAILED, "inspect g.pt --config run.yaml --data d.npz --set data.batch_size=4 --full"),
    ],
)
def test_trials_end_with_the_next_command(request_: VerifyRequest, found: Outcome, command: str) -> None:
    made = verify._following(found, request_)

    assert made == f"humouse-doctor {command}"
    name, *options = shlex.split(command)
    known = {option for parameter in typer.main.get_command(app).commands[name].params for option in parameter.opts}  # type: ignore[attr-defined]
    assert {word for word in options if word.startswith("--")} <= known
    assert render(TrialsView(outcome=found, following=(made,)), Format.TEXT).endswith(f"\n\nNext\n{made}\n")
