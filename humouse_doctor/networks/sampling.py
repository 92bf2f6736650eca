"""Sampling of a generator from the prior, its recurrent states, gradients and fitted latents."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from humouse_doctor.core.arrays import BoolArray, FloatArray
from humouse_doctor.core.case import Gradients, LatentFit
from humouse_doctor.core.cost import (
    BATCH,
    FIT_ROUNDS,
    FIT_STEPS,
    FIT_TARGETS,
    GRADIENT_SAMPLES,
    Load,
    load_of_look,
    ran_out_of_memory,
    response_numbers,
)
from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.core.space import Space
from humouse_doctor.core.text import reason
from humouse_doctor.networks.adam import Adam
from humouse_doctor.networks.numerics import denormals_flushed, seeded, undisturbed
from humouse_doctor.networks.output_layer import output_layer
from humouse_doctor.networks.outputs import Output, find, require_steps_first
from humouse_doctor.networks.priors import Prior, normal
from humouse_doctor.networks.response import fitted
from humouse_doctor.networks.spaces import pixels

_FIT_RATE = 0.1
#: A fit ends early where these many steps have lowered its loss by no more than this share: one of a generator that hardly
#: follows its latent is as good after a third of its steps.
_FIT_STRETCH, _FIT_GAIN = 10, 2e-3
_WRAP = "if its forward takes more, or something else, wrap it in a module whose forward takes the latents alone"
#: Names of an argument for the true sequence, of which a decoder that is taught takes the steps before each.
_PAST = re.compile(r"(ground_)?truth|(true_)?past|targets?|tgt|trg|teacher|(teacher_)?forcing|prev(ious)?|ys?", re.IGNORECASE)
#: Numbers copied to float64 at a time.
_AT_ONCE = 1 << 24


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorSamples:
    """Sequences from prior latents, with shapes as in `Samples`; `rnn_input` and `hidden` are of the first batch only."""

    predictions: FloatArray
    rnn_input: FloatArray | None
    hidden: FloatArray | None


class Sampler:
    """A wrapper of a generator with one signature for all: (N, Z) or (N, T, Z), and (N, C) -> (N, T, D).

    Arguments and result are float32 on the CPU, whatever the device and dtype of the network's parameters. `load` limits the
    number of sequences in one pass; without it the network is assumed to be small. Latents come from `prior`, N(0, I) if none
    is given; `output` says where the sequences stand in what the network returns. The first two channels are multiplied by
    `scale` (2,), if there is one. `past` is the name of an argument for the true sequence, None if there is none. `last` is the
    layer before the head of a caller's own network, None if unknown, and `recurrent` are its recurrent layers in the order in
    which they are called, before a first pass all there are.
    """

    def __init__(
        self,
        network: nn.Module,
        latent_dim: int,
        condition_dim: int,
        load: Load | None = None,
        *,
        prior: Prior | None = None,
        output: Output | None = None,
    ) -> None:
        self.network = network
        self.prior = normal(latent_dim) if prior is None else prior
        self.condition_dim, self.load = condition_dim, load
        self.output = Output() if output is None else output
        self.scale: Tensor | None = None
        self.last: nn.Module | None = None
        self.recurrent = tuple(m for m in network.modules() if isinstance(m, nn.RNNBase | nn.RNNCellBase))
        self._takes_condition = _takes_condition(network)
        self.past = None if self._takes_condition else _past_of(network)

    @property
    def latent_dim(self) -> int:
        """The numbers in one latent."""
        return math.prod(self.prior.shape)

    def returned(self, latents: Tensor, conditions: Tensor) -> object:
        """Return what the network does; raise `UsageError` if it does not take these latents."""
        like = next((p for p in self.network.parameters() if p.is_floating_point()), latents)
        given = [latents.to(like.device, like.dtype), conditions.to(like.device, like.dtype)]
        try:
            returned: object = self._call()(*given) if self._takes_condition else self._call()(given[0])
        except Exception as error:  # the user's own network may raise anything
            if ran_out_of_memory(error):
                raise InputError(f"the generator ran out of memory on latents of shape {tuple(latents.shape)}") from error
            raise UsageError(
                f"the generator does not take latents of shape {tuple(latents.shape)}: {reason(error)}; {_WRAP}"
            ) from error
        return returned

    def taught(self, latents: Tensor, past: Tensor) -> Tensor | None:
        """Generate with the true sequences (N, T, D) handed in as the past; return None if the network does not take them."""
        like = next((p for p in self.network.parameters() if p.is_floating_point()), latents)
        given = [values.to(like.device, like.dtype) for values in (latents, past)]
        try:
            made = self.output.of(self.network(given[0], **{str(self.past): given[1]}))
        except Exception:  # the user's own network may raise anything, and need not take this
            return None
        return made.to("cpu", torch.float32) if made.shape == past.shape else None

    def _call(self) -> Callable[..., object]:
        """Return the network, or of one that was compiled in place what it was: other batches would be compiled anew."""
        compiled = getattr(self.network, "_compiled_call_impl", None) is not None
        return self.network._call_impl if compiled else self.network

    def __call__(self, latents: Tensor, conditions: Tensor) -> Tensor:
        """Generate; raise `UsageError` if the network does not return (N, T, D)."""
        out = self.output.of(self.returned(latents, conditions))
        if out.dim() != 3 or out.size(0) != latents.size(0) or out.size(2) < 1:
            raise UsageError(f"the generator returns {tuple(out.shape)}; expected a tensor (N, T, D)")
        out = out.to("cpu", torch.float32)
        return out if self.scale is None else torch.cat([out[..., :2] * self.scale, out[..., 2:]], dim=-1)

    def conditions(self, given: FloatArray | None, count: int) -> Tensor:
        """Return `count` conditions (count, C): the data's features in turn, cut or zero-filled to C, else zeros."""
        if given is None or self.condition_dim == 0:
            return torch.zeros(count, self.condition_dim)
        rows = np.resize(np.arange(len(given)), count)
        values = np.zeros((count, self.condition_dim), dtype=np.float32)
        width = min(self.condition_dim, given.shape[1])
        values[:, :width] = given[rows, :width]
        return torch.from_numpy(values)


def _takes_condition(network: nn.Module) -> bool:
    """Return True if the forward pass has a second positional argument without a default."""
    try:
        parameters = list(inspect.signature(network.forward).parameters.values())
    except (TypeError, ValueError):
        return False
    plain = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return len(plain) >= 2 and plain[1].default is inspect.Parameter.empty


def _past_of(network: nn.Module) -> str | None:
    """Return the first argument after the latent that is None by default and is called after a true sequence."""
    try:
        parameters = list(inspect.signature(network.forward).parameters.values())[1:]
    except (TypeError, ValueError):
        return None
    named = (p.name for p in parameters if p.default is None and p.kind is not p.POSITIONAL_ONLY)
    return next((name for name in named if _PAST.fullmatch(name)), None)


def draw(sampler: Sampler, conditions: FloatArray | None, count: int, seed: int) -> PriorSamples:
    """Generate `count` sequences from latents of the prior, drawn by `seed`.

    Recurrent states are recorded for the first batch only, which has at most 256 sequences, and fewer if these are long or
    wide: the states of all sequences would take many times the memory of the predictions. The network's weights, mode and
    gradients, and the caller's random state, do not change.
    """
    batch = BATCH if sampler.load is None else sampler.load.rows
    with undisturbed(sampler.network), denormals_flushed(), torch.no_grad():
        latents = sampler.prior.draw(count, seed)
        given = sampler.conditions(conditions, count)
        recorder = _StateRecorder(sampler.recurrent)
        with seeded(seed):
            with recorder:
                parts = [sampler(latents[:batch], given[:batch])]
            for first in range(batch, count, batch):
                rows = slice(first, first + batch)
                parts.append(sampler(latents[rows], given[rows]))
    rows_and_steps = parts[0].shape[:2]
    return PriorSamples(
        predictions=torch.cat(parts).numpy(),
        rnn_input=recorder.states("input", rows_and_steps),
        hidden=recorder.states("hidden", rows_and_steps),
    )


class _StateRecorder:
    """A recorder of the first recurrent layer's input and the last one's output, of those given in order.

    A layer is called once with whole sequences; a cell or an autoregressive layer is called for every step. In both cases
    the calls of a batch are joined along time.
    """

    def __init__(self, recurrent: Sequence[nn.Module]) -> None:
        self._targets: dict[str, nn.Module] = {}
        if recurrent:
            self._targets = {"input": recurrent[0], "hidden": recurrent[-1]}
        self._calls: dict[str, list[Tensor]] = {name: [] for name in self._targets}
        self._handles: list[torch.utils.hooks.RemovableHandle] = []

    def __enter__(self) -> _StateRecorder:
        for name, module in self._targets.items():
            self._handles.append(module.register_forward_hook(self._hook(name)))
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _hook(self, name: str) -> Callable[[nn.Module, tuple[Any, ...], Any], None]:
        def record(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            given = inputs if name == "input" else output
            value = (given[0] if given else None) if isinstance(given, tuple) else given
            if not isinstance(value, Tensor):
                return
            value = value.to("cpu", torch.float32, copy=True)  # later operations may work in place
            if isinstance(module, nn.RNNBase) and not module.batch_first and value.dim() == 3:
                value = value.transpose(0, 1)
            self._calls[name].append(value.unsqueeze(1) if value.dim() == 2 else value)  # (N, steps, H)

        return record

    def states(self, name: str, rows_and_steps: tuple[int, ...]) -> FloatArray | None:
        """Return the recorded states as (N, T, H), None if they do not match the predictions step by step."""
        calls = self._calls.get(name, [])
        if not calls or any(call.dim() != 3 or call.size(0) != rows_and_steps[0] for call in calls):
            return None
        whole = torch.cat(calls, dim=1)
        return whole.numpy() if whole.size(1) == rows_and_steps[1] else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstPass:
    """The result of one small pass: its `predictions` (2, T, D), and the layer before the head, None if unknown.

    `load` is the load of one sequence in the network's modules; work outside of modules is not counted. `recurrent` is True if
    a recurrent layer was called.
    """

    predictions: Tensor
    output: nn.Module | None
    load: Load
    recurrent: bool = False


def first_pass(sampler: Sampler, wanted: tuple[int, int] | None = None, part: str | None = None) -> FirstPass:
    """Run the network on two zero latents, and let the sampler know where its sequences stand.

    The layer before the head has a known name in a rebuilt generator. In other networks it is the last called linear,
    convolutional or recurrent layer with D channels, or with those of all steps at once. `wanted` is (T, D) of the targets,
    None if unknown; `part` names the part of what the network returns. Raises `UsageError` if no part has sequences (N, T, D).
    """
    called: list[tuple[nn.Module, Tensor]] = []
    meter = _Meter()

    def note(module: nn.Module, _: tuple[Any, ...], out: Any) -> None:
        values = out[0] if isinstance(out, tuple) and out else out
        if isinstance(values, Tensor):
            called.append((module, values.detach()))

    handles = meter.watch(sampler.network)
    handles += [
        module.register_forward_hook(note)
        for module in sampler.network.modules()
        if isinstance(module, nn.Linear | nn.Conv1d | nn.ConvTranspose1d | nn.RNNBase | nn.RNNCellBase)
    ]
    try:
        with undisturbed(sampler.network), seeded(0), torch.no_grad():
            returned = sampler.returned(torch.zeros(2, *sampler.prior.shape), torch.zeros(2, sampler.condition_dim))
    finally:
        for handle in handles:
            handle.remove()
    sampler.output = find(returned, 2, wanted, part)
    predictions = sampler.output.of(returned).to("cpu", torch.float32)
    _, steps, channels = predictions.shape
    fitting = [(layer, out) for layer, out in called if _width(layer) in (steps, channels, steps * channels)]
    if fitting:
        convolved = isinstance(fitting[-1][0], nn.Conv1d | nn.ConvTranspose1d)
        require_steps_first((steps, channels), wanted, _steps_and_channels(*fitting[-1]), convolved=convolved)
    else:
        require_steps_first((steps, channels), wanted, None)
    known = output_layer(sampler.network)
    last = [layer for layer, _ in called if _width(layer) in (channels, steps * channels)]
    sampler.last = known if isinstance(known, nn.Linear | nn.Conv1d) else last[-1] if last else None
    sampler.recurrent = tuple(dict.fromkeys(layer for layer, _ in called if isinstance(layer, nn.RNNBase | nn.RNNCellBase)))
    return FirstPass(
        predictions=predictions,
        output=sampler.last,
        load=meter.load(sampler, steps, channels),
        recurrent=bool(sampler.recurrent),
    )


def _steps_and_channels(layer: nn.Module, out: Tensor) -> tuple[int, int] | None:
    """Return (T, D) as a layer makes them, None if it makes something else."""
    if out.dim() != 3 or (isinstance(layer, nn.RNNBase) and not layer.batch_first):
        return None
    return (out.size(2), out.size(1)) if isinstance(layer, nn.Conv1d | nn.ConvTranspose1d) else (out.size(1), out.size(2))


@dataclass(slots=True)
class _Meter:
    """A counter of the outputs and products of all modules without children, over a pass of two sequences."""

    numbers: int = 0
    graph: int = 0
    products: int = 0
    calls: int = 0
    widest: int = 0

    def watch(self, network: nn.Module) -> list[torch.utils.hooks.RemovableHandle]:
        """Register a hook on every module without children; return the handles."""
        leaves = (m for m in network.modules() if not isinstance(m, torch.jit.ScriptModule) and not any(m.children()))
        return [leaf.register_forward_hook(self._count) for leaf in leaves]

    def _count(self, module: nn.Module, _: tuple[Any, ...], output: Any) -> None:
        first = output[0] if isinstance(output, tuple) and output else output
        if not isinstance(first, Tensor):
            return
        recurrent = isinstance(module, nn.RNNBase | nn.RNNCellBase)
        matrices = [weight for weight in module.parameters(recurse=False) if weight.dim() >= 2]
        layers = module.num_layers if isinstance(module, nn.RNNBase) else 1
        rows = first.numel() // max(1, first.shape[-1] if recurrent or first.dim() < 3 else first.shape[1])
        if isinstance(module, nn.Linear):
            rows = first.numel() // max(1, module.out_features)
        steps = first.numel() // max(1, 2 * first.shape[-1]) if isinstance(module, nn.RNNBase) else 1
        self.numbers += 3 * first.numel()
        self.graph += (4 + 16 * layers if recurrent else 3) * first.numel()
        self.products += rows * sum(weight.numel() for weight in matrices)
        self.calls += 1 + layers * steps
        self.widest = max(self.widest, first.numel() if recurrent else 0)

    def load(self, sampler: Sampler, steps: int, channels: int) -> Load:
        """Return the counted load of one of the two sequences."""
        return load_of_look(
            parameters=sum(parameter.numel() for parameter in sampler.network.parameters()),
            inputs=sampler.latent_dim + sampler.condition_dim,
            steps=steps,
            channels=channels,
            forward=self.numbers // 2,
            graph=self.graph // 2,
            states=self.widest,
            products=self.products // 2,
            calls=self.calls,
        )


def _width(layer: nn.Module) -> int:
    """Return the channels of a layer's output, 0 if its values have no bounds that are known."""
    match layer:
        case nn.Linear():
            return layer.out_features
        case nn.Conv1d() | nn.ConvTranspose1d():
            return layer.out_channels
        case nn.RNNBase() if layer.proj_size == 0 and layer.mode != "RNN_RELU":
            return layer.hidden_size * (2 if layer.bidirectional else 1)
        case nn.LSTMCell() | nn.GRUCell():
            return layer.hidden_size
        case _:
            return 0


def gradients(sampler: Sampler, targets: FloatArray, conditions: FloatArray | None, seed: int) -> Gradients:
    """Return the gradient of the L1 between prior samples and `targets` (N, T, D), by layer in forward order.

    The L1 is over the channels that both have. The parameters' own `.grad` does not change.
    """
    count = min(len(targets), GRADIENT_SAMPLES)
    rows = count if sampler.load is None else sampler.load.rows_differentiated(count)
    with undisturbed(sampler.network), denormals_flushed(), seeded(seed), torch.enable_grad(), _plain_rnns():
        for parameter in sampler.network.parameters():
            parameter.requires_grad_(parameter.is_floating_point())
        weights = [(name, p) for name, p in sampler.network.named_parameters() if p.dim() >= 2 and p.requires_grad]
        latents = sampler.prior.draw(count, seed)
        given = sampler.conditions(conditions, count)
        found: list[Tensor | None] = [None] * len(weights)
        for first in range(0, count, rows):
            part = slice(first, min(first + rows, count))
            loss = _l1(sampler(latents[part], given[part]), targets[part]) * ((part.stop - first) / count)
            if not weights or not loss.requires_grad:  # no weight is a matrix, or the forward pass has no gradient
                return Gradients(rms_by_layer=MappingProxyType({}))
            more = torch.autograd.grad(loss, [weight for _, weight in weights], allow_unused=True)
            found = [_sum(*pair) for pair in zip(found, more, strict=True)]
    rms = {name: _rms(gradient) for (name, _), gradient in zip(weights, found, strict=True) if gradient is not None}
    return Gradients(rms_by_layer=MappingProxyType(rms))


def _sum(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    if one is None or other is None:
        return other if one is None else one
    return one.add_(other)


def _rms(gradient: Tensor) -> float:
    """Return the root mean square in float64, without a full copy of a large gradient."""
    flat = gradient.detach().cpu().reshape(-1)
    squares = [float(flat[first : first + _AT_ONCE].double().square().sum()) for first in range(0, len(flat), _AT_ONCE)]
    return math.sqrt(math.fsum(squares) / max(1, len(flat)))


def fit_latents(
    sampler: Sampler,
    targets: FloatArray,
    conditions: FloatArray | None,
    steps: int = FIT_STEPS,
    read_as: Space | None = None,
    lengths: FloatArray | None = None,
    rounds: int = FIT_ROUNDS,
) -> LatentFit:
    """Fit one latent per target (M, T, D) to the L1, from the prior's mean, with fixed weights; in stds of the prior.

    With `lengths` (M,), only the steps before them are compared.

    Latents of few numbers are fitted in `rounds`, without a gradient. Others, and those of a network whose rows depend on each
    other, that draws random numbers of its own, or that follows its latent and gains nothing by small steps, as with rounded
    outputs, are fitted by Adam, and with 0 `rounds` all are: it takes at most `steps`, and ends where ten of them, but for the
    first ten, have lowered the loss by next to nothing.
    With `read_as`, the output is read in that space and compared as positions in the data's unit, as are `targets`.
    """

    def made(latent: Tensor, condition: Tensor) -> Tensor:
        output: Tensor = sampler(mean + scale * latent, condition)
        return output if read_as is None else pixels(read_as, output)

    rows = np.unique(np.linspace(0, len(targets) - 1, min(FIT_TARGETS, len(targets))).astype(int))
    wanted = targets[rows]
    ends = None if lengths is None else lengths[rows]
    going = None if ends is None else np.arange(wanted.shape[1]) < ends[:, None]  # (M, T)
    given = sampler.conditions(None if conditions is None else conditions[rows % len(conditions)], len(rows))
    count = len(rows)
    mean, scale = sampler.prior.mean, sampler.prior.scale
    with undisturbed(sampler.network), denormals_flushed(), seeded(0), _plain_rnns():
        for parameter in sampler.network.parameters():
            parameter.requires_grad_(False)
        at_once = count if sampler.load is None else sampler.load.rows_differentiated(count)
        parts = [slice(first, min(first + at_once, count)) for first in range(0, count, at_once)]

        @torch.no_grad()
        def drawn(latents: Tensor) -> Tensor:
            return torch.cat([made(latents[part].view(-1, *sampler.prior.shape), given[part]) for part in parts])

        latents = _by_response(sampler, drawn, wanted, going, rounds)
        if latents is None:
            latents = _by_adam(sampler, lambda latent, part: made(latent, given[part]), wanted, going, parts, steps)
        predictions = drawn(latents)
    return LatentFit(targets=wanted, predictions=predictions.numpy(), latents=latents.numpy(), lengths=ends)


def _by_response(
    sampler: Sampler, drawn: Callable[[Tensor], Tensor], wanted: FloatArray, going: BoolArray | None, rounds: int
) -> Tensor | None:
    """Return latents that are fitted without a gradient, None where Adam has to: see `fit_latents`."""
    if rounds == 0 or not response_numbers(sampler.latent_dim, len(wanted), *wanted.shape[1:]):
        return None
    of_all = torch.from_numpy(np.ascontiguousarray(wanted, dtype=np.float32))
    counted = torch.ones(of_all.shape[:2]) if going is None else torch.from_numpy(going).float()

    def compared(latents: Tensor) -> Tensor:
        return drawn(latents)[:, : of_all.size(1), : of_all.size(2)]

    with undisturbed(sampler.network), seeded(0):  # Adam starts from the same states, if it has to
        steps, channels = compared(torch.zeros(len(wanted), sampler.latent_dim)).shape[1:]
        found = fitted(
            lambda latents: compared(latents).flatten(1),
            of_all[:, :steps, :channels].flatten(1),
            counted[:, :steps, None].expand(-1, -1, channels).flatten(1),
            sampler.latent_dim,
            rounds,
        )
    return None if found is None else found.view(-1, *sampler.prior.shape)


def _by_adam(
    sampler: Sampler,
    made: Callable[[Tensor, slice], Tensor],
    wanted: FloatArray,
    going: BoolArray | None,
    parts: Sequence[slice],
    steps: int,
) -> Tensor:
    """Return latents that are fitted by Adam; `made` makes sequences of some latents for the targets of a part."""
    count = len(wanted)
    latents = torch.zeros(count, *sampler.prior.shape, requires_grad=True)
    optimiser = Adam([latents], learning_rate=_FIT_RATE)
    losses: list[float] = []
    with torch.enable_grad():
        for _ in range(steps):
            optimiser.zero_grad()
            losses.append(0.0)
            for part in parts:
                loss = _l1(made(latents[part], part), wanted[part], None if going is None else going[part])
                loss = loss * ((part.stop - part.start) / count)
                losses[-1] += loss.item()
                if loss.requires_grad:  # else the output does not depend on the latent: there is nothing to fit
                    loss.backward()
            if not loss.requires_grad or _stands_still(losses):
                break
            optimiser.step()
    return latents.detach()


def _stands_still(losses: Sequence[float]) -> bool:
    """Return True at the end of a stretch of steps that has gained next to nothing, the first one aside."""
    made, rest = divmod(len(losses) - 1, _FIT_STRETCH)
    return made > 1 and rest == 0 and losses[-1 - _FIT_STRETCH] - losses[-1] <= _FIT_GAIN * losses[-1 - _FIT_STRETCH]


def _plain_rnns() -> AbstractContextManager[None]:
    """Return a context without cuDNN, whose recurrent layers cannot be differentiated in evaluation mode."""
    return torch.backends.cudnn.flags(enabled=False)


def _l1(predictions: Tensor, targets: FloatArray, going: BoolArray | None = None) -> Tensor:
    """Return the L1 over the common steps and channels, with `going` (N, T) over those of its steps alone."""
    wanted = torch.from_numpy(np.ascontiguousarray(targets, dtype=np.float32))
    steps, channels = min(predictions.size(1), wanted.size(1)), min(predictions.size(2), wanted.size(2))
    made, wanted = predictions[:, :steps, :channels], wanted[:, :steps, :channels]
    if going is not None:
        counted = torch.from_numpy(going[:, :steps])
        made, wanted = made[counted], wanted[counted]
    return nn.functional.l1_loss(made, wanted)
