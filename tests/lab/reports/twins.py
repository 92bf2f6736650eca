"""Small data, networks and training for the rebuilt reports: one core, seconds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from humouse_doctor.core.settings import Value

STEPS, CODE, ROWS, BATCH, HIDDEN = 24, 6, 256, 64, 32
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def start(seed: int = 0) -> None:
    """Use one thread and one seed."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)


def tracks(steps: int = STEPS) -> torch.Tensor:
    """Return (ROWS, steps, 2): bent tracks to a random goal that swing a little, each channel with mean 0 and std 1."""
    random = np.random.default_rng(1)
    time = np.linspace(0, 1, steps)[None]
    goal = random.normal(0, 1, (ROWS, 2))
    bend, swing = random.normal(0, 0.5, (2, ROWS, 2))
    ease = time**2 * (3 - 2 * time)
    parts = (
        goal[:, None] * ease[..., None],
        bend[:, None] * np.sin(np.pi * time)[..., None],
        swing[:, None] * np.sin(2 * np.pi * time)[..., None],
    )
    return scaled(torch.tensor(sum(parts), dtype=torch.float32))


def scaled(data: torch.Tensor) -> torch.Tensor:
    """Return sequences (N, T, D) with mean 0 and std 1 in each channel."""
    return (data - data.mean((0, 1))) / data.std((0, 1))


def codes_of(data: torch.Tensor, size: int = CODE) -> torch.Tensor:
    """Return codes (N, size) of sequences (N, T, D), uncorrelated and with std 1, as a good encoder would give."""
    flat = scaled(data).reshape(len(data), -1)
    left, _, _ = torch.linalg.svd(flat - flat.mean(0), full_matrices=False)
    codes: torch.Tensor = left[:, :size] * len(data) ** 0.5
    return codes


def settings(lr: float, steps: int, kl_weight: float | None = None) -> dict[str, Value]:
    """Return what the user of a run of `steps` knows."""
    epochs = max(1, round(steps * BATCH / ROWS))
    known: dict[str, Value] = {
        "training.lr.generator": lr,
        "training.reconstruction_epochs": epochs,
        "data.batch_size": BATCH,
    }
    return known if kl_weight is None else {**known, "training.warmup_kl_weight": kl_weight}


def squared(made: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    error: torch.Tensor = (made - wanted).square().mean()
    return error


def fit(
    generator: nn.Module,
    codes: torch.Tensor,
    data: torch.Tensor,
    *,
    steps: int,
    lr: float,
    loss: Loss = squared,
    optimiser: torch.optim.Optimizer | None = None,
    after: Callable[[], None] = lambda: None,
    clip: float | None = None,
) -> None:
    """Train generator(codes) towards `data` and leave it in evaluation mode; `after` is called after every step."""
    optimiser = optimiser or torch.optim.Adam(generator.parameters(), lr=lr)
    generator.train()
    for _ in range(steps):
        rows = torch.randint(len(data), (BATCH,))
        optimiser.zero_grad()
        loss(generator(codes[rows]), data[rows]).backward()  # type: ignore[no-untyped-call]
        if clip is not None:
            nn.utils.clip_grad_norm_(generator.parameters(), clip)
        optimiser.step()
        after()
    generator.eval()


class Recurrent(nn.Module):
    """A code, beside it the time where `timed`, through a recurrent layer and a linear one, then a head."""

    def __init__(
        self,
        layer: type[nn.RNNBase] = nn.GRU,
        *,
        code: int = CODE,
        out: int = 2,
        steps: int = STEPS,
        timed: bool = True,
        head: nn.Module | None = None,
        **more: bool | str,
    ) -> None:
        super().__init__()
        more.setdefault("batch_first", True)
        self.register_buffer("time", torch.linspace(-1, 1, steps)[:, None].repeat(1, int(timed)))
        self.rnn = layer(code + int(timed), HIDDEN, **more)  # type: ignore[arg-type]
        self.last = nn.Linear(HIDDEN, out)
        self.head = head or nn.Identity()

    def inputs(self, code: torch.Tensor) -> torch.Tensor:
        """Return (N, T, code + 1) from codes (N, code)."""
        time = self.get_buffer("time")
        return torch.cat([code[:, None].expand(-1, len(time), -1), time.expand(len(code), -1, -1)], -1)

    def forward(self, code: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.head(self.last(self.rnn(self.inputs(code))[0]))
        return made


class Dense(nn.Module):
    """A code to a whole sequence by two linear layers."""

    def __init__(self, *, code: int = CODE, out: int = 2) -> None:
        super().__init__()
        self.out = out
        self.first = nn.Linear(code, 64)
        self.last = nn.Linear(64, STEPS * out)

    def forward(self, code: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.last(torch.relu(self.first(code)))
        return made.view(len(code), STEPS, self.out)


class Autoregressive(nn.Module):
    """A GRU that is fed its own last value, or the true one where it is taught, beside the code."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(2 + CODE, HIDDEN)
        self.last = nn.Linear(HIDDEN, 2)

    def forward(self, code: torch.Tensor, truth: torch.Tensor | None = None) -> torch.Tensor:
        state, value, made = code.new_zeros(len(code), HIDDEN), code.new_zeros(len(code), 2), []
        for step in range(STEPS):
            state = self.cell(torch.cat([value, code], -1), state)
            value = self.last(state)
            made.append(value)
            if truth is not None:
                value = truth[:, step]
        return torch.stack(made, 1)


class Queries(nn.Module):
    """A transformer decoder: one learned query for each step looks at the code."""

    def __init__(self) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.randn(STEPS, 32) * 0.5)
        self.memory = nn.Linear(CODE, 32)
        self.layer = nn.TransformerDecoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.last = nn.Linear(32, 2)

    def forward(self, code: torch.Tensor) -> torch.Tensor:
        memory = self.memory(code)[:, None]
        made: torch.Tensor = self.last(self.layer(self.queries.expand(len(code), -1, -1), memory))
        return made


class Scaled(nn.Module):
    """A generator whose output is scaled and shifted by fixed numbers of each channel."""

    def __init__(self, inner: nn.Module, scale: torch.Tensor, shift: torch.Tensor) -> None:
        super().__init__()
        self.inner = inner
        self.register_buffer("scale", scale)
        self.register_buffer("shift", shift)

    def forward(self, code: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.inner(code) * self.get_buffer("scale") + self.get_buffer("shift")
        return made
