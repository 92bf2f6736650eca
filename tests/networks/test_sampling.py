from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from humouse_doctor.core import cost
from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import LatentFit
from humouse_doctor.core.cost import Load, load_of
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.spec import Activation, Architecture, GeneratorSpec, Head, MeasuredHead
from humouse_doctor.networks import sampling
from humouse_doctor.networks.architectures import build
from humouse_doctor.networks.heads import heads_by_behaviour
from humouse_doctor.networks.sampling import Sampler, draw, first_pass, fit_latents, gradients

Z, C, H, T, D = 3, 2, 4, 6, 2


def _spec(architecture: Architecture, **changes: int) -> GeneratorSpec:
    sizes: dict[str, Any] = {
        "latent_dim": Z,
        "condition_dim": C,
        "hidden_dim": H,
        "num_layers": 2,
        "output_dim": D,
        "target_len": T,
    }
    return GeneratorSpec(architecture=architecture, **{**sizes, **changes})


class _Own(nn.Module):
    """A foreign generator; subclasses define the map from latents to (N, T, D)."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.pre = nn.Linear(Z, H)
        self.out = nn.Linear(H, D)

    def steps(self, latents: Tensor) -> Tensor:
        """Return the embedded latent (N, T, H), scaled differently at every step, so that the steps can be recognised."""
        ramp = torch.linspace(0.1, 1.0, T).view(1, T, 1)
        embedded: Tensor = self.pre(latents)
        return embedded.unsqueeze(1) * ramp

    def forward(self, latents: Tensor) -> Tensor:
        return torch.tanh(self.out(self.steps(latents)))


class _Recurrent(_Own):
    """An LSTM or a GRU over all steps, time first or batch first, followed by an in-place tanh."""

    def __init__(self, kind: type[nn.LSTM | nn.GRU], *, batch_first: bool, by_name: bool = False) -> None:
        super().__init__()
        self.rnn = kind(H, H, batch_first=batch_first)
        self.batch_first, self.by_name = batch_first, by_name

    def forward(self, latents: Tensor) -> Tensor:
        given = self.steps(latents)
        if not self.batch_first:
            given = given.transpose(0, 1)
        states, _ = self.rnn(input=given) if self.by_name else self.rnn(given)
        if not self.batch_first:
            states = states.transpose(0, 1)
        return torch.tanh_(self.out(states))


class _Cells(_Own):
    """Two stacked LSTM cells that get their own last output as input."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.LSTMCell(Z + D, H), nn.LSTMCell(H, H)
        self.out = nn.Linear(H, D)

    def forward(self, latents: Tensor, conditions: Tensor) -> Tensor:  # type: ignore[override]
        low = high = (torch.zeros(len(latents), H), torch.zeros(len(latents), H))
        previous, steps = torch.zeros(len(latents), D), []
        for _ in range(T):
            low = self.first(torch.cat([latents, previous], dim=-1), low)
            high = self.second(low[0], high)
            previous = torch.tanh(self.out(high[0]))
            steps.append(previous)
        return torch.stack(steps, dim=1)


class _Transformer(_Own):
    def __init__(self) -> None:
        super().__init__()
        self.block = nn.TransformerEncoderLayer(H, 2, 8, batch_first=True)
        self.head = nn.Linear(H, D)

    def forward(self, latents: Tensor) -> Tensor:
        out: Tensor = self.head(self.block(self.steps(latents)))
        return out


class _Disturbing(_Own):
    """A generator with random noise, dropout, batch statistics and a counter in its forward pass."""

    calls: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.dropout = nn.BatchNorm1d(H), nn.Dropout(0.5)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, latents: Tensor) -> Tensor:
        self.calls += 1
        steps = self.steps(latents) + torch.randn(len(latents), T, H)
        normal = self.norm(steps.transpose(1, 2)).transpose(1, 2)
        return torch.tanh(self.out(self.dropout(normal)))


def _sampler(network: nn.Module, condition_dim: int = 0) -> Sampler:
    return Sampler(network, Z, condition_dim)


def _built(architecture: Architecture, **changes: int) -> Sampler:
    torch.manual_seed(0)
    return Sampler(build(_spec(architecture, **changes)), Z, C)


def _latents(count: int) -> Tensor:
    """Return the latents of a draw with seed 0."""
    return torch.randn(count, Z, generator=torch.Generator().manual_seed(0))


def _heads(sampler: Sampler) -> tuple[Head | None, ...]:
    return heads_by_behaviour(sampler, first_pass(sampler))


def _targets(count: int = 8, steps: int = T, channels: int = D) -> FloatArray:
    return np.random.default_rng(0).normal(size=(count, steps, channels))


@contextmanager
def _nothing_changes(network: nn.Module) -> Iterator[None]:
    network.train()
    first = next(network.parameters())
    first.requires_grad_(False)
    last = list(network.parameters())[-1]
    last.grad = torch.full_like(last, 3.0)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    torch.manual_seed(9)
    random = torch.get_rng_state()
    yield
    assert torch.equal(torch.get_rng_state(), random)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert all(module.training for module in network.modules())
    assert not first.requires_grad
    assert all(p.requires_grad for p in list(network.parameters())[1:])
    assert last.grad is not None
    assert torch.equal(last.grad, torch.full_like(last, 3.0))
    assert all(p.grad is None for p in list(network.parameters())[:-1])
    assert not any(module._forward_hooks for module in network.modules())


ACTIONS: dict[str, Callable[[Sampler], object]] = {
    "draw": lambda sampler: draw(sampler, None, 5, 0),
    "gradients": lambda sampler: gradients(sampler, _targets(), None, 0),
    "fit_latents": lambda sampler: fit_latents(sampler, _targets(), None, steps=3),
    "heads_by_behaviour": lambda sampler: heads_by_behaviour(sampler, first_pass(sampler)),
}


@pytest.mark.parametrize("action", list(ACTIONS))
@pytest.mark.parametrize("own", [True, False])
def test_looking_at_a_network_leaves_it_and_the_callers_random_numbers_as_they_were(action: str, own: bool) -> None:
    sampler = _sampler(_Disturbing()) if own else _built(Architecture.TCN)
    with _nothing_changes(sampler.network):
        ACTIONS[action](sampler)


@pytest.mark.parametrize("action", list(ACTIONS))
def test_a_network_that_fails_is_left_as_it_was_as_well(action: str) -> None:
    network = _Disturbing()

    class Failing(_Disturbing):
        def forward(self, latents: Tensor) -> Tensor:
            super().forward(latents)
            raise KeyError("no such\nthing")

    network = Failing()
    with _nothing_changes(network), pytest.raises(UsageError) as caught:
        ACTIONS[action](_sampler(network))
    assert "the generator does not take latents of shape (" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_draw_is_the_networks_own_output_for_the_seeds_latents() -> None:
    sampler = _built(Architecture.LSTM)
    drawn = draw(sampler, None, 300, 4)  # more than one batch
    latents = torch.randn(300, Z, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        expected = sampler.network.eval()(latents, torch.zeros(300, C))
    np.testing.assert_allclose(drawn.predictions, expected.numpy(), atol=1e-6)


def test_a_draw_repeats_by_its_seed_even_where_the_network_draws_noise() -> None:
    sampler = _sampler(_Disturbing())
    first, again, other = (draw(sampler, None, 6, seed).predictions for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def _by_hand(network: nn.Module, latents: Tensor, rnn: nn.RNNBase, kind: str) -> tuple[FloatArray, FloatArray]:
    """Return the layer's input and its states, computed step by step with a cell of the same weights."""
    assert isinstance(network, _Own)
    cell: nn.LSTMCell | nn.GRUCell = (nn.LSTMCell if kind == "lstm" else nn.GRUCell)(H, H)
    cell.load_state_dict({name.removesuffix("_l0"): tensor for name, tensor in rnn.state_dict().items()})
    with torch.no_grad():
        given = network.steps(latents)
        hidden, memory = torch.zeros(len(latents), H), torch.zeros(len(latents), H)
        states = []
        for step in range(T):
            if isinstance(cell, nn.LSTMCell):
                hidden, memory = cell(given[:, step], (hidden, memory))
            else:
                hidden = cell(given[:, step], hidden)
            states.append(hidden)
    return given.numpy(), torch.stack(states, dim=1).numpy()


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("kind", ["lstm", "gru"])
@pytest.mark.parametrize("count", [5, T, 300])
def test_a_recurrent_layers_input_and_states_are_kept_step_by_step(kind: str, batch_first: bool, count: int) -> None:
    network = _Recurrent(nn.LSTM if kind == "lstm" else nn.GRU, batch_first=batch_first)
    drawn = draw(_sampler(network), None, count, 0)
    given, states = _by_hand(network, _latents(count)[:256], network.rnn, kind)
    assert drawn.rnn_input is not None
    assert drawn.hidden is not None
    np.testing.assert_allclose(drawn.rnn_input, given, atol=1e-6)
    np.testing.assert_allclose(drawn.hidden, states, atol=1e-6)
    assert len(drawn.predictions) == count
    with torch.no_grad():
        expected = torch.tanh(network.out(torch.from_numpy(states))).numpy()
    np.testing.assert_allclose(drawn.predictions[:256], expected, atol=1e-6)


def test_a_layer_called_by_name_has_its_states_kept_but_not_its_input() -> None:
    drawn = draw(_sampler(_Recurrent(nn.LSTM, batch_first=True, by_name=True)), None, 4, 0)
    assert drawn.rnn_input is None
    assert drawn.hidden is not None


def test_the_steps_of_cells_are_put_together_along_time() -> None:
    network = _Cells()
    drawn = draw(_sampler(network), None, 5, 0)
    latents = _latents(5)
    inputs, highs = [], []
    with torch.no_grad():
        low = high = (torch.zeros(5, H), torch.zeros(5, H))
        previous = torch.zeros(5, D)
        for _ in range(T):
            inputs.append(torch.cat([latents, previous], dim=-1))
            low = network.first(inputs[-1], low)
            high = network.second(low[0], high)
            highs.append(high[0])
            previous = torch.tanh(network.out(high[0]))
    for found, expected in ((drawn.rnn_input, inputs), (drawn.hidden, highs)):
        assert found is not None
        np.testing.assert_allclose(found, torch.stack(expected, dim=1).numpy(), atol=1e-6)


def test_an_autoregressive_layer_is_kept_over_all_its_calls() -> None:
    sampler = _built(Architecture.SEQ2SEQ, num_layers=1)
    drawn = draw(sampler, None, 5, 0)
    assert drawn.hidden is not None
    assert drawn.rnn_input is not None
    assert drawn.hidden.shape == drawn.rnn_input.shape == (5, T, H)
    weight, bias = (sampler.network.get_parameter(f"output.{kind}").detach().numpy() for kind in ("weight", "bias"))
    np.testing.assert_allclose(drawn.hidden @ weight.T + bias, drawn.predictions, atol=1e-6)


def test_the_repeated_latent_is_seen_as_the_first_recurrent_layers_input() -> None:
    drawn = draw(_built(Architecture.LSTM), None, 5, 0)
    assert drawn.rnn_input is not None
    np.testing.assert_array_equal(drawn.rnn_input, np.repeat(drawn.rnn_input[:, :1], T, axis=1))


def test_a_convolutional_generator_has_no_recurrence() -> None:
    drawn = draw(_built(Architecture.TCN), None, 5, 0)
    assert drawn.hidden is None
    assert drawn.rnn_input is None


def test_a_transformer_has_no_recurrence() -> None:
    drawn = draw(_sampler(_Transformer()), None, 5, 0)
    assert drawn.hidden is None


class _Flat(nn.Module):
    """A generator with one linear layer for all steps: no part of it belongs to a step."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(Z, T * D)

    def forward(self, latents: Tensor) -> Tensor:
        out: Tensor = self.out(latents)
        return out.view(len(latents), T, D)


class _Packed(_Own):
    """A generator that passes non-tensors to its layers, and a convolution's input without a batch axis."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(H, H, batch_first=True)
        self.last = nn.Conv1d(T, T, 1)

    def forward(self, latents: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(self.steps(latents), torch.full((len(latents),), T), batch_first=True)
        states, _ = nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        return torch.stack([self.last(row) for row in self.out(states)])


@pytest.mark.parametrize("network", [_Flat, _Packed])
def test_what_does_not_line_up_with_the_steps_is_absent(network: type[nn.Module]) -> None:
    drawn = draw(_sampler(network()), None, 5, 0)
    assert drawn.predictions.shape == (5, T, D)
    assert drawn.rnn_input is None
    assert drawn.hidden is None


class _Returning(nn.Module):
    def __init__(self, out: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.out = out

    def forward(self, latents: Tensor) -> object:
        return self.out(latents)


@pytest.mark.parametrize(
    ("out", "what"),
    [
        (lambda latents: torch.ones(len(latents), T), "(2, 6)"),
        (lambda latents: torch.ones(T, len(latents), D), "(6, 2, 2)"),
        (lambda latents: (torch.ones(len(latents), T), None), "a tuple of 0 (2, 6)"),
        (lambda latents: None, "a NoneType without tensors"),
    ],
)
def test_an_output_of_another_shape_is_refused_with_what_it_is(out: Callable[[Tensor], object], what: str) -> None:
    with pytest.raises(UsageError) as caught:
        first_pass(_sampler(_Returning(out)))
    assert str(caught.value) == f"the generator returns {what}; expected a tensor (N, T, D), alone or as a part"


def test_an_output_whose_shape_depends_on_the_latents_is_refused() -> None:
    with pytest.raises(UsageError, match=r"returns \(5, 6\); expected a tensor \(N, T, D\)"):
        draw(_sampler(_Returning(lambda latents: torch.ones(len(latents), T))), None, 5, 0)
    with pytest.raises(UsageError, match=r"returns a tuple of 0 .*, and before it had a part alone"):
        draw(_sampler(_Returning(lambda latents: (torch.ones(5, T, D), None))), None, 5, 0)


def test_latents_of_another_size_are_refused() -> None:
    with pytest.raises(UsageError, match=r"does not take latents of shape \(5, 9\)"):
        draw(Sampler(_Own(), 9, 0), None, 5, 0)


class _Signature(_Own):
    taken: int

    def _note(self, latents: Tensor, *rest: object) -> Tensor:
        self.taken = 1 + len(rest)
        return super().forward(latents)


class _Alone(_Signature):
    def forward(self, latents: Tensor) -> Tensor:
        return self._note(latents)


class _Both(_Signature):
    def forward(self, latents: Tensor, conditions: Tensor) -> Tensor:  # type: ignore[override]
        return self._note(latents, conditions)


class _WithDefault(_Signature):
    def forward(self, latents: Tensor, conditions: Tensor | None = None, *, steps: int = 3) -> Tensor:
        return self._note(latents)


class _WithKeyword(_Signature):
    def forward(self, latents: Tensor, *others: Tensor, temperature: float = 1.0) -> Tensor:
        return self._note(latents, *others)


class _Unreadable:
    __signature__ = "no signature"

    def __init__(self, network: _Signature) -> None:
        self._network = network

    def __call__(self, *inputs: Tensor) -> Tensor:
        return self._network._note(*inputs)


@pytest.mark.parametrize(("kind", "taken"), [(_Alone, 1), (_Both, 2), (_WithDefault, 1), (_WithKeyword, 1)])
def test_the_condition_is_given_to_those_who_ask_for_it(kind: type[_Signature], taken: int) -> None:
    network = kind()
    draw(_sampler(network, condition_dim=2), None, 4, 0)
    assert network.taken == taken


def test_a_forward_pass_that_cannot_be_asked_gets_latents_alone() -> None:
    network = _Alone()
    network.forward = _Unreadable(network)  # type: ignore[assignment]
    draw(_sampler(network), None, 4, 0)
    assert network.taken == 1


def test_conditions_are_cut_or_filled_to_their_width_and_taken_in_turn() -> None:
    sampler = Sampler(_Own(), Z, 3)
    given = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert sampler.conditions(given, 3).tolist() == [[1.0, 2.0, 0.0], [3.0, 4.0, 0.0], [1.0, 2.0, 0.0]]
    wide = np.arange(10.0).reshape(2, 5)
    assert sampler.conditions(wide, 2).tolist() == [[0.0, 1.0, 2.0], [5.0, 6.0, 7.0]]
    assert sampler.conditions(None, 2).tolist() == [[0.0] * 3] * 2
    assert Sampler(_Own(), Z, 0).conditions(given, 2).shape == (2, 0)


def test_a_draw_uses_the_conditions_it_is_given() -> None:
    sampler = _built(Architecture.LSTM)
    given = np.random.default_rng(1).normal(size=(3, C))
    drawn = draw(sampler, given, 5, 0)
    conditions = torch.from_numpy(given[[0, 1, 2, 0, 1]]).float()
    with torch.no_grad():
        expected = sampler.network.eval()(_latents(5), conditions)
    np.testing.assert_allclose(drawn.predictions, expected.numpy(), atol=1e-6)


class _Headed(_Own):
    def __init__(self, head: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.head = head

    def forward(self, latents: Tensor) -> Tensor:
        return self.head(self.out(self.steps(latents)))


def _mixed(values: Tensor) -> Tensor:
    return torch.stack([torch.tanh(values[..., 0]), nn.functional.softplus(values[..., 1])], dim=-1)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (nn.Tanh(), (Activation.TANH, Activation.TANH)),
        (torch.tanh, (Activation.TANH, Activation.TANH)),
        (torch.sigmoid, (Activation.SIGMOID, Activation.SIGMOID)),
        (nn.functional.softplus, (Activation.SOFTPLUS, Activation.SOFTPLUS)),
        (nn.Identity(), (Activation.LINEAR, Activation.LINEAR)),
        (lambda values: values, (Activation.LINEAR, Activation.LINEAR)),
        (_mixed, (Activation.TANH, Activation.SOFTPLUS)),
        (torch.sin, (None, None)),
    ],
)
def test_heads_are_told_by_what_they_do(head: Callable[[Tensor], Tensor], expected: tuple[Activation | None, ...]) -> None:
    assert _heads(_sampler(_Headed(head))) == expected


_STD, _MEAN = torch.tensor([2.0, 3.0]), torch.tensor([1.0, -1.0])


@pytest.mark.parametrize(
    ("head", "bounds", "gain", "centre"),
    [
        (lambda values: 3 * torch.tanh(values), (-3, 3), 3.0, 0.0),
        (lambda values: torch.tanh(values) * _STD + _MEAN, (-4, 2), 3.0, -1.0),
        (lambda values: values * _STD + _MEAN, (-np.inf, np.inf), 3.0, -1.0),
        (lambda values: values.clamp(-11.5, 2), (-11.5, 2), 1.0, 0.0),
        (lambda values: 5 - values.relu(), (-np.inf, 5), 1.0, 5.0),
        (torch.relu, (0, np.inf), 1.0, 0.0),
        (lambda values: torch.tanh(values).cumsum(dim=1), (-T, T), None, 0.0),
    ],
    ids=["scaled", "unscaled", "linear unscaled", "clamp", "from above", "relu", "summed"],
)
def test_a_head_that_is_no_activation_is_known_by_its_numbers(
    head: Callable[[Tensor], Tensor], bounds: tuple[float, float], gain: float | None, centre: float
) -> None:
    found = _heads(_sampler(_Headed(head)))[1]

    assert isinstance(found, MeasuredHead)
    assert found.bounds == pytest.approx(bounds)
    assert found.centre == pytest.approx(centre, abs=1e-5)
    assert gain is None or found.gain == pytest.approx(gain, rel=1e-3)


def test_a_head_that_couples_its_channels_is_known_by_its_bounds() -> None:
    first, second = _heads(_sampler(_Headed(lambda values: values.softmax(dim=-1))))

    assert first is not None
    assert second is not None
    assert first.bounds == second.bounds == (0, 1)


def test_a_recurrent_state_as_the_output_lies_within_its_bounds() -> None:
    class StateOut(_Own):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.GRU(H, D, batch_first=True)

        def forward(self, latents: Tensor) -> Tensor:
            out: Tensor = 2 * self.rnn(self.steps(latents))[0]
            return out

    (found, _) = _heads(_sampler(StateOut()))
    assert found is not None
    assert found.bounds == (-2, 2)


@pytest.mark.parametrize("architecture", list(Architecture))
def test_heads_of_the_trainers_own_generators_are_those_of_their_spec(architecture: Architecture) -> None:
    spec = _spec(architecture, output_dim=3)
    assert _heads(Sampler(build(spec), Z, C)) == spec.heads


def test_heads_of_a_time_first_network_are_told_as_well() -> None:
    assert _heads(_sampler(_Recurrent(nn.LSTM, batch_first=False))) == (Activation.TANH, Activation.TANH)


def test_heads_of_a_network_without_an_output_layer_are_unknown() -> None:
    network = _Returning(lambda latents: torch.ones(len(latents), T, D))
    assert _heads(_sampler(network)) == (None, None)


class _Unused(_Headed):
    """A generator with an unused linear layer of the output's width, made after the output layer."""

    def __init__(self) -> None:
        super().__init__(torch.tanh)
        self.late = nn.Linear(H, D)


class _Aside(_Unused):
    """A generator that calls that layer last and discards the result; its outputs lie at the bounds of tanh."""

    def forward(self, latents: Tensor) -> Tensor:
        out = super().forward(latents).sign()
        self.late(self.steps(latents))
        return out


def test_the_output_layer_is_the_last_one_called_and_not_the_last_one_made() -> None:
    network = _Unused()
    assert first_pass(_sampler(network)).output is network.out
    assert _heads(_sampler(network)) == (Activation.TANH, Activation.TANH)


def test_a_layer_of_another_width_is_not_the_output_layer() -> None:
    class Wide(_Headed):
        def forward(self, latents: Tensor) -> Tensor:
            out = super().forward(latents)
            self.pre(latents)
            return out

    network = Wide(torch.tanh)
    assert first_pass(_sampler(network)).output is network.out


def test_a_layer_that_does_not_move_the_prediction_tells_no_heads() -> None:
    network = _Aside()
    assert first_pass(_sampler(network)).output is network.late
    assert _heads(_sampler(network)) == (None, None)


def test_a_layer_that_gives_all_steps_at_once_tells_the_heads() -> None:
    assert _heads(_sampler(_Flat())) == (Activation.LINEAR, Activation.LINEAR)


@pytest.mark.parametrize("architecture", list(Architecture))
def test_the_output_layer_of_the_trainers_own_generators_is_known_by_name(architecture: Architecture) -> None:
    sampler = _built(architecture)
    name = "proj" if architecture is Architecture.TCN else "output"
    assert first_pass(sampler).output is sampler.network.get_submodule(name)


def test_a_network_of_doubles_gives_the_same_as_one_of_floats() -> None:
    single, double = _recurrent_player(), _recurrent_player()
    double.network.double()
    targets = _targets()
    one, two = draw(single, None, 5, 0), draw(double, None, 5, 0)
    for found, expected in ((two.predictions, one.predictions), (two.hidden, one.hidden), (two.rnn_input, one.rnn_input)):
        assert found is not None
        assert expected is not None
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert _heads(double) == _heads(single) == (Activation.TANH, Activation.TANH)
    rms = gradients(single, targets, None, 0).rms_by_layer
    assert gradients(double, targets, None, 0).rms_by_layer == pytest.approx(dict(rms), rel=1e-4)
    fitted = fit_latents(double, targets, None, steps=2)
    np.testing.assert_allclose(fitted.predictions, fit_latents(single, targets, None, steps=2).predictions, atol=1e-4)
    assert {p.dtype for p in double.network.parameters()} == {torch.float64}


def _recurrent_player() -> Sampler:
    torch.manual_seed(0)
    return _sampler(_Recurrent(nn.LSTM, batch_first=True))


@pytest.mark.parametrize("architecture", list(Architecture))
def test_gradients_are_those_of_a_plain_backward_pass(architecture: Architecture) -> None:
    sampler = _built(architecture)
    targets = _targets(count=7)
    conditions = np.random.default_rng(1).normal(size=(7, C))
    found = gradients(sampler, targets, conditions, seed=3)
    network = sampler.network.eval()
    torch.manual_seed(3)
    latents = torch.randn(7, Z)
    out = network(latents, torch.from_numpy(conditions).float())
    (out - torch.from_numpy(targets).float()).abs().mean().backward()
    expected = {
        name: float(p.grad.double().pow(2).mean().sqrt())
        for name, p in network.named_parameters()
        if p.dim() >= 2 and p.grad is not None
    }
    assert list(found.rms_by_layer) == list(expected)
    assert found.rms_by_layer == pytest.approx(expected, rel=1e-5)


class _Small(Load):
    """A generator whose sequences are so large that few fit into one pass."""

    @property
    def rows(self) -> int:
        return 3

    def rows_differentiated(self, count: int) -> int:
        return min(count, 3)


def _in_small_passes(sampler: Sampler) -> Sampler:
    sizes = dict.fromkeys(Load.__dataclass_fields__, 1)
    return Sampler(sampler.network, sampler.latent_dim, sampler.condition_dim, _Small(**sizes))


@pytest.mark.parametrize("architecture", [Architecture.LSTM, Architecture.TCN])
def test_what_is_taken_in_several_passes_is_what_one_gives(architecture: Architecture) -> None:
    sampler = _built(architecture)
    several, targets, conditions = _in_small_passes(sampler), 0.3 * _targets(count=7), np.ones((7, C))

    drawn, whole = draw(several, conditions, 7, 0), draw(sampler, conditions, 7, 0)
    np.testing.assert_allclose(drawn.predictions, whole.predictions, atol=1e-6)
    if drawn.hidden is not None and whole.hidden is not None:
        np.testing.assert_allclose(drawn.hidden, whole.hidden[:3], atol=1e-6)
    found = gradients(several, targets, conditions, 0).rms_by_layer
    assert found == pytest.approx(dict(gradients(sampler, targets, conditions, 0).rms_by_layer), rel=1e-4)
    fit, at_once = (fit_latents(one, targets, conditions, steps=4) for one in (several, sampler))
    np.testing.assert_allclose(fit.latents, at_once.latents, atol=1e-3)
    np.testing.assert_allclose(fit.predictions, at_once.predictions, atol=1e-3)


@pytest.mark.parametrize("architecture", list(Architecture))
def test_a_look_at_a_network_finds_about_the_load_its_sizes_tell(architecture: Architecture) -> None:
    sampler = _built(architecture)
    seen, told = first_pass(sampler).load, load_of(_spec(architecture))

    assert (seen.parameters, seen.inputs, seen.steps, seen.channels) == (
        told.parameters,
        told.inputs,
        told.steps,
        told.channels,
    )
    for one, other in ((seen.row_bytes, told.row_bytes), (seen.graph_bytes, told.graph_bytes), (seen.call_s, told.call_s)):
        assert 1 / 5 < one / other < 5


def test_gradients_compare_the_steps_and_channels_that_both_have() -> None:
    sampler = _built(Architecture.LSTM)
    longer = _targets(count=4, steps=T + 3, channels=3)
    assert gradients(sampler, longer, None, 0) == gradients(sampler, longer[:, :T, :D], None, 0)
    shorter = gradients(sampler, longer[:, :2, :D], None, 0)
    assert shorter.rms_by_layer.keys() == gradients(sampler, longer, None, 0).rms_by_layer.keys()


def test_gradients_are_taken_for_frozen_weights_too_and_only_for_those_used() -> None:
    network = _Own()
    network.requires_grad_(False)
    network.unused = nn.Linear(2, 2)
    assert list(gradients(_sampler(network), _targets(), None, 0).rms_by_layer) == ["pre.weight", "out.weight"]


class _WithoutGradient(_Own):
    @torch.no_grad()
    def forward(self, latents: Tensor) -> Tensor:
        return super().forward(latents)


def test_a_network_that_keeps_no_gradient_has_none() -> None:
    assert dict(gradients(_sampler(_WithoutGradient()), _targets(), None, 0).rms_by_layer) == {}
    scaled = _Returning(lambda latents: latents[:, None, :D].expand(-1, T, -1) * 2)
    assert dict(gradients(_sampler(scaled), _targets(), None, 0).rms_by_layer) == {}


def _fit_by_hand(network: nn.Module, wanted: Tensor, conditions: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """Return the latents fitted by Adam (Kingma and Ba 2015), written out, from zero with a rate of 0.1."""
    latents = torch.zeros(len(wanted), Z)
    first, second = torch.zeros_like(latents), torch.zeros_like(latents)
    for step in range(1, steps + 1):
        z = latents.clone().requires_grad_(True)
        (slope,) = torch.autograd.grad((network(z, conditions) - wanted).abs().mean(), z)
        first = 0.9 * first + 0.1 * slope
        second = 0.999 * second + 0.001 * slope**2
        latents = latents - 0.1 * (first / (1 - 0.9**step)) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)
    with torch.no_grad():
        return latents, network(latents, conditions)


def test_fitted_latents_are_those_of_adam_written_out() -> None:
    sampler = _built(Architecture.LSTM)
    targets = 0.3 * _targets(count=6)
    conditions = np.random.default_rng(1).normal(size=(2, C))
    fit = fit_latents(sampler, targets, conditions, steps=5, rounds=0)
    given = torch.from_numpy(conditions[[0, 1, 0, 1, 0, 1]]).float()
    latents, predictions = _fit_by_hand(sampler.network.eval(), torch.from_numpy(targets).float(), given, 5)
    np.testing.assert_allclose(fit.latents, latents.numpy(), atol=1e-3)
    np.testing.assert_allclose(fit.predictions, predictions.numpy(), atol=1e-3)
    np.testing.assert_array_equal(fit.targets, targets)


def test_fitting_comes_nearer_to_what_the_network_can_draw() -> None:
    sampler = _sampler(_Own())
    with torch.no_grad():
        targets = sampler.network(torch.randn(10, Z, generator=torch.Generator().manual_seed(1))).numpy()

    def miss(steps: int, rounds: int) -> float:
        return float(np.abs(fit_latents(sampler, targets, None, steps=steps, rounds=rounds).predictions - targets).mean())

    start, by_adam, by_response = miss(0, 0), miss(60, 0), miss(60, 6)
    assert by_adam < 0.3 * start
    assert by_response < by_adam


def test_a_network_without_a_gradient_is_fitted_too() -> None:
    sampler = _sampler(_WithoutGradient())
    targets = sampler.network(torch.randn(10, Z, generator=torch.Generator().manual_seed(1))).numpy()
    assert np.abs(fit_latents(sampler, targets, None).predictions - targets).mean() < 0.1 * np.abs(targets).mean()


class _Mixing(_Own):
    """A network whose sequences are made of their own latent and the one before it in the batch."""

    def forward(self, latents: Tensor) -> Tensor:
        return super().forward(latents + 0.5 * latents.roll(1, 0))


def test_sequences_that_depend_on_each_other_are_fitted_by_adam() -> None:
    fits = [fit_latents(_sampler(_Mixing()), _targets(), None, steps=5, rounds=rounds) for rounds in (0, 2)]
    np.testing.assert_array_equal(fits[0].latents, fits[1].latents)


class _Noisy(_Own):
    """A network that adds noise of its own, from the stream that `drawn` draws from."""

    def __init__(self, drawn: Callable[[tuple[int, ...]], Tensor]) -> None:
        super().__init__()
        self.drawn = drawn

    def forward(self, latents: Tensor) -> Tensor:
        output = super().forward(latents)
        return output + self.drawn(tuple(output.shape))


@pytest.mark.parametrize(
    "drawn",
    [torch.randn, lambda shape: torch.from_numpy(np.random.standard_normal(shape)).float()],  # noqa: NPY002  # as users draw it
    ids=["torch", "numpy"],
)
def test_a_network_with_noise_of_its_own_is_fitted_by_adam_to_new_noise_in_each_step(
    drawn: Callable[[tuple[int, ...]], Tensor],
) -> None:
    def fit(rounds: int) -> LatentFit:
        np.random.seed(0)  # noqa: NPY002  # the state that the network draws from
        return fit_latents(_sampler(_Noisy(drawn)), _targets(), None, steps=5, rounds=rounds)

    by_adam, by_response = fit(0), fit(6)
    np.testing.assert_array_equal(by_adam.latents, by_response.latents)
    np.testing.assert_array_equal(by_adam.predictions, by_response.predictions)


def test_latents_of_many_numbers_are_fitted_by_adam(monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(rounds: int) -> FloatArray:
        return fit_latents(_sampler(_Own()), _targets(), None, steps=5, rounds=rounds).latents

    assert (fit(0) != fit(1)).any()
    monkeypatch.setattr(cost, "_RESPONSE_LATENT", Z - 1)
    np.testing.assert_array_equal(fit(0), fit(1))


def test_steps_behind_a_length_do_not_change_the_fit() -> None:
    ends = np.array([2.0, 3.0, T, 2.0, T, 3.0])
    going = (np.arange(T) < ends[:, None])[..., None]
    targets = _targets(count=6)
    fits = [
        fit_latents(_sampler(_Own()), np.where(going, targets, padding), None, steps=5, lengths=ends) for padding in (0.0, 50.0)
    ]
    np.testing.assert_array_equal(fits[0].latents, fits[1].latents)
    np.testing.assert_array_equal(fits[0].lengths, ends)
    assert (fit_latents(_sampler(_Own()), np.where(going, targets, 50.0), None, steps=5).latents != fits[0].latents).any()


def test_targets_to_fit_are_a_few_spread_over_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "FIT_TARGETS", 5)
    targets = _targets(count=101)
    fit = fit_latents(_sampler(_Own()), targets, None, steps=1)
    np.testing.assert_array_equal(fit.targets, targets[[0, 25, 50, 75, 100]])
    assert fit.latents.shape == (5, Z)
    assert fit.predictions.shape == (5, T, D)


def test_a_network_that_ignores_its_latent_has_nothing_to_fit() -> None:
    network = _Own()
    ignoring = _Returning(lambda latents: network(torch.zeros_like(latents)))
    ignoring.inner = network
    fit = fit_latents(_sampler(ignoring), _targets(), None)
    assert (fit.latents == 0).all()
    with torch.no_grad():
        np.testing.assert_allclose(fit.predictions, network(torch.zeros(8, Z)).numpy(), atol=1e-6)


@pytest.mark.parametrize(("share", "steps"), [(1.0, None), (1e-4, 21)], ids=["follows its latent", "hardly does"])
def test_a_fit_ends_where_it_stands_still(share: float, steps: int | None) -> None:
    network, calls = _Own(), []

    def made(latents: Tensor) -> Tensor:
        calls.append(len(latents))
        output: Tensor = network(share * latents)
        return output

    following = _Returning(made)
    following.inner = network
    with torch.no_grad():
        targets = network(torch.randn(10, Z, generator=torch.Generator().manual_seed(1))).numpy()

    sampler = _sampler(following)
    calls.clear()
    fit_latents(sampler, targets, None, rounds=0)

    # Once more to draw what was fitted.
    assert len(calls) > 41 if steps is None else len(calls) == steps + 1
