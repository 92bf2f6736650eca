"""Types of one field, with bounds above anything that the tool writes, since a file may come from anybody."""

from typing import Annotated, Any, TypeVar

from msgspec import Meta, Raw, Struct

from humouse_doctor.core.tool_codes import CODE

T = TypeVar("T")

#: At most 2,000 and 100,000 line feeds: a text of line feeds alone would make a page of as many lines.
LINES, MANY_LINES = r"^(?!(?:[^\n]*\n){2001})", r"^(?!(?:[^\n]*\n){100001})"
Text = Annotated[str, Meta(max_length=20_000, pattern=LINES)]
#: In Python's patterns `$` also matches before a line feed at the end.
Code = Annotated[str, Meta(pattern=rf"^{CODE.pattern}$(?!\n)")]
Whole = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Line = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Pair = tuple[float, float]
Numbers = Annotated[tuple[float, ...], Meta(max_length=10_000)]
Path = Annotated[tuple[Pair, ...], Meta(max_length=10_000)]
Paths = Annotated[tuple[Path, ...], Meta(max_length=100)]
Few = Annotated[tuple[T, ...], Meta(max_length=100)]
Items = Annotated[tuple[T, ...], Meta(max_length=1_000)]
Many = Annotated[tuple[T, ...], Meta(max_length=10_000)]
Table = Annotated[dict[str, T], Meta(max_length=1_000)]
#: A config's value, which `stored.report` checks: msgspec knows no type that contains itself.
Value = Annotated[Any, Meta(extra_json_schema={"$ref": "#/$defs/value"})]


class Head(Struct, frozen=True):
    """The fields of any file that say what it is."""

    schema_version: str | int
    kind: str | None = None


class Edit(Struct, frozen=True):
    """A change of one key."""

    key: Annotated[Text, Meta(description="Without the config's prefix.")]
    old: Value
    new: Value
    absent: Annotated[bool, Meta(description="True if the file does not have the key, so that a line is inserted.")]


class Input(Struct, frozen=True):
    """One input of a gate's decision, whose report is not decoded yet."""

    name: str
    report: Raw


class Inputs(Struct, frozen=True):
    """A gate's decision, of which only the reports are read."""

    inputs: tuple[Input, ...]


class Refusal(Struct, frozen=True, forbid_unknown_fields=True):
    """The reason why there is no report on a run, and the exit code that goes with it."""

    refused: Text
    exit_code: Annotated[int, Meta(ge=2, le=4)]
