"""A survey as JSON, and its rows as JSON lines, which are read back checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.report import Finding
from humouse_doctor.core.surveying import ROW_KIND, SURVEY_KIND, SURVEY_VERSION, Row, State, Survey
from humouse_doctor.core.text import no_command_in_json, reason
from humouse_doctor.inputs.files import open_regular
from humouse_doctor.stored import report as reports

#: A row has 3 kB as a rule.
_MOST_LINE = 1 << 20


def render(survey: Survey) -> str:
    """Return the survey as JSON text that ends in a newline; a row has a line."""
    content = {
        "kind": SURVEY_KIND,
        "schema_version": SURVEY_VERSION,
        "tool_version": survey.tool_version,
        "exit_code": int(survey.exit_code),
        "keys": list(survey.keys),
        "counts": {state.value: survey.count(state) for state in State},
        "separations": reports.plain(survey.separations),
        "untested": survey.untested,
        "tree": reports.plain(survey.tree),
        "best": [row.run for row in survey.best],
        "families": [
            {"cause": one.cause, "runs": one.runs, "shared": dict(one.shared), "example": one.example.run}
            for one in survey.families
        ],
        "notes": list(survey.notes),
    }
    rows = ",\n".join(f"    {line(row)}" for row in survey.listed)
    return reports.joined(content, "rows", f"[\n{rows}\n  ]")


def line(row: Row) -> str:
    """Return a row as JSON on one line."""
    content: dict[str, Any] = {"kind": ROW_KIND, "schema_version": SURVEY_VERSION}
    content |= {
        "run": row.run,
        "config": row.config,
        "data": row.data,
        "checkpoint": row.checkpoint,
        "verdict": row.verdict,
        "exit_code": int(row.exit_code),
        "confidence": reports.plain(row.confidence),
        "sentence": row.sentence,
        "causes": list(row.causes),
        "findings": [reports.finding_to_dict(finding) for finding in row.findings],
        "numbers": dict(row.numbers),
        "settings": {key: reports.spelled(value) for key, value in row.settings.items()},
        "paths": reports.plain(row.paths),
        "patched": row.patched,
    }
    return no_command_in_json(json.dumps(content, allow_nan=False))


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of JSON lines; raise `InputError` with the line for anything else."""
    from humouse_doctor.stored import values  # msgspec, which only reading needs

    try:
        with open_regular(path) as stream:
            number = 0
            while data := stream.readline(_MOST_LINE + 1):
                number += 1
                if len(data) > _MOST_LINE:
                    raise InputError(f"{path}, line {number}: not a row of a survey (longer than {_MOST_LINE:,} bytes)")
                if data.strip():
                    yield _row(data, f"{path}, line {number}")
    except OSError as error:
        raise InputError(f"{path}: cannot read the rows: {reason(error)}") from None
    except values.MALFORMED as error:
        raise InputError(
            f"{path}, line {number}: not a row of a survey ({reason(error)}); expected what survey --format jsonl writes"
        ) from None


def _row(data: bytes, name: str) -> Row:
    from humouse_doctor.stored.shapes import survey as shapes  # as above
    from humouse_doctor.stored.values import decode_file, same

    stored = decode_file(data.decode(), shapes.Row, name, "a row", SURVEY_VERSION, ROW_KIND)
    if any(not path for path in stored.paths):
        raise ValueError("a path without points")
    return Row(
        run=stored.run,
        config=stored.config,
        data=stored.data,
        checkpoint=stored.checkpoint,
        verdict=stored.verdict,
        exit_code=stored.exit_code,
        confidence=stored.confidence,
        sentence=stored.sentence,
        causes=stored.causes,
        findings=same(stored.findings, tuple[Finding, ...]),
        numbers=MappingProxyType(stored.numbers),
        settings=MappingProxyType({key: reports.read_value(value) for key, value in stored.settings.items()}),
        paths=stored.paths,
        patched=stored.patched,
    )
