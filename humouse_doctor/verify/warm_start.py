"""The best arm that humouse can load, as a pretrainer's checkpoint, and proof that what was written is what was tried."""

from __future__ import annotations

import io
import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from humouse_doctor.cases.loading import Request, load_case
from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import DoctorError, UsageError
from humouse_doctor.core.outcome import Arm, Trial
from humouse_doctor.core.remedy import Edit
from humouse_doctor.core.spec import Activation, Architecture, GeneratorSpec
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.inputs.config import patcher, reader
from humouse_doctor.inputs.files import replace_file
from humouse_doctor.remedies import catalogue
from humouse_doctor.remedies.candidates import candidates, together
from humouse_doctor.training.plan import Rehearsal
from humouse_doctor.verify.bench import Bench
from humouse_doctor.verify.effects import distance
from humouse_doctor.verify.runner import one_thread

#: What is compared between the trial and the file it was written to.
_COMPARED = ("HD101.spread_ratio", "HD103.time_std_ratio", "HD104.latent_std_ratio")
#: What is told of it.
_TOLD = (*_COMPARED, "HD105.skill", "HD107.path_efficiency", "HD107.target_path_efficiency")
#: Scaling the output layer to pixels and back costs a few roundings of float32.
_TOLERANCE = 1e-3

Try = Callable[[Sequence[Arm], Sequence[int]], list[list[Trial]]]


def why_not(bench: Bench, arm: Arm) -> str | None:
    """Why humouse could not load what `arm` trains as a pretrainer's checkpoint, None where it could."""
    try:
        rehearsal = bench.rehearsal(bench.job(arm, 0))
    except DoctorError as error:
        return str(error)
    if rehearsal.warm_up.spec.architecture is not Architecture.LSTM:
        return f"a pretrainer's checkpoint is an lstm generator, not {rehearsal.warm_up.spec.architecture.value}"
    if rehearsal.warm_up.time_input:
        return "its recurrent layer has one more input, which humouse's has not"
    if rehearsal.space.position_mean is None:
        return "it was not trained on z-scored positions"
    if rehearsal.warm_up.spec.activation_xy is not Activation.LINEAR:
        return "its head is not linear"
    return None


def best(bench: Bench, case: Case, attempt: Try, arms: Sequence[Arm], seeds: Sequence[int]) -> Arm:
    """The arm nearest to health of those tried that humouse can load; raises `UsageError` where there can be none.

    One more is always tried for it: z-scored positions, a linear head, the latent as it is, and gates started slow,
    which change the weights alone.
    """
    on_hand = candidates(case)
    needed = [on_hand[name] for name in ("normalised-positions", "slow-gates") if name in on_hand]
    start = together(needed, prefix="warm start: ")
    refused = why_not(bench, start) if needed else "its architecture has no warm start"
    if refused is not None:
        raise UsageError(f"--save-warmstart: {refused}")
    loadable = [start, *(arm for arm in arms if arm.key != start.key and why_not(bench, arm) is None)]
    trials = attempt(loadable, seeds)
    off = [sum(distance(trial.measurements) for trial in of_arm) for of_arm in trials]
    return loadable[off.index(min(off))]


def write(
    path: Path, bench: Bench, arm: Arm, seeds: Sequence[int], made: Sequence[Trial], case: Case, text: str
) -> tuple[str, ...]:
    """Train `arm` again with its best seed, write it to `path`, read it back, and say in words what came of it.

    `text` is the config's, of which a diff is written beside `path`.
    Raises `UsageError` where what is read back does not give the trial's own numbers; what was at `path` is then still there.
    """
    of_arm = [trial for trial in made if trial.arm == arm.key and trial.failed is None and trial.seed in seeds]
    if not of_arm:
        raise UsageError(f"--save-warmstart: {arm.title} could not be trained; nothing was written")
    tried = min(of_arm, key=lambda trial: distance(trial.measurements))
    job = bench.job(arm, tried.seed)
    with one_thread():
        rehearsal = bench.rehearsal(job)
        again, trained = bench.measured(job, rehearsal)
    content = pretrainer_content(trained.network, rehearsal)
    stream = io.BytesIO()
    torch.save(content, stream)
    read_back: dict[str, float] = {}

    def accept(written: Path) -> None:
        read_back.update(_measured(written, bench, config_edits(case, written)))
        for name in _COMPARED:
            told, found = again.measurements.get(name), read_back.get(name)
            if told is None or found is None or abs(told - found) > _TOLERANCE * max(abs(told), 1e-3):
                raise UsageError(f"--save-warmstart: {name} is {found} in the file and {told} in the trial; it was not kept")

    replace_file(path, stream.getvalue(), accept=accept)
    shown = ", ".join(f"{name} {read_back[name]:.3g}" for name in _TOLD if name in read_back)
    return (
        (
            f"{path}: {arm.title}, seed {tried.seed}, {again.steps:,} steps;"
            f" {again.stopped or ('healthy' if again.healthy else 'not healthy')}"
        ),
        f"read back as humouse would load it, it gives the trial's numbers: {shown}",
        *_use(path, case, text),
    )


def diff_beside(path: Path) -> Path:
    """Where the config's diff goes that starts a run from the file at `path`."""
    return path.with_name(f"{path.name}.diff")


def _use(path: Path, case: Case, before: str) -> Iterator[str]:
    """The config's patch to start from the file at `path`: as words for a shell, and as a diff in a file beside it."""
    edits, source, prefix = config_edits(case, path), case.settings.source, case.settings.prefix
    assert source is not None
    shown = patcher.override_prefix(source, prefix)
    try:
        yield f"to start from it: {' '.join(shlex.quote(patcher.override_line(edit, shown)) for edit in edits)}"
        diff = patcher.unified_diff(before, patcher.patched(before, source, edits, prefix), source)
    except DoctorError as error:
        yield f"no diff of the config: {error}"
        return
    beside = diff_beside(path)
    replace_file(beside, diff.encode())
    folder, _ = patcher.diff_place(source)
    # with -p1, since git guesses in a repository's folder how much of the name to drop
    command = f"cd {shlex.quote(str(folder))} && git apply -p1 {shlex.quote(os.path.abspath(beside))}"  # noqa: PTH100
    yield f"the same as a diff of {source}: {command if command.isprintable() else beside}"


def _measured(checkpoint: Path, bench: Bench, edits: Sequence[Edit]) -> dict[str, float]:
    request = Request(checkpoint=checkpoint, config=bench.config, samples=bench.samples)
    loaded = load_case(request, gestures=bench.gestures, config=reader.edited(bench.read, edits))
    return {f"{r.code}.{name}": value for r in examine(loaded.case) for name, value in r.measurements.items()}


def pretrainer_content(network: nn.Module, rehearsal: Rehearsal) -> dict[str, object]:
    """The content of a pretrainer's file: state_dict with its output in pixels, config, position_mean and position_std."""
    space = rehearsal.space
    assert space.position_mean is not None
    assert space.position_std is not None
    mean, std = torch.from_numpy(space.position_mean).float(), torch.from_numpy(space.position_std).float()
    weights = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    weights["output.weight"][:2] *= std[:, None]
    weights["output.bias"][:2] = weights["output.bias"][:2] * std + mean
    return {
        "state_dict": weights,
        "config": _fields(rehearsal.warm_up.spec),
        "position_mean": np.asarray(space.position_mean, dtype=np.float32),
        "position_std": np.asarray(space.position_std, dtype=np.float32),
    }


def _fields(spec: GeneratorSpec) -> dict[str, object]:
    """The generator's fields as humouse names them."""
    return {
        "latent_dim": spec.latent_dim,
        "condition_dim": spec.condition_dim,
        "hidden_dim": spec.hidden_dim,
        "num_layers": spec.num_layers,
        "output_dim": spec.output_dim,
        "target_len": spec.target_len,
        "activation_xy": spec.activation_xy.value,
        "activation_dt": spec.activation_dt.value,
    }


def config_edits(case: Case, path: Path) -> tuple[Edit, ...]:
    """What the run's config needs so that it starts from the file at `path`."""
    return catalogue.warm_start(case, str(path)).edits
