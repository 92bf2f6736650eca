"""The package's Python API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from humouse_doctor.cases import load
from humouse_doctor.cases.request import Request
from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.settings import Value
from humouse_doctor.diagnosis.diagnose import diagnose
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.diagnosis.plugins import with_broken
from humouse_doctor.inputs.config.reader import spell
from humouse_doctor.inputs.remote import copies, names
from humouse_doctor.probes.plugins import using
from humouse_doctor.service.commands import report_on
from humouse_doctor.service.python_report import Report
from humouse_doctor.survey.discover import fetched

if TYPE_CHECKING:
    from torch import Tensor, nn

    from humouse_doctor.networks.priors import Draw


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
            return Report.of(report_on(_request(checkpoint, config, data, source, settings, samples, seed, quick)))
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
    request = _request(None, config, data, source, settings, 512, seed, quick=False)
    with using(plugins=plugins), names.names_in_errors():
        return Report.of(report_on(replace(request, max_sequences=max_sequences, rehearse_s=rehearse_s, device=device)))


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
        return load.load_case(_request(checkpoint, config, data, source, settings, samples, seed, quick)).case


def _request(
    checkpoint: str | Path | None,
    config: str | Path | None,
    data: str | Path | None,
    source: str | Path | None,
    settings: Mapping[str, Value] | None,
    samples: int,
    seed: int,
    quick: bool,
) -> Request:
    return Request(
        checkpoint=None if checkpoint is None else fetched(checkpoint)[0],
        config=None if config is None else fetched(config)[0],
        data=None if data is None else copies.local(data),
        source=None if source is None else Path(source),
        overrides=tuple(f"{key}={spell(value)}" for key, value in (settings or {}).items()),
        samples=samples,
        seed=seed,
        quick=quick,
    )
