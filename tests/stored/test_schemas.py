"""The published JSON Schemas: made from the types of the files, and true of the files."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from humouse_doctor.core.gating import Policy
from humouse_doctor.core.verdict import Verdict
from humouse_doctor.core.watching import Beginning, Ending, Moment
from humouse_doctor.gate import baseline
from humouse_doctor.gate.judging import Judge
from humouse_doctor.stored import gate, outcome
from humouse_doctor.stored.watch import line_of
from tests.reporting.builders import collapsed
from tests.stored.write_schemas import FOLDER, schemas
from tests.verify.builders import searched


def test_the_schemas_are_those_of_the_types() -> None:
    """Else run `python -m tests.stored.write_schemas`."""
    assert {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()} == schemas()


@pytest.mark.parametrize("name", schemas())
def test_a_schema_names_every_part_that_it_refers_to(name: str) -> None:
    text = gate.schema(name)
    schema = json.loads(text)
    Draft202012Validator.check_schema(schema)
    referred = {part.partition('"')[0] for part in text.split('"#/$defs/')[1:]}

    assert referred == set(schema["$defs"])


def test_an_outcome_and_a_baseline_are_what_their_schemas_say(tmp_path: Path) -> None:
    entry = Judge(policy=Policy(), today=date(2026, 1, 1)).entry("run.yaml", collapsed("run.yaml"))
    baseline.write(tmp_path / "known.json", [entry], "0.1.0")
    written = {"outcome": outcome.render(searched()), "baseline": (tmp_path / "known.json").read_text(encoding="utf-8")}

    for name, text in written.items():
        validator = Draft202012Validator(json.loads(gate.schema(name)))
        content = json.loads(text)
        assert list(validator.iter_errors(content)) == []
        assert list(validator.iter_errors({**content, "more": 1})) != []
        assert list(validator.iter_errors({**content, "kind": "another"})) != []


def test_the_lines_of_a_watch_are_what_its_schema_says() -> None:
    validator = Draft202012Validator(json.loads(gate.schema("watch")))
    beginning = Beginning(tool_version="1", generator="G", steps=None, every=5)
    moment = Moment(step=5, now=Verdict.COLLAPSED, outlook=Verdict.UNDETERMINED, causes=("HD201",), measures={"spread": 0.1})

    for part in (beginning, moment, replace(moment, loss=math.nan), Ending(step=5, verdict=Verdict.HEALTHY, sentence="Fine.")):
        validator.validate(json.loads(line_of(part)))
    assert not validator.is_valid({**json.loads(line_of(moment)), "step": -1})
    assert not validator.is_valid({**json.loads(line_of(moment)), "more": 1})
