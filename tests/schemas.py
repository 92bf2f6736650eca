"""What a report on disk must be, by the schema that the package has with it."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from humouse_doctor.stored import report as json_report


def require_report(content: object) -> None:
    """Raise `jsonschema.ValidationError` unless `content` is a report as the schema has it."""
    _validator().validate(content)


@functools.cache
def _validator() -> Draft202012Validator:
    schema = json.loads((Path(json_report.__file__).parent / "schemas" / "report.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)  # ten times as long as a look at a report
    found: Draft202012Validator = extend(Draft202012Validator, {"items": _items, "$ref": _ref})(schema)  # type: ignore[no-untyped-call]  # unannotated
    return found


def _items(validator: Validator, items: Any, instance: object, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    """Look at a list's entries at once where they need only be of a type: a report has thousands of numbers."""
    plain = isinstance(items, dict) and items.keys() == {"type"} and isinstance(items["type"], str)
    if plain and isinstance(instance, list) and all(validator.is_type(entry, items["type"]) for entry in instance):
        return
    yield from Draft202012Validator.VALIDATORS["items"](validator, items, instance, schema)


def _ref(validator: Validator, name: str, instance: object, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    """Look once at what is found valid: most parts of a report are those of many others."""
    part = (name, json.dumps(instance))
    if part in _valid():
        return
    errors = list(Draft202012Validator.VALIDATORS["$ref"](validator, name, instance, schema))
    if not errors:
        _valid().add(part)
    yield from errors


@functools.cache
def _valid() -> set[tuple[str, str]]:
    """Return the parts of reports that are valid, by the definition of the schema."""
    return set()
