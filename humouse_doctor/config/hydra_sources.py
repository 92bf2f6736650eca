"""What Hydra may read while it composes a config: plain YAML files within bounds, and no module of anyone's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra._internal import config_loader_impl
from hydra._internal.config_repository import CachingConfigRepository
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.core_plugins.importlib_resources_config_source import ImportlibResourcesConfigSource
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.plugins import Plugins
from omegaconf import OmegaConf
from omegaconf.resolvers import oc

from humouse_doctor.config import yaml_text
from humouse_doctor.core.errors import UsageError

#: Files and values of all the defaults lists together, each counted as often as it is named.
_MAX_FILES = 500
_MAX_VALUES = 20_000
#: The class that Hydra's loader keeps the configs of one composition in.
_REPOSITORY = CachingConfigRepository.__name__


class _PlainFiles(FileConfigSource):
    """A folder of configs, each read as ours are before Hydra sees it: a bomb of aliases or a tag ends there."""

    def load_config(self, config_path: str) -> Any:
        path = Path(self.path) / self._normalize_file_name(config_path)
        text = yaml_text.read_text(path)
        if text.strip():  # an empty file is a config to Hydra, and so is one that holds comments alone
            yaml_text.require_plain(text, str(path))
        return super().load_config(config_path)


class _OwnPackages(ImportlibResourcesConfigSource):
    """Hydra's own configs; another package that a search path names would be imported, which runs its code."""

    def __init__(self, provider: str, path: str) -> None:
        if path != "pkg://hydra.conf":
            raise UsageError(f"the search path {yaml_text.shown(path)} is refused: it would import that package")
        super().__init__(provider=provider, path=path)


class _Counting(CachingConfigRepository):
    """Ends a defaults list that names others, which name others, more often than any config does."""

    def __init__(self, delegate: Any) -> None:
        super().__init__(delegate)
        self._sizes: dict[str, int] = {}
        self._files = self._values = 0

    def load_config(self, config_path: str) -> Any:
        found = super().load_config(config_path=config_path)
        if config_path not in self._sizes:
            self._sizes[config_path] = 0 if found is None else _size(found.config)
        self._files += 1
        self._values += self._sizes[config_path]
        if self._files > _MAX_FILES or self._values > _MAX_VALUES:
            raise UsageError(
                f"its defaults lists bring in more than {_MAX_FILES} files or {_MAX_VALUES} values, repeats counted"
            )
        return found


def _size(config: Any) -> int:
    pending, count = [OmegaConf.to_container(config, resolve=False)], 0
    while pending:
        node = pending.pop()
        count += 1
        pending.extend(node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())
    return count


@contextmanager
def guarded() -> Iterator[None]:
    """Let Hydra read no environment, import nothing and load bounded files within the block.

    `${oc.env:X}` fails where Hydra itself resolves it: in a path or an error message it would show a secret.
    """
    Plugins.instance()  # registers the sources that are replaced here
    types = SourcesRegistry.instance().types
    kept = dict(types)
    types.update({"file": _PlainFiles, "pkg": _OwnPackages})
    setattr(config_loader_impl, _REPOSITORY, _Counting)
    OmegaConf.register_new_resolver("oc.env", _refuse, replace=True)
    try:
        yield
    finally:
        OmegaConf.register_new_resolver("oc.env", oc.env, replace=True)
        setattr(config_loader_impl, _REPOSITORY, CachingConfigRepository)
        types.clear()
        types.update(kept)


def _refuse(*_: Any) -> None:
    raise ValueError("the environment is not read")
