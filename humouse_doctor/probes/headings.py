"""The first lines of the pages of this package's own probes: codes and names are known without importing a probe."""

from __future__ import annotations

import functools
from pathlib import Path


@functools.cache
def headings() -> tuple[tuple[str, Path], ...]:
    """Return `CODE name` as each page has it, with the page, in code order."""
    found = []
    for path in Path(__file__).parent.glob("*.md"):
        with path.open(encoding="utf-8") as stream:
            found.append((stream.readline().removeprefix("# ").strip(), path))
    return tuple(sorted(found))
