"""Keys of jobs that look at runs: digests of all that a report depends on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from humouse_doctor.cases import run_folder
from humouse_doctor.cases.request import Notes, Request
from humouse_doctor.core.errors import DoctorError
from humouse_doctor.core.version import VERSION
from humouse_doctor.inputs.config import hydra_record
from humouse_doctor.inputs.files import below, is_file, is_folder, open_regular
from humouse_doctor.inputs.parts import BESIDE, may_be_part
from humouse_doctor.inputs.source import trainer
from humouse_doctor.probes import plugins

#: How deep and how many files of a run's folder are looked at for what may be part of it.
_LEVELS, _MAX_ENTRIES = 6, 50_000
_CHUNK = 1 << 20


class Keys:
    """Keys of runs; a file that several of them share is read once."""

    def __init__(self) -> None:
        self._known: dict[Path, str] = {}
        self._tool = [VERSION, plugins.wanted(), *((one.distribution, one.probe.code) for one in plugins.installed().whole)]

    def of(self, request: Request) -> str:
        """Return the key of the job that makes the report of `request`.

        It depends on the tool, the options, the content of checkpoint, config, data and trainer, named or found, and on name,
        size and time of the last change of each further file that may belong to the run. Code that `--model` names is not
        looked at.
        """
        try:
            found, _ = run_folder.resolve(request, Notes())
        except DoctorError:  # which the job says again
            found = request
        digests = [self._digest(path) for path in (*_named(request), *_named(found), *_around(found)) if path is not None]
        return hashlib.sha256(repr([self._tool, request, digests]).encode(errors="surrogateescape")).hexdigest()

    def _digest(self, path: Path) -> str:
        if path not in self._known:
            self._known[path] = _of_folder(path) if is_folder(path) else _of_file(path)
        return self._known[path]


def _named(request: Request) -> tuple[Path | None, ...]:
    return request.checkpoint, request.config, request.data, request.source


def _around(request: Request) -> Iterator[Path]:
    """Yield files that belong to a run and that no option names."""
    subject = request.checkpoint or request.config
    found = None if subject is None or request.source is not None else trainer.around(subject)
    yield from () if found is None else (found,)
    if request.data is not None:
        yield request.data.with_name(request.data.name + ".meta.json")
    if request.config is not None and not is_folder(request.config):  # it may be composed of others in its folder
        yield from sorted(request.config.parent.glob("*.y*ml"))
    if request.checkpoint is not None and not is_folder(request.checkpoint):
        yield from (request.checkpoint.parent / name for name in BESIDE)
        record = hydra_record.around(request.checkpoint)
        yield from () if record is None else sorted(record.parent.glob("*.yaml"))


def _of_file(path: Path) -> str:
    """Return the digest of a file's content; one that cannot be read has one too."""
    digest = hashlib.sha256()
    try:
        with open_regular(path) as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except (OSError, ValueError):
        return "unreadable"
    return digest.hexdigest()


def _of_folder(path: Path) -> str:
    """Return a digest of name, size and time of change of all files in a folder that may belong to a run."""
    digest = hashlib.sha256()
    for entry in sorted(below(path, _LEVELS, _MAX_ENTRIES, links=True)):
        if may_be_part(entry.name) and is_file(entry):
            state = entry.stat()
            seen = (str(entry.relative_to(path)), state.st_size, state.st_mtime_ns)
            digest.update(repr(seen).encode(errors="surrogateescape"))
    return digest.hexdigest()
