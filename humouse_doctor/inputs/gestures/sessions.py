"""Raw mouse sessions of the Balabit Mouse Dynamics Challenge, cut into gestures and resampled.

A session is a CSV without extension: `record timestamp,client timestamp,button,state,x,y`. A coordinate of 65535 is a
glitch of the recorder, client timestamps repeat, and a pause of about 0.25 s ends a gesture.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.errors import InputError
from humouse_doctor.inputs.files import below, is_file, open_regular
from humouse_doctor.inputs.gestures.gestures import Gestures, gather, require_room
from humouse_doctor.inputs.gestures.reservoir import Reservoir

_HEADER = "record timestamp,client timestamp,button,state,x,y"
_GAP_S = 0.25
_GLITCH = 65535.0
#: humouse's own `min_events`, the least number of points of a gesture.
_MIN_EVENTS = 5
_RATE_HZ = 100.0
_MAX_LINE = 4096
#: Most bytes read at a time of what is too long to be a line.
_SKIPPED = 1 << 20
#: More points than any recorded gesture has.
_MAX_EVENTS = 1_000_000
#: The whole Balabit data set has some thousand files, two levels below its top.
_LEVELS, _MAX_ENTRIES = 4, 100_000
_UNREADABLE = "files that cannot be read"


def is_session(path: Path) -> bool:
    """Return True if the file begins as a session; raise `OSError` if it cannot be read."""
    with open_regular(path) as stream:
        return stream.read(len(_HEADER)) == _HEADER.encode()


def session_files(folder: Path) -> list[Path]:
    """Return the sessions below `folder` (a user's folder or the whole data set), in name order; raise `InputError`.

    A file that cannot be opened may be a session, and is included.
    """
    entries = below(folder, _LEVELS, _MAX_ENTRIES + 1, links=False)
    if len(entries) > _MAX_ENTRIES:
        raise InputError(f"{folder}: holds more than {_MAX_ENTRIES:,} files; expected a folder of mouse sessions")
    return sorted(path for path in entries if is_file(path) and _may_be_session(path))


def _may_be_session(path: Path) -> bool:
    try:
        return is_session(path)
    except OSError:
        return True


def read(
    paths: list[Path],
    source: str,
    length: int,
    max_sequences: int,
    seed: int,
    *,
    unit_path: bool = False,
    unit_time: bool = False,
) -> Gestures:
    """Read sessions into gestures of `length` steps at 100 Hz, zero-padded or cut at the end.

    `unit_path` and `unit_time` divide each gesture by its own path length and duration, as humouse's `canonicalize_*`
    do. Raises `InputError` if a file is not a session or no gesture is left.
    """
    require_room(source, max_sequences, length * 3)
    reservoir = Reservoir(max_sequences, seed)
    dropped: Counter[str] = Counter()
    total = 0
    for path in paths:
        for events in _segments(path, dropped):
            total += 1
            row = _resampled(events, length, dropped)
            if row is None:
                continue
            if unit_path:
                row[:, :2] /= max(float(np.hypot(row[:, 0], row[:, 1]).sum()), 1e-8)
            if unit_time:
                row[:, 2] /= max(float(row[:, 2].sum()), 1e-8)
            reservoir.offer(row[None], np.asarray([total]))
    sequences, _ = reservoir.sample()
    found = gather(sequences, source=source, total=total, usable=reservoir.offered, dropped=dropped)
    return replace(found, resampled=True)


def _segments(path: Path, dropped: Counter[str]) -> Iterator[list[tuple[float, float, float]]]:
    """Yield the gestures of one session as lists of (seconds, x, y)."""
    events: list[tuple[float, float, float]] = []
    for event in _events(path, dropped):
        if events and not 0 <= event[0] - events[-1][0] <= _GAP_S:
            yield events
            events = []
        if events and event[0] == events[-1][0]:
            events[-1] = event  # of two points with one timestamp the later is the cursor's position
            dropped["points with a repeated stamp"] += 1
        elif len(events) < _MAX_EVENTS:
            events.append(event)
        else:
            dropped[f"points beyond the first {_MAX_EVENTS:,} of a gesture"] += 1
    if events:
        yield events


def _events(path: Path, dropped: Counter[str]) -> Iterator[tuple[float, float, float]]:
    try:
        with open_regular(path) as stream:
            if stream.readline(_MAX_LINE).decode("latin-1").strip() != _HEADER:
                raise InputError(f"{path}: not a mouse session; expected the columns {_HEADER}")
            while line := stream.readline(_MAX_LINE):
                if len(line) == _MAX_LINE and not line.endswith(b"\n"):
                    _skip_line(stream)
                    event: tuple[float, float, float] | str = "malformed lines"
                else:
                    event = _event(line)
                if isinstance(event, str):
                    dropped[event] += 1
                else:
                    yield event
    except OSError:
        dropped[_UNREADABLE] += 1


def _skip_line(stream: BinaryIO) -> None:
    """Skip the rest of the line, or of the file."""
    size = _MAX_LINE
    while rest := stream.read(size):
        at = rest.find(b"\n")
        if at >= 0:
            stream.seek(at + 1 - len(rest), os.SEEK_CUR)
            return
        size = min(2 * size, _SKIPPED)


def _event(line: bytes) -> tuple[float, float, float] | str:
    """Return (seconds, x, y) of one line, or the reason to drop it."""
    fields = line.split(b",")
    if len(fields) != 6:
        return "malformed lines"
    if fields[2] == b"Scroll":
        return "scroll events"
    try:
        seconds, x, y = float(fields[1]), float(fields[4]), float(fields[5])
    except ValueError:
        return "malformed lines"
    if b"_" in line and any(b"_" in fields[place] for place in (1, 4, 5)):  # only Python allows it in a number
        return "malformed lines"
    if x == _GLITCH or y == _GLITCH:
        return "glitches at 65535"
    if not (abs(seconds) < 1e9 and abs(x) < 1e6 and abs(y) < 1e6):
        return "malformed lines"
    return seconds, x, y


def _resampled(events: list[tuple[float, float, float]], length: int, dropped: Counter[str]) -> FloatArray | None:
    """Return a gesture as (length, 3): dx, dy in pixels and dt in seconds; None if it is too short or still."""
    if len(events) < _MIN_EVENTS:
        dropped[f"gestures of fewer than {_MIN_EVENTS} points"] += 1
        return None
    times, xs, ys = np.asarray(events, dtype=np.float64).T
    steps = int((times[-1] - times[0]) * _RATE_HZ)
    if steps > length:
        dropped[f"tails beyond {length} steps"] += 1
    steps = min(steps, length)
    if steps < 2 or (np.ptp(xs) == 0 and np.ptp(ys) == 0):
        dropped["gestures that do not move"] += 1
        return None
    grid = times[0] + np.arange(steps + 1) / _RATE_HZ
    row = np.zeros((length, 3), dtype=np.float32)
    row[:steps, 0] = np.diff(np.interp(grid, times, xs))
    row[:steps, 1] = np.diff(np.interp(grid, times, ys))
    row[:steps, 2] = 1 / _RATE_HZ
    return row
