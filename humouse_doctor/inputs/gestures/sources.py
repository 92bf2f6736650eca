"""Gestures from any kind of data: an array file, a replay buffer, a session, or a folder of sessions."""

from __future__ import annotations

from pathlib import Path

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.settings import Origin, Settings
from humouse_doctor.core.text import reason
from humouse_doctor.inputs.files import is_folder
from humouse_doctor.inputs.gestures import arrays, sessions
from humouse_doctor.inputs.gestures.gestures import Gestures, draw, gather


def read_gestures(path: Path, settings: Settings, max_sequences: int, seed: int) -> Gestures:
    """Read gestures from an array file, a replay buffer, a session, or a folder of sessions; raise `InputError`."""
    length = settings.integer("data.sequence_length") or 64
    stated = settings.get("model.generator.target_len")
    if stated is not None and stated.origin is not Origin.DEFAULT and isinstance(stated.value, int):
        length = stated.value
    if is_folder(path):
        files = sessions.session_files(path)
        if not files:
            raise InputError(f"{path}: no mouse session in this folder; expected Balabit sessions or an array file")
    elif not _exists(path):
        raise InputError(f"{path}: there is no such file; expected gestures (.npz, .npy, .pt) or mouse sessions")
    elif _is_session(path):
        files = [path]
    elif path.suffix in (".pt", ".pth"):
        return tensor_gestures(path, max_sequences, seed)
    else:
        return arrays.read(path, max_sequences, seed)
    return sessions.read(
        files,
        str(path),
        length,
        max_sequences,
        seed,
        unit_path=settings.flag("data.canonicalize_path") is True,
        unit_time=settings.flag("data.canonicalize_duration") is True,
    )


def _is_session(path: Path) -> bool:
    try:
        return sessions.is_session(path)
    except OSError as error:
        raise InputError(f"{path}: cannot read it as gestures: {reason(error)}") from None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # an overlong name
        return False


def read_series(path: Path, max_sequences: int, seed: int) -> Gestures:
    """Read any series as it is from an array file, (N, T, D) or (N, T); raise `InputError`."""
    if is_folder(path) or path.suffix.lower() not in (".npz", ".npy"):
        raise InputError(
            f"{path}: --targets as-is reads arrays; save them with numpy.save as .npy or .npz, (N, T, D) or (N, T)"
        )
    if not _exists(path):
        raise InputError(f"{path}: there is no such file; expected series (.npz, .npy)")
    return arrays.read(path, max_sequences, seed, as_is=True)


def tensor_gestures(path: Path, max_sequences: int, seed: int, *, keep_empty: bool = False) -> Gestures:
    """Read gestures from a replay buffer or a bare tensor; raise `InputError`. `keep_empty` is as for an array file."""
    from humouse_doctor.inputs.checkpoints.checkpoint import load_gesture_array  # the loader: most data needs none

    values, features = load_gesture_array(path)
    sample = draw([values], values.shape, str(path), max_sequences, seed, keep_empty=keep_empty)
    return gather(
        sample.rows,
        source=str(path),
        total=sample.total,
        usable=sample.usable,
        dropped=sample.dropped,
        features=features[sample.numbers] if features is not None and features.shape[1] > 0 else None,
    )
