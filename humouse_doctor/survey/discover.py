"""The runs below a folder: those of Hydra and Lightning, and checkpoints that lie about."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from humouse_doctor.cases import run_folder
from humouse_doctor.cases.stage import experiment_of
from humouse_doctor.core.errors import InputError
from humouse_doctor.core.text import counted, is_url, reason
from humouse_doctor.inputs.config import hydra_record
from humouse_doctor.inputs.files import is_file

#: The most entries of all folders that are looked at, and the levels of folders below the first.
MOST_ENTRIES, _LEVELS = 1_000_000, 16
#: Checkpoints by their names' ends; a folder with some that are named after a generator has no others.
_WEIGHTS = (".pt", ".pth", ".ckpt", ".safetensors")
#: Words in the names of files that other parts of a program have written.
_OTHERS = re.compile(r"discriminator|optimi[sz]er|encoder|buffer|reservoir|scaler")
#: A shard of a file whose index is the checkpoint.
_SHARD = re.compile(r"-\d{5}-of-\d{5}\.safetensors$")
_INDEX = ".safetensors.index.json"
_HYDRA, _LIGHTNING, _CHECKPOINTS = ".hydra", re.compile(r"version_\d{1,9}"), "checkpoints"
#: A checkpoint's config lies in its folder, or so many above it.
_ABOVE = 3
_LOOKED_FOR = (
    "runs of Hydra (.hydra/config.yaml), logs of Lightning (version_*/checkpoints), and checkpoints"
    " (generator*.pt, *.pt, *.pth, *.ckpt, *.safetensors)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run that was found. `path` is its folder or its checkpoint, to be given to `inspect` with `config` if that is needed.

    `record` is the config whose values are compared with those of other runs; `config` is None where `inspect` finds it.
    """

    path: Path
    config: Path | None = None
    record: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The runs below a folder in the order of their names, and notes on what was not looked at."""

    runs: tuple[Run, ...]
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Folder:
    """The names in one folder."""

    path: Path
    folders: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Walk:
    """A walk through folders that visits each once, even if several links lead to it, and records what it skipped."""

    most: int
    seen: set[tuple[int, int]] = field(default_factory=set)
    entries: int = 0
    unreadable: list[str] = field(default_factory=list)
    deep: int = 0

    def folders(self, root: Path) -> Iterator[_Folder]:
        """Yield the folders below `root`, it first, each after the one above it."""
        waiting = [(root, 0)]
        while waiting:
            path, level = waiting.pop()
            folder = self._listed(path)
            if folder is None:
                continue
            yield folder
            if level < _LEVELS:
                waiting.extend((path / name, level + 1) for name in reversed(folder.folders))
            else:
                self.deep += len(folder.folders)

    def _listed(self, path: Path) -> _Folder | None:
        folder = _Folder(path)
        try:
            status = path.stat()
            if (status.st_dev, status.st_ino) in self.seen:
                return None
            self.seen.add((status.st_dev, status.st_ino))
            with os.scandir(path) as entries:
                for entry in entries:
                    if self.entries >= self.most:
                        break
                    self.entries += 1
                    (folder.folders if _is_folder(entry) else folder.files).append(entry.name)
        except OSError as error:
            self.unreadable.append(f"{path} ({reason(error)})")
            return None
        folder.folders.sort(key=in_order)
        folder.files.sort(key=in_order)
        return folder

    def notes(self) -> Iterator[str]:
        """Yield a sentence on each kind of thing that was not looked at."""
        if self.unreadable:
            yield f"{counted(len(self.unreadable), 'folder')} could not be listed, the first {self.unreadable[0]}"
        if self.entries >= self.most:
            yield f"only the first {self.most:,} entries were looked at; survey the folders below one by one"
        if self.deep:
            yield f"{counted(self.deep, 'folder')} more than {_LEVELS} levels down: left out"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def in_order(name: str) -> tuple[tuple[bool, int, str], ...]:
    """Return a key that sorts names as people do: `2` before `10`."""
    return tuple(
        (not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d{1,18})", name) if part
    )


def find(root: Path, most: int = MOST_ENTRIES) -> Found:
    """Return the runs below `root`; raise `InputError` if there is none, or `root` is no folder that can be listed.

    A run's own folder is one run, also if it has several checkpoints: `inspect` chooses.
    """
    walk = _Walk(most)
    if not root.is_dir():
        raise InputError(f"{root}: not a folder; survey looks at all runs below one")
    runs = list(_runs(root, walk))
    if not runs:
        if walk.unreadable:
            raise InputError(f"{root}: no runs found; {'; '.join(walk.notes())}")
        raise InputError(f"{root}: no runs found among {counted(walk.entries, 'entry')} below it; looked for {_LOOKED_FOR}")
    return Found(runs=tuple(runs), notes=tuple(walk.notes()))


def fetched(
    given: str | Path, progress: Callable[[str], None] = lambda _: None, *, folder: bool = False
) -> tuple[Path, tuple[str, ...]]:
    """Return a path as it is, and for a URL that of a local copy of the file or folder, with notes on what is not in it.

    With `folder` no file is fetched for a URL that is none. Raises `UsageError` for a URL that cannot be used, and `InputError`
    for what cannot be fetched.
    """
    if not is_url(str(given)):
        return Path(given), ()
    from humouse_doctor.inputs.remote import copies, folders, place  # what paths do without

    progress(f"fetching {place.shown(str(given))}")
    if not folder:
        with contextlib.suppress(place.IsFolder):
            return copies.local(given), ()
    return folders.local(str(given), MOST_ENTRIES, _LEVELS, progress)


def runs_at(path: Path) -> Found:
    """Return the runs below a folder that is no run itself, without a config of its own; for any other path that alone."""
    config, notes = run_folder.find_config(path) if path.is_dir() else None, tuple[str, ...]()
    if path.is_dir() and config is None:
        with contextlib.suppress(InputError):
            found = find(path)
            if len(found.runs) > 1:
                return found
            notes = found.notes
    return Found(runs=(Run(path=path, record=None if config is None else config.path),), notes=notes)


def _runs(root: Path, walk: _Walk) -> Iterator[Run]:
    """Yield the runs in the order of a walk; what lies below a run's folder belongs to it, unless it is a run of Hydra too."""
    owned: set[Path] = set()
    loose: dict[Path, list[Path]] = {}
    weights: set[tuple[int, int]] = set()
    for folder in walk.folders(root):
        path, own = folder.path, folder.path.parent in owned
        if own or path.name == _HYDRA:
            owned.add(path)
        record = path / _HYDRA / "config.yaml"
        if _HYDRA in folder.folders and is_file(record):
            owned.add(path)
            yield Run(path=path, record=record)
        elif own or path.name == _HYDRA:
            continue
        elif _LIGHTNING.fullmatch(path.name) and _CHECKPOINTS in folder.folders:
            owned.add(path)
            yield from _of_lightning(folder)
        else:
            found = [file for file in _checkpoints(folder) if _is_new(file, weights)]
            if found:
                loose.setdefault(_home(folder, root), []).extend(found)
    for home, files in loose.items():
        yield from _of_files(home, files)


def _is_new(file: Path, seen: set[tuple[int, int]]) -> bool:
    """Return True if no other name of this file has been met."""
    try:
        status = file.stat()
    except OSError:  # it is found again, and refused with its reason, when it is looked at
        return True
    known = (status.st_dev, status.st_ino) in seen
    seen.add((status.st_dev, status.st_ino))
    return not known


def _checkpoints(folder: _Folder) -> list[Path]:
    """Return the generators' checkpoints in a folder, by their names; of two of one experiment the last, as `inspect` does."""
    named = [name for name in folder.files if _is_checkpoint(name)]
    generators = [name for name in named if "generator" in name]
    experiments = {experiment_of(Path(name)) for name in generators if not name.endswith("_best.pt")}
    chosen = [
        name for name in generators or named if not (name.endswith("_best.pt") and experiment_of(Path(name)) in experiments)
    ]
    return [folder.path / name for name in chosen]


def _is_checkpoint(name: str) -> bool:
    if name.startswith(".") or _OTHERS.search(name) or _SHARD.search(name):
        return False
    return name.endswith(_INDEX) or Path(name).suffix.lower() in _WEIGHTS


def _of_lightning(folder: _Folder) -> Iterator[Run]:
    """Yield the run in a folder of Lightning's logs: its newest checkpoint, with what it was made from."""
    params = folder.path / "hparams.yaml"
    record = params if is_file(params) else None
    listed = _Folder(folder.path / _CHECKPOINTS)
    try:
        listed.files.extend(sorted(os.listdir(listed.path)))  # noqa: PTH208  # names
    except OSError:
        yield Run(path=folder.path, record=record)
        return
    newest = run_folder.newest("checkpoint", _checkpoints(listed))
    yield Run(path=folder.path if newest is None else newest.path, record=record)


def _home(folder: _Folder, root: Path) -> Path:
    """Return the folder of the config that loose checkpoints go with: theirs, or one above it, else theirs."""
    for path in (folder.path, *folder.path.parents)[: _ABOVE + 1]:
        if run_folder.configs_in(path):
            return path
        if path == root:
            break
    return folder.path


def _of_files(home: Path, files: Sequence[Path]) -> Iterator[Run]:
    """Yield the runs of loose checkpoints with the configs of one folder: the one named alike, or the only one."""
    configs = {path.stem: path for path in run_folder.configs_in(home)}
    only = next(iter(configs.values())) if len(configs) == 1 else None
    if only is not None and len(files) == 1 and (home / "checkpoints" in files[0].parents or home == files[0].parent):
        yield Run(path=home, record=only)
        return
    for file in files:
        config = configs.get(experiment_of(file) or file.stem) or only
        yield Run(path=file, config=config, record=config)


def is_recorded(run: Run) -> bool:
    """Return True if the run's values are in a record of Hydra."""
    return run.record is not None and hydra_record.is_record(run.record)
