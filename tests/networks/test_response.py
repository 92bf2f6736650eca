from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from humouse_doctor.networks import response
from humouse_doctor.networks.response import fitted

COUNT, SIZE, WIDTH = 6, 3, 12
_WEIGHTS = torch.randn(SIZE, WIDTH, generator=torch.Generator().manual_seed(1))
_LATENTS = torch.randn(COUNT, SIZE, generator=torch.Generator().manual_seed(2))
_ALL = torch.ones(COUNT, WIDTH)


def _made(latents: Tensor) -> Tensor:
    return torch.tanh(latents @ _WEIGHTS) + 0.3 * latents @ _WEIGHTS


def _miss(latents: Tensor, wanted: Tensor, counted: Tensor = _ALL) -> float:
    return float(((_made(latents) - wanted).abs() * counted).sum() / counted.sum())


def _found(wanted: Tensor, counted: Tensor = _ALL, rounds: int = 6) -> Tensor:
    found = fitted(_made, wanted, counted, SIZE, rounds)
    assert found is not None
    return found


def test_latents_are_found_whose_outputs_are_those_that_are_wanted() -> None:
    wanted = _made(_LATENTS)
    start = _miss(torch.zeros_like(_LATENTS), wanted)
    assert _miss(_found(wanted), wanted) < 0.05 * start


def test_each_round_comes_nearer_and_none_leaves_the_start() -> None:
    wanted = _made(_LATENTS)
    missed = [_miss(_found(wanted, rounds=rounds), wanted) for rounds in (0, 1, 2)]
    assert (_found(wanted, rounds=0) == 0).all()
    assert missed[0] > missed[1] > missed[2]


def test_what_does_not_count_has_no_say() -> None:
    wanted, counted = _made(_LATENTS), _ALL.clone()
    counted[:, WIDTH // 2 :] = 0
    other = torch.where(counted > 0, wanted, torch.full_like(wanted, 50.0))
    assert torch.equal(_found(other, counted), _found(wanted, counted))
    assert _miss(_found(other, counted), other, counted) < 0.1 * _miss(torch.zeros_like(_LATENTS), other, counted)


def test_a_single_target_and_latents_of_more_numbers_than_there_are_targets_are_fitted() -> None:
    wanted = _made(_LATENTS)[:1]
    found = fitted(_made, wanted, _ALL[:1], SIZE, 6)
    assert found is not None
    assert _miss(found, wanted, _ALL[:1]) < 0.1 * _miss(torch.zeros(1, SIZE), wanted, _ALL[:1])


def test_a_latent_that_gains_next_to_nothing_stays_near_the_mean() -> None:
    found = fitted(lambda latents: 1e-4 * _made(latents), torch.ones(COUNT, WIDTH), _ALL, SIZE, 6)
    assert found is not None
    assert found.abs().max() < 0.5


def test_outputs_that_only_long_differences_change_are_not_fitted() -> None:
    assert fitted(lambda latents: _made(latents).round(), _made(_LATENTS), _ALL, SIZE, 6) is None


def test_a_fit_ends_with_the_round_that_gains_little() -> None:
    calls: list[int] = []

    def counted(latents: Tensor) -> Tensor:
        calls.append(len(latents))
        return _made(latents).clamp(min=100.0)

    fitted(counted, torch.zeros(COUNT, WIDTH), _ALL, SIZE, 6)
    # The mean, the same latents twice and the start; the first steps; the directions and steps of one round.
    assert len(calls) == 4 + response._FIRST_STEPS + SIZE + response._STEPS


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_outputs_that_are_not_finite_are_not_fitted(value: float) -> None:
    assert fitted(lambda latents: _made(latents) + value, _made(_LATENTS), _ALL, SIZE, 6) is None


def test_steps_into_what_is_not_finite_are_not_taken() -> None:
    wanted = _made(3 * _LATENTS)

    def broken(latents: Tensor) -> Tensor:
        return torch.where(latents.abs().amax(1, keepdim=True) > 1, torch.full((), math.nan), _made(latents))

    found = fitted(broken, wanted, _ALL, SIZE, 6)
    assert found is not None
    assert found.abs().max() <= 1 + 1e-5
    assert _miss(found, wanted) < _miss(torch.zeros_like(_LATENTS), wanted)


def test_rows_that_change_with_their_neighbours_are_not_fitted() -> None:
    assert fitted(lambda latents: _made(latents + latents.mean(0)), _made(_LATENTS), _ALL, SIZE, 6) is None


@pytest.mark.parametrize(("mixed", "is_fitted"), [(0.0, True), (1.0, False)], ids=["each its own", "mixed"])
def test_rows_that_are_mixed_are_found_beside_a_large_constant(mixed: float, is_fitted: bool) -> None:
    def made(latents: Tensor) -> Tensor:
        return 5000 + 0.1 * _made(latents + mixed * latents.roll(1, 0))

    assert (fitted(made, made(_LATENTS), _ALL, SIZE, 1) is not None) is is_fitted


@pytest.mark.parametrize("count", [1, COUNT])
def test_outputs_that_are_never_twice_the_same_are_not_fitted(count: int) -> None:
    torch.manual_seed(0)

    def made(latents: Tensor) -> Tensor:  # by noise that the mean does not show
        return _made(latents) * (1 + 0.1 * torch.randn(len(latents), WIDTH))

    assert fitted(made, _made(_LATENTS)[:count], _ALL[:count], SIZE, 6) is None
