"""Generators and encoders to train: humouse's own, and a few others.

Initial weights within a context are the same for all levels, except for what a level itself changes.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from humouse_doctor.core.spec import Activation, Architecture, GeneratorSpec
from humouse_doctor.networks.architectures import LstmGenerator, build, slow_gates
from tests.lab.zoo.contexts import Context, Kind
from tests.lab.zoo.genome import Batch, Drive, Genome, HeadKind, Space

_ARCHITECTURES = {
    Kind.LSTM: Architecture.LSTM,
    Kind.LSTM_V1: Architecture.LSTM,
    Kind.LSTM2: Architecture.LSTM,
    Kind.TABLE: Architecture.LSTM,
    Kind.TCN: Architecture.TCN,
    Kind.SEQ2SEQ: Architecture.SEQ2SEQ,
}


class Unconditioned(nn.Module):
    """A humouse generator called with its latent alone, or with latent and condition in one: (N, Z + C) -> (N, T, D)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, latent: Tensor) -> Tensor:
        return cast(Tensor, self.network(latent, latent.new_zeros(len(latent), 0)))


class Conditioned(nn.Module):
    """A generator called with latent and condition apart: (N, Z), (N, C) -> (N, T, D)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, latent: Tensor, condition: Tensor) -> Tensor:
        return cast(Tensor, self.network(torch.cat([latent, condition], dim=-1)))


class Repeated(nn.Module):
    """A latent, embedded or bare, repeated, optionally with a time ramp, through recurrent layers: (N, Z) -> (N, T, D)."""

    def __init__(
        self, *, pre: nn.Linear | None, layers: list[nn.RNNBase], output: nn.Linear, head: nn.Module, length: int
    ) -> None:
        super().__init__()
        self.pre, self.layers, self.output, self.head = pre, nn.ModuleList(layers), output, head
        self.length = length

    def forward(self, latent: Tensor) -> Tensor:
        states = latent if self.pre is None else torch.tanh(self.pre(latent))
        states = states.unsqueeze(1).expand(-1, self.length, -1)
        if cast(nn.RNNBase, self.layers[0]).input_size > states.size(-1):
            time = torch.linspace(0, 1, self.length).view(1, -1, 1).expand(len(latent), -1, 1)
            states = torch.cat([states, time], dim=-1)
        for layer in self.layers:
            states, _ = layer(states)
        return cast(Tensor, self.head(self.output(states)))


class Normed(nn.Sequential):
    """A latent through two linear layers with batch norms to all steps at once: (N, Z) -> (N, T, D)."""

    def __init__(self, latent_dim: int, hidden: int, length: int, head: nn.Module) -> None:
        layers: list[nn.Module] = []
        for size in (latent_dim, hidden):
            layer = nn.Linear(size, hidden)
            nn.init.normal_(layer.weight, 0.0, 0.02)  # as DCGAN's, which a norm scales up
            layers += [layer, nn.BatchNorm1d(hidden), nn.ReLU()]
        super().__init__(*layers, nn.Linear(hidden, 2 * length), nn.Unflatten(1, (length, 2)), head)


class Autoregressive(nn.Module):
    """A GRU cell with its own last output and the latent as inputs; the latent is also its first state: (N, Z) -> (N, T, D)."""

    def __init__(self, latent_dim: int, hidden: int, length: int, bounded: bool) -> None:
        super().__init__()
        self.start = nn.Linear(latent_dim, hidden)
        self.cell = nn.GRUCell(2 + latent_dim, hidden)
        self.output = nn.Linear(hidden, 2)
        self.length, self.bounded = length, bounded

    def forward(self, latent: Tensor) -> Tensor:
        state = torch.tanh(self.start(latent))
        previous = latent.new_zeros(len(latent), 2)
        steps = []
        for _ in range(self.length):
            state = self.cell(torch.cat([previous, latent], dim=-1), state)
            previous = self.output(state)
            if self.bounded:
                previous = torch.tanh(previous)
            steps.append(previous)
        return torch.stack(steps, dim=1)


class Encoder(nn.Module):
    """An encoder of targets (N, T, D) to numbers (N, K): the projected last state of an LSTM, or that at a step of each."""

    def __init__(self, channels: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(channels, hidden, batch_first=True)
        self.project = nn.Linear(hidden, outputs)

    def forward(self, targets: Tensor, ends: Tensor | None = None) -> Tensor:
        states, (last, _) = self.lstm(targets)
        return cast(Tensor, self.project(last[-1] if ends is None else states[torch.arange(len(ends)), ends]))


def humouse_spec(context: Context, genome: Genome) -> GeneratorSpec:
    """Return a context's generator spec in humouse's terms; raise KeyError for a kind that is not humouse's."""
    first_version = context.kind is Kind.LSTM_V1
    return GeneratorSpec(
        architecture=_ARCHITECTURES[context.kind],
        latent_dim=context.latent_size(genome),
        condition_dim=genome.condition.channels,
        hidden_dim=context.hidden,
        num_layers=2 if context.kind in (Kind.LSTM2, Kind.TCN) else 1,
        output_dim=3 if first_version else 2,
        target_len=context.length,
        activation_xy=Activation.TANH if genome.head is HeadKind.TANH else Activation.LINEAR,
        activation_dt=Activation.SOFTPLUS if first_version else Activation.LINEAR,
    )


def is_humouse(context: Context, genome: Genome) -> bool:
    """Return True if humouse could load the generator."""
    return context.kind in _ARCHITECTURES and genome.drive is not Drive.TIME and genome.batch is Batch.APART


def trainable(context: Context, genome: Genome) -> bool:
    """Return True if a context's generator can be combined with a genome's drive and space."""
    if genome.space is not Space.Z and context.kind in (Kind.SEQ2SEQ, Kind.TABLE):
        return False
    if genome.space is Space.READ and not (context.sums and genome.head is HeadKind.LINEAR):
        return False
    if genome.drive is Drive.SLOW and context.kind is Kind.BARE:
        return False
    return genome.drive is Drive.PLAIN or context.kind not in (
        Kind.SEQ2SEQ,
        Kind.TCN,
        Kind.AUTOREGRESSIVE,
        Kind.NORMED,
    )


def generator(context: Context, genome: Genome) -> nn.Module:
    """Return an untrained generator, (N, Z + C) -> (N, T, D); it draws from the global random state."""
    network = _generator(context, genome)
    for layer in network.modules():
        if isinstance(layer, nn.RNNBase) and genome.batch is Batch.MIXED:
            layer.batch_first = False
    return network


def _generator(context: Context, genome: Genome) -> nn.Module:
    torch.manual_seed(context.seed)
    bounded = genome.head is HeadKind.TANH
    size, hidden = context.latent_size(genome) + genome.condition.channels, context.hidden
    extra = torch.Generator().manual_seed(context.seed + 1)
    head: nn.Module = nn.Tanh() if bounded else nn.Identity()
    if context.kind is Kind.NORMED:
        return Normed(size, hidden, context.length, head)
    if context.kind is Kind.AUTOREGRESSIVE:
        return Autoregressive(size, hidden, context.length, bounded)
    if context.kind in (Kind.GRU, Kind.BARE):
        pre: nn.Linear | None = None
        if context.kind is Kind.BARE:
            layer: nn.RNNBase = nn.LSTM(size, hidden, batch_first=True)
        else:
            pre, layer = nn.Linear(size, hidden), nn.GRU(hidden, hidden, batch_first=True)
        output = nn.Linear(hidden, 2)
        if genome.drive is Drive.SLOW:
            _slow_updates(layer, context.length, extra)
        layers = [_with_time(layer, extra) if genome.drive is Drive.TIME else layer]
        return Repeated(pre=pre, layers=layers, output=output, head=head, length=context.length)
    network = build(humouse_spec(context, genome))
    if genome.drive is Drive.TIME:
        assert isinstance(network, LstmGenerator)
        first, *others = (cast(nn.RNNBase, layer) for layer in network.lstm_layers)
        layers = [_with_time(first, extra), *others]
        return Repeated(pre=network.pre, layers=layers, output=network.output, head=network.head, length=context.length)
    if genome.drive is Drive.SLOW:
        slow_gates(network, context.length, extra)
    return Unconditioned(network)


def _slow_updates(layer: nn.RNNBase, length: int, random: torch.Generator) -> None:
    """Apply chrono initialisation to a GRU, in place; in h' = (1 - z) n + z h the update gate remembers."""
    hidden = layer.hidden_size
    with torch.no_grad():
        slow = torch.log(torch.empty(hidden).uniform_(1.0, max(2.0, length - 1.0), generator=random))
        parameters = dict(layer.named_parameters())
        parameters["bias_ih_l0"][hidden : 2 * hidden] = slow  # PyTorch's gate order: reset, update, new
        parameters["bias_hh_l0"][hidden : 2 * hidden] = 0.0


def _with_time(layer: nn.RNNBase, random: torch.Generator) -> nn.RNNBase:
    """Return the layer with one more input, whose weights are initialised as PyTorch does."""
    kind = nn.GRU if isinstance(layer, nn.GRU) else nn.LSTM
    wider = kind(layer.input_size + 1, layer.hidden_size, batch_first=True)
    bound = 1 / math.sqrt(layer.hidden_size)
    with torch.no_grad():
        for name, weight in layer.named_parameters():
            if name == "weight_ih_l0":
                column = torch.empty(len(weight), 1).uniform_(-bound, bound, generator=random)
                getattr(wider, name).copy_(torch.cat([weight, column], dim=1))
            else:
                getattr(wider, name).copy_(weight)
    return wider
