"""Settings: values of a run's config, each with its origin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType

Value = None | bool | int | float | str | tuple["Value", ...]


class Origin(str, Enum):
    """The origin of a setting's value.

    `RECORDED` is one that the weights were trained with and the config no longer has, `CHECKPOINT` one that the checkpoint's
    own file states beside the weights.
    """

    EXPLICIT = "explicit"
    DEFAULT = "default"
    INFERRED = "inferred"
    OVERRIDE = "override"
    RECORDED = "recorded"
    CHECKPOINT = "checkpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A position in a text file; `line` and `column` count from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One value: its key without any `experiment.` prefix, its origin, and its place if it is in a file."""

    key: str
    value: Value
    origin: Origin
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Settings(Mapping[str, Setting]):
    """The settings of one run by key, e.g. `training.absolute_coordinates`.

    Each key in the file begins with `prefix` (`experiment.` in a run's resolved config, else empty). `source` is that file's
    name, None without a config. `in_file` holds the values as they stand in the file, before overrides and sizes from the
    weights, and including values that the trainer would not accept.
    """

    by_key: Mapping[str, Setting] = field(default_factory=lambda: MappingProxyType({}))
    prefix: str = ""
    source: str | None = None
    in_file: Mapping[str, Setting] = field(default_factory=lambda: MappingProxyType({}))

    def __getitem__(self, key: str) -> Setting:
        return self.by_key[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_key)

    def __len__(self) -> int:
        return len(self.by_key)

    def changed(self, key: str, value: Value) -> Settings:
        """Return the settings with another value at a known key."""
        return replace(self, by_key=MappingProxyType({**self.by_key, key: replace(self.by_key[key], value=value)}))

    def value(self, key: str) -> Value:
        """Return the value at `key`, None if the key is unknown."""
        setting = self.by_key.get(key)
        return None if setting is None else setting.value

    def number(self, key: str) -> float | None:
        """Return the value at `key` if it is a number."""
        value = self.value(key)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def integer(self, key: str) -> int | None:
        """Return the value at `key` if it is a whole number."""
        value = self.value(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def flag(self, key: str) -> bool | None:
        """Return the value at `key` if it is true or false."""
        value = self.value(key)
        return value if isinstance(value, bool) else None

    def text(self, key: str) -> str | None:
        """Return the value at `key` if it is text."""
        value = self.value(key)
        return value if isinstance(value, str) else None

    def place(self, key: str) -> Place | None:
        """Return the place of `key` in the config file, None if it is not there."""
        setting = self.by_key.get(key)
        return None if setting is None else setting.place

    def with_setting(self, setting: Setting) -> Settings:
        """Return a copy of these settings with `setting` added or replaced."""
        return Settings(MappingProxyType({**self.by_key, setting.key: setting}), self.prefix, self.source, self.in_file)
