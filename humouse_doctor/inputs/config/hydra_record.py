"""The record that Hydra writes of a run: its resolved config, and the overrides of its command line."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.settings import Value
from humouse_doctor.inputs.config import yaml_text
from humouse_doctor.inputs.config.trainer_keys import BY_NAME
from humouse_doctor.inputs.files import is_file
from humouse_doctor.inputs.remote import names

_FOLDER, _CONFIG = ".hydra", "config.yaml"
#: The group of humouse's configs that holds its experiments, and a name in it that leads nowhere else.
_GROUP, _NAME = "experiment", re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}")
#: An override that can be repeated: no key of Hydra's own, nothing that is instantiated, no interpolation, no option.
_PLAIN = re.compile(
    r"experiment=[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}"
    r"|\+{0,2}experiment(\.[A-Za-z][A-Za-z0-9_]{0,60}){1,6}=[A-Za-z0-9_./+-][A-Za-z0-9_./+:-]{0,300}"
)
#: A run's checkpoints lie this many folders below it at most, as in `checkpoints/gan_paper/`.
_LEVELS = 3


def is_record(config: Path) -> bool:
    """Return True if the config's path is that of a run's record."""
    full = Path(os.path.abspath(config))  # noqa: PTH100  # a link to a record may have any name
    return full.name == _CONFIG and full.parent.name == _FOLDER


def of_run(folder: Path) -> Path | None:
    """Return the record of the run with this folder, None if it has none."""
    record = folder / _FOLDER / _CONFIG
    return record if is_file(record) else None


def around(checkpoint: Path) -> Path | None:
    """Return the record of the run in whose folder the checkpoint lies, None if there is none."""
    full = Path(os.path.abspath(checkpoint))  # noqa: PTH100  # with symlinks kept
    found = (folder / _FOLDER / _CONFIG for folder in names.parents(full)[: _LEVELS + 1])
    return next((path for path in found if is_file(path)), None)


def overrides(file: Path) -> Iterator[tuple[str, Value]]:
    """Yield keys and values of a run's `overrides.yaml`, as far as they are single values that the trainer takes.

    A key keeps its prefix `experiment.`. Nothing is yielded for a file that cannot be read.
    """
    for key, text in _lines(file):
        entry = BY_NAME.get(key.removeprefix("experiment."))
        if entry is None or "${" in text or "???" in text:  # the record has what such a value came to
            continue
        try:
            value = yaml_text.parse_scalar(text)
        except UsageError:
            continue
        if entry.complaint(value) is None:
            yield key, value


def task_overrides(record: Path) -> Iterator[tuple[str, Value]]:
    """Yield each key with its value that the run with this record was started with; a group, as `model=lstm`, is a key too."""
    for key, text in _lines(record.with_name("overrides.yaml")):
        value: Value = text
        with contextlib.suppress(UsageError):
            value = yaml_text.parse_scalar(text)
        yield key, value


def command_line(record: Path) -> tuple[tuple[str, ...], int]:
    """Return the overrides with which the run with this record was started, and the number of those left out.

    Repeated are the name of its experiment and plain values of its keys. Hydra has overrides that run code or move the run's
    folder, and the record may be anybody's.
    """
    given = tuple(_given(record.with_name("overrides.yaml")))
    plain = tuple(line for line in given if _PLAIN.fullmatch(line))
    return plain, len(given) - len(plain)


def experiment_of(record: Path) -> str | None:
    """Return the name of the experiment that the run was started as, from its overrides or Hydra's own file; else None."""
    chosen = [text.strip().strip("'\"") for key, text in _lines(record.with_name("overrides.yaml")) if key == _GROUP]
    if not chosen:
        chosen = list(_choices(record.with_name("hydra.yaml")))
    return chosen[-1] if chosen and _NAME.fullmatch(chosen[-1]) else None


def experiment_file(record: Path, checkout: Path) -> Path | None:
    """Return the experiment's config in a checkout that the run with this record was started from, None without one."""
    name = experiment_of(record)
    file = None if name is None else checkout / "conf" / _GROUP / f"{name}.yaml"
    return file if file is not None and is_file(file) else None


def _choices(file: Path) -> Iterator[str]:
    """Yield the experiment among the choices that Hydra notes in its own file."""
    if not is_file(file):
        return
    try:
        for leaf in yaml_text.leaves(yaml_text.compose(yaml_text.read_text(file), str(file)), str(file)):
            if leaf.path == f"hydra.runtime.choices.{_GROUP}" and isinstance(leaf.value, str):
                yield leaf.value
    except UsageError:
        return


def _lines(file: Path) -> Iterator[tuple[str, str]]:
    """Yield the two sides of each override in the file, without Hydra's `+`."""
    for line in _given(file):
        if "=" in line:
            key, _, text = line.partition("=")
            yield key.strip().lstrip("+"), text


def _given(file: Path) -> Iterator[str]:
    """Yield each override in the file."""
    if not is_file(file):
        return
    try:
        listed = yaml_text.parse_scalar(yaml_text.read_text(file), str(file))
    except UsageError:
        return
    yield from (line for line in listed if isinstance(line, str)) if isinstance(listed, tuple) else ()
