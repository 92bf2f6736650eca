"""The overall answer about a run."""

from __future__ import annotations

from enum import Enum


class Verdict(str, Enum):
    """The overall answer of a report."""

    HEALTHY = "healthy"
    AT_RISK = "at-risk"
    COLLAPSED = "collapsed"
    UNDETERMINED = "undetermined"
