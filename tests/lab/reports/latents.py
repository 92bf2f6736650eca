"""Reports whose cause is the code: a KL term, a prior that is not that of the codes, too few numbers."""

from __future__ import annotations

import torch
from torch import nn

from tests.lab.reports.report import Made, Report
from tests.lab.reports.twins import BATCH, CODE, Autoregressive, Dense, Queries, codes_of, fit, settings, start, tracks

_LR = 3e-3


def _variational(
    encoder: nn.Module, decode: nn.Module, data: torch.Tensor, *, kl_weight: float, steps: int, taught: bool = False
) -> None:
    """Train a variational autoencoder with the mean squared error and `kl_weight` on the KL term, summed over the code."""
    optimiser = torch.optim.Adam([*encoder.parameters(), *decode.parameters()], lr=_LR)
    for _ in range(steps):
        batch = data[torch.randint(len(data), (BATCH,))]
        mean, log_variance = encoder(batch.flatten(1)).chunk(2, -1)
        code = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        made = decode(code, batch) if taught else decode(code)
        kl = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(-1).mean()
        optimiser.zero_grad()
        ((made - batch).square().mean() + kl_weight * kl).backward()
        optimiser.step()
    decode.eval()


def _encoder(width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, 2 * CODE))


def kl_summed(sick: bool) -> Made:
    start()
    data, steps = tracks(), 600
    weight = 1.0 if sick else 1 / data[0].numel()
    decoder = Dense()
    _variational(_encoder(data[0].numel()), decoder, data, kl_weight=weight, steps=steps)
    return Made(generator=decoder, targets=data, latent_dim=CODE, settings=settings(_LR, steps, weight))


def kl_weight(sick: bool) -> Made:
    start()
    data, steps, weight = tracks(), 400, 1.0 if sick else 1e-3
    decoder = Queries()
    _variational(_encoder(data[0].numel()), decoder, data, kl_weight=weight, steps=steps)
    return Made(generator=decoder, targets=data, latent_dim=CODE, settings=settings(_LR, steps, weight))


def kl_strong_decoder(sick: bool) -> Made:
    """Healed, the decoder is no longer taught with the truth, at the same weight."""
    start()
    data, steps = tracks(), 400
    weight = 1 / data[0].numel()
    decoder = Autoregressive()
    _variational(_encoder(data[0].numel()), decoder, data, kl_weight=weight, steps=steps, taught=sick)
    return Made(generator=decoder, targets=data, latent_dim=CODE, settings=settings(_LR, steps, weight))


class _Wide(nn.Module):
    """An encoder whose means are wide, as those of autoencoders with hardly any KL term become in longer training."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = _encoder(width)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        mean, log_variance = self.inner(values).chunk(2, -1)
        return torch.cat([15 * mean, log_variance - 4], -1)


def codes_off_prior(sick: bool) -> Made:
    start()
    data, steps = tracks(), 600
    weight = 1e-6 if sick else 1 / data[0].numel()
    decoder = Dense()
    _variational(_Wide(data[0].numel()), decoder, data, kl_weight=weight, steps=steps)
    return Made(generator=decoder, targets=data, latent_dim=CODE, settings=settings(_LR, steps, weight))


def one_number(sick: bool) -> Made:
    start()
    data, steps, size = tracks(), 500, 1 if sick else CODE
    generator = Dense(code=size)
    fit(generator, codes_of(data, size), data, steps=steps, lr=_LR)
    return Made(generator=generator, targets=data, latent_dim=size, settings=settings(_LR, steps))


REPORTS = (
    Report(
        name="kl-weight",
        source="https://github.com/Mathux/ACTOR/issues/5",
        cause="the weight of the KL term is far too high",
        expected=("HD214",),
        make=kl_weight,
        known=True,
    ),
    Report(
        name="kl-summed",
        source="https://github.com/keras-team/keras/pull/3383",
        cause="the reconstruction is averaged over all values and the KL term is not, so that it outweighs it",
        expected=("HD214",),
        make=kl_summed,
    ),
    Report(
        name="kl-strong-decoder",
        source="https://github.com/jxhe/vae-lagging-encoder/issues/5",
        cause="a decoder that sees the true past does without the code: the posterior collapses",
        expected=("HD214",),
        make=kl_strong_decoder,
    ),
    Report(
        name="codes-off-prior",
        source="https://github.com/CompVis/latent-diffusion/issues/187",
        cause="with hardly any KL term the codes are far from the N(0, 1) that samples are drawn from",
        expected=("HD220",),
        make=codes_off_prior,
    ),
    Report(
        name="one-number",
        source="https://github.com/IDEALLab/bezier-gan/issues/15",
        cause="the latent has too few dimensions for the variety of the curves",
        expected=("HD213",),
        make=one_number,
    ),
)
