"""Reports whose cause is the last layer."""

from __future__ import annotations

import torch
from torch import nn

from tests.lab.reports.report import Made, Report
from tests.lab.reports.twins import CODE, Recurrent, codes_of, fit, settings, start, tracks

_LR, _STEPS = 5e-3, 300


def _trained(generator: nn.Module, data: torch.Tensor, lr: float = _LR) -> Made:
    fit(generator, codes_of(data), data, steps=_STEPS, lr=lr)
    return Made(generator=generator, targets=data, latent_dim=CODE, settings=settings(lr, _STEPS))


def dead_relu(sick: bool) -> Made:
    """An unlucky start is made certain: every pre-activation of the head is below 0."""
    start()
    generator = Recurrent(nn.LSTM, head=nn.ReLU() if sick else None)
    nn.init.constant_(generator.last.bias, -1.0)
    return _trained(generator, tracks() + 3, lr=1e-2)


def sigmoid_above_one(sick: bool) -> Made:
    start()
    data = 0.6 * tracks() + 4.5
    if not sick:
        least, most = data.amin((0, 1)), data.amax((0, 1))
        data = (data - least) / (most - least)
    return _trained(Recurrent(head=nn.Sigmoid()), data)


class _StateOut(nn.Module):
    """The last recurrent layer's state is the output."""

    def __init__(self) -> None:
        super().__init__()
        self.body = Recurrent(nn.LSTM, out=8)
        self.state = nn.LSTM(8, 2, batch_first=True)

    def forward(self, code: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.state(self.body(code))[0]
        return made


def state_as_output(sick: bool) -> Made:
    start()
    return _trained(_StateOut() if sick else Recurrent(nn.LSTM), 8 * tracks())


class _SoftmaxOfOne(nn.Module):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values[..., None].softmax(-1)[..., 0]


def softmax_of_one(sick: bool) -> Made:
    start()
    return _trained(Recurrent(nn.LSTM, head=_SoftmaxOfOne() if sick else None), 0.2 * tracks() + 0.5)


REPORTS = (
    Report(
        name="dead-relu",
        source="https://github.com/ProteomicsML/ProteomicsML/pull/203",
        cause="a ReLU after the last layer is below 0 for every input, so no gradient passes it",
        expected=("HD201",),
        make=dead_relu,
    ),
    Report(
        name="sigmoid-above-one",
        source="https://github.com/BrainJS/brain.js/issues/518",
        cause="a sigmoid at the output, and targets above 1",
        expected=("HD201",),
        make=sigmoid_above_one,
    ),
    Report(
        name="state-as-output",
        source="https://github.com/nicodjimenez/lstm/issues/37",
        cause="the LSTM's own state, which lies within -1 and 1, is the output; a linear layer after it heals",
        expected=("HD201",),
        make=state_as_output,
    ),
    Report(
        name="softmax-of-one",
        source="https://github.com/keras-team/keras/issues/500",
        cause="a softmax over a single number is always 1",
        expected=("HD201",),
        make=softmax_of_one,
    ),
)
