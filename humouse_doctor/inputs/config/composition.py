"""Composition of a config with a `defaults:` list, which is only a part of the whole, by Hydra if it is installed."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.remedy import Edit
from humouse_doctor.core.settings import Place, Value
from humouse_doctor.core.text import reason
from humouse_doctor.inputs.config import yaml_text

#: Characters of the paths of all values; the package named in a defaults list stands before each of them.
_MAX_PATHS = 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """Values and places by dotted path; `source` is the file whose keys a patch should change.

    `partly` is True if only the file itself was read.
    """

    values: Mapping[str, Value]
    places: Mapping[str, Place]
    source: Path
    remarks: tuple[str, ...]
    partly: bool = False


def compose(path: Path, values: Mapping[str, Value], places: Mapping[str, Place]) -> Composed:
    """Compose the config at `path`, whose own `values` and `places` were read before.

    Interpolations stay as they are written, and those in the defaults list cannot read the environment. Without Hydra
    only the file itself is used, with a remark that it is incomplete. Raises `UsageError` if Hydra fails, or if the config
    names anything outside its own folder.
    """
    remark = _incomplete(path)
    if remark is not None:
        return Composed(values=values, places=places, source=path, remarks=(remark,), partly=True)
    if path.suffix != ".yaml":  # Hydra would read another file instead
        raise UsageError(f"{path}: has a defaults: list, which Hydra composes only from .yaml files; rename it to *.yaml")
    flat, group_file = _composed(path)
    known = {name: place for name, place in places.items() if flat.get(name) == values.get(name)}
    source = path
    # A group file with `@package _global_` has its keys at the top, where overrides have no `experiment.`.
    if group_file is not None and any(name.startswith("experiment.") for name in flat):
        root = yaml_text.compose(yaml_text.read_text(group_file), str(group_file))
        for leaf in yaml_text.leaves(root, str(group_file)):
            name = f"experiment.{leaf.path}"
            if name in flat and flat[name] == leaf.value:
                mark = leaf.node.start_mark
                known[name] = Place(file=str(group_file), line=mark.line + 1, column=mark.column + 1)
        source = group_file
    remark = f"{path} was composed with its defaults: list; the experiment section comes from {source}"
    return Composed(values=flat, places=known, source=source, remarks=(remark,))


def _incomplete(path: Path) -> str | None:
    """Return why a config with a defaults list is read alone, None if it can be composed."""
    try:
        import hydra  # noqa: F401  # only to see if it is installed
    except ImportError:
        return f"{path} has a defaults: list, but was read without it; install humouse-doctor[hydra] to compose it"
    from hydra.core.global_hydra import GlobalHydra  # an extra, as above

    if GlobalHydra.instance().is_initialized():
        return f"{path} has a defaults: list, but was read without it; a Hydra application is already running here"
    return None


def overruled(path: Path, source: Path, edits: Sequence[Edit], prefix: str) -> Edit | None:
    """Return the first of `edits` of `source` that later parts of the config at `path` overrule.

    `prefix` stands before their keys in `source`. Returns None if all have an effect, or if the config cannot be composed.
    """
    if _incomplete(path) is not None:
        return None
    flat, _ = _composed(path, source.resolve(), {f"{prefix}{edit.key}": edit.new for edit in edits})
    within = "experiment." if any(name.startswith("experiment.") for name in flat) else ""
    return next((edit for edit in edits if flat.get(f"{within}{edit.key}") != edit.new), None)


def _composed(
    path: Path, changed: Path | None = None, changes: Mapping[str, Value] = MappingProxyType({})
) -> tuple[dict[str, Value], Path | None]:
    """Return all values of the composed config, and the file of the group `experiment` that it uses.

    The file `changed`, with links resolved, is read as if it had `changes`, by path.
    """
    import hydra  # an extra, as above, and so is what imports it
    from omegaconf import OmegaConf

    from humouse_doctor.inputs.config import hydra_sources

    folder = path.parent.resolve()
    try:
        with (
            hydra_sources.guarded(folder, changed, changes) as read,
            warnings.catch_warnings(),
            hydra.initialize_config_dir(str(folder), version_base=None),
        ):
            warnings.simplefilter("ignore")  # a defaults list without _self_ is the trainer's affair
            composed = hydra.compose(path.name, return_hydra_config=True)
            group_file = path.parent / "experiment" / f"{composed.hydra.runtime.choices.get('experiment')}.yaml"
            real = group_file.resolve()
            is_group_file = real in read and real.is_relative_to(folder / "experiment")
            whole: Any = OmegaConf.to_container(composed, resolve=False)
            del whole["hydra"]
            return dict(_flat(whole, "", [_MAX_PATHS])), group_file if is_group_file else None
    except Exception as error:  # Hydra has many errors of its own, and lets parser errors through
        why = reason(error, 300)
        raise UsageError(f"{path}: Hydra cannot compose it, give the run's .hydra/config.yaml: {why}") from None


def _flat(node: Any, path: str, room: list[int]) -> Iterator[tuple[str, Value]]:
    """Yield every value below `node` with its path; raise `UsageError` if the paths exceed `room`."""
    if isinstance(node, dict):
        for key, child in node.items():
            yield from _flat(child, yaml_text.below(f"{path}." if path else "", key), room)
        return
    room[0] -= len(path)
    if room[0] < 0:
        raise UsageError(f"the paths of its values have more than {_MAX_PATHS} characters together")
    yield path, _value(node)


def _value(node: Any) -> Value:
    """Return a list as a tuple, with None for a mapping in it, as the text reader does."""
    if isinstance(node, list):
        return tuple(_value(child) for child in node)
    return None if isinstance(node, dict) else node
