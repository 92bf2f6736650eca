"""Train by reconstruction, and measure snapshots.

With Adam at a constant rate, the beginning of a run is the shorter run, so one training gives all lengths.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from humouse_doctor.networks.adam import Adam
from humouse_doctor.networks.architectures import Seq2SeqGenerator
from tests.lab.zoo.contexts import Context, Kind
from tests.lab.zoo.genome import Codes, Decay, Genome, Kl, Padding, Space, Statistics, Steps
from tests.lab.zoo.gestures import Floats
from tests.lab.zoo.networks import Encoder, Unconditioned, generator
from tests.lab.zoo.targets import Targets, targets_of
from tests.lab.zoo.truth import Numbers, numbers

#: Raise this with every change of the training; it is part of each run's key.
TRAINER_VERSION = 1
SAMPLES = 512
_BETAS = (0.5, 0.999)
#: Wide codes are as many times those of an encoder as it starts; the weight of the term that brings them to the prior.
_WIDER, _PRIOR_WEIGHT = 50.0, 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A generator at one length, with its encoder's or table's weights and its numbers."""

    steps: Steps
    weights: dict[str, Tensor]
    source: dict[str, Tensor]
    loss: float
    numbers: Numbers


def train(
    context: Context, genome: Genome, raw: Floats, on_step: Callable[[int, nn.Module, float], bool] = lambda *_: True
) -> tuple[Snapshot, ...]:
    """Train one genome on raw gestures (N, T, 3); return a snapshot at each length up to the genome's own.

    After each step `on_step` gets its number, the generator and the loss; the training ends where it returns False.
    It draws from the global random state, and flushes denormals, which zero-padded tails drive activations into.
    """
    torch.set_flush_denormal(True)
    targets = targets_of(context, genome, raw)
    network = generator(context, genome)
    values = torch.from_numpy(targets.values)  # (N, T, D)
    torch.manual_seed(context.seed + 2)
    source = _latents(context, genome, values)
    rate, parameters = context.learning_rate(genome), [*network.parameters(), *source.parameters()]
    optimiser = Adam(parameters, learning_rate=rate, betas=_BETAS)
    noise = torch.Generator().manual_seed(context.seed + 3)
    ends = {context.steps(steps): steps for steps in Steps if steps.rank <= genome.steps.rank}
    snapshots = []
    torch.manual_seed(context.seed + 4)  # dropout draws from the global state
    for step, rows in enumerate(_batches(context, max(ends)), start=1):
        network.train()
        loss = _loss(context, genome, network, source, values, rows, noise, targets)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves Tensor.backward unannotated
        _decay(genome, parameters, rate)
        optimiser.step()
        if step in ends:
            network.eval()
            used = network
            if genome.space is Space.READ:
                used = copy.deepcopy(network)
                _take_scale_over(used, targets)
            if genome.statistics is Statistics.STALE:
                used = copy.deepcopy(network)
                for norm in used.modules():
                    if isinstance(norm, nn.BatchNorm1d):
                        norm.reset_running_stats()
            snapshots.append(
                Snapshot(
                    steps=ends[step],
                    weights=_copied(used),
                    source=_copied(source),
                    loss=loss.item(),
                    numbers=measure(context, genome, used, source, targets),
                )
            )
        if not on_step(step, network, loss.item()):
            break
    return tuple(snapshots)


def _decay(genome: Genome, parameters: Iterable[nn.Parameter], rate: float) -> None:
    """Decay the parameters before a step of Adam, as its `weight_decay` does by the gradient, or AdamW's beside it."""
    decay = float(genome.decay.value)
    if not decay:
        return
    with torch.no_grad():
        for parameter in parameters:
            if genome.decay is Decay.DECOUPLED:
                parameter.mul_(1 - rate * decay)
            elif parameter.grad is not None:
                parameter.grad.add_(parameter, alpha=decay)


def _take_scale_over(network: nn.Module, targets: Targets) -> None:
    """Let the output layer make deltas in pixels, which it made in stds of the positions."""
    own = network.network if isinstance(network, Unconditioned) else network
    layer = own.proj if hasattr(own, "proj") else own.output
    assert isinstance(layer, nn.Linear | nn.Conv1d)
    assert layer.bias is not None
    std = torch.from_numpy(targets.std).float()
    with torch.no_grad():
        layer.weight[:2] *= std.view(2, *[1] * (layer.weight.dim() - 1))
        layer.bias[:2] *= std


def _copied(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def _latents(context: Context, genome: Genome, values: Tensor) -> nn.Module:
    """Return the source of latents in training: an encoder, or a table with one row per sequence."""
    size = context.latent_size(genome)
    if context.kind is Kind.TABLE:
        return nn.Embedding(len(values), size)
    return Encoder(values.size(-1), context.encoder_hidden, 2 * size if context.kind is Kind.SEQ2SEQ else size)


def _batches(context: Context, steps: int) -> Iterator[Tensor]:
    """Yield the indices of `steps` batches: every sequence once per epoch, in a new order each time."""
    random = torch.Generator().manual_seed(context.seed + 5)
    for step in range(steps):
        at = step % context.epoch
        if at == 0:
            order = torch.randperm(context.count, generator=random)
        yield order[at * context.batch : (at + 1) * context.batch]


def _code(context: Context, genome: Genome, source: nn.Module, targets: Targets, rows: Tensor, batch: Tensor) -> Tensor:
    """Return the codes (N, K) of some rows (N,) of the targets, `batch` (N, T, D).

    An encoder does not see what the condition tells, the straight way to where a path ends, nor padding that is left out.
    """
    if context.kind is Kind.TABLE:
        return cast(Tensor, source(rows))
    if genome.condition.channels and targets.absolute:
        batch = batch - batch[:, -1:] * torch.linspace(0, 1, batch.size(1))[:, None]
    if genome.padding is Padding.MASKED:
        return cast(Tensor, source(batch, torch.from_numpy(targets.inside.sum(axis=1) - 1).clamp_min(0)[rows]))
    code = cast(Tensor, source(batch))
    return code if genome.codes is Codes.OWN else _WIDER * code


def _distorted(genome: Genome, code: Tensor, noise: torch.Generator) -> Tensor:
    """Return the latent (N, Z) as the generator gets it in training: optionally whitened by its batch, then noised."""
    if genome.latent.whitens:
        code = (code - code.mean(dim=0)) / code.std(dim=0).clamp_min(1e-6)
    if genome.latent.noise_std > 0:
        code = code + torch.randn(code.shape, generator=noise) * genome.latent.noise_std
    return code


def _sampled(code: Tensor, noise: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return a variational latent (N, Z) from mean and log variance (N, 2 Z), and its mean divergence from N(0, I)."""
    mean, log_var = code.chunk(2, dim=-1)
    latent = mean + torch.randn(mean.shape, generator=noise) * torch.exp(0.5 * log_var)
    return latent, -0.5 * (1 + log_var - mean.square() - log_var.exp()).sum(dim=1).mean()


def _loss(
    context: Context,
    genome: Genome,
    network: nn.Module,
    source: nn.Module,
    values: Tensor,
    rows: Tensor,
    noise: torch.Generator,
    targets: Targets,
) -> Tensor:
    batch = values[rows]
    code = _code(context, genome, source, targets, rows, batch)
    if context.kind is not Kind.SEQ2SEQ:
        condition = torch.from_numpy(targets.conditions)[rows]
        output = network(torch.cat([_distorted(genome, code, noise), condition], dim=-1))
        if genome.space is Space.READ:
            output = output.cumsum(dim=1) - torch.from_numpy(targets.mean / targets.std).float()
        if genome.padding is Padding.MASKED:
            inside = torch.from_numpy(targets.inside)[rows]  # (N, T)
            output, batch = output[inside], batch[inside]
        loss = nn.functional.l1_loss(output, batch)
        if genome.codes is Codes.PRIOR:  # twice the divergence from N(0, I) of a Gaussian like the batch's codes
            spread = torch.cov(code.T)
            loss = loss + _PRIOR_WEIGHT * (code.mean(dim=0).square().sum() + spread.trace() - spread.logdet())
        return loss
    assert isinstance(network, Unconditioned)
    decoder = network.network
    assert isinstance(decoder, Seq2SeqGenerator)
    latent, divergence = _sampled(code, noise)
    # As in humouse, the decoder's input at step t is the target of step t itself.
    decoded = decoder.teacher_forced(latent, latent.new_zeros(len(latent), 0), batch)
    weight = 10.0 if genome.kl is Kl.HEAVY else 0.1
    return nn.functional.l1_loss(decoded, batch) + weight * divergence


def measure(context: Context, genome: Genome, network: nn.Module, source: nn.Module, targets: Targets) -> Numbers:
    """Measure a generator by its reconstructions, as training makes them, and by its own samples.

    seq2seq reconstructs from its own outputs, as it will be used, not from the targets as in training. Where padding was left
    out of the loss, reconstructions count before it alone, and samples end where those of the data do.
    """
    network.eval()
    with torch.no_grad():
        reconstructed = reconstructions(context, genome, network, source, targets)
        generated = samples(context, genome, network, targets)
    as_drawn = targets.sums and targets.absolute  # the loss's own space is not what is used
    if as_drawn:
        reconstructed = targets.drawn(reconstructed)
    wanted, paths = targets.real if as_drawn else targets.values, targets.drawn(generated)
    if genome.padding is Padding.MASKED:
        reconstructed, wanted = reconstructed[targets.inside], wanted[targets.inside]
        paths = _ended(paths, np.resize(targets.inside, paths.shape[:2]))
    return numbers(
        reconstructions=reconstructed,
        targets=wanted,
        generated_paths=paths,
        real_paths=targets.real,
        straight_is_sick=context.sums,
        wild_is_sick=genome.condition.channels > 0,
    )


def _ended(paths: Floats, inside: Floats) -> Floats:
    """Return paths (N, T, 2) that stay where they are from the padding of `inside` (N, T) on."""
    last = np.maximum(inside.sum(axis=1), 1) - 1
    at = np.minimum(np.arange(paths.shape[1]), last[:, None])
    return np.take_along_axis(paths, at[..., None], axis=1)


def reconstructions(context: Context, genome: Genome, network: nn.Module, source: nn.Module, targets: Targets) -> Floats:
    """Return the training targets through the latents that training gives them, batch by batch: (N, T, D)."""
    noise = torch.Generator().manual_seed(context.seed + 6)
    values, conditions = torch.from_numpy(targets.values), torch.from_numpy(targets.conditions)
    parts = []
    for rows in torch.split(torch.arange(len(values)), context.batch):
        code = _code(context, genome, source, targets, rows, values[rows])
        latent = _sampled(code, noise)[0] if context.kind is Kind.SEQ2SEQ else _distorted(genome, code, noise)
        parts.append(network(torch.cat([latent, conditions[rows]], dim=-1)))
    return np.asarray(torch.cat(parts).numpy())


def samples(context: Context, genome: Genome, network: nn.Module, targets: Targets) -> Floats:
    """Return sequences from latents drawn from N(0, I), with the conditions that are given in use: (SAMPLES, T, D)."""
    random = torch.Generator().manual_seed(context.seed + 7)
    latent = torch.randn(SAMPLES, context.latent_size(genome), generator=random)
    given = torch.from_numpy(np.resize(targets.given, (SAMPLES, genome.condition.channels)))
    return np.asarray(network(torch.cat([latent, given], dim=-1)).numpy())
