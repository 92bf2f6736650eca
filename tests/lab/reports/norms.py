"""Reports whose cause is the batch, or the mode: norms, swapped axes, dropout."""

from __future__ import annotations

import copy

import torch
from torch import nn

from tests.lab.reports.report import Made, Report
from tests.lab.reports.twins import CODE, HIDDEN, Recurrent, codes_of, fit, settings, start, tracks


class _Convolutional(nn.Module):
    """A code to a track of 24 steps by upsampling convolutions with batch norms."""

    def __init__(self, *, tracked: bool = True, small: bool = False) -> None:
        super().__init__()
        self.first = nn.Linear(CODE, 32 * 6)
        blocks: list[nn.Module] = []
        for _ in range(2):
            norm = nn.BatchNorm1d(32, track_running_stats=tracked)
            blocks += [nn.Upsample(scale_factor=2), nn.Conv1d(32, 32, 5, padding=2), norm, nn.ReLU()]
        self.blocks = nn.Sequential(nn.BatchNorm1d(32, track_running_stats=tracked), *blocks)
        self.last = nn.Conv1d(32, 2, 5, padding=2)
        if small:  # as DCGAN starts
            for module in self.modules():
                if isinstance(module, nn.Conv1d | nn.Linear):
                    nn.init.normal_(module.weight, 0.0, 0.02)

    def forward(self, code: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.last(self.blocks(self.first(code).view(-1, 32, 6)))
        return made.transpose(1, 2)


def averaged_without_buffers(sick: bool) -> Made:
    """The averaged copy keeps the buffers of the start; healed, they are copied."""
    start()
    data, lr, steps = tracks(), 2e-3, 400
    model = _Convolutional(small=True)
    average = copy.deepcopy(model)

    def follow() -> None:
        with torch.no_grad():
            for mean, value in zip(average.parameters(), model.parameters(), strict=True):
                mean.lerp_(value, 0.03)

    fit(model, codes_of(data), data, steps=steps, lr=lr, after=follow)
    if not sick:
        for mine, theirs in zip(average.buffers(), model.buffers(), strict=True):
            mine.copy_(theirs)
    return Made(generator=average.eval(), targets=data, latent_dim=CODE, settings=settings(lr, steps))


def statistics_of_the_batch(sick: bool) -> Made:
    start()
    data, lr, steps = tracks(), 2e-3, 400
    model = _Convolutional(tracked=not sick)
    fit(model, codes_of(data), data, steps=steps, lr=lr)
    return Made(generator=model, targets=data, latent_dim=CODE, settings=settings(lr, steps))


def batch_for_time(sick: bool) -> Made:
    start()
    data, lr, steps = tracks(), 5e-3, 500
    model = Recurrent(nn.LSTM, timed=False, batch_first=not sick)
    fit(model, codes_of(data), data, steps=steps, lr=lr)
    return Made(generator=model, targets=data, latent_dim=CODE, settings=settings(lr, steps))


class _Dropped(Recurrent):
    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.5)
        self.middle = nn.Linear(HIDDEN, HIDDEN)

    def forward(self, code: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.last(self.drop(torch.relu(self.middle(self.rnn(self.inputs(code))[0]))))
        return made


def dropout_left_on(sick: bool) -> Made:
    """The weights of both twins are the same; sick, the module is still in training mode."""
    start()
    data, lr, steps = tracks(), 5e-3, 300
    model = _Dropped()
    fit(model, codes_of(data), data, steps=steps, lr=lr)
    return Made(generator=model.train(sick), targets=data, latent_dim=CODE, settings=settings(lr, steps))


REPORTS = (
    Report(
        name="averaged-without-buffers",
        source="https://github.com/odegeasslbc/FastGAN-pytorch/issues/4",
        cause="weights are averaged, the running statistics of the batch norms are not",
        expected=("HD215",),
        make=averaged_without_buffers,
        known=True,
    ),
    Report(
        name="statistics-of-the-batch",
        source="https://github.com/HIPS/neural-fingerprint/issues/7",
        cause="norms take their statistics from whatever else is in the batch, in use too",
        expected=("HD216",),
        make=statistics_of_the_batch,
    ),
    Report(
        name="batch-for-time",
        source="https://github.com/HHTseng/video-classification/issues/42",
        cause="a recurrent layer without batch_first is given the batch first, and runs over the batch",
        expected=("HD216",),
        make=batch_for_time,
    ),
    Report(
        name="dropout-left-on",
        source="https://github.com/pytorch/pytorch/issues/1207",
        cause="the network is used in training mode, so dropout is on",
        expected=("HD010",),
        make=dropout_left_on,
    ),
)
