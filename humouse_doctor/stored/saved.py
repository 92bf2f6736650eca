"""Reading of reports that were saved as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.core.report import Report
from humouse_doctor.core.text import reason
from humouse_doctor.stored import report
from humouse_doctor.stored.gate import KIND
from humouse_doctor.stored.values import MALFORMED, load


def read(path: Path, name: str | None = None) -> Report:
    """Read the report in a file; in a gate's decision that of the input `name`, else the only one.

    Raises `InputError` if the file is unreadable or not a report, and `UsageError` if several reports could be meant.
    """
    try:
        content = load(path)
    except OSError as error:
        raise InputError(f"{path}: cannot read the report: {reason(error)}") from None
    except MALFORMED as error:
        raise report.not_a_report(str(path), error) from None
    if isinstance(content, dict) and content.get("kind") == KIND:
        content = _chosen(content.get("inputs"), name, path)
    return report.from_dict(content, str(path))


def _chosen(inputs: Any, name: str | None, path: Path) -> Any:
    entries = [entry for entry in inputs if isinstance(entry, dict)] if isinstance(inputs, list) else []
    named = [entry for entry in entries if name is not None and entry.get("name") == name] or entries
    if len(named) != 1:
        wanted = "" if name is None else f", none of them {name}"
        raise UsageError(f"{path}: a gate's decision on {len(entries)} inputs{wanted}; give the report of one run")
    return named[0].get("report")
