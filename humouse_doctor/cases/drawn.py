"""The samples that a program drew itself during its run: found in its folder, and read like any other samples."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.cases.run_folder import folders_of
from humouse_doctor.cases.stage import OLDER_S
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import InputError
from humouse_doctor.core.history import SnapshotKind
from humouse_doctor.core.settings import Settings
from humouse_doctor.inputs.files import below, changed_at, is_file
from humouse_doctor.inputs.gestures import arrays
from humouse_doctor.inputs.gestures.gestures import Gestures

#: The samples of an evaluation lie deeper than a run's other files, and humouse may move them below `archive` in the end.
_LEVELS, _MAX_ENTRIES = 6, 50_000
#: The most files that are read, and the most of a file and of all: stored and inflated.
MAX_READ = 20
_MAX_STORED, _MAX_INFLATED, _MAX_TOGETHER = 64 << 20, 128 << 20, 512 << 20
#: The most sequences of one file that are measured.
_MAX_SEQUENCES = 512
_EPOCH = re.compile(r"epoch_(\d{1,7})")
_IN_TRAINING = re.compile(r"samples_epoch(\d{1,7})_step(\d{1,9})\.npz")
_EVALUATED = {"gan_samples.npz": SnapshotKind.EVALUATION, "diffusion_samples.npz": SnapshotKind.DIFFUSION}
_ARCHIVE = "archive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A file of samples that a program has drawn itself; `step` is None at the end of an epoch."""

    kind: SnapshotKind
    epoch: int
    step: int | None
    path: Path

    @property
    def time(self) -> tuple[int, float]:
        """The key that sorts by time: a step comes before the end of its epoch."""
        return self.epoch, float("inf") if self.step is None else self.step


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The files to read, in order of time.

    `unread` is the number of further files of the same run. `remarks` name the files of other runs, which are ignored.
    """

    files: tuple[Drawn, ...]
    unread: int
    remarks: tuple[str, ...]


def listed(run: Path, settings: Settings) -> tuple[Path, ...]:
    """Return the entries below the folders of a run, each once; up to `_MAX_ENTRIES` of each folder."""
    every = (path for folder in folders_of(run, settings) for path in below(folder, _LEVELS, _MAX_ENTRIES, links=True))
    return tuple({path.absolute(): path for path in every}.values())


def find(entries: Iterable[Path]) -> Found:
    """Find the samples of a run among the `entries` of its folders: at most `MAX_READ`, spread evenly, evaluations first.

    If several runs left samples, those of the newest run are used. In one folder, a file older than one of an earlier epoch is
    another run's: humouse overwrites the epochs that it reaches, and leaves the others.
    """
    by_kind: dict[SnapshotKind, dict[Path, list[Drawn]]] = {}
    for path in entries:
        drawn = named(path)
        if drawn is not None and is_file(path):
            groups = by_kind.setdefault(drawn.kind, {})
            groups.setdefault(path.parent if drawn.step is not None else path.parent.parent, []).append(drawn)
    remarks = []
    taken: list[Drawn] = []
    count = 0
    for kind in SnapshotKind:
        groups = by_kind.get(kind, {})
        newest = max(groups, key=lambda folder: _age(folder, groups[folder]), default=None)
        if newest is None:
            continue
        if len(groups) > 1:
            left = ", ".join(sorted(str(folder) for folder in groups if folder != newest)[:5])
            remarks.append(f"samples that the run drew itself: took the newest, in {newest}; ignored {left}")
        kept, left_over = _in_order(groups[newest])
        if left_over:
            them = ", ".join(drawn.path.relative_to(newest).as_posix() for drawn in left_over[:5])
            remarks.append(f"{newest}: ignored {them}, older than a file of an earlier epoch, so taken for another run's")
        count += len(kept)
        taken += _evenly(kept, MAX_READ - len(taken))
    files = tuple(sorted(taken, key=lambda drawn: drawn.time))
    return Found(files=files, unread=count - len(taken), remarks=tuple(remarks))


def named(path: Path) -> Drawn | None:
    """Return the samples that a file holds by its name, None if it holds none."""
    inside = _IN_TRAINING.fullmatch(path.name)
    if inside:
        return Drawn(kind=SnapshotKind.TRAINING, epoch=int(inside[1]), step=int(inside[2]), path=path)
    kind, epoch = _EVALUATED.get(path.name), _EPOCH.fullmatch(path.parent.name)
    if kind is None or epoch is None:
        return None
    return Drawn(kind=kind, epoch=int(epoch[1]), step=None, path=path)


def _age(folder: Path, files: Iterable[Drawn]) -> tuple[bool, str, float, str]:
    """Return a key that is larger for a newer run: one not archived yet, else by the date in the archive's name."""
    archived = _ARCHIVE in folder.parts
    newest = max(changed_at(drawn.path) or 0.0 for drawn in files)
    return not archived, folder.name if archived else "", newest, str(folder)


def _in_order(files: Iterable[Drawn]) -> tuple[list[Drawn], list[Drawn]]:
    """Return the files in order of time, and those that are older than a file of an earlier time."""
    kept, older, newest = list[Drawn](), list[Drawn](), 0.0
    for drawn in sorted(files, key=lambda drawn: drawn.time):
        written = changed_at(drawn.path) or 0.0
        (older if written < newest - OLDER_S else kept).append(drawn)
        newest = max(newest, written)
    return kept, older


def _evenly(files: list[Drawn], most: int) -> list[Drawn]:
    """Return at most `most` of the files, the first and the last among them."""
    if most <= 0:
        return []
    places = np.linspace(0, len(files) - 1, min(most, len(files)))
    return [files[place] for place in sorted({round(float(place)) for place in places})]


def read(files: Iterable[Drawn], gestures: Gestures) -> Iterator[tuple[Drawn, Case | str]]:
    """Yield each file with its case beside the real `gestures`, or with the reason why it was not read."""
    together = 0
    for drawn in files:
        try:
            size = _size(drawn.path)
        except InputError as error:
            yield drawn, str(error)
            continue
        together += size
        if together > _MAX_TOGETHER:
            yield drawn, f"the files read before it have reached the limit of {_MAX_TOGETHER >> 20} MiB"
            continue
        yield drawn, _case(drawn.path, gestures)


def _size(path: Path) -> int:
    """Return a file's inflated bytes; raise `InputError` if there are too many."""
    stored, inflated = arrays.sizes(path)
    if stored > _MAX_STORED or inflated > _MAX_INFLATED:
        raise InputError(
            f"{path}: {stored >> 20:,} MiB that unpack to {inflated >> 20:,}; beside a run at most {_MAX_STORED >> 20} that"
            f" unpack to {_MAX_INFLATED >> 20} are read. Inspect this file alone"
        )
    return inflated


def _case(path: Path, gestures: Gestures) -> Case | str:
    try:
        return load_case(Request(checkpoint=path, samples=_MAX_SEQUENCES, max_sequences=_MAX_SEQUENCES), gestures=gestures).case
    except InputError as error:
        return str(error)
