"""The history of a run from the files in its folder: the samples it drew itself, by epoch, and its logs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from humouse_doctor.cases import drawn
from humouse_doctor.cases.stage import is_generator, is_outdated, other_run
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import InputError
from humouse_doctor.core.history import History, LossCurve, Snapshot
from humouse_doctor.core.watching import WATCH_FILE
from humouse_doctor.diagnosis import losses
from humouse_doctor.diagnosis.timeline import flat_timing, history_of, snapshot_of
from humouse_doctor.diagnosis.watching import watched_curves, watched_snapshots
from humouse_doctor.inputs.config import hydra_record
from humouse_doctor.inputs.files import changed_at, is_file
from humouse_doctor.inputs.gestures.gestures import gather
from humouse_doctor.inputs.logs.events import EVENTS, read_events
from humouse_doctor.inputs.logs.tables import DIFFUSION_EVALUATIONS, EVALUATIONS, METRICS, read_table
from humouse_doctor.inputs.logs.warm_up_log import LOG, read_warm_up
from humouse_doctor.stored import watch

_TABLES = (METRICS, EVALUATIONS, DIFFUSION_EVALUATIONS)
_LOGS = (LOG, *_TABLES, EVENTS)
#: The most files of one name that are read, the newest first.
_MOST_OF_A_NAME = 3
_MAX_NAMED = 5


def history_of_run(run: Path, case: Case) -> tuple[History, tuple[str, ...]]:
    """Return what the files in the folder `run` say about it, and remarks on files that were ignored or cannot be read."""
    checkpoint = Path(case.subject.checkpoint or "")
    entries, remarks = _of_one_run(drawn.listed(run, case.settings), run, checkpoint)
    entries, later = _own(entries, checkpoint)
    remarks += later
    found = drawn.find(entries)
    sequences, data = case.samples.sequences, case.data
    remarks.extend(found.remarks)
    snapshots = []
    if sequences is not None and data is not None:
        real = gather(
            sequences.astype(np.float32), source=data.source, total=data.total, usable=data.usable, dropped=data.dropped
        )
        snapshots = [snapshot_of(*one) for one in drawn.read(found.files, real)]
    elif found.files:
        count = len(found.files)
        them = (
            "file of samples that the run drew itself was" if count == 1 else "files of samples that the run drew itself were"
        )
        remarks.append(f"{count} {them} not examined: no data given")
    glances, seen, broken = _watched(entries)
    remarks.extend(broken)
    history = history_of([*snapshots, *glances], found.unread, case.stage)
    curves, said = [], list[str]()
    for path in _logs(entries):
        if (path.name in _TABLES or path.name.startswith(EVENTS)) and is_outdated(path, checkpoint):
            remarks.append(f"ignored {path}: it is older than the checkpoint, so it is taken for an earlier run's")
            continue
        try:
            curve, observations = curve_of(path, case)
        except InputError as error:
            remarks.append(str(error))
            continue
        remarks.append(f"read {path}")
        curves += [] if curve is None else [curve]
        said += [line for line in observations if line not in said]
    return replace(history, curves=(*curves, *seen), observations=(*history.observations, *said)), tuple(remarks)


def _watched(entries: Iterable[Path]) -> tuple[list[Snapshot], list[LossCurve], list[str]]:
    """Return the glances and the loss in the newest file of a watch, and a remark on it; nothing without one."""
    files = [path for path in entries if path.name == WATCH_FILE and is_file(path)]
    if not files:
        return [], [], []
    path = max(files, key=lambda one: (changed_at(one) or 0.0, str(one)))
    try:
        watched = watch.read(path)
    except InputError as error:
        return [], [], [str(error)]
    return watched_snapshots(watched, path), watched_curves(watched, path), [f"read {path}"]


def _of_one_run(entries: Sequence[Path], run: Path, checkpoint: Path) -> tuple[Sequence[Path], list[str]]:
    """Return the entries of the checkpoint's own run, and a remark on the samples and logs of others.

    The folder `run` may hold many runs, as that of a Hydra multirun does. The checkpoint's own one is all below the folder with
    Hydra's record of it, if there is one. A folder below with a record or a generator of its own is another run's.
    """
    record = hydra_record.around(checkpoint)
    own = set[Path]()
    for folder in (_full(run), _full(checkpoint).parent):
        own |= {folder, *folder.parents}
    others = {_full(path).parent for path in entries if is_generator(path)}
    others = (others | {_full(path).parents[1] for path in entries if hydra_record.is_record(path)}) - own
    known = dict[Path, bool]()  # a folder may hold thousands of files
    kept, left = [], dict[str, None]()
    for path in entries:
        if path.parent not in known:
            around = (_full(path.parent), *_full(path.parent).parents)
            known[path.parent] = others.isdisjoint(around) and (record is None or record.parent.parent in around)
        if known[path.parent]:
            kept.append(path)
        elif _log_name(path) in _LOGS or drawn.named(path) is not None:
            left[str(path.parent)] = None
    if not left:
        return kept, []
    named = ", ".join(list(left)[:_MAX_NAMED]) + (", ..." if len(left) > _MAX_NAMED else "")
    return kept, [f"ignored samples and logs of other runs than that of {checkpoint}: in {named}"]


def _full(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100  # as of Hydra's record: with symlinks kept


def curve_of(path: Path, case: Case) -> tuple[LossCurve | None, tuple[str, ...]]:
    """Return the curve in a log or table, None without one, and sentences about it; raise `InputError`."""
    if path.name == LOG:
        return losses.of_log(path, read_warm_up(path), case)
    if path.name.startswith(EVENTS):
        return losses.of_events(path, read_events(path), case)
    return losses.of_table(path, read_table(path, lambda _: losses.COLUMNS), case)


def _own(entries: Sequence[Path], checkpoint: Path) -> tuple[Sequence[Path], list[str]]:
    """Return the entries without those beside a checkpoint that a later run has surely overwritten, and a remark on these."""
    other = other_run(checkpoint)
    if other is None:
        return entries, []
    folder = checkpoint.parent
    if not other.sure:
        return entries, [f"the files beside {checkpoint.name} in {folder}: they {other}"]
    left = f"ignored the files beside {checkpoint.name} in {folder}: they {other}"
    return [path for path in entries if not path.absolute().is_relative_to(folder.absolute())], [left]


def history_of_samples(case: Case) -> History | None:
    """Return a history with what the samples show but no probe measures, None if there is nothing of the kind."""
    said = flat_timing(case)
    return None if said is None else History(observations=(said,))


def _logs(entries: Iterable[Path]) -> list[Path]:
    """Return the logs and tables among the entries of a run's folders, of each name the newest."""
    by_name: dict[str, list[tuple[float, str, Path]]] = {}
    for path in entries:
        name = _log_name(path)
        if name in _LOGS:
            seconds = changed_at(path)
            if seconds is not None:
                by_name.setdefault(name, []).append((seconds, str(path), path))
    return [
        path
        for _, found in sorted(by_name.items(), reverse=True)
        for _, _, path in sorted(found, reverse=True)[:_MOST_OF_A_NAME]
    ]


def _log_name(path: Path) -> str:
    """Return the name of a file, of TensorBoard's only what all of them begin with."""
    return EVENTS if path.name.startswith(EVENTS) else path.name
