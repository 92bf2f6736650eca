"""Find the checkpoint, config and data in a run's folder, with remarks on the files chosen."""

from __future__ import annotations

import glob
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from humouse_doctor.cases.request import Notes, Request, ToolFinding
from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.core.settings import Settings
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.inputs.config import hydra_record, reader
from humouse_doctor.inputs.config.trainer_keys import BY_NAME
from humouse_doctor.inputs.files import below, changed_at, is_file, is_folder, is_stored, shortest
from humouse_doctor.inputs.remote import names

_PATTERNS = ("generator*.pt", "*generator*.pt", "*.safetensors.index.json", "*.safetensors", "*.ckpt")
#: Files in a folder that is itself a checkpoint, of another program.
_FOREIGN_MARKS = (".metadata", "saved_model.pb")
#: The ends of names that say what a file is.
_CONFIGS, _WEIGHTS, _DATA = (".yaml", ".yml"), (".pt", ".pth", ".ckpt", ".safetensors"), (".npz", ".npy", ".csv")
_MAX_LISTED = 5
#: Files deeper below a run's folder, or beyond this number, are not considered part of the run.
_LEVELS, MAX_ENTRIES = 3, 50_000
#: The file that Hydra leaves in a multirun, which is the config of none of its runs.
_MULTIRUN = "multirun.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One path chosen from several candidates, with a remark that says so."""

    path: Path
    remark: str


def resolve(request: Request, notes: Notes, known: reader.ReadConfig | None = None) -> tuple[Request, reader.ReadConfig]:
    """Return `request` with the files in place of a run's folder, and the config that was read.

    The folder may be given as the checkpoint, or as the config before training; raises `InputError` or `UsageError` if that
    file is not in it. `known` is the config if it has been read before.
    """
    run = request.checkpoint
    _require_right_command(request)
    if run is not None and run.is_dir() and not any((run / mark).exists() for mark in _FOREIGN_MARKS):
        return _resolve_run(request, run, notes, known)
    if known is not None:
        return request, known
    if run is not None and is_file(run):
        return _resolve_file(request, run, notes)
    folder = request.config
    if folder is not None and folder.is_dir():
        return _resolve_config(request, folder, notes)
    return request, reader.read(folder, request.overrides, foreign=request.model is not None)


def _resolve_run(
    request: Request, run: Path, notes: Notes, known: reader.ReadConfig | None
) -> tuple[Request, reader.ReadConfig]:
    """Find the parts of a run whose folder was given instead of a checkpoint."""
    config_path = request.config
    if config_path is None:
        config_path = _noted(find_config(run), notes)
    foreign = request.model is not None
    config = reader.read(config_path, request.overrides, foreign=foreign) if known is None else known
    own = _as_recorded(run, config.settings)
    checkpoint = find_checkpoint(run, own)
    notes.remarks.append(checkpoint.remark)
    if config_path is None and known is None:  # a folder of several runs, of which the checkpoint's own may have a record
        config_path, recorded = _record_above(checkpoint.path, request.overrides, notes)
        if config_path is not None and recorded is not None:
            run, config, own = config_path.parent.parent, recorded, recorded.settings
    _note_other_experiment(checkpoint.path, own, notes)
    data = request.data
    if data is None:
        data = _noted(find_data(run, own), notes)
        if data is None:
            notes.remarks.append("data: no cache found where the config says; give --data")
    return replace(request, config=config_path, checkpoint=checkpoint.path, data=data), config


def _require_right_command(request: Request) -> None:
    """Raise `UsageError` for a config in the place of a checkpoint, and the other way round, with the right command."""
    run, config = request.checkpoint, request.config
    if run is not None and is_stored(run):
        raise UsageError(f"{run}: a saved report; see it again by humouse-doctor show {shlex.quote(str(run))}")
    if config is not None and str(config) == "-":
        raise UsageError("-: a config is read more than once, and not from stdin; save it as a file first")
    if run is not None and run.suffix.lower() in _CONFIGS and is_file(run):
        raise UsageError(
            f"{run}: a config, and inspect looks at what was trained with one; before training it is"
            f" humouse-doctor preflight {shlex.quote(str(run))}, and with a checkpoint --config {shlex.quote(str(run))}"
        )
    if config is None or not is_file(config):
        return
    if config.suffix.lower() in _WEIGHTS:
        raise UsageError(
            f"{config}: a checkpoint, where a config is expected: humouse-doctor inspect {shlex.quote(str(config))}"
        )
    if config.suffix.lower() in _DATA:
        raise UsageError(f"{config}: data, where a config is expected: give it with --data {shlex.quote(str(config))}")


def _resolve_file(request: Request, file: Path, notes: Notes) -> tuple[Request, reader.ReadConfig]:
    """Find the config of a checkpoint above it, and the data that a config names; of samples no config is looked for."""
    config_path, config = request.config, None
    if config_path is not None and config_path.is_dir():
        config_path = _noted(find_config(config_path), notes)
    elif config_path is None and file.suffix.lower() not in _DATA:
        config_path, config = _record_above(file, request.overrides, notes)
    config = config or reader.read(config_path, request.overrides, foreign=request.model is not None)
    data = request.data
    if data is None and config_path is not None:
        run = config_path.parent.parent if hydra_record.is_record(config_path) else config_path.parent
        data = _noted(find_data(run, config.settings), notes)
    return replace(request, config=config_path, data=data), config


def _record_above(file: Path, overrides: Sequence[str], notes: Notes) -> tuple[Path | None, reader.ReadConfig | None]:
    """Return the record of the run that a checkpoint lies in, and what it says; None where it is of another experiment."""
    found = hydra_record.around(file)
    if found is None:
        return None, None
    record = shortest(found)
    try:
        config = reader.read(record, overrides)
    except UsageError as error:
        if overrides:  # one of them may be wrong, which the caller is to hear of
            reader.read(None, overrides)
        notes.remarks.append(f"config: left {record}: {error}")
        return None, None
    name = config.settings.text("experiment_name")
    if name and file.name.startswith("generator_") and not is_named_after(file, name):
        notes.remarks.append(f"config: left {record}, which is of {name}; give --config")
        return None, None
    notes.remarks.append(f"config: took {record}, of the run that the checkpoint lies in")
    return record, config


def _as_recorded(run: Path, settings: Settings) -> Settings:
    """Return the settings that say where the run's files are: those in the run's own record, else `settings`."""
    record = run / ".hydra" / "config.yaml"
    if settings.source == str(record) or not is_file(record):
        return settings
    try:
        return reader.read(record).settings
    except UsageError:
        return settings


def _resolve_config(request: Request, folder: Path, notes: Notes) -> tuple[Request, reader.ReadConfig]:
    """Find config and data of a run whose folder was given instead of its config."""
    config_path = _noted(find_config(folder), notes)
    if config_path is None:
        raise UsageError(f"{folder}: a folder without a config; expected .hydra/config.yaml or a YAML file in it")
    config = reader.read(config_path, request.overrides)
    data = request.data
    if data is None:
        data = _noted(find_data(folder, config.settings), notes)
    return replace(request, config=config_path, data=data), config


def _noted(choice: Choice | None, notes: Notes) -> Path | None:
    """Note the remark of a choice, and return its path."""
    if choice is None:
        return None
    notes.remarks.append(choice.remark)
    return choice.path


def _note_other_experiment(checkpoint: Path, settings: Settings, notes: Notes) -> None:
    """Note a checkpoint that is not named after the config's experiment."""
    name = settings.text("experiment_name")
    if name and not is_named_after(checkpoint, name):
        notes.findings.append(
            ToolFinding(
                code=ToolCode.DISAGREEMENT,
                message=f"experiment_name is {name}, but the checkpoint found is {checkpoint.name}",
                serious=True,
                key="experiment_name",
                place=settings.place("experiment_name"),
            )
        )


def is_named_after(checkpoint: Path, experiment: str) -> bool:
    """Return True for humouse's two files of an experiment: the last weights, and those of the best evaluation."""
    return checkpoint.stem in (f"generator_{experiment}", f"generator_{experiment}_best")


def newest(what: str, candidates: Iterable[Path]) -> Choice | None:
    """Return the newest of the candidates; a tie is broken by name."""
    aged = {path.resolve(): (seconds, str(path), path) for path in candidates if (seconds := changed_at(path)) is not None}
    if not aged:
        return None
    found = [path for _, _, path in sorted(aged.values())]
    remark = f"{what}: took {found[-1]}"
    if len(found) > 1:
        others = ", ".join(str(path) for path in reversed(found[-1 - _MAX_LISTED : -1]))
        remark += f", the newest of {len(found)}; left {others}" + (", ..." if len(found) > _MAX_LISTED + 1 else "")
    return Choice(path=found[-1], remark=remark)


def _matching(folder: Path, pattern: str) -> list[Path]:
    """Return the matching files of a folder; none for a pattern that no path can match."""
    try:
        return list(folder.glob(pattern))
    except (OSError, ValueError):
        return []


def find_config(run: Path) -> Choice | None:
    """Return the run's resolved config, `.hydra/config.yaml`, else the newest YAML file in its folder."""
    resolved = run / ".hydra" / "config.yaml"
    if is_file(resolved):
        return Choice(path=resolved, remark=f"config: took {resolved}")
    return newest("config", configs_in(run))


def configs_in(folder: Path) -> list[Path]:
    """Return the YAML files in a folder, without settings of tools (hidden) and what Hydra writes of a whole multirun."""
    found = (path for pattern in ("*.yaml", "*.yml") for path in _matching(folder, pattern))
    return [path for path in found if not path.name.startswith(".") and path.name != _MULTIRUN]


def find_checkpoint(run: Path, settings: Settings) -> Choice:
    """Return the run's generator checkpoint, below its folder or in `logging.checkpoint_dir`; raises `InputError`.

    Several experiments may share that folder, so the file named after `experiment_name` comes before the newest.
    """
    folders = folders_of(run, settings)
    name = settings.text("experiment_name")
    own = () if not name else (f"generator_{glob.escape(name)}.pt",)
    every = [below(folder, _LEVELS, MAX_ENTRIES, links=True) for folder in folders]
    found = [[path for path in paths if "discriminator" not in path.name] for paths in every]
    for pattern in (*own, *_PATTERNS):
        for paths in found:
            choice = newest("checkpoint", (path for path in paths if path.match(pattern)))
            if choice is not None:
                named = ", named after experiment_name" if pattern in own else ""
                return replace(choice, remark=choice.remark + named)
    searched = ", ".join(str(folder) for folder in folders)
    alone = "" if settings.source is None else f"; its config alone: humouse-doctor preflight {shlex.quote(str(run))}"
    raise InputError(
        f"{run}: no generator checkpoint found in {searched}; expected generator_<name>.pt, or a path of samples{alone}"
    )


def folders_of(run: Path, settings: Settings) -> list[Path]:
    """Return the folders in which a run keeps its files: its own, and `logging.checkpoint_dir`."""
    named = settings.text("logging.checkpoint_dir")
    bases = [] if named is None else [base / named for base in _bases(run)]
    found = [run, *(folder for folder in bases if is_folder(folder))]
    return list({folder.resolve(): folder for folder in reversed(found)}.values())[::-1]  # each once, by its first name


def find_data(run: Path, settings: Settings) -> Choice | None:
    """Return the newest data cache the config names: `data.cache_dir/<dataset_id>/gestures_seq<T>_*.npz`."""
    cache, dataset = (
        _default(key) if settings.source is None and key not in settings else settings.text(key)
        for key in ("data.cache_dir", "data.dataset_id")
    )
    length = settings.integer("data.sequence_length")
    for base in _bases(run):
        folder = base / (cache or "data/processed") / (dataset or "")
        for pattern in (f"gestures_seq{length}_*.npz", "gestures_*.npz", "*.npz"):
            choice = newest("data", _matching(folder, pattern))
            if choice is not None:
                return choice
    return None


def _default(key: str) -> str:
    """Return the trainer's default for `key`, a folder."""
    return str(BY_NAME[key].default)


def find_named(path: str, near: Path | None) -> Path | None:
    """Return a file that a config names, relative to the current folder, the config's, or one above that; None if not found."""
    bases = [Path(), *(_bases(near.parent) if near is not None else ())]
    return next((base / path for base in bases if is_file(base / path)), None)


def _bases(run: Path) -> list[Path]:
    """Return the folders that a path in a config may be relative to: the run's, up to four above it, and the current one."""
    full = run.resolve()
    return [run, *names.parents(full)[:4], Path()]
