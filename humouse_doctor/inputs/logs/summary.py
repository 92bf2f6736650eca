"""The summary that humouse writes at the end of a run, `gan_summary.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.text import reason
from humouse_doctor.inputs.files import read_bounded

#: The file's name.
SUMMARY = "gan_summary.json"
#: A record of an evaluation has some 900 bytes, and a run has thousands of them at most.
_MAX_BYTES = 4 << 20
#: No run has more epochs.
MAX_EPOCH = 10**7


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The end of a run: its last epoch, and the epoch of its best evaluation (0 is after the warm-up); None if not stated."""

    final_epoch: int | None
    best_epoch: int | None


def read_summary(path: Path) -> Summary:
    """Read a summary; raise `InputError` with a one-line message."""
    try:
        content = json.loads(read_bounded(path, _MAX_BYTES).decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot read the run's summary: {reason(error)}; expected JSON") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a run's summary; expected an object with final_epoch")
    return Summary(final_epoch=_epoch(content.get("final_epoch")), best_epoch=_epoch(content.get("best_sigma_epoch")))


def _epoch(value: object) -> int | None:
    """Return `value` if an epoch can have this number, None otherwise."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and isinstance(value, int) and 0 <= value <= MAX_EPOCH else None
