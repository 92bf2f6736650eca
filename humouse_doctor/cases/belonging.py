"""Check whether a config is the one that a checkpoint was trained with.

The evidence is a backup of the config, Hydra's record of the run, the overrides on its command line, and its log. Values that
differ are replaced by those that the weights were trained with: a change made after the training must neither add a cause nor
hide one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from humouse_doctor.cases.request import Notes, ToolFinding
from humouse_doctor.cases.run_folder import is_named_after
from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.core.settings import Origin, Setting, Settings, Value
from humouse_doctor.core.spec import activation_of
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.inputs.config import hydra_record, reader
from humouse_doctor.inputs.config.backups import backup_of, backups
from humouse_doctor.inputs.files import changed_at, is_file
from humouse_doctor.inputs.logs.warm_up_log import LOG, read_planned_epochs

if TYPE_CHECKING:
    from humouse_doctor.inputs.checkpoints.checkpoint import Checkpoint

#: humouse makes as many conditions as the data has features, whatever the config says.
FOLLOWS_DATA = "model.generator.condition_dim"
#: Keys that say where things lie, or how a program is to be read, rather than how weights were trained.
_NOT_TRAINED_WITH = frozenset({"data.cache_dir", "experiment_name", "logging.checkpoint_dir", "training.output_space"})
#: Seconds by which the three files that Hydra writes at once differ at most, also where they were copied.
_AT_ONCE_S = 2.0
#: Seconds within which a folder's files were as likely copied one after the other as changed one after the other.
_COPIED_S = 60.0
_EPOCHS = "training.reconstruction_epochs"
_MAX_LISTED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    """A value that the weights were trained with, and the file that says so."""

    value: Value
    file: Path


def as_trained(path: Path, checkpoint: Checkpoint, settings: Settings, notes: Notes) -> Settings:
    """Return `settings` with the values that the weights in `checkpoint`, read from `path`, were trained with.

    Differences are noted, and the caller's overrides are kept. For a pretrainer's checkpoint `settings` are returned unchanged:
    they are not those that it was trained with.
    """
    if settings.source is None or checkpoint.is_pretrainer:
        return settings
    config = Path(settings.source)
    record = _record_of(path, config)
    written = config if record is None else record
    # both as they stand alone: of a composed config, a backup is one part
    alone, backup = _read(written, notes), _backup(written, checkpoint.sha256)
    before = None if backup is None else _read(backup, notes)
    known: dict[str, _Evidence] = {}
    if alone is not None and written is not config:
        known.update({key: _Evidence(value=setting.value, file=written) for key, setting in alone.items()})
    if alone is not None and before is not None and backup is not None:
        for key, setting in before.items():
            if key in alone and _differ(key, alone[key].value, setting.value):
                known[key] = _Evidence(value=setting.value, file=backup)
    given: dict[str, _Evidence] = {}
    if alone is not None and record is not None:
        given.update(_given(record, alone.prefix))
        known.update(given)
        known.update(_logged(record))
    changed = {
        key: evidence
        for key, evidence in known.items()
        if key in settings
        and key not in _NOT_TRAINED_WITH
        and settings[key].origin is not Origin.OVERRIDE
        and _differ(key, settings[key].value, evidence.value)
    }
    # the command line's values belong to the run, whichever file it had the others from
    explained = given.keys() & changed.keys() if written is not config else set()
    if explained:
        notes.remarks.append(f"config: with the values from the run's command line: {', '.join(sorted(explained))}")
    contradicted = {key: evidence for key, evidence in changed.items() if key not in explained}
    if contradicted:
        _note(contradicted, settings, notes)
    elif written is config and before is None:
        notes.remarks.extend(_file_times(config, path))
    for key, evidence in changed.items():
        settings = settings.with_setting(Setting(key=key, value=evidence.value, origin=Origin.RECORDED))
    return settings


def _record_of(checkpoint: Path, config: Path) -> Path | None:
    """Return Hydra's record of the checkpoint's run: the one in a folder around the checkpoint, else `config` if it is one."""
    found = hydra_record.around(checkpoint)
    if hydra_record.is_record(config) and (found is None or found.resolve() == config.resolve()):
        return config
    if found is None:
        return None
    try:
        name = reader.read(found).settings.text("experiment_name")
    except UsageError:
        return None
    # several runs may share the folder of their checkpoints
    return found if name is None or is_named_after(checkpoint, name) else None


def _backup(config: Path, sha256: str) -> Path | None:
    """Return the backup that holds `config` as it was when the weights were trained; None without one, or if in doubt.

    A backup that `--write` made for a diagnosis of these very weights has their digest in its name. Otherwise the oldest backup
    is used, if the config is a run's record and was changed after Hydra wrote it.
    """
    own = backup_of(config, sha256)
    if is_file(own):
        return own
    if not _record_changed(config, _AT_ONCE_S):
        return None
    return next(iter(backups(config)), None)


def _record_changed(config: Path, seconds: float) -> bool:
    """Return True if `config` is a run's record, changed more than `seconds` after the files that Hydra wrote with it."""
    beside = [time for name in ("hydra.yaml", "overrides.yaml") if (time := changed_at(config.with_name(name))) is not None]
    now = changed_at(config)
    return hydra_record.is_record(config) and bool(beside) and now is not None and now - max(beside) > seconds


def _read(path: Path, notes: Notes) -> Settings | None:
    """Return the settings of the config at `path`; note it if it cannot be read."""
    try:
        return reader.read(path).settings
    except UsageError as error:
        notes.remarks.append(f"{error}; not compared with the weights' config")
        return None


def _given(record: Path, prefix: str) -> Iterator[tuple[str, _Evidence]]:
    """Yield the values from the command line of the run with this `record`; `prefix` is removed from their keys."""
    file = record.with_name("overrides.yaml")
    for key, value in hydra_record.overrides(file):
        if key.startswith(prefix):
            yield key.removeprefix(prefix), _Evidence(value=value, file=file)


def _logged(record: Path) -> Iterator[tuple[str, _Evidence]]:
    """Yield the number of warm-up epochs that the run's own log states."""
    log = record.parent.parent / LOG
    try:
        planned = read_planned_epochs(log)
    except InputError:
        return
    if planned is not None:
        yield _EPOCHS, _Evidence(value=planned, file=log)


def _differ(key: str, now: Value, then: Value) -> bool:
    """Return True if the trainer treats the two values differently."""
    if key.startswith("model.generator.activation_"):
        return activation_of(now) is not activation_of(then)
    if isinstance(now, str) and isinstance(then, str):
        return now.lower() != then.lower()
    return now != then or isinstance(now, bool) != isinstance(then, bool)


def _note(changed: Mapping[str, _Evidence], settings: Settings, notes: Notes) -> None:
    """Note the keys whose values are not those that the weights were trained with."""
    shown = [
        f"{key} is {reader.in_message(settings[key].value)} and was {reader.in_message(evidence.value)}"
        for key, evidence in list(changed.items())[:_MAX_LISTED]
    ]
    if len(changed) > _MAX_LISTED:
        shown.append(f"{len(changed) - _MAX_LISTED} more differ")
    notes.contradictions.extend(shown)
    files = ", ".join(dict.fromkeys(str(evidence.file) for evidence in changed.values()))
    first = next(iter(changed))
    notes.findings.append(
        ToolFinding(
            code=ToolCode.DISAGREEMENT,
            message=f"the config is not what these weights were trained with: {'; '.join(shown)} (according to {files});"
            " the weights are judged by the values they were trained with",
            serious=True,
            key=first,
            place=settings.place(first),
        )
    )


def _file_times(config: Path, checkpoint: Path) -> Iterator[str]:
    """Yield a remark if the config seems to have been changed after the training, by the times of the files."""
    if hydra_record.is_record(config) and any(is_file(config.with_name(name)) for name in ("hydra.yaml", "overrides.yaml")):
        later = _record_changed(config, _COPIED_S)
    else:
        now, then = changed_at(config), changed_at(checkpoint)
        later = now is not None and then is not None and now - then > _COPIED_S
    if later:
        yield (
            f"config: {config} was changed after the run, by the times of its files (copying or cloning resets them);"
            " these weights may have been trained with other values"
        )
