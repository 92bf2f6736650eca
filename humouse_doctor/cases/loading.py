"""Paths to a case: reads config, data and checkpoint, and runs the generator where there is one.

Torch is imported only once a checkpoint, a `.pt` file of gestures or a module has to be looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from humouse_doctor.cases import run_folder
from humouse_doctor.cases.spaces import conditions_of, held_in_float32, moments, space_of
from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import (
    Case,
    DataSummary,
    Need,
    NetworkFacts,
    PretrainerContract,
    Samples,
    Subject,
    WeightFacts,
)
from humouse_doctor.core.cost import Look, memory_asked, require_affordable
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.settings import Origin, Place, Settings, Value
from humouse_doctor.core.space import LossSpace
from humouse_doctor.core.spec import ACTIVATION_NAMES, Activation, Architecture, GeneratorSpec
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.inputs.config import reader
from humouse_doctor.inputs.gestures.sources import read_gestures

if TYPE_CHECKING:
    from torch import nn

    from humouse_doctor.inputs.checkpoints.checkpoint import Checkpoint
    from humouse_doctor.inputs.gestures.gestures import Gestures
    from humouse_doctor.networks.identify import Disagreement
    from humouse_doctor.networks.sampling import Sampler

Progress = Callable[[str], None]

_NO_DATA = "no data given; add --data"
_NO_CHECKPOINT = "no checkpoint was looked at, this is before training"
_NO_SPACE = "what the loss compares is not known; add --config, or --set training.absolute_coordinates=true (or false)"
_TOO_LARGE = "the targets are larger than float32 holds, in which a trainer compares them"
_MAX_LISTED = 50
_NO_NETWORK = "the generator is not known; add --config"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to look at: paths as given on the command line, None where not given.

    `samples` prior latents are drawn, at most `max_sequences` gestures are kept; `quick` leaves latent fitting out;
    `model` is `package.module:factory` for a generator of the user's own, whose code is then imported and run; with
    `salvage`, objects of foreign classes in a checkpoint are read as plain data instead of refused.
    """

    checkpoint: Path | None = None
    config: Path | None = None
    data: Path | None = None
    overrides: tuple[str, ...] = ()
    samples: int = 512
    max_sequences: int = 2048
    seed: int = 0
    quick: bool = False
    model: str | None = None
    salvage: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFinding:
    """Trouble with what was given; `serious` is a warning, else a note."""

    code: ToolCode
    message: str
    serious: bool
    key: str | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A case, with what was wrong or surprising on the way to it."""

    case: Case
    tool_findings: tuple[ToolFinding, ...] = ()


@dataclass(slots=True)
class _Trail:
    """What is noted while a case is put together."""

    progress: Progress
    remarks: list[str] = field(default_factory=list)
    findings: list[ToolFinding] = field(default_factory=list)
    absent: dict[Need, str] = field(default_factory=dict)


def load_case(request: Request, progress: Progress = lambda _: None, gestures: Gestures | None = None) -> Loaded:
    """Read everything `request` names; raises `InputError` or `UsageError` with one line.

    `gestures`, where they have been read before, stand for `request.data`.
    """
    with memory_asked(str(request.checkpoint or request.config)):
        return _load_case(request, _Trail(progress), gestures)


def _load_case(request: Request, trail: _Trail, gestures: Gestures | None) -> Loaded:
    request, config = _resolve_folder(request, trail)
    for complaint in config.complaints:
        trail.findings.append(
            ToolFinding(
                code=ToolCode.CONFIG_VALUE,
                message=complaint.message,
                serious=complaint.serious,
                key=complaint.key,
                place=complaint.place,
            )
        )
    trail.remarks.extend(config.remarks)
    settings = config.settings
    if request.data is not None and gestures is None:
        trail.progress(f"reading gestures from {request.data}")
        gestures = read_gestures(request.data, settings, request.max_sequences, request.seed)
    if request.checkpoint is None:
        case = _before_training(request, settings, gestures, trail)
    else:
        case = _of_checkpoint(request, request.checkpoint, settings, gestures, trail)
    return Loaded(case=case, tool_findings=tuple(trail.findings))


def _resolve_folder(request: Request, trail: _Trail) -> tuple[Request, reader.ReadConfig]:
    """Where a run's folder was given instead of a checkpoint, find its parts; then read the config."""
    run = request.checkpoint if request.checkpoint is not None and request.checkpoint.is_dir() else None
    if run is None or any((run / mark).exists() for mark in (".metadata", "saved_model.pb")):  # other programs' checkpoints
        return _resolve_config_folder(request, trail)
    config_path = request.config
    if config_path is None:
        choice = run_folder.find_config(run)
        if choice is not None:
            config_path = choice.path
            trail.remarks.append(choice.remark)
    config = reader.read(config_path, request.overrides)
    checkpoint = run_folder.find_checkpoint(run, config.settings)
    trail.remarks.append(checkpoint.remark)
    name = config.settings.text("experiment_name")
    if name and checkpoint.path.stem != f"generator_{name}":
        trail.findings.append(
            ToolFinding(
                code=ToolCode.DISAGREEMENT,
                message=f"experiment_name is {name}, but the checkpoint found is {checkpoint.path.name}",
                serious=True,
                key="experiment_name",
                place=config.settings.place("experiment_name"),
            )
        )
    data = request.data
    if data is None:
        choice = run_folder.find_data(run, config.settings)
        if choice is not None:
            data = choice.path
            trail.remarks.append(choice.remark)
        else:
            trail.remarks.append("data: no cache found where the config says; give --data")
    return replace(request, config=config_path, checkpoint=checkpoint.path, data=data), config


def _resolve_config_folder(request: Request, trail: _Trail) -> tuple[Request, reader.ReadConfig]:
    """The same before training, where a run's folder was given instead of its config."""
    folder = request.config
    if folder is None or not folder.is_dir():
        return request, reader.read(folder, request.overrides)
    choice = run_folder.find_config(folder)
    if choice is None:
        raise UsageError(f"{folder}: a folder without a config; expected .hydra/config.yaml or a YAML file in it")
    trail.remarks.append(choice.remark)
    config = reader.read(choice.path, request.overrides)
    data = request.data
    found = run_folder.find_data(folder, config.settings) if data is None else None
    if found is not None:
        trail.remarks.append(found.remark)
        data = found.path
    return replace(request, config=choice.path, data=data), config


def _before_training(request: Request, settings: Settings, gestures: Gestures | None, trail: _Trail) -> Case:
    """The case of a config alone: what its network would be, and what its loss would compare."""
    network = None
    if settings.source is not None:
        network = _as_far_as_known(facts_of(generator_spec(settings), "the config's generator"), settings)
    trail.absent.update(dict.fromkeys((Need.PREDICTIONS, Need.RECURRENCE, Need.FIT), _NO_CHECKPOINT))
    trail.absent.update(dict.fromkeys((Need.GRADIENTS, Need.WEIGHTS), _NO_CHECKPOINT))
    space = space_of(settings, gestures, network.architecture if network else None, trail.remarks)
    return _case(request, settings, gestures, trail, network=network, space=space, samples=Samples())


def generator_spec(settings: Settings) -> GeneratorSpec:
    """The generator a config describes; a value the trainer would not take counts as its default."""

    def size(name: str, default: int) -> int:
        value = settings.integer(f"model.generator.{name}")
        return default if value is None else value

    def head(axis: str, default: Activation) -> Activation:
        setting = settings.get(f"model.generator.activation_{axis}")
        if setting is None:
            return default
        return ACTIVATION_NAMES["null" if setting.value is None else str(setting.value).lower()]

    return GeneratorSpec(
        architecture=Architecture((settings.text("model.architecture") or "tcn").lower()),
        latent_dim=size("latent_dim", 64),
        condition_dim=size("condition_dim", 16),
        hidden_dim=size("hidden_dim", 128),
        num_layers=max(1, size("num_layers", 3)),
        output_dim=size("output_dim", 3),
        target_len=size("target_len", 64),
        activation_xy=head("xy", Activation.TANH),
        activation_dt=head("dt", Activation.SOFTPLUS),
    )


def _as_far_as_known(facts: NetworkFacts, settings: Settings) -> NetworkFacts:
    """`facts` without what a config spells in a way the trainer does not take: unknown, rather than its default."""
    xy, dt = (f"model.generator.activation_{axis}" in settings for axis in ("xy", "dt"))
    known = "model.architecture" in settings
    return replace(
        facts,
        heads=tuple(head if (xy if axis < 2 else dt) else None for axis, head in enumerate(facts.heads)),
        hidden_dim=facts.hidden_dim if "model.generator.hidden_dim" in settings else None,
        target_len=facts.target_len if "model.generator.target_len" in settings else None,
        architecture=facts.architecture if known else None,
        repeats_latent=facts.repeats_latent if known else None,
    )


def facts_of(spec: GeneratorSpec, label: str) -> NetworkFacts:
    """What is known of a generator from its spec alone."""
    return NetworkFacts(
        label=label,
        output_dim=spec.output_dim,
        target_len=spec.target_len,
        hidden_dim=spec.hidden_dim,
        heads=spec.heads,
        architecture=spec.architecture,
        repeats_latent=spec.architecture is Architecture.LSTM,
    )


def _of_checkpoint(request: Request, path: Path, settings: Settings, gestures: Gestures | None, trail: _Trail) -> Case:
    """The case of a trained generator."""
    trail.progress(f"loading {path}")
    from humouse_doctor.inputs.checkpoints import checkpoint as checkpoints

    own = None
    if request.model is not None:
        from humouse_doctor.networks.observe import from_factory

        own = from_factory(request.model)
    checkpoint = checkpoints.load(path, () if own is None else own.state_dict(), salvage=request.salvage)
    from humouse_doctor.networks import identify, observe  # torch comes in beside the loader's, not before it

    _note_old_torch(trail)
    _note_foreign(path, checkpoint, trail)
    trail.remarks.extend(checkpoint.remarks)
    run = settings
    look = Look(samples=request.samples, targets=gestures is not None, quick=request.quick)
    if own is not None:
        network = own
        identify.load_strictly(str(path), network, checkpoint.tensors)
        facts, player = observe.facts_by_behaviour(network.eval(), settings, look, str(path))
    else:
        told = None if gestures is None or gestures.resampled else gestures.summary.length
        found = identify.identify(str(path), checkpoint, settings, told)
        settings = found.settings
        for disagreement in found.disagreements:
            trail.findings.append(_mismatch(path, disagreement, settings))
        if found.inferred:
            trail.remarks.append(f"inferred: {'; '.join(found.inferred)}")
        require_affordable(found.spec, look, str(path))
        network = identify.rebuild(str(path), checkpoint, found.spec)
        facts = _as_far_as_known(facts_of(found.spec, f"{found.spec.architecture.value} generator"), settings)
        player = observe.sampler_of(network, found.spec)
    weights = identify.weight_facts(network, observe.tensors_of(network))  # as they run, in float32
    space = space_of(settings, gestures, facts.architecture, trail.remarks, checkpoint)
    conditions = conditions_of(settings, gestures, player.condition_dim, trail.remarks)
    samples = _observed(request, gestures, trail, facts, player, space, weights, conditions)
    return _case(
        request,
        settings,
        gestures,
        trail,
        network=facts,
        space=space,
        samples=samples,
        run=run,
        weights=weights,
        sha256=checkpoint.sha256,
        checkpoint=checkpoint,
    )


def of_trial(
    request: Request,
    settings: Settings,
    gestures: Gestures,
    network: nn.Module,
    spec: GeneratorSpec,
    space: LossSpace,
    conditions: FloatArray | None,
) -> Loaded:
    """The case of a generator that a trial has just trained in `space`, with conditions (N, C)."""
    from humouse_doctor.networks import identify, observe

    trail = _Trail(lambda _: None)
    facts = facts_of(spec, f"{spec.architecture.value} generator")
    weights = identify.weight_facts(network, observe.tensors_of(network))
    player = observe.sampler_of(network, spec)
    samples = _observed(request, gestures, trail, facts, player, space, weights, conditions)
    case = _case(request, settings, gestures, trail, network=facts, space=space, samples=samples, weights=weights)
    return Loaded(case=case)


def _observed(
    request: Request,
    gestures: Gestures | None,
    trail: _Trail,
    facts: NetworkFacts,
    player: Sampler,
    space: LossSpace | None,
    weights: WeightFacts,
    conditions: FloatArray | None,
) -> Samples:
    """What running a trained generator gives, against the targets that its loss compares where these are known."""
    from humouse_doctor.networks import observe

    targets = None if gestures is None or space is None else space.targets(gestures.sequences, facts.output_dim)
    if targets is not None:
        targets = targets[:, : facts.target_len]
    held = targets is None or held_in_float32(targets)
    samples = observe.observe(
        player,
        targets=targets if held and weights.non_finite == 0 else None,
        conditions=conditions,
        count=request.samples,
        seed=request.seed,
        quick=request.quick,
        absent=trail.absent,
        progress=trail.progress,
    )
    if not held:
        trail.absent[Need.FIT] = trail.absent[Need.GRADIENTS] = _TOO_LARGE
    if weights.non_finite:
        trail.absent[Need.FIT] = trail.absent[Need.GRADIENTS] = "the weights hold NaN or infinite values"
    return samples


def _case(
    request: Request,
    settings: Settings,
    gestures: Gestures | None,
    trail: _Trail,
    *,
    network: NetworkFacts | None,
    space: LossSpace | None,
    samples: Samples,
    run: Settings | None = None,
    weights: WeightFacts | None = None,
    sha256: str | None = None,
    checkpoint: Checkpoint | None = None,
) -> Case:
    """Put the parts together; targets and their absence are the same with and without a checkpoint.

    `run` are the config's own settings where `settings` were completed from a checkpoint.
    """
    if gestures is None:
        trail.absent.setdefault(Need.TARGETS, _NO_DATA)
        trail.absent.setdefault(Need.FIT, _NO_DATA)
        trail.absent.setdefault(Need.GRADIENTS, _NO_DATA)
    elif space is None:
        trail.absent.update(dict.fromkeys((Need.TARGETS, Need.FIT, Need.GRADIENTS), _NO_SPACE))
    else:
        targets = space.targets(gestures.sequences, network.output_dim if network else 2)
        if network is not None and network.target_len is not None and network.target_len != targets.shape[1]:
            trail.findings.append(_other_length(targets.shape[1], network.target_len, settings))
            targets = targets[:, : network.target_len]
        samples = replace(
            _cut(samples, targets.shape[1]),
            sequences=gestures.sequences[:, : targets.shape[1]],
            lengths=np.minimum(gestures.lengths, targets.shape[1]).astype(np.float64),
            loss_targets=targets,
        )
    trail.absent.setdefault(Need.SPACE, _NO_SPACE)
    trail.absent.setdefault(Need.HEADS, _NO_NETWORK)
    trail.absent.setdefault(Need.CONFIG, "no config given; add --config")
    contract = _contract(request, run or settings, checkpoint, trail)
    trail.remarks.extend(_data_remarks(gestures))
    return Case(
        subject=Subject(
            name=str(request.checkpoint or request.config),
            checkpoint=None if request.checkpoint is None else str(request.checkpoint),
            config=settings.source,
            data=None if request.data is None else str(request.data),
            sha256=sha256,
            seed=request.seed,
            remarks=tuple(trail.remarks),
        ),
        settings=settings,
        network=network,
        space=space,
        samples=samples,
        weights=weights,
        data=None if gestures is None else gestures.summary,
        contract=contract,
        subject_is_pretrainer=checkpoint is not None and checkpoint.is_pretrainer,
        absent=MappingProxyType(dict(trail.absent)),
    )


def _cut(samples: Samples, steps: int) -> Samples:
    """What a generator made, cut to the steps that the targets have too."""

    def first(values: FloatArray | None) -> FloatArray | None:
        return None if values is None else values[:, :steps]

    fit = samples.fit
    return replace(
        samples,
        predictions=first(samples.predictions),
        rnn_input=first(samples.rnn_input),
        hidden=first(samples.hidden),
        fit=None if fit is None else replace(fit, predictions=fit.predictions[:, :steps], targets=fit.targets[:, :steps]),
    )


def _data_remarks(gestures: Gestures | None) -> Sequence[str]:
    if gestures is None or not gestures.summary.dropped:
        return ()
    dropped = ", ".join(f"{count} {reason}" for reason, count in gestures.summary.dropped.items())
    return (f"data: left out {dropped}",)


def _contract(request: Request, settings: Settings, checkpoint: Checkpoint | None, trail: _Trail) -> PretrainerContract | None:
    """The terms between a pretrainer checkpoint and the run, None where no such checkpoint plays a part."""
    named = settings.text("training.generator_init_path")
    file = str(request.checkpoint)
    if checkpoint is None or not checkpoint.is_pretrainer:
        if not named:
            return None
        found = run_folder.find_named(named, request.config)
        if found is None:
            trail.remarks.append(f"training.generator_init_path: {named} is not here, so it was not looked at")
            return None
        from humouse_doctor.inputs.checkpoints import checkpoint as checkpoints

        checkpoint, file = checkpoints.load(found, salvage=request.salvage), str(found)
        _note_foreign(found, checkpoint, trail)
    broken = []
    if not checkpoint.is_pretrainer:
        broken.append("it carries no position statistics, so it is no pretrainer checkpoint")
    own = str(checkpoint.config.get("activation_xy", "linear")).lower()
    if own not in ("linear", "none", "identity", "null"):
        broken.append(f"its head is {own}, not linear")
    if settings.source is not None:
        head = settings.get("model.generator.activation_xy")
        name = "null" if head is None or head.value is None else str(head.value).lower()
        if ACTIVATION_NAMES[name] is not Activation.LINEAR:
            broken.append(f"the run's activation_xy is {name}, the checkpoint's head is linear")
        if settings.flag("training.absolute_coordinates") is False:
            broken.append("the run compares deltas, the checkpoint emits positions")
        if settings.flag("data.normalize_sequences"):
            broken.append("the run z-scores its deltas, the checkpoint emits positions in pixels")
    return PretrainerContract(file=file, broken=tuple(broken))


def _mismatch(path: Path, disagreement: Disagreement, settings: Settings) -> ToolFinding:
    return ToolFinding(
        code=ToolCode.DISAGREEMENT,
        message=f"{disagreement.key} is {disagreement.in_weights} in {path.name} and {disagreement.in_config} in the config",
        serious=True,
        key=disagreement.key,
        place=settings.place(disagreement.key),
    )


def _other_length(in_data: int, in_network: int, settings: Settings) -> ToolFinding:
    return ToolFinding(
        code=ToolCode.DATA_MISMATCH,
        message=f"the data has {in_data} steps and the generator makes {in_network}; the first {min(in_data, in_network)}"
        " were compared",
        serious=False,
        key="model.generator.target_len",
        place=settings.place("model.generator.target_len"),
    )


def _note_foreign(path: Path, checkpoint: Checkpoint, trail: _Trail) -> None:
    names = checkpoint.foreign
    if names:
        listed = ", ".join(names[:_MAX_LISTED]) + (f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else "")
        trail.findings.append(
            ToolFinding(
                code=ToolCode.FOREIGN_CODE,
                message=f"{path.name} refers to foreign code: {listed}; none of it was run, all was read as plain data",
                serious=True,
            )
        )


def _note_old_torch(trail: _Trail) -> None:
    import torch

    version = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])
    if version < (2, 10):
        trail.findings.append(
            ToolFinding(
                code=ToolCode.OLD_TORCH,
                message=f"torch {torch.__version__} is installed, whose loader has known holes; 2.10 or newer is asked for",
                serious=True,
            )
        )


def of_module(
    generator: nn.Module,
    settings: Mapping[str, Value] | None,
    targets: FloatArray | None,
    conditions: FloatArray | None,
    *,
    latent_dim: int | None,
    samples: int,
    seed: int,
    quick: bool,
) -> Loaded:
    """The case of a module in memory, loss targets (N, T, D) as its loss compares them, and conditions (N, C)."""
    from humouse_doctor.networks import identify, observe

    if conditions is not None and (np.ndim(conditions) != 2 or not len(conditions) or not held_in_float32(conditions)):
        raise UsageError(f"conditions have shape {np.shape(conditions)}; expected finite float32 numbers (N, C), N >= 1")
    given = dict(settings or {})
    if latent_dim is not None:
        given["model.generator.latent_dim"] = latent_dim
    known = reader.from_values(given)
    look = Look(samples=samples, targets=targets is not None, quick=quick)
    facts, player = observe.facts_by_behaviour(generator, known, look)
    trail = _Trail(lambda _: None)
    values = summary = None
    if targets is not None:
        values = np.asarray(targets, dtype=np.float64)
        if values.ndim != 3 or values.shape[2] < 2 or values.size == 0:
            raise UsageError(f"targets have shape {values.shape}; expected (N, T, >=2)")
        if not held_in_float32(values):
            raise UsageError("targets hold NaN, infinite or overly large values; expected finite float32 numbers (N, T, >=2)")
        if facts.target_len is not None and values.shape[1] != facts.target_len:
            trail.findings.append(_other_length(values.shape[1], facts.target_len, known))
            values = values[:, : facts.target_len]
        mean, std = moments(values[..., :2])
        summary = DataSummary(
            source="the targets given",
            total=len(values),
            usable=len(values),
            taken=len(values),
            length=values.shape[1],
            position_mean=(float(mean[0]), float(mean[1])),
            position_std=(float(std[0]), float(std[1])),
        )
    else:
        trail.absent[Need.TARGETS] = "no targets given"
    weights = identify.weight_facts(generator, observe.tensors_of(generator))
    trail.absent[Need.CONFIG] = "a module was given, no config"
    if player.condition_dim and conditions is None:
        trail.remarks.append(f"the {player.condition_dim} conditions are zeros: none were given")
    found = observe.observe(
        player,
        targets=values if weights.non_finite == 0 else None,
        conditions=None if conditions is None else np.asarray(conditions, dtype=np.float64),
        count=samples,
        seed=seed,
        quick=quick,
        absent=trail.absent,
        progress=trail.progress,
    )
    absolute = known.get("training.absolute_coordinates")
    positions = absolute is None or absolute.origin is Origin.DEFAULT or absolute.value is True
    case = Case(
        subject=Subject(name=facts.label, seed=seed, remarks=tuple(trail.remarks)),
        settings=known,
        network=facts,
        space=LossSpace(absolute=positions),
        samples=replace(found if values is None else _cut(found, values.shape[1]), loss_targets=values),
        weights=weights,
        data=summary,
        absent=MappingProxyType(dict(trail.absent)),
    )
    return Loaded(case=case, tool_findings=tuple(trail.findings))
