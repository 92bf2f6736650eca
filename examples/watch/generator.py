"""A small generator of paths, for the examples of a watch: `Paths(sick=True)` collapses while it warms up."""

from __future__ import annotations

import torch
from torch import Tensor, nn

LATENT, LENGTH, SEQUENCES, STEPS = 4, 24, 64, 90


class Paths(nn.Module):
    """A latent through an LSTM and a head: (N, Z) -> (N, T, 2).

    The sick one has the same input at every step and a tanh head, and its targets are in pixels. The healthy one gets the time
    as well, and z-scored targets.
    """

    def __init__(self, *, sick: bool) -> None:
        super().__init__()
        self.latent_dim, self.sick = LATENT, sick
        self.lstm = nn.LSTM(LATENT if sick else LATENT + 1, 16, batch_first=True)
        self.head = nn.Linear(16, 2)

    def forward(self, latent: Tensor) -> Tensor:
        steps = latent.unsqueeze(1).expand(-1, LENGTH, -1)  # (N, T, Z)
        if not self.sick:
            time = torch.linspace(-1, 1, LENGTH).view(1, -1, 1).expand(len(latent), -1, 1)
            steps = torch.cat([steps, time], dim=-1)
        output: Tensor = self.head(self.lstm(steps)[0])
        return torch.tanh(output) if self.sick else output


class WarmUp(nn.Module):
    """A generator with a code for each sequence: the index of sequences (N,) -> their reconstructions (N, T, 2)."""

    def __init__(self, *, sick: bool) -> None:
        super().__init__()
        self.generator, self.codes = Paths(sick=sick), nn.Embedding(SEQUENCES, LATENT)

    def forward(self, rows: Tensor) -> Tensor:
        codes: Tensor = self.codes(rows)
        reconstructed: Tensor = self.generator(codes + 0.05 * torch.randn(codes.shape))
        return reconstructed


def targets(*, sick: bool) -> Tensor:
    """Return paths (N, T, 2) that bend: z-scored, or for the sick run in pixels."""
    random = torch.Generator().manual_seed(3)
    ends, bends = torch.randn(2, SEQUENCES, 1, 2, generator=random)
    time = torch.linspace(0, 1, LENGTH).view(1, -1, 1)
    paths = 1.5 * ends * time + 0.8 * bends * torch.sin(torch.pi * time)
    scaled: Tensor = (paths - paths.mean()) / paths.std()
    return 300.0 * scaled if sick else scaled
