"""Stand-ins for the modules of humouse that its repository lacks: the loaders of gestures, and their segmentation.

They read gestures that are segmented already, from the `.npz` named by the environment variable `GESTURES`.
"""

from __future__ import annotations

from pathlib import Path

_COMMON = """\
from dataclasses import dataclass


@dataclass
class NormalisedEvent:
    user_id: str = ""
    session_id: str = ""
    timestamp_ms: float = 0.0
    split: str = "train"
"""

_SEGMENTER = """\
from dataclasses import dataclass, field

import numpy as np


@dataclass
class GestureSequence:
    dataset_id: str
    user_id: str
    session_id: str
    split: str
    sequence: np.ndarray
    mask: np.ndarray
    duration: float
    path_length: float
    original_event_count: int
    metadata: dict = field(default_factory=dict)
"""

_INIT = '''\
import os

import numpy as np

from .common import NormalisedEvent
from .segmenter import GestureSequence


def _one_event(*_):
    return [NormalisedEvent()]


load_attentive_cursor = load_balabit = load_bogazici = load_local_mouse = load_sapimouse = _one_event


def segment_event_stream(events, *, target_len, **_):
    """Yield the gestures of the file; as many steps are summed into one as make `target_len` of them."""
    sequences = np.load(os.environ["GESTURES"])["sequences"]  # (N, T, 3)
    together = sequences.shape[1] // target_len
    sequences = sequences[:, : together * target_len].reshape(len(sequences), target_len, together, 3).sum(axis=2)
    for sequence in sequences.astype(np.float32):
        moving = np.flatnonzero(np.abs(sequence[:, :2]).sum(axis=1))
        if len(moving) < 12:  # humouse of October 2025 smooths over so many
            continue
        steps = moving[-1] + 1
        mask = np.zeros(target_len, dtype=np.float32)
        mask[:steps] = 1.0
        yield GestureSequence(
            dataset_id="balabit", user_id="user", session_id="session", split="train", sequence=sequence, mask=mask,
            duration=float(sequence[:, 2].sum()), path_length=float(np.hypot(sequence[:, 0], sequence[:, 1]).sum()),
            original_event_count=int(steps) + 1,
        )
'''


def write(checkout: Path) -> None:
    """Write the stand-ins that `checkout` lacks."""
    folder = checkout / "src" / "data"
    for name, text in (("__init__.py", _INIT), ("common.py", _COMMON), ("segmenter.py", _SEGMENTER)):
        path = folder / name
        if not path.exists():
            path.write_text(text, encoding="utf-8")
