"""Marks on a report's remedies: confirmed or refuted by the trials of an earlier verify."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.outcome import Outcome
from humouse_doctor.core.report import Report
from humouse_doctor.core.settings import Origin
from humouse_doctor.inputs.config import reader
from humouse_doctor.inputs.config.trainer_keys import BY_NAME
from humouse_doctor.verify.marks import config_values, mark


def overrides_of(report: Report) -> tuple[str, ...]:
    """Return the overrides that a report was made with, as far as probes used them."""
    return tuple(f"{one.key}={reader.spell(one.value)}" for one in report.settings if one.origin is Origin.OVERRIDE)


def marked(report: Report, outcome: Outcome, path: str, overrides: Sequence[str]) -> Report:
    """Return `report` with its remedies marked by the trials read from `path`.

    Raises `UsageError` if the trials belong to another config.
    """
    source = report.subject.config
    if source is None:
        raise UsageError(f"{path}: trials belong to a config: add --config")
    if outcome.config_values != config_values(reader.read(Path(source), overrides).settings):
        raise UsageError(f"{path}: its trials were made with other values than {source} has now; run verify again")
    marked = mark(report, outcome)
    own = {edit for remedy in report.remedies for edit in remedy.edits}
    for edit in marked.patch:
        if isinstance(edit.new, str) and not BY_NAME[edit.key].accepts and edit not in own:
            raise UsageError(f"{path}: its cure sets {edit.key}, and no trial says which file to trust; set it yourself")
    return marked
