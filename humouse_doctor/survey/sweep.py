"""The keys that a sweep has changed, and their values in each run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.settings import Value
from humouse_doctor.inputs.config import hydra_record, yaml_text
from humouse_doctor.survey.discover import Run, is_recorded

_PREFIX = "experiment."
#: A longer text or list is cut: it is compared, and shown, by its beginning.
_LONGEST = 200
#: The most keys of a survey: configs that differ in more are not of one sweep.
_MOST_KEYS = 200
#: Larger numbers, which no file of rows could hold, are taken for text.
_LARGEST = 2**63


@dataclass(slots=True)
class Sweep:
    """The values of all runs by key. Of a run only the differences from the first one are held."""

    _first: dict[str, Value] | None = None
    _changes: list[dict[str, Value] | None] = field(default_factory=list)
    _overridden: set[str] = field(default_factory=set)
    _unrecorded: bool = False

    def add(self, run: Run) -> Mapping[str, Value]:
        """Return the values of the next run, which are then known by its number; empty if its config cannot be read."""
        values = dict(_values(run.record))
        if values and is_recorded(run) and run.record is not None:
            given = {short(key): _bounded(value) for key, value in hydra_record.task_overrides(run.record)}
            self._overridden.update(given)
            values = {**given, **values}
        elif values:
            self._unrecorded = True
        first = self._first = values if self._first is None and values else self._first or {}
        changes = {key: values.get(key) for key in {*first, *values} if not _same(values.get(key), first.get(key))}
        self._changes.append(changes if values else None)
        return values

    def differing(self) -> tuple[str, ...]:
        """Return the keys that differ between runs: those overridden on the command line if all runs are Hydra's, else all."""
        return tuple(sorted(self._differing())[:_MOST_KEYS])

    def _differing(self) -> set[str]:
        differing = {key for changes in self._changes if changes is not None for key in changes}
        if self._overridden and not self._unrecorded:
            differing &= self._overridden
        return differing

    @property
    def left_out(self) -> int:
        """The number of keys in which runs differ beyond those that are compared."""
        return len(self._differing()) - len(self.differing())

    def settings(self, place: int, keys: Iterable[str]) -> dict[str, Value]:
        """Return the values of the run that was added as number `place`, None for a key that it does not have."""
        first, changes = self._first or {}, self._changes[place]
        if changes is None:
            return dict.fromkeys(keys)
        return {key: changes[key] if key in changes else first.get(key) for key in keys}

    def known(self) -> frozenset[str]:
        """Return all keys of all runs."""
        return frozenset(self._first or ()).union(*(changes for changes in self._changes if changes is not None))


def _same(one: Value, other: Value) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def short(key: str) -> str:
    """Return a key without the section that a run's resolved config has around all keys."""
    return key.removeprefix(_PREFIX)


def _values(record: Path | None) -> Iterator[tuple[str, Value]]:
    """Yield the keys and values of a config, without `experiment.`; nothing of one that cannot be read."""
    if record is None:
        return
    with contextlib.suppress(UsageError):
        root = yaml_text.compose(yaml_text.read_text(record), str(record))
        yield from [(short(leaf.path), _bounded(leaf.value)) for leaf in yaml_text.leaves(root, str(record))]


def _bounded(value: Value) -> Value:
    match value:
        case str():
            return value[:_LONGEST]
        case tuple():
            return tuple(map(_bounded, value[:_LONGEST]))
        case int() if abs(value) >= _LARGEST:
            return str(value)[:_LONGEST]
    return value
