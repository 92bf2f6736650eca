from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from humouse_doctor.networks.numerics import denormals_flushed, one_thread, seeded, undisturbed


def _flushing() -> bool:
    return bool((torch.tensor([torch.finfo(torch.float32).tiny]) / 2 == 0).item())


@pytest.fixture(autouse=True)
def _denormals_as_found() -> Iterator[None]:
    before = _flushing()
    yield
    torch.set_flush_denormal(before)


def test_a_seeded_block_repeats_and_the_callers_stream_goes_on() -> None:
    torch.manual_seed(1)
    expected = [torch.rand(3), torch.rand(3)]
    torch.manual_seed(1)
    first = torch.rand(3)
    with seeded(5):
        inside = torch.rand(3)
    second = torch.rand(3)
    with seeded(5):
        again = torch.rand(3)
    with seeded(6):
        other = torch.rand(3)
    assert torch.equal(inside, again)
    assert not torch.equal(inside, other)
    assert torch.equal(first, expected[0])
    assert torch.equal(second, expected[1])


def test_a_seeded_block_that_fails_gives_the_stream_back() -> None:
    before = torch.get_rng_state()
    with pytest.raises(KeyError), seeded(5):
        raise KeyError(torch.rand(3))
    assert torch.equal(torch.get_rng_state(), before)


def test_no_accelerator_is_seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", asked.append)
    with seeded(5):
        torch.rand(1)
    assert asked == []


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_denormals_are_flushed_in_the_block_and_as_before_after_it(before: bool, fails: bool) -> None:
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor cannot flush denormals")
    torch.set_flush_denormal(before)
    try:
        with denormals_flushed():
            assert _flushing()
            if fails:
                raise KeyError
    except KeyError:
        pass
    assert _flushing() is before


class _Restless(nn.Module):
    """A module whose forward pass changes everything that one can: running statistics and buffers."""

    seen: Tensor
    calls: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(2)
        self.frozen = nn.Linear(2, 2)
        self.frozen.requires_grad_(False)
        self.register_buffer("seen", torch.zeros(2))
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, values: Tensor) -> Tensor:
        self.seen += values.detach().mean(dim=0)
        self.calls = self.calls + 1  # another tensor in the buffer's place
        out: Tensor = self.frozen(self.norm(values))
        return out


@pytest.mark.parametrize("fails", [False, True])
def test_a_network_is_left_as_it_was(fails: bool) -> None:
    network = _Restless().train()
    network.frozen.eval()
    network.norm.weight.grad = torch.full((2,), 7.0)
    gradient, calls = network.norm.weight.grad, network.calls
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    try:
        with undisturbed(network):
            assert not network.training
            assert not network.norm.training
            for parameter in network.parameters():
                parameter.requires_grad_(True)
            network.norm.train()
            network(torch.randn(8, 2)).square().sum().backward()  # whose gradient is no rounding error, as a plain sum's is
            assert float(network.calls) == 1.0
            assert not torch.equal(network.norm.running_mean, before["norm.running_mean"])  # type: ignore[arg-type]
            if fails:
                raise KeyError
    except KeyError:
        pass
    assert {name: bool(torch.equal(tensor, before[name])) for name, tensor in network.state_dict().items()} == dict.fromkeys(
        before, True
    )
    assert network.calls is calls
    assert network.training
    assert network.norm.training
    assert not network.frozen.training
    assert [p.requires_grad for p in network.frozen.parameters()] == [False, False]
    assert all(p.requires_grad for p in network.norm.parameters())
    assert network.norm.weight.grad is gradient
    assert torch.equal(gradient, torch.full((2,), 7.0))
    assert network.norm.bias.grad is None
    assert network.frozen.weight.grad is None


def test_one_thread_is_used_for_the_block_alone() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
