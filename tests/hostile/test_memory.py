from __future__ import annotations

import mmap

from tests.hostile.memory import forget_peak, peak_kib


def _held(size: int) -> int:
    """The peak's growth while so many bytes are held."""
    before = forget_peak()
    with mmap.mmap(-1, size) as held:
        held.write(b"x" * size)
    return (peak_kib() - before) << 10


def test_a_peak_is_seen_after_a_higher_one() -> None:
    assert _held(128 << 20) > 100 << 20
    assert _held(64 << 20) > 50 << 20
    assert _held(1 << 20) < 50 << 20
