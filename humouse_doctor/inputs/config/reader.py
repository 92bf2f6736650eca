"""Reading of a config file as settings: each known key with value, origin and line, interpolations resolved in the file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.remedy import Edit
from humouse_doctor.core.settings import Origin, Place, Setting, Settings, Value
from humouse_doctor.core.text import shortened
from humouse_doctor.inputs.config import yaml_text
from humouse_doctor.inputs.config.trainer_keys import (
    BETA,
    BY_NAME,
    COMMON_NAMES,
    KEYS,
    STATED,
    key_of_common,
    likely_misspelling,
    meant_by,
)

_SECTIONS = ("data", "model", "training", "logging")
#: The sections that say what a warm-up trains, and on what.
_NEEDED = ("data", "model.generator", "training")
#: The beginnings of keys that no other program of humouse's has.
_OWN = (
    "model.generator", "model.discriminator", "model.architecture", "training.absolute_coordinates", "training.lr.",
    "training.generator_init_path", "training.output_space", "training.reconstruction_", "training.reset_generator",
    "training.warmup_",
)  # fmt: skip
_MAX_LISTED = 3
_INSTEAD = (
    "expected a training config of humouse's GAN (conf/experiment/*.yaml, or a run's .hydra/config.yaml); for"
    " another generator, inspect its samples: humouse-doctor inspect SAMPLES --data GESTURES"
)
_INTERPOLATION = re.compile(r"(\\?)\$\{([^${}]*)\}")
#: A path as OmegaConf defines it: no part is empty, in quotes, or of two words.
_REFERENCE = re.compile(r"[^\\${}()\[\]:.\s'\"]+(?:\.[^\\${}()\[\]:.\s'\"]+)*")
_MISSING = "???"
#: The common names that a message lists.
_COMMON = ", ".join(COMMON_NAMES[key][0] for key in STATED)
#: Interpolations followed for one value, and characters that it may reach.
_MAX_HOPS, _MAX_RESOLVED = 16, 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """A problem of the config that the trainer would fail on or silently ignore."""

    key: str
    message: str
    place: Place | None
    serious: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadConfig:
    """Settings, complaints about them, and remarks on how they were read."""

    settings: Settings
    complaints: tuple[Complaint, ...] = ()
    remarks: tuple[str, ...] = ()


def read(path: Path | None, overrides: Sequence[str] = (), text: str | None = None, *, foreign: bool = False) -> ReadConfig:
    """Read the config at `path`; without one, only `overrides` (`key=value`) are known.

    A key that the config leaves out has the trainer's default. Without a config, a key without an override is unknown. `text`,
    if given, is read instead of the file's content. With `foreign` the config may be another program's, of which the settings
    with common names are read, such as `lr`. Raises `UsageError` if it is not a config, and for an override of an unknown key.
    """
    if path is None:
        return overridden(ReadConfig(settings=Settings()), overrides)
    root = yaml_text.compose(yaml_text.read_text(path) if text is None else text, str(path))
    found = {leaf.path: leaf for leaf in yaml_text.leaves(root, str(path))}
    values: Mapping[str, Value] = {name: leaf.value for name, leaf in found.items()}
    places: Mapping[str, Place] = {
        name: Place(file=str(path), line=leaf.node.start_mark.line + 1, column=leaf.node.start_mark.column + 1)
        for name, leaf in found.items()
    }
    if foreign and not any(name.startswith(_OWN) for name in (key.removeprefix("experiment.") for key in values)):
        return overridden(_of_another_program(values, places, path), overrides)
    remarks: tuple[str, ...] = ()
    source, partly = path, False
    if _has_defaults(found):
        from humouse_doctor.inputs.config import composition  # few configs are composed

        try:
            composed = composition.compose(path, values, places)
        except UsageError:
            _require_own(path, found, partly=True)  # what that says is of more use
            raise
        values, places, remarks, source = composed.values, composed.places, composed.remarks, composed.source
        partly = composed.partly
    prefix = "experiment." if any(name.startswith("experiment.") for name in values) else ""
    if not any(name.startswith(f"{prefix}{section}.") for name in values for section in _SECTIONS):
        raise UsageError(
            f"{path}: none of the sections {', '.join(_SECTIONS)} is there, at the top or under experiment:;"
            " expected a humouse training config"
        )
    _require_own(path, values, prefix, partly=partly)
    if not partly:
        remarks = (*remarks, *_missing(values, prefix, str(source)))
    # In a file of the group `experiment` the keys stand at the top, though the composed config has them one deeper.
    shell = Settings(prefix=prefix if source == path else "", source=str(source))
    return overridden(_finish(values, places, shell, prefix, remarks), overrides)


def _of_another_program(values: Mapping[str, Value], places: Mapping[str, Place], path: Path) -> ReadConfig:
    """Return the settings of another program's config that have a common name, or humouse's own; the others are not known."""
    found: dict[str, Setting] = {}
    for name, value in values.items():
        key = name if name in BY_NAME else key_of_common(name)
        if key is not None and BY_NAME[key].complaint(value) is None:
            found.setdefault(key, Setting(key=key, value=value, origin=Origin.EXPLICIT, place=places[name]))
    read_as = ", ".join(f"{key} = {in_message(setting.value)}" for key, setting in sorted(found.items()))
    said = f"config: {path} is no training config of humouse's; of it was read: {read_as or 'nothing'}"
    return ReadConfig(settings=Settings(MappingProxyType(dict(sorted(found.items())))), remarks=(said,))


def with_stated(
    settings: Settings, stated: Mapping[str, Value], file: str, *, has_encoder: bool
) -> tuple[Settings, tuple[str, ...]]:
    """Return `settings` with those that a checkpoint's `file` states beside its weights by a common name, and a remark on them.

    A value of a config or of the caller stays. `beta` is the weight of a KL term only where an encoder's tensors are beside the
    generator's.
    """
    found: dict[str, Setting] = {}
    for name, value in stated.items():
        key = name if name in BY_NAME else key_of_common(name)
        if key is None and name == BETA and has_encoder:
            key = "training.warmup_kl_weight"
        known = None if key is None else settings.get(key)
        if key not in STATED or BY_NAME[key].complaint(value) is not None:
            continue
        if known is None or known.origin is Origin.DEFAULT:
            found.setdefault(key, Setting(key=key, value=value, origin=Origin.CHECKPOINT))
    if not found:
        return settings, ()
    read_as = ", ".join(f"{key} = {in_message(setting.value)}" for key, setting in sorted(found.items()))
    for setting in found.values():
        settings = settings.with_setting(setting)
    return settings, (f"settings: {file} states beside its weights: {read_as}",)


def _require_own(path: Path, values: Iterable[str], prefix: str = "", *, partly: bool) -> None:
    """Raise `UsageError` if a config with these keys, each after `prefix`, clearly belongs to another program.

    With `partly`, a defaults list may add further keys. One key of the warm-up is enough to accept a config, even if the key is
    misspelled. Other keys, such as a batch size, are not enough: the configs of humouse's diffusion and detector have them too.
    """
    known, other = False, dict[str, None]()
    for name in (name.removeprefix(prefix) for name in values if name.startswith(prefix)):
        meant = name if name in BY_NAME else likely_misspelling(name)
        if name.startswith(_OWN) or (meant is not None and meant.startswith(_OWN)):
            return
        known = known or meant is not None or any(key.startswith(f"{name}.") for key in BY_NAME)
        if name.startswith("model."):
            other[name.split(".")[1]] = None
    if other:
        more = ", ..." if len(other) > _MAX_LISTED else ""
        shown = f"its model: has {', '.join(shortened(name) for name in list(other)[:_MAX_LISTED])}{more} and no generator:"
    elif not known and not partly:
        shown = "it has none of the keys of humouse's training"
    else:
        return
    raise UsageError(f"{path}: the config of another program ({shown}); {_INSTEAD}")


def _missing(values: Mapping[str, Value], prefix: str, source: str) -> Iterator[str]:
    """Yield a remark on the sections that a config lacks, whose keys get the trainer's defaults."""
    lacking = [
        section
        for section in _NEEDED
        if not any(name.startswith(f"{prefix}{section}.") or f"{prefix}{section}.".startswith(f"{name}.") for name in values)
    ]
    if lacking:
        yield f"config: {source} has no {' and no '.join(lacking)}: the trainer's defaults are used for their keys"


def overridden(config: ReadConfig, overrides: Sequence[str]) -> ReadConfig:
    """Return `config` with `overrides` (`key=value`) on top; raises `UsageError` for one of an unknown key or a wrong value."""
    if not overrides:
        return config
    before = config.settings
    by_key, complaints = dict(before.by_key), config.complaints
    for override in overrides:
        setting = _override(override)
        by_key[setting.key] = setting
        complaints = tuple(complaint for complaint in complaints if complaint.key != setting.key)
    settings = Settings(MappingProxyType(dict(sorted(by_key.items()))), before.prefix, before.source, before.in_file)
    return ReadConfig(settings=settings, complaints=complaints, remarks=config.remarks)


def edited(config: ReadConfig, edits: Iterable[Edit]) -> ReadConfig:
    """Return `config` with `edits` made, each checked as an override is; raises `UsageError`."""
    return overridden(config, [f"{edit.key}={spell(edit.new)}" for edit in edits])


def overruled(path: Path, source: Path, edits: Sequence[Edit], prefix: str) -> Edit | None:
    """Return the first of `edits` of `source` without effect on the config at `path`, None if all have one.

    The keys in `source` begin with `prefix`.
    """
    text = yaml_text.read_text(path)
    if "defaults" not in text:
        return None
    root = yaml_text.compose(text, str(path))
    if not _has_defaults(leaf.path for leaf in yaml_text.leaves(root, str(path))):
        return None
    from humouse_doctor.inputs.config import composition  # as above

    return composition.overruled(path, source, edits, prefix)


def _has_defaults(names: Iterable[str]) -> bool:
    return any(name == "defaults" or name.startswith("defaults.") for name in names)


def _finish(
    values: Mapping[str, Value],
    places: Mapping[str, Place],
    shell: Settings,
    prefix: str,
    remarks: tuple[str, ...],
) -> ReadConfig:
    settings: dict[str, Setting] = {}
    in_file: dict[str, Setting] = {}
    complaints = []
    for name, raw in values.items():
        if not name.startswith(prefix):
            continue
        key = name.removeprefix(prefix)
        place = places.get(name)
        section = next((entry.name for entry in KEYS if entry.name.startswith(f"{key}.")), None)
        if section is not None:
            complaints.append(_no_section(key, raw, section, place))
            continue
        meant = likely_misspelling(key)
        if meant is not None and f"{prefix}{meant}" not in values:
            kept = "is required" if BY_NAME[meant].required else f"keeps its default {spell(BY_NAME[meant].default)}"
            complaints.append(
                Complaint(
                    key=key,
                    place=place,
                    serious=True,
                    message=f"{shortened(key)} is unknown to the trainer, which ignores it; "
                    f"{meant} was probably meant and {kept}",
                )
            )
        if key not in BY_NAME:
            continue
        if place is not None and place.file == shell.source:
            in_file[key] = Setting(key=key, value=raw, origin=Origin.EXPLICIT, place=place)
        value, trouble = _resolve(raw, values)
        if trouble is not None:
            complaints.append(Complaint(key=key, place=place, serious=False, message=f"{key} is {in_message(raw)}: {trouble}"))
            continue
        wrong = BY_NAME[key].complaint(value)
        if wrong is not None:
            complaints.append(Complaint(key=key, place=place, serious=True, message=f"{key} is {in_message(value)}; {wrong}"))
            continue
        settings[key] = Setting(key=key, value=value, origin=Origin.EXPLICIT, place=place)
    unusable = {complaint.key for complaint in complaints}
    for entry in KEYS:
        parts = entry.name.split(".")
        unknown = any(".".join(parts[:depth]) in unusable for depth in range(1, len(parts) + 1))
        if entry.name in settings or unknown or entry.required:
            continue
        settings[entry.name] = Setting(key=entry.name, value=entry.default, origin=Origin.DEFAULT)
    return ReadConfig(
        settings=Settings(
            MappingProxyType(dict(sorted(settings.items()))), shell.prefix, shell.source, MappingProxyType(in_file)
        ),
        complaints=tuple(complaints),
        remarks=remarks,
    )


def _no_section(key: str, raw: Value, example: str, place: Place | None) -> Complaint:
    """Return the complaint about a value, often an interpolation, in place of a section."""
    if isinstance(raw, str) and ("${" in raw or raw == _MISSING):
        message = f"{key} is {in_message(raw)}: a whole section left unresolved; give its keys with --set, such as {example}"
        return Complaint(key=key, place=place, serious=False, message=message)
    message = f"{key} is {in_message(raw)}; expected a section with keys such as {example.removeprefix(f'{key}.')}"
    return Complaint(key=key, place=place, serious=True, message=message)


def from_values(values: Mapping[str, Value]) -> Settings:
    """Return settings from Python: `values` by key over the trainer's defaults; raise `UsageError` as an override does."""
    settings = _finish({}, {}, Settings(), "", ()).settings
    for key, value in values.items():
        settings = settings.with_setting(_checked(key, value, f"{key}={spell(value)}"))
    return settings


def _override(text: str) -> Setting:
    name, equals, raw = text.partition("=")
    if not equals:
        raise UsageError(f"--set {shortened(text, yaml_text.MAX_VALUE)}: expected key=value")
    shown = f"--set {shortened(text, yaml_text.MAX_VALUE)}"
    return _checked(name.strip().removeprefix("experiment."), yaml_text.parse_scalar(raw, shown), shown)


def _checked(name: str, value: Value, shown: str) -> Setting:
    key = key_of_common(name) or name
    if key not in BY_NAME:
        meant = " or ".join(meant_by(key))
        more = (
            f"did you mean {meant}?"
            if meant
            else f"expected a key of the training config, e.g. data.batch_size, or a common name: {_COMMON}"
        )
        raise UsageError(f"{shown}: unknown key '{shortened(key)}'; {more}")
    wrong = BY_NAME[key].complaint(value)
    if wrong is not None:
        raise UsageError(f"{shown}: {wrong}")
    return Setting(key=key, value=value, origin=Origin.OVERRIDE)


def _resolve(raw: Value, values: Mapping[str, Value], within: bool = False) -> tuple[Value, str | None]:
    """Follow references within the file; others (environment, clock, Hydra) are never resolved.

    Returns the value, and the reason if there is none.
    """
    if isinstance(raw, tuple):
        parts = [_resolve(part, values, within=True) for part in raw]
        return tuple(part for part, _ in parts), next((trouble for _, trouble in parts if trouble is not None), None)
    value: Value = raw
    for _ in range(_MAX_HOPS):
        if not isinstance(value, str):
            return value, None
        if value == _MISSING:
            return None, "a mandatory value (???) that was never given"
        match = _INTERPOLATION.search(value)
        if match is None and "${" in value:
            return None, "left unresolved, its interpolation is broken; give it with --set"
        if match is None:
            return value, None
        if match.group(1):
            return None, "left unresolved, its interpolation is escaped; give it with --set"
        reference = match.group(2).strip()
        if ":" in reference or not _REFERENCE.fullmatch(reference) or reference not in values:
            what = "resolvers are not run" if ":" in reference else f"there is no '{shortened(reference)}' in the file"
            return None, f"left unresolved, {what}; give it with --set"
        target = values[reference]
        if isinstance(target, tuple) and (within or match.group(0) != value):
            return None, f"left unresolved, '{shortened(reference)}' is a list; give it with --set"
        value = target if match.group(0) == value else f"{value[: match.start()]}{target}{value[match.end() :]}"
        if isinstance(value, str) and len(value) > _MAX_RESOLVED:
            return None, f"left unresolved, it comes to more than {_MAX_RESOLVED} characters; give it with --set"
    return None, "the interpolation refers to itself; give the value with --set"


def in_message(value: Value) -> str:
    """Return a value in a short form for messages."""
    return shortened(spell(value), yaml_text.MAX_VALUE)


def spell(value: Value) -> str:
    """Return a value on one line in YAML."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case tuple():
            return f"[{', '.join(spell(part) for part in value)}]"
        case str():
            return "'" + value.replace("'", "''") + "'" if value.isprintable() else yaml_text.double_quoted(value)
        case _:
            return f"{value}"
