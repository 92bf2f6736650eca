"""The package's Python API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from humouse_doctor.cases import load
from humouse_doctor.cases.request import Request
from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.report import Report as Plain
from humouse_doctor.core.settings import Value
from humouse_doctor.diagnosis.diagnose import diagnose
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.diagnosis.plugins import with_broken
from humouse_doctor.inputs.config.reader import spell
from humouse_doctor.inputs.remote import copies, names
from humouse_doctor.inputs.remote.place import shown
from humouse_doctor.probes.plugins import using
from humouse_doctor.service.commands import report_on
from humouse_doctor.service.python_report import Report
from humouse_doctor.survey.discover import fetched

if TYPE_CHECKING:
    from torch import Tensor, nn

    from humouse_doctor.networks.priors import Draw

_Found = TypeVar("_Found", Plain, Case)


def inspect(
    checkpoint: str | Path | None = None,
    *,
    config: str | Path | None = None,
    data: str | Path | None = None,
    source: str | Path | None = None,
    generator: nn.Module | None = None,
    settings: Mapping[str, Value] | None = None,
    targets: FloatArray | None = None,
    conditions: FloatArray | None = None,
    latent_dim: int | None = None,
    codes: FloatArray | Tensor | None = None,
    sampler: Draw | None = None,
    part: str | int | None = None,
    samples: int = 512,
    seed: int = 0,
    quick: bool = False,
    plugins: bool = True,
) -> Report:
    """Diagnose a checkpoint (a file, its URL, or a run's folder), or a `generator` in memory.

    A `generator` maps (z) or (z, c), z of shape (N, latent_dim), or (N, T, latent_dim) of noise at every step, to (N, T, D);
    `targets` (N, T, D), or (N, T) of one channel, are what its loss compares it with, in that unit; `settings` are config
    values by key, e.g. `{"training.lr.generator": 1e-3}`. `source` is a checkout of the trainer, read as text. `conditions`
    (N, C) go with the targets, zeros where none are given. Targets are read as positions unless
    `training.absolute_coordinates` is False in the settings. Latents come from N(0, 1), or are drawn from the `codes` (N, Z)
    given, or by a `sampler(n, generator)` that returns (n, Z). If the generator returns a tuple or a dict, the first part with
    sequences is read, or that called `part`.
    The generator's weights, mode, gradients and
    the global random state are left as they were. Without `plugins` the probes of installed packages are left out. Raises
    `DoctorError` with a one-line message.
    """
    if (checkpoint is None) == (generator is None):
        raise UsageError("inspect takes either a checkpoint or a generator")
    if generator is None:
        if any(given is not None for given in (targets, conditions, latent_dim, codes, sampler, part)):
            raise UsageError(
                "targets, conditions, latent_dim, codes, sampler and part go with a generator; give data and config with a"
                " checkpoint"
            )
        with using(plugins=plugins), names.names_in_errors():
            request, unseen = _request(checkpoint, config, data, source, settings, samples, seed, quick)
            return Report.of(_remarked(report_on(request), unseen))
    if config is not None or data is not None or source is not None:
        raise UsageError("config, data and source go with a checkpoint; give settings and targets with a generator")
    from humouse_doctor.cases.from_module import of_module  # torch: with a checkpoint it comes in beside the loader's

    loaded = of_module(
        generator,
        settings,
        targets,
        conditions,
        latent_dim=latent_dim,
        codes=codes,
        sampler=sampler,
        part=part,
        samples=samples,
        seed=seed,
        quick=quick,
    )
    with using(plugins=plugins):
        return Report.of(diagnose(with_broken(loaded), examine(loaded.case)))


def preflight(
    config: str | Path,
    *,
    data: str | Path | None = None,
    source: str | Path | None = None,
    settings: Mapping[str, Value] | None = None,
    rehearse_s: float | None = None,
    device: str = "cpu",
    max_sequences: int = 2048,
    seed: int = 0,
    plugins: bool = True,
) -> Report:
    """Diagnose a config, or the config of a run's folder, before it is trained: by rules, or with `rehearse_s` by measuring.

    A rehearsal trains the run's own warm-up on its `data` for at most so many seconds of wall time, on `device` (cpu, cuda,
    cuda:1 or auto), and measures the result; `Report.rehearsed` says how much was trained. `settings` override config values
    by key. Raises `DoctorError` in one line.
    """
    request, unseen = _request(None, config, data, source, settings, 512, seed, quick=False)
    request = replace(request, max_sequences=max_sequences, rehearse_s=rehearse_s, device=device)
    with using(plugins=plugins), names.names_in_errors():
        return Report.of(_remarked(report_on(request), unseen))


def load_case(
    checkpoint: str | Path | None = None,
    *,
    config: str | Path | None = None,
    data: str | Path | None = None,
    source: str | Path | None = None,
    settings: Mapping[str, Value] | None = None,
    samples: int = 512,
    seed: int = 0,
    quick: bool = False,
) -> Case:
    """Return the data that the probes would measure; without a checkpoint, the case before training."""
    with names.names_in_errors():
        request, unseen = _request(checkpoint, config, data, source, settings, samples, seed, quick)
        return _remarked(load.load_case(request).case, unseen)


def _request(
    checkpoint: str | Path | None,
    config: str | Path | None,
    data: str | Path | None,
    source: str | Path | None,
    settings: Mapping[str, Value] | None,
    samples: int,
    seed: int,
    quick: bool,
) -> tuple[Request, list[str]]:
    """Return the request, and a remark on each kind of thing in a remote folder that was left out."""
    paths, unseen = dict[str | Path | None, Path | None](), list[str]()
    for given in (checkpoint, config):
        if given is not None:
            paths[given], notes = fetched(given)
            unseen.extend(f"{shown(str(given))}: {text}" for text in notes)
    request = Request(
        checkpoint=paths.get(checkpoint),
        config=paths.get(config),
        data=None if data is None else copies.local(data),
        source=None if source is None else Path(source),
        overrides=tuple(f"{key}={spell(value)}" for key, value in (settings or {}).items()),
        samples=samples,
        seed=seed,
        quick=quick,
    )
    return request, unseen


def _remarked(found: _Found, remarks: Sequence[str]) -> _Found:
    """Return a report or a case with further remarks on what was read."""
    return replace(found, subject=replace(found.subject, remarks=(*found.subject.remarks, *remarks)))
