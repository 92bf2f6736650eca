"""How much memory this process has had since it was last asked, not since it began: a peak hides no later one."""

from __future__ import annotations

from pathlib import Path


def forget_peak() -> int:
    """Let the most memory this process has had be what it has now, in KiB."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return peak_kib()


def peak_kib() -> int:
    """Most memory this process has had since then; `ru_maxrss` would be that of all its life."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split(maxsplit=1)[0])
