"""Choices offered on the command line, which needs them before any other import."""

from __future__ import annotations

from enum import Enum

#: The time of a verify.
BUDGET = "10m"


class Emit(str, Enum):
    """Formats of a suggested patch."""

    DIFF = "diff"
    OVERRIDES = "overrides"
    YAML = "yaml"
    JSON = "json"


class Format(str, Enum):
    """Formats of a report."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"
    GITLAB = "gitlab"
    MARKDOWN = "markdown"
    HTML = "html"


#: The formats of a gate's decision that have its reports' pictures in them.
PICTURED = frozenset({Format.JSON, Format.HTML})


class SurveyFormat(str, Enum):
    """Formats of a survey."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    MARKDOWN = "markdown"
    SARIF = "sarif"
    JUNIT = "junit"
    HTML = "html"


class Only(str, Enum):
    """The state of the runs that a survey lists."""

    SICK = "sick"
    HEALTHY = "healthy"
    UNKNOWN = "unknown"


class PlainFormat(str, Enum):
    """Formats of an outcome of trials."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"


class FailOn(str, Enum):
    """The least severe finding that makes the exit code 1."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    NEVER = "never"


class Reads(str, Enum):
    """The kind of sequence that a program reads a generator's output as: the values of `training.output_space`."""

    DELTAS = "deltas"
    POSITIONS = "positions"


class Targets(str, Enum):
    """The kind of data that a loss's targets are made from."""

    GESTURES = "gestures"
    AS_IS = "as-is"


class When(str, Enum):
    """When text gets colours."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"
