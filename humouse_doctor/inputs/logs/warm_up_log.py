"""The lines on the warm-up in humouse's log, `train_gan.log`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.text import reason
from humouse_doctor.inputs.files import read_bounded

#: The file's name, in the folder of the run.
LOG = "train_gan.log"
_MAX_BYTES, _MAX_LINES = 32 << 20, 100_000
#: humouse says so before the first epoch of either warm-up.
_START = re.compile(rb"Starting (?:reconstruction|seq2seq) warm-up for (\d{1,7}) epoch")
_LINE = re.compile(rb"Warm-up epoch (\d{1,7}) \| recon_loss=([0-9a-z.+-]{1,40})")


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUpLog:
    """The reconstruction loss at the end of each epoch; `broke_at` is the first epoch whose loss is not finite, or None.

    Epochs and losses end before that one.
    """

    epochs: tuple[int, ...]
    losses: tuple[float, ...]
    broke_at: int | None


def read_warm_up(path: Path) -> WarmUpLog | None:
    """Read the last warm-up in a log, None if there is none; raise `InputError` with a one-line message."""
    found = _read(path)
    epochs: list[int] = []
    losses: list[float] = []
    for count, line in enumerate(_LINE.finditer(found)):
        if count >= _MAX_LINES:
            raise InputError(f"{path}: more than {_MAX_LINES:,} epochs of a warm-up; not a log of humouse")
        try:
            epoch, loss = int(line[1]), float(line[2])
        except ValueError:
            continue
        if epochs and epoch <= epochs[-1]:  # another run has written to the same file
            epochs, losses = [], []
        epochs.append(epoch)
        losses.append(loss)
    if not epochs:
        return None
    end = next((place for place, loss in enumerate(losses) if not math.isfinite(loss)), len(losses))
    return WarmUpLog(
        epochs=tuple(epochs[:end]), losses=tuple(losses[:end]), broke_at=epochs[end] if end < len(epochs) else None
    )


def read_planned_epochs(path: Path) -> int | None:
    """Return the planned number of epochs of the last warm-up in a log, None if it does not say; raise `InputError`."""
    found = _START.findall(_read(path))
    return int(found[-1]) if found else None  # another run may have written to the same file before


def _read(path: Path) -> bytes:
    try:
        return read_bounded(path, _MAX_BYTES)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot read the log: {reason(error)}") from None
