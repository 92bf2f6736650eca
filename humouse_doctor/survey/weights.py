"""The checkpoints of many runs: which of them are found twice, and which have been written over by another run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from humouse_doctor.cases import run_folder
from humouse_doctor.core.errors import InputError
from humouse_doctor.core.settings import Origin, Setting, Settings, Value
from humouse_doctor.inputs.files import changed_at
from humouse_doctor.inputs.remote.names import is_copy
from humouse_doctor.survey.discover import Run

_NAME, _FOLDER = "experiment_name", "logging.checkpoint_dir"


def checkpoint_of(run: Run, values: Mapping[str, Value]) -> Path | None:
    """Return the checkpoint that `inspect` chooses in a run's folder, or the run's own file; None if there is none."""
    if not run.path.is_dir():
        return run.path
    named = {key: Setting(key=key, value=values[key], origin=Origin.EXPLICIT) for key in (_NAME, _FOLDER) if key in values}
    try:
        return run_folder.find_checkpoint(run.path, Settings(named)).path
    except InputError:
        return None


def each_once(runs: Sequence[Run], checkpoints: Sequence[Path | None]) -> list[int]:
    """Return the numbers of the runs without those checkpoints that were found apart from the folder of their run too."""
    of_folders = {
        os.path.realpath(checkpoint)
        for run, checkpoint in zip(runs, checkpoints, strict=True)
        if checkpoint is not None and checkpoint != run.path
    }
    return [
        place
        for place, run in enumerate(runs)
        if checkpoints[place] != run.path or os.path.realpath(run.path) not in of_folders
    ]


def overwritten(runs: Sequence[Run], checkpoints: Mapping[int, Path | None]) -> dict[int, str]:
    """Return why some runs have no weights of their own: several have written the same file, and the last one's are left.

    Of copies of remote files no run is the last: their times are those of an upload.
    """
    by_file: dict[str, list[int]] = {}
    for place, checkpoint in checkpoints.items():
        if checkpoint is not None:
            by_file.setdefault(os.path.realpath(checkpoint), []).append(place)
    found: dict[int, str] = {}
    for places in by_file.values():
        last = max(places, key=lambda place: (_age(runs[place]), place))
        remote = is_copy(runs[last].path)
        for place in places if remote and len(places) > 1 else [place for place in places if place != last]:
            if remote:
                other = runs[next(one for one in places if one != place)]
                why = f"its weights may be gone: {checkpoints[place]} is also that of {other.path}, and times of uploads do not"
                why += " tell which was started later"
            else:
                why = f"its weights are gone: {checkpoints[place]} is also that of {runs[last].path}, which was started later"
            found[place] = f"{runs[place].path}: {why}; give each run a logging.checkpoint_dir or an experiment_name of its own"
    return found


def _age(run: Run) -> float:
    return (None if run.record is None else changed_at(run.record)) or 0.0
