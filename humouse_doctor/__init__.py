"""Finds out why a sequence generator collapses while it warms up.

`inspect` looks at a checkpoint on disk or at a module in memory and returns a `Report`; `load_case` only gathers what
the probes would measure. Torch is imported when one of them is first called.
"""

from __future__ import annotations

from humouse_doctor.api import inspect, load_case
from humouse_doctor.core.report import Report

__all__ = ["Report", "inspect", "load_case"]
