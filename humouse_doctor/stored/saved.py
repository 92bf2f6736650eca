"""Reading of reports that were saved as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.core.gating import GATE_KIND
from humouse_doctor.core.report import Report
from humouse_doctor.core.text import reason
from humouse_doctor.stored import report
from humouse_doctor.stored.shapes.bounds import Head
from humouse_doctor.stored.values import MALFORMED, decode, load, reports


def read(path: Path, name: str | None = None) -> Report:
    """Read the report in a file; in a gate's decision that of the input `name`, else the only one.

    Raises `InputError` if the file is unreadable or not a report, and `UsageError` if several reports could be meant.
    """
    try:
        text = load(path)
        if decode(text, Head).kind == GATE_KIND:
            text = _chosen(reports(text), name, path)
    except OSError as error:
        raise InputError(f"{path}: cannot read the report: {reason(error)}") from None
    except MALFORMED as error:
        raise report.not_a_report(str(path), error) from None
    return report.parse(text, str(path))


def _chosen(inputs: Sequence[tuple[str, str]], name: str | None, path: Path) -> str:
    named = [text for one, text in inputs if one == name] or [text for _, text in inputs]
    if len(named) != 1:
        wanted = "" if name is None else f", none of them {name}"
        raise UsageError(f"{path}: a gate's decision on {len(inputs)} inputs{wanted}; give the report of one run")
    return named[0]
