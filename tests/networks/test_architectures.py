from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.spec import Activation, Architecture, GeneratorSpec
from humouse_doctor.networks import architectures
from humouse_doctor.networks.architectures import Head, Seq2SeqGenerator, build, slow_gates, with_time_input

Z, C, H, D, T = 3, 2, 4, 3, 5


def _spec(architecture: Architecture, layers: int = 2, *, outputs: int = D, spectral_norm: bool = False) -> GeneratorSpec:
    return GeneratorSpec(
        architecture=architecture,
        latent_dim=Z,
        condition_dim=C,
        hidden_dim=H,
        num_layers=layers,
        output_dim=outputs,
        target_len=T,
        spectral_norm=spectral_norm,
    )


def _lstm_weights(prefix: str, suffix: str) -> dict[str, tuple[int, ...]]:
    return {
        f"{prefix}weight_ih_{suffix}": (4 * H, H),
        f"{prefix}weight_hh_{suffix}": (4 * H, H),
        f"{prefix}bias_ih_{suffix}": (4 * H,),
        f"{prefix}bias_hh_{suffix}": (4 * H,),
    }


def _shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize("outputs", [2, 3])
def test_the_lstm_has_the_trainers_parameter_names_and_shapes(outputs: int) -> None:
    assert _shapes(build(_spec(Architecture.LSTM, outputs=outputs))) == {
        "pre.weight": (H, Z + C),
        "pre.bias": (H,),
        **_lstm_weights("lstm_layers.0.", "l0"),
        **_lstm_weights("lstm_layers.1.", "l0"),
        "output.weight": (outputs, H),
        "output.bias": (outputs,),
    }


def _norm_shapes(name: str) -> dict[str, tuple[int, ...]]:
    return {
        **{f"{name}.{part}": (H,) for part in ("weight", "bias", "running_mean", "running_var")},
        f"{name}.num_batches_tracked": (),
    }


def test_the_tcn_has_the_trainers_parameter_names_and_shapes() -> None:
    expected: dict[str, tuple[int, ...]] = {"fc.0.weight": (H * T, Z + C), "fc.0.bias": (H * T,)}
    for layer in range(2):
        expected |= {f"decoder.layers.{layer}.0.weight": (H, H, 5), f"decoder.layers.{layer}.0.bias": (H,)}
        expected |= _norm_shapes(f"decoder.layers.{layer}.1")
    expected |= {"decoder.final_conv.weight": (H, H, 5), "decoder.final_conv.bias": (H,)}
    expected |= {"proj.weight": (D, H, 1), "proj.bias": (D,)}
    assert _shapes(build(_spec(Architecture.TCN))) == expected


def test_spectral_norm_gives_the_tcn_the_old_names() -> None:
    plain = _shapes(build(_spec(Architecture.TCN)))
    expected: dict[str, tuple[int, ...]] = {}
    for name, shape in plain.items():
        if name.endswith("weight") and len(shape) > 1:
            expected[f"{name}_orig"] = shape
            expected[f"{name}_u"] = (shape[0],)
            expected[f"{name}_v"] = (math.prod(shape[1:]),)
        else:
            expected[name] = shape
    assert _shapes(build(_spec(Architecture.TCN, spectral_norm=True))) == expected


def test_spectral_norm_is_the_tcns_alone() -> None:
    for architecture in (Architecture.LSTM, Architecture.SEQ2SEQ):
        assert _shapes(build(_spec(architecture, spectral_norm=True))) == _shapes(build(_spec(architecture)))


def test_the_seq2seq_has_the_trainers_parameter_names_and_shapes() -> None:
    assert _shapes(build(_spec(Architecture.SEQ2SEQ))) == {
        "hidden_init.weight": (2 * H, Z + C),
        "hidden_init.bias": (2 * H,),
        "cell_init.weight": (2 * H, Z + C),
        "cell_init.bias": (2 * H,),
        "input_proj.weight": (H, D + Z + C),
        "input_proj.bias": (H,),
        **_lstm_weights("lstm.", "l0"),
        **_lstm_weights("lstm.", "l1"),
        "output.weight": (D, H),
        "output.bias": (D,),
    }


def _weights(network: nn.Module) -> dict[str, FloatArray]:
    return {name: tensor.double().numpy() for name, tensor in network.state_dict().items()}


def _sigmoid(values: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-values)))


def _lstm_step(
    weights: dict[str, FloatArray], prefix: str, suffix: str, seen: FloatArray, hidden: FloatArray, cell: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return one step of an LSTM layer for one sequence, with its four gates written out."""
    gates = (
        weights[f"{prefix}weight_ih_{suffix}"] @ seen
        + weights[f"{prefix}bias_ih_{suffix}"]
        + weights[f"{prefix}weight_hh_{suffix}"] @ hidden
        + weights[f"{prefix}bias_hh_{suffix}"]
    )
    width = len(hidden)
    let_in, forget = _sigmoid(gates[:width]), _sigmoid(gates[width : 2 * width])
    new, out = np.tanh(gates[2 * width : 3 * width]), _sigmoid(gates[3 * width :])
    cell = forget * cell + let_in * new
    return out * np.tanh(cell), cell


def _inputs(count: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(7)
    return torch.randn(count, Z, generator=generator), torch.randn(count, C, generator=generator)


def _run(network: nn.Module) -> tuple[FloatArray, FloatArray]:
    """Return the network's outputs and its inputs, the vectors [z, c]."""
    latents, conditions = _inputs()
    with torch.no_grad():
        out = network.eval()(latents, conditions)
    return out.numpy(), torch.cat([latents, conditions], dim=-1).double().numpy()


def _head(values: FloatArray) -> FloatArray:
    """Apply tanh to x and y, and softplus to the other channels, by their definitions."""
    return np.asarray([*np.tanh(values[:2]), *np.logaddexp(0.0, values[2:])])


@pytest.mark.parametrize("outputs", [2, 3])
def test_the_lstm_agrees_with_its_gates_written_out(outputs: int) -> None:
    torch.manual_seed(0)
    network = build(_spec(Architecture.LSTM, outputs=outputs))
    weights = _weights(network)
    out, given = _run(network)
    for row, vector in zip(out, given, strict=True):
        embedded = np.tanh(weights["pre.weight"] @ vector + weights["pre.bias"])
        states: list[tuple[FloatArray, FloatArray]] = [(np.zeros(H), np.zeros(H)) for _ in range(2)]
        for step in range(T):
            seen: FloatArray = embedded  # the very same at every step
            for layer in range(2):
                hidden, cell = _lstm_step(weights, f"lstm_layers.{layer}.", "l0", seen, *states[layer])
                states[layer] = (hidden, cell)
                seen = hidden
            expected = _head(weights["output.weight"] @ seen + weights["output.bias"])
            np.testing.assert_allclose(row[step], expected, atol=1e-6)


def test_the_seq2seq_agrees_with_its_gates_written_out_and_has_no_head() -> None:
    torch.manual_seed(0)
    network = build(_spec(Architecture.SEQ2SEQ))
    with torch.no_grad():
        network.get_parameter("output.weight").mul_(10.0)  # outputs beyond the reach of a tanh
    weights = _weights(network)
    out, given = _run(network)
    assert np.abs(out).max() > 1.5
    # The trainer reads its flat (N, 2 H) starts as (2, N, H): layers take each other's and other rows' halves.
    hidden_starts, cell_starts = (
        (given @ weights[f"{kind}_init.weight"].T + weights[f"{kind}_init.bias"]).reshape(-1) for kind in ("hidden", "cell")
    )
    for number, (row, vector) in enumerate(zip(out, given, strict=True)):
        begins = [(layer * len(given) + number) * H for layer in range(2)]
        states = [(hidden_starts[begin : begin + H], cell_starts[begin : begin + H]) for begin in begins]
        previous = np.zeros(D)
        for step in range(T):
            seen = weights["input_proj.weight"] @ np.concatenate([previous, vector]) + weights["input_proj.bias"]
            for layer in range(2):
                hidden, cell = _lstm_step(weights, "lstm.", f"l{layer}", seen, *states[layer])
                states[layer] = (hidden, cell)
                seen = hidden
            previous = weights["output.weight"] @ seen + weights["output.bias"]
            np.testing.assert_allclose(row[step], previous, atol=1e-5)


def test_a_single_layers_start_does_not_depend_on_the_batch() -> None:
    torch.manual_seed(0)
    network = build(_spec(Architecture.SEQ2SEQ, layers=1))
    latents, conditions = _inputs()
    torch.testing.assert_close(network(latents[:1], conditions[:1]), network(latents, conditions)[:1])


def test_teacher_forcing_on_its_own_outputs_gives_the_free_running_ones() -> None:
    torch.manual_seed(0)
    network = build(_spec(Architecture.SEQ2SEQ))
    assert isinstance(network, Seq2SeqGenerator)
    latents, conditions = _inputs()
    with torch.no_grad():
        free = network(latents, conditions)
        shifted = torch.cat([torch.zeros(3, 1, D), free[:, :-1]], dim=1)
        forced = network.teacher_forced(latents, conditions, shifted)
        other = network.teacher_forced(latents, conditions, shifted + 1.0)
    torch.testing.assert_close(forced, free)
    assert not torch.allclose(other, free, atol=1e-3)


def _same_convolution(signal: FloatArray, kernel: FloatArray, bias: FloatArray) -> FloatArray:
    """Convolve (in, T) with (out, in, 5), padded with two zeros on either side, sum by sum."""
    steps = signal.shape[1]
    out = np.zeros((len(kernel), steps))
    for channel in range(len(kernel)):
        for step in range(steps):
            total = bias[channel]
            for source in range(len(signal)):
                for tap in range(5):
                    if 0 <= step + tap - 2 < steps:
                        total += kernel[channel, source, tap] * signal[source, step + tap - 2]
            out[channel, step] = total
    return out


@pytest.mark.parametrize("spectral_norm", [False, True])
def test_the_tcn_agrees_with_its_convolutions_written_out(spectral_norm: bool) -> None:
    torch.manual_seed(0)
    network = build(_spec(Architecture.TCN, spectral_norm=spectral_norm))
    for _ in range(30):  # lets the spectral norm's estimate settle
        network(*_inputs())
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean = torch.randn(H)
            module.running_var = torch.rand(H) + 0.5
    weights = _weights(network)

    def weight(name: str) -> FloatArray:
        if not spectral_norm:
            return weights[f"{name}.weight"]
        original = weights[f"{name}.weight_orig"]
        sigma = weights[f"{name}.weight_u"] @ original.reshape(len(original), -1) @ weights[f"{name}.weight_v"]
        return np.asarray(original / sigma)

    out, given = _run(network)
    for row, vector in zip(out, given, strict=True):
        signal = (weight("fc.0") @ vector + weights["fc.0.bias"]).reshape(T, H).T  # (H, T)
        through = signal
        for layer in range(2):
            name = f"decoder.layers.{layer}"
            through = _same_convolution(through, weight(f"{name}.0"), weights[f"{name}.0.bias"])
            centred = through - weights[f"{name}.1.running_mean"][:, None]
            scaled = centred / np.sqrt(weights[f"{name}.1.running_var"][:, None] + 1e-5)
            scaled = scaled * weights[f"{name}.1.weight"][:, None] + weights[f"{name}.1.bias"][:, None]
            through = np.maximum(scaled, 0.0)
        last = _same_convolution(through, weight("decoder.final_conv"), weights["decoder.final_conv.bias"])
        features = np.maximum(last + signal, 0.0)
        for step in range(T):
            expected = _head(weight("proj")[:, :, 0] @ features[:, step] + weights["proj.bias"])
            np.testing.assert_allclose(row[step], expected, atol=1e-5)


@pytest.mark.parametrize("architecture", list(Architecture))
def test_every_generator_gives_sequences_of_its_length(architecture: Architecture) -> None:
    for length in (1, 9):
        network = build(replace(_spec(architecture), target_len=length))
        assert network.eval()(*_inputs()).shape == (3, length, D)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        (Activation.TANH, [math.tanh(-2.0), 0.0, math.tanh(0.5)]),
        (Activation.SIGMOID, [1 / (1 + math.exp(2.0)), 0.5, 1 / (1 + math.exp(-0.5))]),
        (Activation.SOFTPLUS, [math.log1p(math.exp(-2.0)), math.log(2.0), math.log1p(math.exp(0.5))]),
        (Activation.LINEAR, [-2.0, 0.0, 0.5]),
    ],
)
def test_each_activation_is_the_one_it_is_called(activation: Activation, expected: list[float]) -> None:
    values = torch.tensor([-2.0, 0.0, 0.5]).view(1, 3, 1)
    for beside in Activation:  # alone, and mixed with every other
        out = Head([activation, beside])(values.expand(1, 3, 2))
        torch.testing.assert_close(out[0, :, 0], torch.tensor(expected))


def test_channels_of_one_kind_are_activated_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass over each channel alone took 95 s of processor time for 7,569 of them."""
    kinds = [Activation.TANH, Activation.TANH, *[Activation.SOFTPLUS] * 500, Activation.TANH]
    values = torch.linspace(-2, 2, 503).view(1, 1, -1)
    one_by_one = torch.cat([Head([kind])(values[..., i : i + 1]) for i, kind in enumerate(kinds)], dim=-1)
    calls, plain = list[int](), architectures._activate

    def activate(part: Tensor, kind: Activation) -> Tensor:
        calls.append(part.size(-1))
        return plain(part, kind)

    monkeypatch.setattr(architectures, "_activate", activate)

    together = Head(kinds)(values)

    assert calls == [2, 500, 1]
    torch.testing.assert_close(together, one_by_one)


def test_a_head_has_no_parameters_and_so_no_names_in_a_checkpoint() -> None:
    assert Head([Activation.TANH, Activation.SOFTPLUS]).state_dict() == {}


@pytest.mark.parametrize("architecture", [Architecture.LSTM, Architecture.SEQ2SEQ])
def test_slow_gates_remember_from_one_step_to_the_longest_and_forget_to_let_in(architecture: Architecture) -> None:
    network = build(replace(_spec(architecture), hidden_dim=200))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    slow_gates(network, 50, torch.Generator().manual_seed(0))
    found = 0
    for name, bias in network.state_dict().items():
        if "bias_ih" in name:
            let_in, forget = bias[:200], bias[200:400]
            torch.testing.assert_close(let_in, -forget)
            memory = forget.exp()  # log U(1, T - 1), so between 1 and 49 steps, and evenly so
            assert memory.min() >= 1.0
            assert memory.max() <= 49.0 + 1e-4
            assert abs(float(memory.mean()) - 25.0) < 4.0
            assert torch.equal(bias[400:], before[name][400:])
            found += 1
        elif "bias_hh" in name:
            assert torch.count_nonzero(bias[:400]) == 0
            assert torch.equal(bias[400:], before[name][400:])
        else:
            assert torch.equal(bias, before[name])
    assert found == 2


def test_slow_gates_follow_their_own_random_numbers() -> None:
    def gates(seed: int) -> Tensor:
        network = build(_spec(Architecture.LSTM))
        slow_gates(network, 50, torch.Generator().manual_seed(seed))
        return network.get_parameter("lstm_layers.0.bias_ih_l0").detach()[: 2 * H]

    before = torch.get_rng_state()
    first = gates(1)
    torch.set_rng_state(before)
    assert torch.equal(first, gates(1))
    assert not torch.equal(first, gates(2))


def test_slow_gates_of_a_single_step_are_still_finite() -> None:
    network = build(_spec(Architecture.LSTM))
    slow_gates(network, 1, torch.Generator().manual_seed(0))
    assert all(torch.isfinite(tensor).all() for tensor in network.state_dict().values())


def test_slow_gates_leave_a_network_without_lstm_as_it_is() -> None:
    network = build(_spec(Architecture.TCN))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    slow_gates(network, 50, torch.Generator().manual_seed(0))
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def _timed(seed: int = 0, layers: int = 2) -> tuple[dict[str, Tensor], nn.Module]:
    """Return the weights of a plain LSTM generator, and the network with a time input made from it."""
    torch.manual_seed(5)
    plain = build(_spec(Architecture.LSTM, layers))
    before = {name: tensor.clone() for name, tensor in plain.state_dict().items()}
    return before, with_time_input(plain, torch.Generator().manual_seed(seed))


def test_the_time_is_one_more_column_of_the_first_layer_and_all_other_weights_are_the_same() -> None:
    before, timed = _timed()
    after = timed.state_dict()

    first = "lstm_layers.0.weight_ih_l0"
    assert set(after) == set(before)
    assert after[first].shape == (4 * H, H + 1)
    assert torch.equal(after[first][:, :H], before[first])
    assert after[first][:, H].abs().max() <= H**-0.5
    assert torch.count_nonzero(after[first][:, H]) == 4 * H
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items() if name != first)


def test_the_time_input_follows_its_own_random_numbers() -> None:
    state = torch.get_rng_state()
    columns = [_timed(seed)[1].state_dict()["lstm_layers.0.weight_ih_l0"][:, H] for seed in (1, 1, 2)]
    torch.set_rng_state(state)
    plain = build(_spec(Architecture.LSTM))
    state = torch.get_rng_state()
    with_time_input(plain, torch.Generator().manual_seed(0))

    assert torch.equal(columns[0], columns[1])
    assert not torch.equal(columns[0], columns[2])
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("layers", [1, 2])
def test_the_timed_lstm_agrees_with_its_gates_written_out(layers: int) -> None:
    _, network = _timed(layers=layers)
    weights = _weights(network)
    out, given = _run(network)
    for row, vector in zip(out, given, strict=True):
        embedded = np.tanh(weights["pre.weight"] @ vector + weights["pre.bias"])
        states: list[tuple[FloatArray, FloatArray]] = [(np.zeros(H), np.zeros(H)) for _ in range(layers)]
        for step in range(T):
            seen: FloatArray = np.append(embedded, step / (T - 1))  # 0 at the first step, 1 at the last
            for layer in range(layers):
                states[layer] = _lstm_step(weights, f"lstm_layers.{layer}.", "l0", seen, *states[layer])
                seen = states[layer][0]
            expected = _head(weights["output.weight"] @ seen + weights["output.bias"])
            np.testing.assert_allclose(row[step], expected, atol=1e-6)


def test_with_the_time_the_output_goes_on_changing_where_the_plain_one_has_settled() -> None:
    def late_change(timed: bool) -> float:
        torch.manual_seed(5)
        network = build(replace(_spec(Architecture.LSTM, 1), target_len=200))
        if timed:
            network = with_time_input(network, torch.Generator().manual_seed(0))
        with torch.no_grad():
            out = network(*_inputs())
        return float((out[:, -1] - out[:, 150]).abs().max())

    assert late_change(timed=False) < 1e-5
    assert late_change(timed=True) > 1e-3


def test_every_weight_of_the_timed_lstm_is_trained() -> None:
    _, network = _timed()
    network(*_inputs()).square().sum().backward()

    assert all(parameter.grad is not None for parameter in network.parameters())
    assert network.get_parameter("lstm_layers.0.weight_ih_l0").grad[:, H].abs().sum() > 0  # type: ignore[index]  # not None


def test_a_timed_lstm_of_a_single_step_is_still_finite() -> None:
    network = with_time_input(build(replace(_spec(Architecture.LSTM), target_len=1)), torch.Generator().manual_seed(0))

    assert torch.isfinite(network(*_inputs())).all()
