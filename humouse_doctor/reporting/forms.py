"""The forms a suggested patch comes in; the command line needs them before anything else is imported."""

from __future__ import annotations

from enum import Enum


class Emit(str, Enum):
    """The forms a suggested patch is written in."""

    DIFF = "diff"
    OVERRIDES = "overrides"
    YAML = "yaml"
    JSON = "json"
