"""Writes the published JSON Schemas from the types of the files: `python -m tests.stored.write_schemas`.

To be run whenever `humouse_doctor.stored.shapes` has changed. A schema says what the tool writes, so that it asks for every
field and allows no further ones; when it reads, the tool itself passes over them and does without new ones.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.json import schema_components

from humouse_doctor.core.gating import BASELINE_VERSION, GATE_VERSION
from humouse_doctor.core.outcome import OUTCOME_VERSION
from humouse_doctor.core.report import SCHEMA_VERSION
from humouse_doctor.core.surveying import SURVEY_VERSION
from humouse_doctor.core.watching import WATCH_VERSION
from humouse_doctor.stored import shapes
from humouse_doctor.stored.shapes.baseline import Baseline
from humouse_doctor.stored.shapes.bounds import LINES, MANY_LINES
from humouse_doctor.stored.shapes.gate import Gate
from humouse_doctor.stored.shapes.outcome import Outcome
from humouse_doctor.stored.shapes.report import Report
from humouse_doctor.stored.shapes.survey import Survey
from humouse_doctor.stored.shapes.watch import Watch

FOLDER = Path(shapes.__file__).parents[1] / "schemas"
VALUE = {
    "description": "A config's value. A float that is not finite is spelled as in YAML: .nan, .inf or -.inf.",
    "anyOf": [{"type": ["null", "boolean", "number", "string"]}, {"type": "array", "items": {"$ref": "#/$defs/value"}}],
}
_REPORT = f"urn:humouse-doctor:report:{SCHEMA_VERSION}"


def schemas() -> dict[str, str]:
    """Return the text of every schema by its name."""
    report = _schema(Report, SCHEMA_VERSION)
    own = {f"#/$defs/{name}": f"{_REPORT}#/$defs/{name}" for name in report["$defs"]}
    gate = _with_references(_schema(Gate, GATE_VERSION), {"#/$defs/report": _REPORT, **own})
    gate["$defs"] = {name: part for name, part in gate["$defs"].items() if name not in {"report", *report["$defs"]}}
    survey = _with_references(_schema(Survey, SURVEY_VERSION), own)
    survey["$defs"] = {name: part for name, part in survey["$defs"].items() if name not in report["$defs"]}
    every = {
        "report": report,
        "gate": gate,
        "survey": survey,
        "outcome": _schema(Outcome, OUTCOME_VERSION),
        "baseline": _schema(Baseline, BASELINE_VERSION),
        "watch": _of_a_line(_schema(Watch, WATCH_VERSION)),
    }
    return {name: json.dumps(schema, indent=2) + "\n" for name, schema in every.items()}


def _of_a_line(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of one line of a file from that of the object with its `lines`."""
    head = {key: schema[key] for key in ("$schema", "$id", "title", "description")}
    return {**head, **schema["properties"]["lines"]["items"], "$defs": schema["$defs"]}


def _schema(shape: type[Struct], version: str) -> dict[str, Any]:
    _, components = schema_components((shape,), ref_template="#/$defs/{name}")
    references = {f"#/$defs/{name}": f"#/$defs/{_lower(name)}" for name in components}
    parts = {_lower(name): _with_references(part, references) for name, part in components.items()}
    name = _lower(shape.__name__)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:humouse-doctor:{name}:{version}",
        **parts.pop(name),
        "title": f"humouse-doctor {name}",
        "$defs": {**parts, **({"value": VALUE} if '"#/$defs/value"' in json.dumps(parts) else {})},
    }


def _with_references(part: Any, references: dict[str, str]) -> Any:
    """Return a part of a schema with its references renamed, without patterns of line ends, and closed to further fields.

    What OpenAPI adds to JSON Schema is left out.
    """
    if isinstance(part, list):
        return [_with_references(one, references) for one in part]
    if not isinstance(part, dict):
        return part
    kept = {key: value for key, value in part.items() if value not in (LINES, MANY_LINES) and key != "discriminator"}
    if "$ref" in kept:
        kept["$ref"] = references.get(kept["$ref"], kept["$ref"])
    if isinstance(kept.get("description"), str):
        kept["description"] = inspect.cleandoc(kept["description"])
    closed = {"required": list(kept["properties"]), "additionalProperties": False} if "properties" in kept else {}
    return {key: _with_references(value, references) for key, value in {**kept, **closed}.items()}


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]


if __name__ == "__main__":
    for name, text in schemas().items():
        (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")
