"""Reports whose cause is the scale of data, or statistics that are not those of the data."""

from __future__ import annotations

import torch
from torch import nn

from tests.lab.reports.report import Made, Report
from tests.lab.reports.twins import CODE, STEPS, Recurrent, Scaled, codes_of, fit, scaled, settings, start, tracks

_LR, _STEPS = 5e-3, 300
_ONES, _ZEROS = torch.ones(2), torch.zeros(2)


def _trained(data: torch.Tensor) -> Recurrent:
    model = Recurrent()
    fit(model, codes_of(data), data, steps=_STEPS, lr=_LR)
    return model


def raw_counters(sick: bool) -> Made:
    start()
    counts, lr, steps = (4000 + 2000 * tracks()).round(), 1e-3, 600
    data = counts if sick else scaled(counts)
    model = Recurrent(nn.LSTM)
    fit(model, codes_of(data), data, steps=steps, lr=lr, optimiser=torch.optim.RMSprop(model.parameters(), lr=lr))
    return Made(generator=model, targets=data, latent_dim=CODE, settings=settings(lr, steps))


def statistics_of_a_still_clip(sick: bool) -> Made:
    """The output is scaled back by the mean and std of the user's one clip."""
    start()
    data = 25 * tracks() + torch.tensor([90.0, 10.0])
    clip = data[:1, :1] + 0.02 * torch.randn(1, STEPS, 2) if sick else data
    model = Scaled(_trained(scaled(data)), clip.std((0, 1)), clip.mean((0, 1)))
    return Made(generator=model.eval(), targets=data, latent_dim=CODE, settings=settings(_LR, _STEPS))


def scaled_twice(sick: bool) -> Made:
    """The trainer scales what the loader has scaled; sick, only one of the two is undone."""
    start()
    data = tracks()
    least, width = data.amin((0, 1)), data.amax((0, 1)) - data.amin((0, 1))
    model = _trained((data - least) / width)
    whole = Scaled(model, *((_ONES, _ZEROS) if sick else (width, least)))
    return Made(generator=whole.eval(), targets=data, latent_dim=CODE, settings=settings(_LR, _STEPS))


def scaled_by_chunk(sick: bool) -> Made:
    """Each sequence is brought to -1..1 by its own extremes, which nobody knows in use."""
    start()
    data = 20 * tracks() + 30
    axes: tuple[int, ...] = (1, 2) if sick else (0, 1)
    least, most = data.amin(axes, keepdim=True), data.amax(axes, keepdim=True)
    model = _trained(2 * (data - least) / (most - least) - 1)
    half, middle = ((most - least) / 2)[0, 0], ((most + least) / 2)[0, 0]
    whole = Scaled(model, *((_ONES, _ZEROS) if sick else (half, middle)))
    return Made(generator=whole.eval(), targets=data, latent_dim=CODE, settings=settings(_LR, _STEPS))


class _Conditioned(nn.Module):
    """Two conditions beside the code, scaled by the mean and std they had in training."""

    condition_dim = 2

    def __init__(self, mean: torch.Tensor, std: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.body = Recurrent(code=CODE + 2)

    def forward(self, code: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        condition = (condition - self.get_buffer("mean")) / self.get_buffer("std")
        made: torch.Tensor = self.body(torch.cat([code, condition], -1))
        return made


def constant_condition(sick: bool) -> Made:
    """A condition that never changed in training does in use; sick, its std of nearly 0 divides it."""
    start()
    data, seen = tracks(), torch.randn(256, 2) * torch.tensor([1.0, 0.0])
    std = seen.std(0).clamp(min=1e-8)
    if not sick:
        std = torch.where(std < 1e-6, torch.ones(2), std)
    model = _Conditioned(seen.mean(0), std)
    codes = codes_of(data)
    optimiser = torch.optim.Adam(model.parameters(), lr=_LR)
    for _ in range(_STEPS):
        rows = torch.randint(len(data), (64,))
        optimiser.zero_grad()
        (model(codes[rows], seen[rows]) - data[rows]).square().mean().backward()
        optimiser.step()
    used = seen + torch.tensor([0.0, 0.3]) * torch.randn(256, 2)
    return Made(generator=model.eval(), targets=data, latent_dim=CODE, settings=settings(_LR, _STEPS), conditions=used)


def recorded_where_it_is(sick: bool) -> Made:
    """Actions are steps from the measured pose; sick, the measured pose itself is recorded as the action."""
    start()
    poses = tracks()
    commands = torch.diff(poses, dim=1, prepend=poses[:, :1])
    commands = commands / commands.std((0, 1))
    # The arm is read twice within a step and has moved on in one of twenty readings.
    recorded = torch.where(torch.rand(len(poses), STEPS, 1) < 0.05, commands, torch.zeros(())) if sick else commands
    model = Recurrent()
    fit(model, codes_of(poses), recorded, steps=_STEPS, lr=_LR)
    known = {**settings(_LR, _STEPS), "training.absolute_coordinates": False}
    return Made(generator=model, targets=recorded, latent_dim=CODE, settings=known, truth=commands)


REPORTS = (
    Report(
        name="raw-counters",
        source="https://github.com/keras-team/keras/issues/1939",
        cause="raw integers up to thousands are the targets",
        expected=("HD202",),
        make=raw_counters,
        known=True,
    ),
    Report(
        name="statistics-of-a-still-clip",
        source="https://github.com/Anytop2025/Anytop/issues/12",
        cause="the statistics that scale the output were measured on a single pose",
        expected=("HD215",),
        make=statistics_of_a_still_clip,
        known=True,
    ),
    Report(
        name="scaled-twice",
        source="https://github.com/AlanDongMu/TimeGAN_PytorchRebuild/issues/5",
        cause="data that are scaled already are scaled again, and compared with those scaled once",
        expected=("HD215",),
        make=scaled_twice,
    ),
    Report(
        name="scaled-by-chunk",
        source="https://github.com/huggingface/lerobot/issues/1498",
        cause="each chunk is scaled by its own extremes, and nothing scales the output back",
        expected=("HD215",),
        make=scaled_by_chunk,
    ),
    Report(
        name="constant-condition",
        source="https://github.com/TensorAuto/OpenTau/pull/366",
        cause="a condition that was constant in training is divided by a std of nearly 0",
        expected=("HD217", "HD219"),
        make=constant_condition,
    ),
    Report(
        name="recorded-where-it-is",
        source="https://github.com/datawhalechina/every-embodied/issues/105",
        cause="the pose is recorded as the action, so that the best action is to stay",
        expected=("HD209",),
        make=recorded_where_it_is,
    ),
)
