"""Identification of the generator of a state dict: sizes from the weights, the rest from the config."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from humouse_doctor.core.case import WeightFacts
from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.core.settings import Origin, Setting, Settings, Value
from humouse_doctor.core.spec import ACTIVATION_NAMES, Activation, Architecture, GeneratorSpec, activation_of
from humouse_doctor.core.text import shortened
from humouse_doctor.inputs.checkpoints.checkpoint import Checkpoint
from humouse_doctor.networks.architectures import build
from humouse_doctor.networks.numerics import seeded
from humouse_doctor.networks.output_layer import output_layer, unscale_output

_MARKS = {
    Architecture.LSTM: ("pre.weight", "lstm_layers.0.weight_ih_l0", "output.weight"),
    Architecture.TCN: ("fc.0.weight", "decoder.final_conv.weight", "proj.weight"),
    Architecture.SEQ2SEQ: ("hidden_init.weight", "input_proj.weight", "lstm.weight_ih_l0", "output.weight"),
}
#: Beginnings of the names of a generator's tensors.
_OWN = ("pre.", "lstm", "output.", "fc.", "decoder.", "proj.", "hidden_init.", "cell_init.", "input_proj.")
_DISCRIMINATOR = ("critic_head.", "condition_proj.", "classifier.", "condition_mlp.", "aux_head.")
#: Of humouse's other networks; each tensor named here has to be there.
_OTHERS = {
    "a diffusion model": ("time_mlp.0.weight", "input_proj.weight", "out_proj.weight"),
    "a timing model": ("duration_head.weight", "concentration_head.weight"),
}
_GENERATOR = "model.generator."
#: The fields of a pretrainer's own config that are used here: each size with its minimum, and the heads.
_SIZES = {"latent_dim": 1, "condition_dim": 0, "hidden_dim": 1, "num_layers": 0, "output_dim": 1, "target_len": 1}
_HEADS = ("activation_xy", "activation_dt")
_BatchNorm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """A size that differs between weights and config; the weights decide."""

    key: str
    in_weights: int | str
    in_config: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """An identified generator; `inferred` lists the settings that neither weights nor config state.

    `unknown_heads` are the keys of the heads whose activation is unknown; `spec` has `LINEAR` for them.
    """

    spec: GeneratorSpec
    unknown_heads: tuple[str, ...]
    settings: Settings
    disagreements: tuple[Disagreement, ...]
    inferred: tuple[str, ...]


def identify(path: str, checkpoint: Checkpoint, settings: Settings, data_length: int | None) -> Identified:
    """Identify the generator from its tensors.

    Some facts are not in the weights: T of recurrent generators, the split of latent and condition, the heads. They come
    from the config, else from a pretrainer's own fields. T may also come from `data_length`, and is then marked as inferred;
    a head is not guessed. Raises `InputError` for another network and `UsageError` if T is unknown.
    """
    shapes = {name.removesuffix("_orig"): tuple(tensor.shape) for name, tensor in checkpoint.tensors.items()}
    architecture = _architecture(path, shapes)
    given = _with_pretrainer_fields(path, settings, checkpoint)
    inputs, hidden, layers, outputs = _sizes(path, architecture, shapes)
    spectral = any(name.endswith("weight_orig") for name in checkpoint.tensors)
    facts: dict[str, int | str] = {
        "model.architecture": architecture.value,
        f"{_GENERATOR}hidden_dim": hidden,
        f"{_GENERATOR}num_layers": layers,
        f"{_GENERATOR}output_dim": outputs,
    }
    if architecture is Architecture.TCN:
        facts[f"{_GENERATOR}target_len"] = shapes["fc.0.weight"][0] // hidden
        if f"{_GENERATOR}use_spectral_norm" in given:
            facts[f"{_GENERATOR}use_spectral_norm"] = spectral
    disagreements: list[Disagreement] = []
    inferred: list[str] = []
    for key, fact in facts.items():
        stated = given.get(key)
        if stated is not None and stated.origin is not Origin.DEFAULT and _as_built(architecture, key, stated.value) != fact:
            disagreements.append(Disagreement(key=key, in_weights=fact, in_config=stated.value))
    latent, condition = _split(inputs, given, disagreements, inferred)
    length = int(facts.get(f"{_GENERATOR}target_len", 0)) or _length(path, given, data_length, inferred)
    channels = {"xy": True, "dt": outputs > 2}
    heads = {axis: _head(given, f"{_GENERATOR}activation_{axis}") for axis in channels}
    unknown = [
        f"{_GENERATOR}activation_{axis}"
        for axis, there in channels.items()
        if there and heads[axis] is None and architecture is not Architecture.SEQ2SEQ
    ]
    spec = GeneratorSpec(
        architecture=architecture,
        latent_dim=latent,
        condition_dim=condition,
        hidden_dim=hidden,
        num_layers=layers,
        output_dim=outputs,
        target_len=length,
        activation_xy=heads["xy"] or Activation.LINEAR,
        activation_dt=heads["dt"] or Activation.LINEAR,
        spectral_norm=spectral,
        time_input=architecture is Architecture.LSTM and shapes[_MARKS[architecture][1]][1:] == (hidden + 1,),
    )
    for key, value in {
        **facts,
        f"{_GENERATOR}latent_dim": latent,
        f"{_GENERATOR}condition_dim": condition,
        f"{_GENERATOR}target_len": length,
    }.items():
        current = given.get(key)
        if current is None or current.value != value:
            place = None if current is None else current.place
            given = given.with_setting(Setting(key=key, value=value, origin=Origin.INFERRED, place=place))
    return Identified(
        spec=spec,
        unknown_heads=tuple(unknown),
        settings=given,
        disagreements=tuple(disagreements),
        inferred=tuple(inferred),
    )


def _as_built(architecture: Architecture, key: str, value: Value) -> Value:
    """Return a config's value as the trainer uses it: at least one recurrent layer, an architecture in lower case."""
    if key == f"{_GENERATOR}num_layers" and isinstance(value, int) and architecture is not Architecture.TCN:
        return max(1, value)
    return value.lower() if isinstance(value, str) else value


def require_generator(path: str, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise `InputError` if tensors of these names and shapes are not a generator's, or if the largest is not part of it."""
    plain = {name.removesuffix("_orig"): shape for name, shape in shapes.items()}
    _sizes(path, _architecture(path, plain), plain)
    largest = max(plain, key=lambda name: math.prod(plain[name]))
    if not largest.startswith(_OWN):
        raise InputError(f"{path}: has unknown {shortened(largest)}; the file is not the whole generator it looks like")


def rebuild(path: str, checkpoint: Checkpoint, spec: GeneratorSpec) -> nn.Module:
    """Build the generator with its weights, loaded strictly, in float32 and in evaluation mode.

    A pretrainer's rescaling of the output layer to pixels is undone, which restores the network it trained.
    """
    with torch.device("meta"), seeded(0):  # the network takes over the tensors that were read, without copies
        network = build(spec)
    expected = network.state_dict()
    _require_fit(path, expected, checkpoint.tensors)
    network.load_state_dict({name: checkpoint.tensors[name].to(expected[name].dtype) for name in expected}, assign=True)
    if checkpoint.position_mean is not None and checkpoint.position_std is not None:
        if spec.architecture is Architecture.TCN or spec.output_dim < 2:
            raise InputError(f"{path}: carries position statistics, but its network is not one the pretrainer trains")
        unscale_output(network, checkpoint.position_std, checkpoint.position_mean)
    return network.eval()


def load_strictly(path: str, network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Load all tensors into `network`; raise `InputError` for missing, surplus or unfitting ones."""
    expected = network.state_dict()
    _require_fit(path, expected, tensors)
    network.load_state_dict({name: tensors[name].to(expected[name].dtype) for name in expected})


def _require_fit(path: str, expected: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
    missing = [name for name in expected if name not in tensors]
    surplus = [name for name in tensors if name not in expected]
    wrong = [
        f"{name} is {tuple(tensors[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in expected
        if name in tensors and tensors[name].shape != expected[name].shape
    ]
    wrong += [
        f"{name} holds {str(tensors[name].dtype).removeprefix('torch.')} numbers instead of floats"
        for name in expected
        if name in tensors and expected[name].is_floating_point() and not tensors[name].is_floating_point()
    ]
    for what, names in (("lacks", missing), ("has unknown", surplus), ("does not fit:", wrong)):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            shown = ", ".join(shortened(name) or "''" for name in names[:3])
            raise InputError(f"{path}: {what} {shown}{more}; the file is not the whole generator it looks like")


def weight_facts(
    network: nn.Module,
    tensors: Mapping[str, Tensor],
    output: nn.Module | None = None,
    called: Container[nn.Module] | None = None,
) -> WeightFacts:
    """Count non-finite numbers, and compare each weight with the bound of PyTorch's uniform initialisation.

    The bound is 1/sqrt(fan in) for linear and convolutional layers and 1/sqrt(H) for recurrent ones. The output layer
    (`output`, or that of a rebuilt generator) is left out, since a pretrainer rescales it. `called` are the recurrent layers
    that the network runs, None for all that it has.
    """
    floating = [tensor for tensor in tensors.values() if tensor.is_floating_point()]
    non_finite = sum(int((~torch.isfinite(tensor)).sum()) for tensor in floating)
    started: list[tuple[Tensor, float]] = []  # weights, and the bound of their start
    recurrent = []
    last = output or output_layer(network)
    for module in network.modules():
        if module is last:
            continue
        if isinstance(module, nn.Linear | nn.Conv1d):
            given = getattr(module, "weight_orig", None)
            weight = given if isinstance(given, Tensor) else module.weight
            if weight.numel() > 0:
                started.append((weight.detach(), 1 / math.sqrt(weight[0].numel())))
        elif isinstance(module, nn.RNNBase | nn.RNNCellBase):
            named = module.named_parameters(recurse=False)
            bound = 1 / math.sqrt(module.hidden_size)
            layer = [(weight.detach(), bound) for name, weight in named if name.startswith("weight")]
            started += layer
            own = [_excess(weight, bound) for weight, bound in layer]
            used = called is None or module in called
            recurrent += [max(own)] if used and own and all(map(math.isfinite, own)) else []
    finite = [(weight, bound) for weight, bound in started if math.isfinite(_excess(weight, bound))]
    norms = [m for m in network.modules() if isinstance(m, _BatchNorm) and m.running_mean is not None]
    return WeightFacts(
        non_finite=non_finite,
        total=sum(tensor.numel() for tensor in floating),
        excess_over_start=max(_excess(weight, bound) for weight, bound in finite) if finite else None,
        least_recurrent=min(recurrent) if recurrent else None,
        size_over_start=_pooled([(_size(weight, bound), weight.numel()) for weight, bound in finite]),
        start_bound=_pooled([(bound, weight.numel()) for weight, bound in finite]),
        norms=len(norms),
        stale_norms=sum(_is_stale(norm) for norm in norms),
    )


def _excess(weight: Tensor, bound: float) -> float:
    """Return the largest |weight| over the bound of its uniform start."""
    return float(weight.abs().max()) / bound


def _size(weight: Tensor, bound: float) -> float:
    """Return the root mean square of a weight over that of its uniform start."""
    norm = float(torch.linalg.vector_norm(weight, dtype=torch.float64))
    return norm * math.sqrt(3 / weight.numel()) / bound


def _pooled(values: Sequence[tuple[float, int]]) -> float | None:
    """Return the root mean square of values that stand for so many numbers each, None without any, or beyond all floats."""
    count = sum(numbers for _, numbers in values)
    found = math.sqrt(sum(value * value * numbers for value, numbers in values) / count) if count else math.inf
    return found if math.isfinite(found) else None


def _is_stale(norm: _BatchNorm) -> bool:
    """Return True if scale or shift has been trained, and the running statistics are still those of the start."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    untouched = not bool(norm.running_mean.any()) and bool((norm.running_var == 1).all())
    return untouched and norm.affine and (bool((norm.weight != 1).any()) or bool(norm.bias.any()))


def _architecture(path: str, shapes: Mapping[str, tuple[int, ...]]) -> Architecture:
    for architecture, marks in _MARKS.items():
        if all(mark in shapes for mark in marks):
            return architecture
    if any(name.startswith(_DISCRIMINATOR) for name in shapes):
        raise InputError(f"{path}: is a discriminator; expected the generator trained beside it (generator_<name>.pt)")
    for what, marks in _OTHERS.items():
        if all(mark in shapes for mark in marks):
            raise InputError(
                f"{path}: is {what}, whose weights this tool does not inspect; inspect its samples instead:"
                " humouse-doctor inspect SAMPLES --data GESTURES"
            )
    names = ", ".join(shortened(name) for name in list(shapes)[:3])
    raise InputError(
        f"{path}: an unknown network ({names}, ...); expected humouse's lstm, tcn or seq2seq generator, or"
        " --model package.module:factory that builds yours, or samples that it has drawn"
    )


def _sizes(path: str, architecture: Architecture, shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, int, int, int]:
    """Return inputs (Z + C), hidden size, layers and output channels, all read from the weights."""
    try:
        match architecture:
            case Architecture.LSTM:
                hidden, inputs = shapes["pre.weight"]
                layers = sum(1 for name in shapes if name.startswith("lstm_layers.") and name.endswith("weight_ih_l0"))
                outputs = shapes["output.weight"][0]
            case Architecture.TCN:
                outputs, hidden, _ = shapes["proj.weight"]
                inputs = shapes["fc.0.weight"][1]
                layers = sum(1 for name in shapes if name.startswith("decoder.layers.") and name.endswith(".0.weight"))
            case Architecture.SEQ2SEQ:
                outputs, hidden = shapes["output.weight"]
                inputs = shapes["hidden_init.weight"][1]
                layers = sum(1 for name in shapes if name.startswith("lstm.weight_ih_l"))
    except (ValueError, IndexError):
        raise InputError(f"{path}: looks like a {architecture.value} generator, but its weights have other ranks") from None
    if min(inputs, hidden, outputs) < 1:
        raise InputError(f"{path}: looks like a {architecture.value} generator, but a layer has no units")
    return inputs, hidden, layers, outputs


def _with_pretrainer_fields(path: str, settings: Settings, checkpoint: Checkpoint) -> Settings:
    """Return `settings` with the fields of a pretrainer's own config where the run's config has none."""
    for name, value in checkpoint.config.items():
        stated = settings.get(f"{_GENERATOR}{name}")
        if name not in (*_SIZES, *_HEADS) or (stated is not None and stated.origin is not Origin.DEFAULT):
            continue
        settings = settings.with_setting(
            Setting(key=f"{_GENERATOR}{name}", value=_own_field(path, name, value), origin=Origin.EXPLICIT)
        )
    return settings


def _own_field(path: str, name: str, value: object) -> int | str | None:
    if name in _HEADS and (value is None or (isinstance(value, str) and value.lower() in ACTIVATION_NAMES)):
        return value
    if name in _SIZES and isinstance(value, int) and not isinstance(value, bool) and value >= _SIZES[name]:
        return value
    shown = shortened(value) if isinstance(value, str) else value if isinstance(value, int | float) else type(value).__name__
    raise InputError(f"{path}: its own config has {name} = {shown}; expected what the pretrainer writes")


def _split(inputs: int, settings: Settings, disagreements: list[Disagreement], inferred: list[str]) -> tuple[int, int]:
    """Return Z and C, of which the weights only contain the sum."""
    latent, condition = settings.get(f"{_GENERATOR}latent_dim"), settings.get(f"{_GENERATOR}condition_dim")
    known = [s for s in (latent, condition) if s is not None and s.origin is not Origin.DEFAULT]
    sizes = [s.value for s in (latent, condition) if s is not None and isinstance(s.value, int)]
    if len(sizes) == 2 and sum(sizes) == inputs and known:
        return sizes[0], sizes[1]
    inferred.append("the split of latent and condition")
    if len(known) == 1 and isinstance(known[0].value, int):
        if known[0] is latent and known[0].value <= inputs:
            return known[0].value, inputs - known[0].value
        if known[0] is condition and known[0].value < inputs:
            return inputs - known[0].value, known[0].value
    if len(known) == 2 and len(sizes) == 2 and 0 < sizes[0] < inputs and sizes[1] > 0:
        # humouse makes as many conditions as the data has features, whatever the config says
        key = f"{_GENERATOR}condition_dim"
        disagreements.append(Disagreement(key=key, in_weights=inputs - sizes[0], in_config=sizes[1]))
        return sizes[0], inputs - sizes[0]
    if known:
        key = f"{_GENERATOR}latent_dim + condition_dim"
        disagreements.append(Disagreement(key=key, in_weights=inputs, in_config=sum(sizes)))
    return inputs, 0


def _length(path: str, settings: Settings, data_length: int | None, inferred: list[str]) -> int:
    stated = settings.get(f"{_GENERATOR}target_len")
    if stated is not None and stated.origin is not Origin.DEFAULT and isinstance(stated.value, int):
        return stated.value
    if data_length is not None:
        inferred.append("the length T, taken from the data")
        return data_length
    if settings.source is not None and stated is not None and isinstance(stated.value, int):
        return stated.value
    raise UsageError(
        f"{path}: the weights do not tell how many steps it generates; give --config, --data,"
        " or --set model.generator.target_len=N"
    )


def _head(settings: Settings, key: str) -> Activation | None:
    """Return the activation that the settings state or leave to the trainer's default, None if they say nothing of it."""
    stated = settings.get(key)
    return None if stated is None else activation_of(stated.value)
