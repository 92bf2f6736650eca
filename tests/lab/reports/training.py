"""Reports whose cause is the training loop, or the loading of what it made."""

from __future__ import annotations

import copy

import torch
from torch import nn

from tests.lab.reports.report import Made, Report
from tests.lab.reports.twins import CODE, STEPS, Autoregressive, Queries, Recurrent, codes_of, fit, settings, start, tracks

_LR, _STEPS = 5e-3, 300


def decay(sick: bool) -> Made:
    start()
    data, model = tracks(), Recurrent()
    optimiser = torch.optim.Adam(model.parameters(), lr=_LR, weight_decay=0.5 if sick else 5e-4)
    fit(model, codes_of(data), data, steps=_STEPS, lr=_LR, optimiser=optimiser)
    return Made(generator=model, targets=data, latent_dim=CODE, settings=settings(_LR, _STEPS))


def lagging_average(sick: bool) -> Made:
    """The file holds the averaged weights; healed, they follow within the steps there are."""
    start()
    data, model = tracks(), Recurrent()
    average = copy.deepcopy(model)

    def follow() -> None:
        with torch.no_grad():
            for mean, value in zip(average.parameters(), model.parameters(), strict=True):
                mean.lerp_(value, 1e-4 if sick else 0.03)

    fit(model, codes_of(data), data, steps=_STEPS, lr=_LR, after=follow)
    return Made(generator=average.eval(), targets=data, latent_dim=CODE, settings=settings(_LR, _STEPS))


def unmatched_keys(sick: bool) -> Made:
    """The recurrent layer's tensors have other names in the file, and loading is not strict."""
    start()
    data, model, loaded = tracks(), Recurrent(), Recurrent()
    fit(model, codes_of(data), data, steps=_STEPS, lr=_LR)
    tensors = {name.replace("rnn.", "core." if sick else "rnn."): value for name, value in model.state_dict().items()}
    loaded.load_state_dict(tensors, strict=False)
    return Made(generator=loaded.eval(), targets=data, latent_dim=CODE, settings=settings(_LR, _STEPS))


def few_epochs(sick: bool) -> Made:
    start()
    data, model, steps, lr = tracks(), Recurrent(), 16 if sick else 480, 3e-3
    fit(model, codes_of(data), data, steps=steps, lr=lr)
    return Made(generator=model, targets=data, latent_dim=CODE, settings=settings(lr, steps))


def rate_transformer(sick: bool) -> Made:
    start()
    data, model, lr, steps = tracks(), Queries(), 0.1 if sick else 1e-3, 300
    fit(model, codes_of(data), data, steps=steps, lr=lr)
    return Made(generator=model, targets=data, latent_dim=CODE, settings=settings(lr, steps))


def rate_plain(sick: bool) -> Made:
    start()
    data, model, lr, steps = tracks(), Recurrent(nn.RNN), 0.5 if sick else 0.05, 400
    optimiser = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    fit(model, codes_of(data), data, steps=steps, lr=lr, optimiser=optimiser)
    return Made(generator=model, targets=data, latent_dim=CODE, settings=settings(lr, steps))


def rate_second_order(sick: bool) -> Made:
    """LBFGS on all sequences at once: sines that a network feeds back to itself."""
    start()
    phase, time = torch.rand(96, 1) * 2 * torch.pi, torch.arange(STEPS)[None] / 4
    data = torch.stack([torch.sin(time + phase), torch.cos(time + phase)], -1)
    codes = torch.cat([2**0.5 * torch.sin(phase), 2**0.5 * torch.cos(phase), torch.randn(96, CODE - 2)], -1)
    model, lr, steps = Autoregressive(), 1.0 if sick else 0.1, 12
    optimiser = torch.optim.LBFGS(model.parameters(), lr=lr)

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss: torch.Tensor = (model(codes) - data).square().mean()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    for _ in range(steps):
        optimiser.step(closure)  # type: ignore[no-untyped-call]
    return Made(generator=model.eval(), targets=data, latent_dim=CODE, settings=settings(lr, 20 * steps))


def exploding(sick: bool) -> Made:
    start()
    data, lr, steps = tracks(96), 0.02, 400
    model = Recurrent(nn.RNN, steps=96, nonlinearity="relu")
    nn.init.eye_(model.rnn.weight_hh_l0)  # type: ignore[arg-type]
    optimiser = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    fit(model, codes_of(data), data, steps=steps, lr=lr, optimiser=optimiser, clip=None if sick else 1.0)
    return Made(generator=model, targets=data, latent_dim=CODE, settings=settings(lr, steps))


def broadcast_loss(sick: bool) -> Made:
    """An axis too many makes the loss compare every sequence with every target of the batch."""
    start()
    data, model = tracks(), Recurrent()

    def loss(made: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        return ((made - wanted[:, None]) if sick else (made - wanted)).square().mean()

    fit(model, codes_of(data), data, steps=_STEPS, lr=_LR, loss=loss)
    return Made(generator=model, targets=data, latent_dim=CODE, settings=settings(_LR, _STEPS))


REPORTS = (
    Report(
        name="decay",
        source="https://github.com/BVLC/caffe/issues/1396",
        cause="a weight decay of 0.5 drives all weights to 0",
        expected=("HD221",),
        make=decay,
    ),
    Report(
        name="lagging-average",
        source="https://github.com/konpatp/diffae/issues/16",
        cause="so few steps leave the averaged weights near their start",
        expected=("HD210", "HD108"),
        make=lagging_average,
    ),
    Report(
        name="unmatched-keys",
        source="https://github.com/hexgrad/kokoro/issues/368",
        cause="tensors of other names are skipped when loading, and their layers stay as they were drawn",
        expected=("HD108", "HD210"),
        make=unmatched_keys,
    ),
    Report(
        name="few-epochs",
        source="https://github.com/bquast/rnn/issues/25",
        cause="far too few epochs: the network has hardly left its start",
        expected=("HD210",),
        make=few_epochs,
    ),
    Report(
        name="rate-transformer",
        source="https://github.com/open-edge-platform/physical-ai-studio/pull/1143",
        cause="a rate ten times that of the reference, without clipping, drives the weights off",
        expected=("HD212",),
        make=rate_transformer,
    ),
    Report(
        name="rate-plain",
        source="https://github.com/cpuheater/pytorch_examples/pull/3",
        cause="the rate of plain gradient steps is too high for a recurrent network, and the loss stays up",
        expected=("HD212",),
        make=rate_plain,
    ),
    Report(
        name="rate-second-order",
        source="https://github.com/pytorch/examples/issues/247",
        cause="the rate of LBFGS is far too high",
        expected=("HD212",),
        make=rate_second_order,
        known=True,
    ),
    Report(
        name="exploding",
        source="https://github.com/Marcovaldong/lstmp.pytorch/issues/2",
        cause="gradients over long sequences explode without clipping, and the weights are no numbers any more",
        expected=("HD108",),
        make=exploding,
    ),
    Report(
        name="broadcast-loss",
        source="https://github.com/jsboige/CoursIA/pull/926",
        cause="shapes that broadcast make the loss compare all pairs of a batch",
        expected=None,
        make=broadcast_loss,
    ),
)
