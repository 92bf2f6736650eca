"""Write the best arm that humouse can start from, and check that the file gives the trial's numbers as the program reads it.

If the program reads positions, the file is a pretrainer's checkpoint. If the program sums the output, a pretrainer's checkpoint
would draw other paths than the trial: the file then holds a generator's own weights, whose output is deltas in the data's unit.
"""

from __future__ import annotations

import io
import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import DoctorError, UsageError
from humouse_doctor.core.outcome import Arm, Trial
from humouse_doctor.core.remedy import Edit
from humouse_doctor.core.spec import Activation, Architecture, GeneratorSpec
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.inputs.config import patcher, reader
from humouse_doctor.inputs.files import replace_file
from humouse_doctor.inputs.source import trainer
from humouse_doctor.inputs.source.trainer import TrainerFacts
from humouse_doctor.networks.numerics import one_thread
from humouse_doctor.remedies import catalogue
from humouse_doctor.remedies.arms import together
from humouse_doctor.remedies.candidates import can_be_tried, candidates
from humouse_doctor.training.plan import Rehearsal
from humouse_doctor.verify.bench import Bench
from humouse_doctor.verify.effects import distance, furthest
from humouse_doctor.verify.search import Attempt

#: The metrics compared between the trial and the written file.
_COMPARED = ("HD101.spread_ratio", "HD103.time_std_ratio", "HD104.latent_std_ratio")
#: The metrics reported of the written file.
_REPORTED = (*_COMPARED, "HD105.skill", "HD107.path_efficiency", "HD107.target_path_efficiency")
#: Scaling the output layer to pixels and back costs a few roundings of float32.
_TOLERANCE = 1e-3


def why_not(bench: Bench, arm: Arm) -> str | None:
    """Return the reason humouse could not start from what `arm` trains, None if it could."""
    try:
        rehearsal = bench.rehearsal(bench.job(arm, 0))
    except DoctorError as error:
        return str(error)
    if rehearsal.warm_up.time_input:
        return "its recurrent layer has one more input, which humouse's does not have"
    if rehearsal.reading is not None and not rehearsal.reading.space.absolute:
        said = f"this program sums the output ({rehearsal.reading.because}), but this arm's loss did not"
        return None if rehearsal.warm_up.summed is not None else said
    if rehearsal.warm_up.spec.architecture is not Architecture.LSTM:
        return f"a pretrainer's checkpoint is an lstm generator, not {rehearsal.warm_up.spec.architecture.value}"
    if rehearsal.space.position_mean is None:
        return "it was not trained on z-scored positions"
    if rehearsal.warm_up.spec.activation_xy is not Activation.LINEAR:
        return "its head is not linear"
    return None


def best(bench: Bench, case: Case, attempt: Attempt, arms: Sequence[Arm], seeds: Sequence[int]) -> Arm:
    """Return the healthiest of the arms that humouse can load; raise `UsageError` if there can be none.

    One arm is always added: z-scored positions in the space that the program reads, a linear head, an undistorted latent and
    slow gates, which change the weights alone.
    """
    on_hand = {**candidates(case), "normalised-positions": catalogue.normalised_positions(case)}  # whatever the data's scale
    names = ("loss-as-read" if "loss-as-read" in on_hand else "normalised-positions", "slow-gates")
    needed = [on_hand[name] for name in names if name in on_hand and can_be_tried(on_hand[name])]
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
    """Train `arm` again with its best seed, write it to `path`, read it back, and return lines that describe the result.

    `text` is the config's text; a diff of it is written beside `path`. Raises `UsageError` if the file does not give the
    trial's own numbers; an earlier file at `path` then stays.
    """
    of_arm = [trial for trial in made if trial.arm == arm.key and trial.failed is None and trial.seed in seeds]
    if not of_arm:
        raise UsageError(f"--save-warmstart: {arm.title} could not be trained; nothing was written")
    tried = min(of_arm, key=lambda trial: distance(trial.measurements))
    job = bench.job(arm, tried.seed)
    with one_thread():
        rehearsal = bench.rehearsal(job)
        again, trained = bench.measured(job, rehearsal)
    summed = rehearsal.warm_up.summed is not None
    content = trained.network.state_dict() if summed else pretrainer_content(trained.network, rehearsal)
    stream = io.BytesIO()
    torch.save(content, stream)
    read_back: dict[str, float] = {}

    def accept(written: Path) -> None:
        read_back.update(_measured(written, bench, config_edits(case, written)))
        for name in _COMPARED:
            expected, found = again.measurements.get(name), read_back.get(name)
            if expected is None or found is None or abs(expected - found) > _TOLERANCE * max(abs(expected), 1e-3):
                raise UsageError(
                    f"--save-warmstart: {name} is {found} in the file and {expected} in the trial; the file was not written"
                )

    replace_file(path, stream.getvalue(), accept=accept)
    shown = ", ".join(f"{name} {read_back[name]:.3g}" for name in _REPORTED if name in read_back)
    return (
        (
            f"{path}: {arm.title}, seed {tried.seed}, {again.steps:,} steps;"
            f" {again.stopped or ('healthy' if again.healthy else f'not healthy: {_why_not_healthy(again)}')}"
        ),
        f"read back as humouse would load it, it gives the trial's numbers: {shown}",
        *_use(path, case, text, bench.source),
    )


def _why_not_healthy(trial: Trial) -> str:
    return furthest(trial.measurements) or "not every deciding metric could be measured"


def diff_beside(path: Path) -> Path:
    """Return the path of the config's diff that belongs to the warm start at `path`."""
    return path.with_name(f"{path.name}.diff")


def _use(path: Path, case: Case, before: str, facts: TrainerFacts | None) -> Iterator[str]:
    """Yield how to start from the file at `path`: as overrides for a shell, and as a diff of `before`, the config's text.

    The diff is written to a file beside `path`. A path in the trainer's checkout, from where it is run, is named from there.
    """
    checkout = None if facts is None else trainer.checkout_of(Path(facts.file))
    inside = checkout is not None and path.resolve().is_relative_to(checkout.resolve())
    named = path.resolve().relative_to(checkout.resolve()) if inside and checkout is not None else path
    edits, source, prefix = config_edits(case, named), case.settings.source, case.settings.prefix
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
    # -p1, since git would guess how much of the name to drop in a repository's folder
    command = f"cd {shlex.quote(str(folder))} && git apply -p1 {shlex.quote(os.path.abspath(beside))}"  # noqa: PTH100
    yield f"or the change as a diff of {source}: {command if command.isprintable() else beside}"


def _measured(checkpoint: Path, bench: Bench, edits: Sequence[Edit]) -> dict[str, float]:
    request = Request(checkpoint=checkpoint, config=bench.config, samples=bench.samples)
    loaded = load_case(request, gestures=bench.gestures, config=reader.edited(bench.read, edits), source=bench.source)
    return {f"{r.code}.{name}": value for r in examine(loaded.case) for name, value in r.measurements.items()}


def pretrainer_content(network: nn.Module, rehearsal: Rehearsal) -> dict[str, object]:
    """Return a pretrainer file's content: state_dict with outputs in pixels, config, position_mean and position_std."""
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
    """Return the generator's fields by humouse's names."""
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
    """Return the edits of the run's config that start it from the file at `path`."""
    return catalogue.start_edits(case, str(path))
