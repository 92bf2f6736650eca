"""Findings about installed packages whose probes cannot be used."""

from __future__ import annotations

from dataclasses import replace

from humouse_doctor.cases.request import Loaded, ToolFinding
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.probes.plugins import installed


def with_broken(loaded: Loaded) -> Loaded:
    """Return `loaded` with a tool finding for each probe of an installed package that is left out."""
    found = tuple(
        ToolFinding(code=ToolCode.PLUGIN_BROKEN, message=str(broken), serious=True, key=broken.distribution)
        for broken in installed().broken
    )
    return replace(loaded, tool_findings=(*loaded.tool_findings, *found)) if found else loaded
