"""Small generators and a warm-up of a second: one that learns, and one that collapses."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

STEPS, LENGTH, LATENT, SEQUENCES = 60, 24, 4, 64


class Plain(nn.Module):
    """A latent, with the time beside it, through an LSTM and a head: (N, Z) -> (N, T, 2)."""

    def __init__(self, *, bounded: bool = False, timed: bool = True, dropout: float = 0.0) -> None:
        super().__init__()
        self.latent_dim, self.bounded, self.timed = LATENT, bounded, timed
        self.lstm = nn.LSTM(LATENT + timed, 16, batch_first=True)
        self.drop, self.head = nn.Dropout(dropout), nn.Linear(16, 2)

    def forward(self, latent: Tensor) -> Tensor:
        states = latent.unsqueeze(1).expand(-1, LENGTH, -1)
        if self.timed:
            time = torch.linspace(-1, 1, LENGTH).view(1, -1, 1).expand(len(latent), -1, 1)
            states = torch.cat([states, time], dim=-1)
        out: Tensor = self.head(self.drop(self.lstm(states)[0]))
        return torch.tanh(out) if self.bounded else out


def targets(scale: float = 1.0) -> Tensor:
    """Paths (N, T, 2) that go somewhere and bend, of unit spread times `scale`."""
    random = torch.Generator().manual_seed(3)
    ends = torch.randn(SEQUENCES, 1, 2, generator=random)
    bends = torch.randn(SEQUENCES, 1, 2, generator=random)
    time = torch.linspace(0, 1, LENGTH).view(1, -1, 1)
    paths = ends * time * 1.5 + bends * torch.sin(time * 3.14159) * 0.8
    return scale * (paths - paths.mean()) / paths.std()


def train(
    network: nn.Module,
    wanted: Tensor,
    *,
    steps: int = STEPS,
    rate: float = 0.03,
    seed: int = 1,
    begin: Callable[[torch.optim.Optimizer], object] = lambda _: None,
) -> list[float]:
    """Train by reconstruction with a table of codes and noise on them; return the losses."""
    torch.manual_seed(seed)
    codes = nn.Embedding(len(wanted), LATENT)
    optimizer = torch.optim.Adam([*network.parameters(), *codes.parameters()], lr=rate)
    begin(optimizer)
    losses = []
    for _ in range(steps):
        noisy = codes.weight + 0.05 * torch.randn(codes.weight.shape)
        loss = (network(noisy) - wanted).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
