"""What a report on disk must be, by the schema that the package has with it."""

from __future__ import annotations

import functools
import json
from pathlib import Path

from jsonschema import Draft202012Validator

from humouse_doctor.stored import report as json_report


def require_report(content: object) -> None:
    """Raise `jsonschema.ValidationError` unless `content` is a report as the schema has it."""
    _validator().validate(content)


@functools.cache
def _validator() -> Draft202012Validator:
    schema = json.loads((Path(json_report.__file__).parent / "schemas" / "report.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)  # ten times as long as a look at a report
    return Draft202012Validator(schema)
