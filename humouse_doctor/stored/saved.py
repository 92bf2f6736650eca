"""Reading of reports that were saved as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.core.gating import GATE_KIND
from humouse_doctor.core.outcome import OUTCOME_KIND, Outcome
from humouse_doctor.core.report import Report
from humouse_doctor.core.text import reason
from humouse_doctor.stored import outcome, report
from humouse_doctor.stored.shapes.bounds import Head
from humouse_doctor.stored.values import MALFORMED, decode, load, reports


def read(path: Path, name: str | None = None) -> Report:
    """Read the report in a file; in a gate's decision that of the input `name`, else the only one.

    Raises `InputError` if the file is unreadable or not a report, and `UsageError` if several reports could be meant.
    """
    found = read_any(path, name)
    if isinstance(found, Outcome):
        raise InputError(f"{path}: not a report, but an outcome of verify: give it with --outcome, or humouse-doctor show it")
    return found


def read_any(path: Path, name: str | None = None) -> Report | Outcome:
    """Read a file as `read` does, or the outcome of a verify in it; `-` is stdin."""
    try:
        text = load(path)
        kind = decode(text, Head).kind
        if kind == GATE_KIND:
            text = _chosen(reports(text), name, path)
        elif kind == OUTCOME_KIND:
            return outcome.parse(text, str(path))
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
