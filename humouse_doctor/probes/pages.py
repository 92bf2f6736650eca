"""The probes' pages, which lie beside them, and the list of all probes."""

from __future__ import annotations

import difflib
import inspect
from pathlib import Path

from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.probe import Probe
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.probes.catalogue import PROBES


def path_of(probe: Probe) -> Path:
    """Where the probe's page is: beside its module, under the same name."""
    return Path(inspect.getfile(type(probe))).with_suffix(".md")


def page(code: str) -> str:
    """The page of a probe, or the text of one of the tool's own codes; raises `UsageError` for another code."""
    for probe in PROBES:
        if probe.code == code:
            return path_of(probe).read_text(encoding="utf-8")
    for tool in ToolCode:
        if tool.code == code:
            return f"# {tool.code} {tool.label}\n\n{tool.text}\n"
    codes = [probe.code for probe in PROBES] + [tool.code for tool in ToolCode]
    close = difflib.get_close_matches(code, codes, n=1)
    raise UsageError(f"there is no probe {code}; " + (f"did you mean {close[0]}?" if close else "see humouse-doctor probes"))


def listing() -> str:
    """All probes, a line each."""
    rows = [(probe.code, probe.kind.value, probe.name, probe.summary) for probe in PROBES]
    rows += [(tool.code, "tool", tool.label, tool.text.partition(". ")[0] + ".") for tool in ToolCode]
    return "".join(f"{code}  {kind:8} {name:27} {summary}\n" for code, kind, name, summary in sorted(rows))
