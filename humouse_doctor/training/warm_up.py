"""A short warm-up by reconstruction, as in humouse, for `demo`, the examples and `verify`.

For `lstm` and `tcn` an LSTM encoder, discarded afterwards, maps each target to a latent. The latent may be whitened by its
batch and noised. The loss is the L1 between generator and target. `seq2seq` samples its latent, adds a KL term and is
teacher-forced. In the pretrainer a table with one latent per sequence replaces the encoder.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.cost import memory_asked
from humouse_doctor.core.space import Space
from humouse_doctor.core.spec import Architecture, GeneratorSpec
from humouse_doctor.networks.adam import Adam
from humouse_doctor.networks.architectures import Seq2SeqGenerator, build, slow_gates, with_time_input
from humouse_doctor.networks.numerics import denormals_flushed, one_thread, seeded
from humouse_doctor.networks.output_layer import scale_output
from humouse_doctor.networks.spaces import z_scored_sum

#: The default width of humouse's encoder (`training.warmup_encoder_hidden_dim`).
ENCODER_HIDDEN = 128
#: The default weight of the KL term (`training.warmup_kl_weight`).
KL_WEIGHT = 0.1

#: A callback after every step, with its number, from 1, and its loss; it returns True to end the training.
Tick = Callable[[int, float], object]
#: A callback after every step, with a function that returns a copy of the generator as it would be if the training ended there.
Look = Callable[[Callable[[], "Trained"]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUp:
    """The parameters of one warm-up.

    `learning_rate` and `betas` are Adam's; `noise_std` is in units of the latent; `steps` counts optimiser steps. With
    `summed`, the loss compares z-scored positions of that space with the sum of the output. The output is then in stds of
    the positions while it is trained, and the output layer takes the stds over at the end.
    Two warm-ups with one seed start from equal weights where their shapes agree, and use the same batches, on any `device`.
    """

    spec: GeneratorSpec
    steps: int
    batch_size: int
    learning_rate: float
    betas: tuple[float, float] = (0.5, 0.999)
    whiten: bool = False
    noise_std: float = 0.0
    latent_table: bool = False
    slow_gates: bool = False
    time_input: bool = False
    encoder_hidden: int = ENCODER_HIDDEN
    kl_weight: float = KL_WEIGHT
    summed: Space | None = None
    seed: int = 0
    device: str = "cpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A generator after its warm-up, with the loss of every step, (steps,)."""

    network: nn.Module
    losses: FloatArray


class _Encoder(nn.Module):
    """An encoder, (N, T, D) -> (N, K): the projected last state of an LSTM."""

    def __init__(self, channels: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(channels, hidden, batch_first=True)
        self.project = nn.Linear(hidden, outputs)

    def forward(self, targets: Tensor) -> Tensor:
        _, (hidden, _) = self.lstm(targets)
        projected: Tensor = self.project(hidden[-1])
        return projected


def train(
    warm_up: WarmUp,
    targets: FloatArray,
    conditions: FloatArray | None = None,
    tick: Tick | None = None,
    look: Look | None = None,
) -> Trained:
    """Warm up a new generator on `targets` (N, T, D), in the space of the loss.

    `conditions` is (N, C), zeros by default. `tick(step, loss)` is called after every step and ends the training if it
    returns True; before it `look` is called. The caller's random state does not change.
    """
    device = torch.device(warm_up.device)
    with memory_asked("the warm-up"), one_thread(), seeded(warm_up.seed, device), denormals_flushed():
        return _train(warm_up, targets, conditions, tick, look, device)


def _train(
    warm_up: WarmUp,
    targets: FloatArray,
    conditions: FloatArray | None,
    tick: Tick | None,
    look: Look | None,
    device: torch.device,
) -> Trained:
    spec = warm_up.spec
    network = build(spec)
    own = torch.Generator().manual_seed(warm_up.seed)  # for draws that only one of two paired warm-ups makes
    if warm_up.time_input:
        network = with_time_input(network, own)
    if warm_up.slow_gates:
        slow_gates(network, spec.target_len, own)
    sequences = torch.from_numpy(np.ascontiguousarray(targets, dtype=np.float32))  # (N, T, D)
    given = torch.zeros(len(sequences), spec.condition_dim)
    if conditions is not None:
        given = torch.from_numpy(np.ascontiguousarray(conditions, dtype=np.float32))
    variational = spec.architecture is Architecture.SEQ2SEQ
    source: nn.Module
    if warm_up.latent_table:
        source = nn.Embedding(len(sequences), spec.latent_dim)
    else:
        source = _Encoder(sequences.size(-1), warm_up.encoder_hidden, spec.latent_dim * (2 if variational else 1))
    network, source = network.to(device), source.to(device)  # built on the CPU, so that they start equal on any device
    sequences, given = sequences.to(device), given.to(device)
    trained = [*network.parameters(), *source.parameters()]
    optimiser = Adam(trained, learning_rate=warm_up.learning_rate, betas=warm_up.betas)
    network.train()
    losses = []
    for step, rows in enumerate(_batches(len(sequences), warm_up.batch_size, warm_up.steps)):
        rows = rows.to(device)
        batch, condition = sequences[rows], given[rows]
        code: Tensor = source(rows if warm_up.latent_table else batch)
        if variational:
            loss = _variational_loss(network, code, condition, batch, warm_up.kl_weight)
        else:
            output = network(_distort(code, warm_up, own), condition)
            loss = nn.functional.l1_loss(output if warm_up.summed is None else z_scored_sum(warm_up.summed, output), batch)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves Tensor.backward unannotated
        optimiser.step()
        losses.append(loss.item())
        if look is not None:
            with torch.random.fork_rng(devices=[]):
                look(lambda: _ended(warm_up, copy.deepcopy(network), losses))
        if tick is not None and tick(step + 1, losses[-1]):
            break
    return _ended(warm_up, network, losses)


def _ended(warm_up: WarmUp, network: nn.Module, losses: Sequence[float]) -> Trained:
    """Return the generator as the warm-up leaves it behind, on the CPU; the network itself is changed."""
    network = network.cpu()
    if warm_up.summed is not None and warm_up.summed.position_std is not None:
        scale_output(network, warm_up.summed.position_std)
    network.eval()
    return Trained(network=network, losses=np.asarray(losses))


def _batches(count: int, batch_size: int, steps: int) -> Iterator[Tensor]:
    """Yield the indices of `steps` batches, with every sequence once per epoch and a new order in each."""
    left: Tensor = torch.empty(0, dtype=torch.long)
    for _ in range(steps):
        if len(left) == 0:
            left = torch.randperm(count)
        yield left[:batch_size]
        left = left[batch_size:]


def _distort(code: Tensor, warm_up: WarmUp, generator: torch.Generator) -> Tensor:
    """Whiten by the batch's own mean and std, then add noise, each if configured: (N, Z) -> (N, Z)."""
    if warm_up.whiten and len(code) > 1:
        code = (code - code.mean(dim=0)) / code.std(dim=0).clamp_min(1e-6)
    if warm_up.noise_std > 0:
        code = code + torch.randn(code.shape, generator=generator).to(code.device) * warm_up.noise_std
    return code


def _variational_loss(network: nn.Module, code: Tensor, condition: Tensor, batch: Tensor, kl_weight: float) -> Tensor:
    """Return the L1 of the teacher-forced decoding plus the weighted KL to N(0, I).

    As in humouse, the decoder's input at step t is the target of step t itself, not that of t - 1.
    """
    assert isinstance(network, Seq2SeqGenerator)
    mean, log_var = code.chunk(2, dim=-1)
    latent = mean + torch.randn(mean.shape).to(mean.device) * torch.exp(0.5 * log_var)
    decoded = network.teacher_forced(latent, condition, batch)
    divergence = -0.5 * (1 + log_var - mean.square() - log_var.exp()).sum(dim=1).mean()
    return nn.functional.l1_loss(decoded, batch) + kl_weight * divergence
