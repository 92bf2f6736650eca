"""The generators that humouse trains, rebuilt so that its weights load strictly.

Parameter names, shapes and forward passes follow humouse; a network here has the same `state_dict` keys.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import groupby
from typing import cast

import torch
from torch import Tensor, nn

from humouse_doctor.core.spec import Activation, Architecture, GeneratorSpec


class Head(nn.Module):
    """The activations of the output channels, without parameters: (..., D) -> (..., D).

    Neighbours of one kind are activated together: a pass over each of thousands of channels alone takes time that grows with
    their square.
    """

    def __init__(self, activations: Sequence[Activation]) -> None:
        super().__init__()
        self.activations = tuple(activations)
        self._runs = tuple((kind, len(list(run))) for kind, run in groupby(self.activations))

    def forward(self, values: Tensor) -> Tensor:
        if len(self._runs) == 1:
            return _activate(values, self._runs[0][0])
        parts = torch.split(values, [count for _, count in self._runs], dim=-1)
        return torch.cat([_activate(part, kind) for part, (kind, _) in zip(parts, self._runs, strict=True)], dim=-1)


def _activate(values: Tensor, activation: Activation) -> Tensor:
    match activation:
        case Activation.TANH:
            return torch.tanh(values)
        case Activation.SIGMOID:
            return torch.sigmoid(values)
        case Activation.SOFTPLUS:
            return nn.functional.softplus(values)
        case Activation.LINEAR:
            return values


class LstmGenerator(nn.Module):
    """One latent, embedded and repeated at every step, through stacked LSTMs: (N, Z), (N, C) -> (N, T, D)."""

    def __init__(self, spec: GeneratorSpec) -> None:
        super().__init__()
        self.target_len = spec.target_len
        hidden = spec.hidden_dim
        self.pre = nn.Linear(spec.latent_dim + spec.condition_dim, hidden)
        self.lstm_layers = nn.ModuleList(nn.LSTM(hidden, hidden, batch_first=True) for _ in range(spec.num_layers))
        self.output = nn.Linear(hidden, spec.output_dim)
        self.head = Head(spec.heads)

    def forward(self, latent: Tensor, condition: Tensor) -> Tensor:
        embedded = torch.tanh(self.pre(torch.cat([latent, condition], dim=-1)))  # (N, H)
        states = embedded.unsqueeze(1).expand(-1, self.target_len, -1)  # (N, T, H), the same vector T times
        for layer in self.lstm_layers:
            states, _ = layer(states)
        return cast(Tensor, self.head(self.output(states)))


class TimedLstmGenerator(nn.Module):
    """An `LstmGenerator` whose first LSTM also sees the time, from 0 to 1: (N, Z), (N, C) -> (N, T, D).

    humouse has no such network, so neither loads the other's checkpoints.
    """

    def __init__(self, plain: LstmGenerator, column: Tensor) -> None:
        """Take over the layers of `plain`; `column` (4H, 1) holds the weights of the time."""
        super().__init__()
        self.target_len = plain.target_len
        self.pre, self.output, self.head = plain.pre, plain.output, plain.head
        first, *rest = plain.lstm_layers
        assert isinstance(first, nn.LSTM)
        wider = copy.deepcopy(first)
        wider.input_size = plain.pre.out_features + 1
        wider.weight_ih_l0 = nn.Parameter(torch.cat([first.get_parameter("weight_ih_l0").detach(), column], dim=1))
        self.lstm_layers = nn.ModuleList([wider, *rest])

    def forward(self, latent: Tensor, condition: Tensor) -> Tensor:
        embedded = torch.tanh(self.pre(torch.cat([latent, condition], dim=-1)))  # (N, H)
        states = embedded.unsqueeze(1).expand(-1, self.target_len, -1)  # (N, T, H)
        time = torch.linspace(0.0, 1.0, self.target_len, device=states.device).view(1, -1, 1).expand(len(states), -1, 1)
        states = torch.cat([states, time], dim=-1)  # (N, T, H + 1)
        for layer in self.lstm_layers:
            states, _ = layer(states)
        return cast(Tensor, self.head(self.output(states)))


class ResidualTcn(nn.Module):
    """Same-length convolutions with batch norm and one residual path, (N, H, T) -> (N, H, T)."""

    def __init__(self, channels: int, num_layers: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(channels, channels, 5, padding="same"),
                nn.BatchNorm1d(channels),
                nn.ReLU(),
                nn.Dropout(dropout),
            )
            for _ in range(num_layers)
        )
        self.final_conv = nn.Conv1d(channels, channels, 5, padding="same")

    def forward(self, features: Tensor) -> Tensor:
        out = features
        for layer in self.layers:
            out = layer(out)
        return torch.relu(self.final_conv(out) + features)


class TcnGenerator(nn.Module):
    """A linear map to every step at once, then a residual TCN: (N, Z), (N, C) -> (N, T, D)."""

    def __init__(self, spec: GeneratorSpec) -> None:
        super().__init__()
        self.hidden_dim, self.target_len = spec.hidden_dim, spec.target_len
        self.fc = nn.Sequential(nn.Linear(spec.latent_dim + spec.condition_dim, spec.hidden_dim * spec.target_len))
        self.decoder = ResidualTcn(spec.hidden_dim, spec.num_layers)
        self.proj = nn.Conv1d(spec.hidden_dim, spec.output_dim, 1)
        self.head = Head(spec.heads)

    def forward(self, latent: Tensor, condition: Tensor) -> Tensor:
        flat = self.fc(torch.cat([latent, condition], dim=-1))  # (N, T * H)
        features = flat.view(-1, self.target_len, self.hidden_dim).transpose(1, 2)  # (N, H, T)
        return cast(Tensor, self.head(self.proj(self.decoder(features)).transpose(1, 2)))


class Seq2SeqGenerator(nn.Module):
    """An autoregressive decoder started from a zero output: (N, Z), (N, C) -> (N, T, D)."""

    def __init__(self, spec: GeneratorSpec) -> None:
        super().__init__()
        self.hidden_dim, self.num_layers, self.output_dim = spec.hidden_dim, spec.num_layers, spec.output_dim
        self.target_len = spec.target_len
        context = spec.latent_dim + spec.condition_dim
        self.hidden_init = nn.Linear(context, spec.hidden_dim * spec.num_layers)
        self.cell_init = nn.Linear(context, spec.hidden_dim * spec.num_layers)
        self.input_proj = nn.Linear(spec.output_dim + context, spec.hidden_dim)
        self.lstm = nn.LSTM(spec.hidden_dim, spec.hidden_dim, num_layers=spec.num_layers, batch_first=True)
        self.output = nn.Linear(spec.hidden_dim, spec.output_dim)

    def _start(self, context: Tensor) -> tuple[Tensor, Tensor]:
        # (N, L * H) is read as (L, N, H), as in humouse: with two layers, a row's start mixes with those of other rows.
        shape = (self.num_layers, context.size(0), self.hidden_dim)
        return self.hidden_init(context).view(shape), self.cell_init(context).view(shape)

    def forward(self, latent: Tensor, condition: Tensor) -> Tensor:
        context = torch.cat([latent, condition], dim=-1)  # (N, Z + C)
        state = self._start(context)
        previous = latent.new_zeros(latent.size(0), self.output_dim)
        steps = []
        for _ in range(self.target_len):
            embedded = self.input_proj(torch.cat([previous, context], dim=-1)).unsqueeze(1)  # (N, 1, H)
            out, state = self.lstm(embedded, state)
            previous = self.output(out.squeeze(1))
            steps.append(previous)
        return torch.stack(steps, dim=1)

    def teacher_forced(self, latent: Tensor, condition: Tensor, previous: Tensor) -> Tensor:
        """Decode with the true previous outputs `previous` (N, T, D) as inputs, in one pass instead of T."""
        context = torch.cat([latent, condition], dim=-1)
        repeated = context.unsqueeze(1).expand(-1, previous.size(1), -1)
        embedded = self.input_proj(torch.cat([previous, repeated], dim=-1))
        out, _ = self.lstm(embedded, self._start(context))
        return cast(Tensor, self.output(out))


def build(spec: GeneratorSpec) -> nn.Module:
    """Build the untrained generator `spec` describes, with PyTorch's own initialisation."""
    match spec.architecture:
        case Architecture.LSTM:
            plain = LstmGenerator(spec)
            network: nn.Module = TimedLstmGenerator(plain, _time_weights(plain)) if spec.time_input else plain
        case Architecture.TCN:
            network = TcnGenerator(spec)
        case Architecture.SEQ2SEQ:
            network = Seq2SeqGenerator(spec)
    if spec.spectral_norm and isinstance(network, TcnGenerator):
        for module in list(network.modules()):
            if isinstance(module, nn.Linear | nn.Conv1d):
                nn.utils.spectral_norm(module)
    return network


def with_time_input(network: nn.Module, generator: torch.Generator) -> TimedLstmGenerator:
    """Return `network`, an `LstmGenerator`, with the time as one more input and its other weights unchanged."""
    assert isinstance(network, LstmGenerator)
    return TimedLstmGenerator(network, _time_weights(network, generator))


def _time_weights(plain: LstmGenerator, generator: torch.Generator | None = None) -> Tensor:
    """Return PyTorch's own start of an LSTM's weights for one more input, (4H, 1)."""
    hidden = plain.pre.out_features
    return torch.empty(4 * hidden, 1).uniform_(-(hidden**-0.5), hidden**-0.5, generator=generator)


def slow_gates(network: nn.Module, longest: int, generator: torch.Generator) -> None:
    """Start every LSTM's gates slow, for memories of up to `longest` steps, in place.

    Chrono initialisation (Tallec and Ollivier 2018, "Can recurrent neural networks warp time?"): forget-gate biases
    log U(1, T - 1), input-gate biases their negative.
    """
    with torch.no_grad():
        for module in network.modules():
            if not isinstance(module, nn.LSTM):
                continue
            hidden = module.hidden_size
            for layer in range(module.num_layers):
                bias_ih, bias_hh = getattr(module, f"bias_ih_l{layer}"), getattr(module, f"bias_hh_l{layer}")
                forget = torch.log(torch.empty(hidden).uniform_(1.0, max(2.0, longest - 1.0), generator=generator))
                bias_ih[: 2 * hidden] = torch.cat([-forget, forget])  # PyTorch's gate order: input, forget, cell, output
                bias_hh[: 2 * hidden] = 0.0
