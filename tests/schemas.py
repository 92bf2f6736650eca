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
    """Look at a list's entries at once where they need only be numbers or rows of them: a report has thousands."""
    if isinstance(items, dict) and isinstance(instance, list) and all(_is_plain(validator, items, one) for one in instance):
        return
    yield from Draft202012Validator.VALIDATORS["items"](validator, items, instance, schema)


def _is_plain(validator: Validator, schema: Mapping[str, Any], instance: Any) -> bool:
    """Return True for what is of a type alone, or a list of such; False also for what needs a look as usual."""
    if not isinstance(schema.get("type"), str) or not validator.is_type(instance, schema["type"]):
        return False
    if schema.keys() == {"type"}:
        return True
    if not isinstance(instance, list) or not schema.get("minItems", 0) <= len(instance) <= schema.get("maxItems", -1):
        return False
    if schema.keys() == {"type", "items", "maxItems"} and isinstance(schema["items"], dict):
        return all(_is_plain(validator, schema["items"], one) for one in instance)
    if schema.keys() != {"type", "minItems", "maxItems", "prefixItems", "items"} or schema["items"] is not False:
        return False
    pairs = zip(schema["prefixItems"], instance, strict=False)
    return len(instance) == len(schema["prefixItems"]) and all(_is_plain(validator, one, entry) for one, entry in pairs)


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
