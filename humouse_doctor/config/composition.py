"""A config with a `defaults:` list is only a part of the whole: compose it as Hydra would, where Hydra is installed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from humouse_doctor.config import yaml_text
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.settings import Place, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """Values and places by dotted path; `source` is the file whose keys a patch should change."""

    values: Mapping[str, Value]
    places: Mapping[str, Place]
    source: Path
    remarks: tuple[str, ...]


def compose(path: Path, values: Mapping[str, Value], places: Mapping[str, Place]) -> Composed:
    """Compose the config at `path`, whose own `values` and `places` were read already.

    Interpolations stay as they are written, so that no resolver runs and no environment value is read. Without Hydra the
    file alone is used, and a remark says that it is incomplete.
    """
    try:
        import hydra
        from omegaconf import OmegaConf
    except ImportError:
        remark = f"{path} has a defaults: list and was read alone; install humouse-doctor[hydra] to compose it"
        return Composed(values=values, places=places, source=path, remarks=(remark,))
    from hydra.core.global_hydra import GlobalHydra

    if GlobalHydra.instance().is_initialized():
        remark = f"{path} has a defaults: list and was read alone; a Hydra application is already running here"
        return Composed(values=values, places=places, source=path, remarks=(remark,))
    try:
        with hydra.initialize_config_dir(str(path.resolve().parent), version_base=None):
            whole = OmegaConf.to_container(hydra.compose(path.stem), resolve=False)
    except Exception as error:  # Hydra raises a wide family of its own, and what parsing the other files raises
        reason = re.sub(r"\s+", " ", str(error)).strip()
        raise UsageError(f"{path}: Hydra cannot compose it: {reason[:300]}") from None
    flat: dict[str, Value] = {}
    _flatten(whole, "", flat)
    known = {name: place for name, place in places.items() if flat.get(name) == values.get(name)}
    group_file = path.parent / "experiment" / f"{_choice(path) or ''}.yaml"
    source = path
    if group_file.is_file():
        root = yaml_text.compose(yaml_text.read_text(group_file), str(group_file))
        for leaf in yaml_text.leaves(root, str(group_file)):
            name = f"experiment.{leaf.path}"
            if name in flat and flat[name] == leaf.value:
                mark = leaf.node.start_mark
                known[name] = Place(file=str(group_file), line=mark.line + 1, column=mark.column + 1)
        source = group_file
    remark = f"{path} was composed with its defaults: list; the experiment section comes from {source}"
    return Composed(values=flat, places=known, source=source, remarks=(remark,))


def _choice(path: Path) -> str | None:
    """Which file of the group `experiment` the defaults list names."""
    match = re.search(r"^\s*-\s*experiment\s*:\s*([\w.-]+)", yaml_text.read_text(path), re.MULTILINE)
    return match.group(1) if match else None


def _flatten(node: Any, prefix: str, into: dict[str, Value]) -> None:
    if isinstance(node, dict):
        for key, child in node.items():
            _flatten(child, f"{prefix}.{key}" if prefix else str(key), into)
    elif isinstance(node, list):
        into[prefix] = tuple(child for child in node if not isinstance(child, dict | list))
    else:
        into[prefix] = node
