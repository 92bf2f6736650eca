from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.space import Space
from humouse_doctor.core.spec import Activation, Architecture, GeneratorSpec
from humouse_doctor.networks.architectures import Seq2SeqGenerator, build
from humouse_doctor.training import warm_up as trial
from humouse_doctor.training.warm_up import WarmUp, train

Z, C, H, T, D, N = 3, 2, 4, 5, 2, 6
RATE, BETAS = 0.01, (0.5, 0.999)


def _warm_up(architecture: Architecture = Architecture.LSTM, **changes: Any) -> WarmUp:
    spec = GeneratorSpec(
        architecture=architecture,
        latent_dim=Z,
        condition_dim=C,
        hidden_dim=H,
        num_layers=1,
        output_dim=D,
        target_len=T,
        activation_xy=Activation.LINEAR,
    )
    plain = WarmUp(spec=spec, steps=1, batch_size=N, learning_rate=RATE, betas=BETAS, encoder_hidden=7, seed=3)
    return replace(plain, **changes)


def _targets(count: int = N) -> FloatArray:
    return np.random.default_rng(0).normal(size=(count, T, D))


def _conditions() -> FloatArray:
    return np.random.default_rng(1).normal(size=(N, C))


class _Twin:
    """The first step of a warm-up, written out statement by statement."""

    def __init__(self, warm_up: WarmUp, targets: FloatArray, conditions: FloatArray | None) -> None:
        torch.manual_seed(warm_up.seed)
        self.network = build(warm_up.spec)
        doubled = warm_up.spec.architecture is Architecture.SEQ2SEQ
        source: list[nn.Module]
        if warm_up.latent_table:
            table = nn.Embedding(N, Z)
            source = [table]
        else:
            lstm, project = nn.LSTM(D, 7, batch_first=True), nn.Linear(7, 2 * Z if doubled else Z)
            source = [lstm, project]
        self.network.train()
        rows = torch.randperm(N)[: warm_up.batch_size]
        batch = torch.from_numpy(targets).float()[rows]
        given = torch.zeros(len(rows), C) if conditions is None else torch.from_numpy(conditions).float()[rows]
        if warm_up.latent_table:
            code = table.weight[rows]
        else:
            states, _ = lstm(batch)
            code = project(states[:, -1])
        self.loss = self._variational(code, given, batch) if doubled else self._plain(warm_up, code, given, batch)
        before = {name: p.detach().clone() for name, p in self.network.named_parameters()}
        self.loss.backward()  # type: ignore[no-untyped-call]
        # Adam's first step with its bias corrections is lr * g / (|g| + 1e-8), whatever the betas.
        self.gradients = {name: p.grad for name, p in self.network.named_parameters() if p.grad is not None}
        self.after = {name: before[name] - RATE * g / (g.abs() + 1e-8) for name, g in self.gradients.items()}
        self.sources_with_gradient = [p.grad is not None for module in source for p in module.parameters()]

    def _plain(self, warm_up: WarmUp, code: Tensor, given: Tensor, batch: Tensor) -> Tensor:
        if warm_up.whiten and len(code) > 1:
            count = len(code)
            mean = code.sum(dim=0) / count
            variance = ((code - mean) ** 2).sum(dim=0) / (count - 1)
            code = (code - mean) / variance.sqrt()
        if warm_up.noise_std > 0:
            own = torch.Generator().manual_seed(warm_up.seed)
            code = code + warm_up.noise_std * torch.randn(code.shape, generator=own)
        loss: Tensor = (self.network(code, given) - batch).abs().mean()
        return loss

    def _variational(self, code: Tensor, given: Tensor, batch: Tensor) -> Tensor:
        assert isinstance(self.network, Seq2SeqGenerator)
        mean, log_var = code[:, :Z], code[:, Z:]
        latent = mean + torch.randn(mean.shape) * log_var.exp().sqrt()
        # One step after the other: each is given its own target, as the trainer does.
        context = torch.cat([latent, given], dim=-1)
        state = (self.network.hidden_init(context).unsqueeze(0), self.network.cell_init(context).unsqueeze(0))
        steps = []
        for step in range(T):
            seen = self.network.input_proj(torch.cat([batch[:, step], context], dim=-1))
            out, state = self.network.lstm(seen.unsqueeze(1), state)
            steps.append(self.network.output(out[:, 0]))
        miss = (torch.stack(steps, dim=1) - batch).abs().mean()
        divergence: Tensor = (0.5 * (mean**2 + log_var.exp() - log_var - 1)).sum(dim=1).mean()
        return miss + 0.1 * divergence


KINDS: dict[str, WarmUp] = {
    "lstm": _warm_up(),
    "lstm, whitened": _warm_up(whiten=True),
    "lstm, noised": _warm_up(noise_std=0.7),
    "lstm, whitened and noised": _warm_up(whiten=True, noise_std=0.7),
    "lstm, a smaller batch": _warm_up(batch_size=4, whiten=True),
    "lstm, a batch of one is not whitened": _warm_up(batch_size=1, whiten=True),
    "lstm, table": _warm_up(latent_table=True),
    "seq2seq": _warm_up(Architecture.SEQ2SEQ),
}


@pytest.mark.parametrize("with_conditions", [False, True])
@pytest.mark.parametrize("kind", list(KINDS))
def test_one_step_is_that_of_a_plain_twin(kind: str, with_conditions: bool) -> None:
    conditions = _conditions() if with_conditions else None
    trained = train(KINDS[kind], _targets(), conditions)
    twin = _Twin(KINDS[kind], _targets(), conditions)
    assert trained.losses.tolist() == pytest.approx([twin.loss.item()], rel=1e-5)
    assert all(twin.sources_with_gradient)
    clear_share = []
    for name, found in trained.network.named_parameters():
        clear = twin.gradients[name].abs() > 1e-6  # of what is all but zero, the sign is chance
        torch.testing.assert_close(found[clear], twin.after[name][clear], atol=1e-4, rtol=0, msg=name)
        clear_share.append(clear.float().mean().item())
    assert np.mean(clear_share) > 0.8


@pytest.mark.parametrize("architecture", list(Architecture))
def test_training_repeats_by_its_seed(architecture: Architecture) -> None:
    warm_up = _warm_up(architecture, steps=3, batch_size=4, noise_std=0.5)
    first, again = train(warm_up, _targets()), train(warm_up, _targets())
    other = train(replace(warm_up, seed=4), _targets())
    np.testing.assert_array_equal(first.losses, again.losses)
    for name, tensor in first.network.state_dict().items():
        assert torch.equal(tensor, again.network.state_dict()[name])
    assert not np.array_equal(first.losses, other.losses)


def test_training_leaves_the_callers_random_numbers() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    train(_warm_up(steps=2, noise_std=1.0, slow_gates=True), _targets())
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("architecture", list(Architecture))
def test_training_brings_the_loss_down(architecture: Architecture) -> None:
    targets = np.repeat(_targets(1), N, axis=0)
    trained = train(_warm_up(architecture, steps=30, learning_rate=0.05), targets)
    assert trained.losses.shape == (30,)
    assert trained.losses[-5:].mean() < 0.7 * trained.losses[:5].mean()


def test_a_trained_network_is_ready_to_evaluate() -> None:
    network = train(_warm_up(Architecture.TCN), _targets()).network
    assert not any(module.training for module in network.modules())


def test_every_step_is_told_with_its_loss() -> None:
    told: list[tuple[int, float]] = []
    trained = train(_warm_up(steps=4), _targets(), tick=lambda step, loss: told.append((step, loss)))
    assert told == list(enumerate(trained.losses.tolist(), start=1))


def _forget_biases(network: nn.Module) -> Tensor:
    return network.get_parameter("lstm_layers.0.bias_ih_l0").detach()[H : 2 * H]


def test_slow_gates_are_where_the_training_starts() -> None:
    still = replace(_warm_up(steps=1, learning_rate=0.0), slow_gates=True)
    biases = train(still, _targets()).network.get_parameter("lstm_layers.0.bias_ih_l0").detach()
    forget = torch.log(torch.empty(H).uniform_(1.0, T - 1.0, generator=torch.Generator().manual_seed(3)))
    torch.testing.assert_close(biases[: 2 * H], torch.cat([-forget, forget]))
    plain = train(replace(still, slow_gates=False), _targets()).network
    assert float(_forget_biases(plain).abs().max()) <= H**-0.5


def test_slow_gates_change_nothing_else_of_the_start() -> None:
    still = _warm_up(steps=1, learning_rate=0.0)
    plain = train(still, _targets()).network.state_dict()
    slow = train(replace(still, slow_gates=True), _targets()).network.state_dict()
    different = [name for name, tensor in plain.items() if not torch.equal(tensor, slow[name])]
    assert different == ["lstm_layers.0.bias_ih_l0", "lstm_layers.0.bias_hh_l0"]


def test_every_sequence_is_seen_once_an_epoch_in_a_new_order() -> None:
    torch.manual_seed(0)
    batches = list(trial._batches(10, 4, 9))
    assert [len(batch) for batch in batches] == [4, 4, 2] * 3
    epochs = [torch.cat(batches[first : first + 3]).tolist() for first in (0, 3, 6)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_whitened_latents_have_no_mean_and_unit_spread() -> None:
    code = torch.randn(50, Z) * torch.tensor([1.0, 20.0, 0.01]) + 5.0
    white = trial._distort(code, _warm_up(whiten=True), torch.Generator())
    torch.testing.assert_close(white.mean(dim=0), torch.zeros(Z), atol=1e-4, rtol=0)
    torch.testing.assert_close(white.std(dim=0), torch.ones(Z), atol=1e-3, rtol=0)
    assert torch.isfinite(trial._distort(torch.ones(4, Z), _warm_up(whiten=True), torch.Generator())).all()


def test_noise_has_the_spread_it_is_given() -> None:
    torch.manual_seed(0)
    noised = trial._distort(torch.full((5000, Z), 3.0), _warm_up(noise_std=0.25), torch.Generator().manual_seed(0))
    torch.testing.assert_close(noised.mean(dim=0), torch.full((Z,), 3.0), atol=0.02, rtol=0)
    torch.testing.assert_close(noised.std(dim=0), torch.full((Z,), 0.25), atol=0.02, rtol=0)
    same = torch.randn(4, Z)
    assert torch.equal(trial._distort(same, _warm_up(), torch.Generator()), same)


def test_a_loss_as_read_is_taken_of_the_sum_of_the_output_and_the_output_layer_takes_the_scale_over() -> None:
    """One step from equal weights: the loss is that of the sum, and the network then makes steps in the data's unit."""
    std, mean = np.array([20.0, 30.0]), np.array([5.0, -5.0])
    space = Space(absolute=True, position_mean=mean, position_std=std)
    warm_up = _warm_up(summed=space, learning_rate=1e-12, noise_std=0.0)
    plain = _warm_up(learning_rate=1e-12)

    summed = train(warm_up, _targets(), _conditions())

    unscaled = train(plain, _targets(), _conditions()).network
    latent, given = torch.zeros(N, Z), torch.zeros(N, C)
    torch.testing.assert_close(
        summed.network(latent, given), unscaled(latent, given) * torch.tensor(std).float(), rtol=1e-5, atol=1e-6
    )
    assert summed.losses[0] != train(plain, _targets(), _conditions()).losses[0]


@pytest.mark.parametrize("summed", [False, True])
@pytest.mark.parametrize("architecture", [Architecture.LSTM, Architecture.SEQ2SEQ])
def test_a_look_shows_the_generator_as_if_it_ended_there_and_changes_nothing(architecture: Architecture, summed: bool) -> None:
    scaled = Space(absolute=True, position_mean=np.zeros(2), position_std=np.array([3.0, 5.0]))
    warm_up = _warm_up(architecture, steps=6, batch_size=4, noise_std=0.5, summed=scaled if summed else None)
    seen: list[trial.Trained] = []

    def look(so_far: Callable[[], trial.Trained]) -> None:
        seen.append(so_far())
        torch.rand(3)  # as a probe may

    looked_at = train(warm_up, _targets(), _conditions(), None, look)

    ended = [train(replace(warm_up, steps=steps), _targets(), _conditions()) for steps in (3, 6)]
    for shown, own in ((seen[2], ended[0]), (seen[5], ended[1]), (looked_at, ended[1])):
        assert shown.losses.tolist() == own.losses.tolist()
        assert not shown.network.training
        for name, tensor in shown.network.state_dict().items():
            torch.testing.assert_close(tensor, own.network.state_dict()[name], rtol=0, atol=0)


_ITEM = Tensor.item


def _item(tensor: Tensor) -> float:
    """Return some number for a tensor of the meta device, which has none."""
    return 0.5 if tensor.is_meta else float(_ITEM(tensor))


class TestDevice:
    """The meta device computes no numbers, but refuses a tensor of the CPU beside its own, as a GPU does."""

    @pytest.mark.parametrize(
        "changes",
        [
            {"whiten": True, "noise_std": 0.5},
            {"time_input": True},
            {"latent_table": True},
            {"architecture": Architecture.TCN},
            {"architecture": Architecture.SEQ2SEQ},
            {"summed": Space(absolute=True, position_mean=np.zeros(2), position_std=np.ones(2))},
        ],
        ids=lambda changes: next(iter(changes)),
    )
    def test_everything_of_a_step_is_on_the_device(self, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]) -> None:
        moved: list[nn.Module] = []
        monkeypatch.setattr(Tensor, "item", _item)

        def moved_back(network: nn.Module) -> nn.Module:
            moved.append(network)
            return network

        monkeypatch.setattr(nn.Module, "cpu", moved_back)
        monkeypatch.setattr(trial, "scale_output", lambda *_: None)
        trained = train(_warm_up(steps=2, device="meta", **changes), _targets())
        assert trained.losses.tolist() == [0.5, 0.5]
        assert {parameter.device.type for parameter in trained.network.parameters()} == {"meta"}
        assert moved == [trained.network]

    def test_a_tensor_left_on_the_cpu_is_noticed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Tensor, "item", _item)
        monkeypatch.setattr(trial, "_distort", lambda code, *_: code + torch.randn(code.shape))
        with pytest.raises(RuntimeError, match="device"):
            train(_warm_up(steps=1, device="meta"), _targets())
