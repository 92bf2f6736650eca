"""Limits on Hydra while it composes a config: it reads only plain YAML files of the config's own folder, within bounds."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hydra._internal import config_loader_impl
from hydra._internal.config_repository import CachingConfigRepository
from omegaconf import OmegaConf
from omegaconf.basecontainer import BaseContainer

from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.settings import Value
from humouse_doctor.core.text import shortened
from humouse_doctor.inputs.config import yaml_text
from humouse_doctor.inputs.files import is_file

#: Files and values of all defaults lists together, counted each time they are named, and bytes, counted once.
_MAX_FILES = 500
_MAX_VALUES = 20_000
_MAX_BYTES = 1_000_000
#: The class in which Hydra's loader holds the configs of one composition.
_REPOSITORY = CachingConfigRepository.__name__


class _Bounded(CachingConfigRepository):
    """A repository that confines defaults lists to the config's folder, and refuses more than any config needs."""

    def __init__(
        self, folder: Path, read: set[Path], changed: Path | None, changes: Mapping[str, Value], delegate: Any
    ) -> None:
        super().__init__(delegate)
        self._folder, self._read = folder, read
        self._changed, self._changes = changed, changes
        self._sizes: dict[str, int] = {}
        self._files = self._values = self._bytes = 0

    def initialize_sources(self, config_search_path: Any) -> None:
        """Refuse a config's search path, which leads elsewhere or imports a package; raise `UsageError`."""
        for element in config_search_path.get_path():
            if element.provider.startswith("hydra.searchpath"):
                raise UsageError(f"the search path {shortened(element.path)} is refused; a config's own folder is read")
        super().initialize_sources(config_search_path)

    def group_exists(self, config_path: str) -> bool:
        self._require_inside(config_path)
        return super().group_exists(config_path)

    def config_exists(self, config_path: str) -> bool:
        self._require_inside(config_path)
        return super().config_exists(config_path)

    def get_group_options(self, group_name: str, *rest: Any) -> list[str]:
        self._require_inside(group_name)
        return super().get_group_options(group_name, *rest)

    def load_config(self, config_path: str) -> Any:
        self._require_inside(config_path)
        if config_path not in self._sizes:
            self._sizes[config_path] = self._count_values(config_path)
        self._files += 1
        self._values += self._sizes[config_path]
        if self._files > _MAX_FILES or self._values > _MAX_VALUES:
            raise UsageError(
                f"its defaults lists bring in more than {_MAX_FILES} files or {_MAX_VALUES} values, repeats counted"
            )
        found = super().load_config(config_path=config_path)
        if found is not None and self._changed is not None and self._file(config_path).resolve() == self._changed:
            for path, value in self._changes.items():
                OmegaConf.update(found.config, path, list(value) if isinstance(value, tuple) else value, force_add=True)
        return found

    def _file(self, config_path: str) -> Path:
        return self._folder / (config_path if config_path.endswith(".yaml") else f"{config_path}.yaml")

    def _count_values(self, config_path: str) -> int:
        """Return the number of values in a file, checked before Hydra reads it, so that alias bombs and tags are refused."""
        path = self._file(config_path)
        if not is_file(path):  # one of Hydra's own, or missing
            return 0
        self._read.add(path.resolve())
        text = yaml_text.read_text(path)
        self._bytes += len(text)
        if self._bytes > _MAX_BYTES:
            raise UsageError(f"its defaults lists bring in more than {_MAX_BYTES // 1000} kB")
        return yaml_text.require_plain(text, str(path)) if text.strip() else 0  # an empty file is a config to Hydra

    def _require_inside(self, config_path: str) -> None:
        """Raise `UsageError` for a file or group of another folder; this also applies to Hydra's own package."""
        upwards = Path(os.path.normpath(config_path)).parts[:1] == ("..",)
        if (
            Path(config_path).is_absolute()
            or upwards
            or not all(path.resolve().is_relative_to(self._folder) for path in self._meanings(config_path))
        ):
            raise UsageError(f"{shortened(config_path)} leads out of the config's folder, and is refused")

    def _meanings(self, config_path: str) -> tuple[Path, Path]:
        """Return the possible meanings of a path in a defaults list: a group or a full file name, and a file's stem."""
        return self._folder / config_path, self._folder / f"{config_path}.yaml"


@contextmanager
def guarded(folder: Path, changed: Path | None, changes: Mapping[str, Value]) -> Iterator[set[Path]]:
    """Restrict Hydra within the block to bounded files of `folder`, without environment and imports.

    Yields the set of files it has read, with links resolved. The file `changed` is read as if it had `changes`, by path.
    All resolvers except Hydra's own are removed: a resolved value in a path or an error message could reveal a secret.
    `hydra.job.env_copy` finds empty variables.
    """
    read = set[Path]()
    blind = SimpleNamespace(environ=defaultdict(str), getcwd=os.getcwd)
    with (
        _replaced(config_loader_impl, _REPOSITORY, partial(_Bounded, folder, read, changed, changes)),
        _replaced(config_loader_impl, "os", blind),
        _replaced(BaseContainer, "_resolvers", {}),
    ):
        yield read


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
