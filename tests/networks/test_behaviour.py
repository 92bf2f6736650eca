"""Experiments with generators whose answer is known by how they are built."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from humouse_doctor.networks.behaviour import (
    experiment,
    live_shares,
    neighbour_effect,
    saturated_inputs,
    silent_layers,
    taught_code_share,
    training_effect,
)
from humouse_doctor.networks.identify import weight_facts
from humouse_doctor.networks.sampling import Sampler, draw, first_pass

_STEPS, _LATENT = 6, 3


class _Recurrent(nn.Module):
    """A layer that takes its latent at every step, with or without the batch as its first axis."""

    def __init__(
        self, batch_first: bool, gain: float = 1.0, kind: type[nn.LSTM] | type[nn.GRU] | type[nn.RNN] = nn.LSTM
    ) -> None:
        super().__init__()
        self.gain = gain
        self.layer = kind(_LATENT, 4, batch_first=batch_first)
        self.last = nn.Linear(4, 2)

    def forward(self, latent: Tensor) -> Tensor:
        repeated = latent.unsqueeze(1).expand(-1, _STEPS, -1) * self.gain
        answer: Tensor = self.last(self.layer(repeated)[0])
        return answer


class _Normed(nn.Module):
    """Batch norms that may keep running statistics."""

    def __init__(self, keeps: bool) -> None:
        super().__init__()
        self.first = nn.Linear(_LATENT, _STEPS * 2)
        self.norm = nn.BatchNorm1d(_STEPS * 2, track_running_stats=keeps)

    def forward(self, latent: Tensor) -> Tensor:
        answer: Tensor = self.norm(self.first(latent)).view(-1, _STEPS, 2)
        return answer


class _Noisy(nn.Module):
    """Noise of its own at every step."""

    def forward(self, latent: Tensor) -> Tensor:
        return latent[:, None, :2] + torch.randn(len(latent), _STEPS, 2)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("network", "mixes"),
    [
        (_Recurrent(batch_first=True), False),
        (_Recurrent(batch_first=False), True),
        (_Normed(keeps=True), False),
        (_Normed(keeps=False), True),
        (_Noisy(), False),
    ],
    ids=["batch first", "batch for time", "running statistics", "statistics of the batch", "noise"],
)
def test_only_generators_that_mix_a_batch_change_with_neighbours(network: nn.Module, mixes: bool) -> None:
    effect = neighbour_effect(Sampler(network, _LATENT, 0), None, seed=0)
    assert effect is not None
    assert effect > 0.01 if mixes else effect < 1e-5


def test_noise_of_its_own_is_no_training_mode_and_dropout_is() -> None:
    with torch.no_grad():
        assert training_effect(Sampler(_Noisy().train(), _LATENT, 0), None, seed=0) == 0.0
        dropped = nn.Sequential(_Normed(keeps=True), nn.Dropout(0.5))
        assert training_effect(Sampler(dropped.train(), _LATENT, 0), None, seed=0) > 0.1
        assert training_effect(Sampler(dropped.eval(), _LATENT, 0), None, seed=0) == 0.0


def test_sequences_that_are_all_the_same_tell_nothing() -> None:
    network = _Recurrent(batch_first=True, gain=0.0)
    assert neighbour_effect(Sampler(network, _LATENT, 0), None, seed=0) is None


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_unscaled_inputs_saturate(kind: type[nn.LSTM] | type[nn.GRU] | type[nn.RNN]) -> None:
    shares = []
    for gain in (1.0, 1e4):
        network = _Recurrent(True, gain, kind)
        drawn = draw(Sampler(network, _LATENT, 0), None, 32, seed=0)
        assert drawn.rnn_input is not None
        shares.append(saturated_inputs([network.layer], drawn.rnn_input))
    assert shares[0] is not None
    assert shares[0] < 0.05
    assert shares[1] is not None
    assert shares[1] > 0.99


def test_gates_agree_with_a_slow_twin() -> None:
    """Each gate in its own loop, from the documented order of torch's gates: input, forget, candidate, output."""
    layer = nn.LSTM(2, 3, batch_first=True)
    values = np.random.default_rng(0).normal(0, 6, (4, 5, 2)).astype(np.float32)
    weights = layer.state_dict()
    weight, bias = weights["weight_ih_l0"].tolist(), (weights["bias_ih_l0"] + weights["bias_hh_l0"]).tolist()
    saturated, total = 0, 0
    for vector in values.reshape(-1, 2).tolist():
        for unit in range(3):
            candidate, output = (
                bias[row] + sum(a * b for a, b in zip(weight[row], vector, strict=True)) for row in (6 + unit, 9 + unit)
            )
            saturated += abs(math.tanh(candidate)) > 0.99
            saturated += not 0.01 < 1 / (1 + math.exp(-output)) < 0.99
            total += 2
    found = saturated_inputs([layer], values)
    assert found == pytest.approx(saturated / total, abs=1.5 / total)
    assert 0.1 < saturated / total < 0.9


def test_slow_gates_are_not_saturated_ones() -> None:
    network = _Recurrent(True)
    bias = network.layer.state_dict()["bias_ih_l0"]
    bias[:4], bias[4:8] = -6.0, 6.0  # input and forget gates
    drawn = draw(Sampler(network, _LATENT, 0), None, 32, seed=0)
    assert drawn.rnn_input is not None
    assert saturated_inputs([network.layer], drawn.rnn_input) == 0.0


def test_a_network_without_a_recurrent_layer_has_no_gates() -> None:
    found = experiment(Sampler(_Normed(keeps=True), _LATENT, 0), None, None, seed=0)
    assert found.saturated_inputs is None
    assert saturated_inputs([], np.zeros((2, 3, _LATENT))) is None


def test_norms_are_stale_if_they_were_trained_without_their_statistics() -> None:
    network = _Normed(keeps=True)
    assert (weight_facts(network, network.state_dict()).norms, weight_facts(network, network.state_dict()).stale_norms) == (
        1,
        0,
    )
    network.norm.state_dict()["bias"] += 0.25
    assert weight_facts(network, network.state_dict()).stale_norms == 1
    network.train()(torch.randn(8, _LATENT))
    assert weight_facts(network, network.state_dict()).stale_norms == 0
    without = _Normed(keeps=False)
    assert weight_facts(without, without.state_dict()).norms == 0


class _Chain(nn.Module):
    """Linear layers around a ReLU, whose biases are given, and a head."""

    def __init__(self, hidden: float, last: float, head: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.last, self.head = nn.Linear(_LATENT, 8), nn.Linear(8, 2 * _STEPS), head
        nn.init.constant_(self.first.bias, hidden)
        nn.init.constant_(self.last.bias, last)

    def forward(self, latent: Tensor) -> Tensor:
        return self.head(self.last(torch.relu(self.first(latent)))).view(-1, _STEPS, 2)


def _of_one(values: Tensor) -> Tensor:
    return values[..., None].softmax(-1)[..., 0]


@pytest.mark.parametrize(
    ("network", "live", "silent"),
    [
        (_Chain(0.0, 0.0, torch.tanh), 1.0, 0),
        (_Chain(0.0, 9.0, torch.relu), 1.0, 0),
        (_Chain(0.0, -9.0, torch.relu), 0.0, 0),
        (_Chain(0.0, 9.0, lambda values: values.clamp(-1, 1)), 0.0, 0),
        (_Chain(0.0, 0.0, _of_one), 0.0, 0),
        (_Chain(-99.0, 0.0, nn.Identity()), 1.0, 1),
        (_Chain(0.0, 0.0, lambda values: 0 * values), 0.0, 0),
    ],
    ids=["tanh", "relu", "dead relu", "clamp", "softmax of one", "hidden relu", "times zero"],
)
def test_what_is_dead_is_known_by_moving_the_last_layer(network: nn.Module, live: float, silent: int) -> None:
    sampler = Sampler(network, _LATENT, 0)
    first_pass(sampler)

    assert live_shares(sampler, None, seed=0) == (live, live)
    assert silent_layers(sampler, seed=0) == silent


def test_a_head_that_is_off_half_of_the_time_and_a_layer_that_is_not_the_last_are_alive() -> None:
    sampler = Sampler(_Chain(0.0, 0.0, torch.relu), _LATENT, 0)
    assert live_shares(sampler, None, seed=0) is None  # nothing has run it yet
    first_pass(sampler)
    shares = live_shares(sampler, None, seed=0)
    assert shares is not None
    assert all(0.2 < share < 0.95 for share in shares)
    sampler.last = nn.Linear(1, 1)  # not called: nothing moves, and what varies is alive
    assert live_shares(sampler, None, seed=0) == pytest.approx(shares, abs=0.05)


def test_zero_conditions_silence_nothing() -> None:
    class Conditioned(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.condition = nn.Linear(2, 2 * _STEPS)

        def forward(self, latent: Tensor, condition: Tensor) -> Tensor:
            made: Tensor = self.condition(condition).view(-1, _STEPS, 2) + 0 * latent[:, :1, None]
            return made

    assert silent_layers(Sampler(Conditioned(), _LATENT, 2), seed=0) == 0


def test_the_recurrent_layers_are_those_that_are_called_in_their_order() -> None:
    class Autoencoder(nn.Module):
        """Two layers that are called last first, between two that are not called."""

        def __init__(self) -> None:
            super().__init__()
            self.encoder = nn.GRU(2, 4, batch_first=True)
            self.second = nn.GRU(4, 5, batch_first=True)
            self.first = nn.GRU(_LATENT, 4, batch_first=True)
            self.critic = nn.GRU(2, 7, batch_first=True)
            self.last = nn.Linear(5, 2)

        def forward(self, latent: Tensor) -> Tensor:
            made: Tensor = self.last(self.second(self.first(latent[:, None].expand(-1, _STEPS, -1))[0])[0])
            return made

    network = Autoencoder()
    with torch.no_grad():
        for layer, size in ((network.encoder, 0.1), (network.first, 9.0), (network.second, 2.0)):
            layer.get_parameter("weight_hh_l0")[0, 0] = size
    sampler = Sampler(network, _LATENT, 0)
    first_pass(sampler)
    drawn = draw(sampler, None, 3, seed=0)

    assert sampler.recurrent == (network.first, network.second)
    assert drawn.rnn_input is not None
    assert drawn.hidden is not None
    assert (drawn.rnn_input.shape[2], drawn.hidden.shape[2]) == (_LATENT, 5)
    assert experiment(sampler, None, drawn.rnn_input, seed=0).saturated_inputs is not None
    facts = weight_facts(network, network.state_dict(), called=sampler.recurrent)
    assert facts.least_recurrent == pytest.approx(2 * 5**0.5)


class _Taught(nn.Module):
    """A decoder that repeats the step before and adds a share of the code; with `ahead`, it takes the next step."""

    def __init__(self, code: float, ahead: bool = False) -> None:
        super().__init__()
        self.code, self.ahead = code, ahead

    def forward(self, latent: Tensor, targets: Tensor | None = None) -> Tensor:
        added = self.code * latent[:, None, :2].expand(-1, _STEPS, -1)
        if targets is None:
            return added
        return added + (targets.roll(-1, 1) if self.ahead else torch.cat([targets[:, :1], targets[:, :-1]], dim=1))


class _Longer(_Taught):
    def forward(self, latent: Tensor, target_len: int | None = None) -> Tensor:  # type: ignore[override]  # another argument
        return super().forward(latent)


def test_what_a_code_says_beside_the_true_past_is_measured_by_the_step() -> None:
    walks = torch.randn(64, 1, 2) + 0.1 * torch.randn(64, _STEPS, 2).cumsum(dim=1)
    step = float(walks.diff(dim=1).square().mean().sqrt())

    def share(network: nn.Module) -> float | None:
        return taught_code_share(Sampler(network, _LATENT, 0), walks.double().numpy(), seed=0)

    assert share(_Taught(0.0)) == 0.0
    assert share(_Taught(0.1)) == pytest.approx(0.1 * 2**0.5 / step, rel=0.2)
    assert share(_Taught(0.0, ahead=True)) is None
    assert share(_Taught(9.0)) is None  # it does not make the targets
    assert share(_Longer(0.0)) is None
    assert share(_Noisy()) is None
