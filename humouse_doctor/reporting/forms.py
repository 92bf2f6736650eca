"""The forms and limits the command line offers; it needs them before anything else is imported."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from humouse_doctor.core.probe import Severity


class Emit(str, Enum):
    """The forms a suggested patch is written in."""

    DIFF = "diff"
    OVERRIDES = "overrides"
    YAML = "yaml"
    JSON = "json"


class Format(str, Enum):
    """The forms a report is written in."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"
    GITLAB = "gitlab"
    MARKDOWN = "markdown"
    HTML = "html"


class PlainFormat(str, Enum):
    """The forms the outcome of trials is written in."""

    TEXT = "text"
    JSON = "json"


class FailOn(str, Enum):
    """The least severe finding that makes the exit code 1."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    NEVER = "never"

    @property
    def severity(self) -> Severity | None:
        """The severity, None for never."""
        from humouse_doctor.core.probe import Severity

        return None if self is FailOn.NEVER else Severity(self.value)
