"""Paths as a reader of the report sees them: relative to the folder that a pipeline shows."""

from __future__ import annotations

from pathlib import PurePosixPath


def shown(path: str, root: str) -> str:
    """`path` relative to `root` (an absolute folder, empty for none) where it lies below it, else as it is."""
    pure = PurePosixPath(path)
    if root and pure.is_absolute() and pure.is_relative_to(root):
        return str(pure.relative_to(root))
    return str(pure)
