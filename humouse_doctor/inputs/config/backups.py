"""Backups of a config that `suggest-config --write` has changed."""

from __future__ import annotations

import glob
import os
from pathlib import Path

from humouse_doctor.inputs.files import changed_at

#: Digits of the weights' SHA-256 in a backup's name.
_DIGITS = 12


def backup_of(config: Path, sha256: str | None) -> Path:
    """Return the first backup's path for the config: with the digest of the weights it was judged by, if there are any."""
    real = Path(os.path.realpath(config))
    return real.with_name(f"{real.name}.bak" if sha256 is None else f"{real.name}.{sha256[:_DIGITS]}.bak")


def free_backup_of(config: Path, sha256: str | None) -> Path:
    """Return a backup's path that is not taken yet."""
    first = backup_of(config, sha256)
    backup, number = first, 1
    while os.path.lexists(backup):
        backup = first.with_name(f"{first.name}{number}")
        number += 1
    return backup


def backups(config: Path) -> list[Path]:
    """Return all backups of the config, the oldest first."""
    real = Path(os.path.realpath(config))
    try:
        found = [*real.parent.glob(f"{glob.escape(real.name)}.bak*"), *real.parent.glob(f"{glob.escape(real.name)}.*.bak*")]
    except (OSError, ValueError):
        return []
    aged = sorted((seconds, str(path), path) for path in found if (seconds := changed_at(path)) is not None)
    return [path for _, _, path in aged]
