"""Fitted latents of few numbers, by how the output responds to them: from forward passes alone, without a gradient.

A forward pass that keeps nothing for a gradient takes a fifth of a pass with one in an LSTM of two layers, 128 units and 200
steps. So the Jacobian is found by differences, where it matters most, and kept up to date by the steps that are made.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

#: Steps from the start, then in each round, and the directions that a round tries before its steps.
_FIRST_STEPS, _STEPS, _DIRECTIONS = 4, 4, 16
#: A round that has lowered the loss by no more than this share is the last.
_GAIN = 0.05
#: The length of a difference, in stds of the prior.
_DIFFERENCE = 0.1
#: Levenberg and Marquardt's damping at the start of a round at most, over the mean of the diagonal, and its changes.
_DAMPING, _EASIER, _HARDER = 0.1, 1 / 3, 4.0
#: Residuals below this share of their mean count as of this size, where the L1 is taken for a weighted L2.
_SMALL = 0.3
#: The share of the loss at the start that a latent must gain for each std of the prior that it is away from the mean, squared.
_FAR = 3e-3
#: The same latents make the same, if it differs by no more than this share of what latents change, and by four roundings.
_SAME, _ROUNDINGS = 1e-4, 4 * torch.finfo().eps
#: A fit is stuck if it gains less than this share of what drawn latents change, and that is more than this share of the loss.
#: Of 90 runs of the zoo those that change so much gained 0.12 and more.
_STUCK = 0.01

Pass = Callable[[Tensor], Tensor]


@torch.no_grad()
def fitted(output_of: Pass, wanted: Tensor, counted: Tensor, size: int, rounds: int) -> Tensor | None:
    """Return latents (N, size), in stds from the prior's mean, whose outputs come near to `wanted` (N, F) in the L1.

    `output_of` makes outputs (N, F) of latents (N, size). Only numbers with a `counted` (N, F) of 1 are compared, those with 0
    are not. Levenberg-Marquardt on reweighted squares, with Broyden's update of each row's Jacobian; every round but the first
    takes the Jacobian anew in the directions that move most. Returns None for outputs that are not finite, for rows that change
    with another's latent or that the same latents make otherwise each time, and where next to nothing was gained although
    latents move the output, as with rounded outputs, which small differences do not change.
    """
    count = len(wanted)
    at = torch.zeros(count, size)
    output = output_of(at)
    unit = torch.maximum((wanted * counted).abs().max(), output.abs().max()).clamp(min=torch.finfo().tiny)
    output, wanted = output / unit, wanted / unit  # whose squares are neither endless nor nothing

    def made(latents: Tensor) -> Tensor:
        return output_of(latents) / unit

    reach = _reach(made, output, size)
    if reach is None:
        return None
    turn, jacobian = _start(made, output, size)
    if not bool(torch.isfinite(jacobian).all()):
        return None
    eye = torch.eye(size)

    def drawn(turned: Tensor) -> Tensor:
        return made(turned @ turn.T)

    missed = (wanted - output) * counted
    loss = missed.abs().sum(1)
    start = float(loss.sum())
    dear = _FAR * loss / size  # (N,), of a latent's square
    cost, damping = loss, torch.full((count,), _DAMPING)
    compared = counted.sum(1).clamp(min=1)
    for number in range(rounds):
        before = float(cost.sum())
        if number:
            for index in range(min(_DIRECTIONS, size)):
                jacobian[:, :, index] = (drawn(at + _DIFFERENCE * eye[index]) - output).div_(_DIFFERENCE).nan_to_num_(0, 0, 0)
            damping = damping.clamp(max=_DAMPING)
        for _ in range(_STEPS if number else _FIRST_STEPS):
            weights = counted / missed.abs().clamp(min=(_SMALL * loss / compared + 1e-12)[:, None])
            weighted = jacobian * weights[:, :, None]
            square = jacobian.mT @ weighted  # (N, size, size)
            slope = (weighted.mT @ missed[:, :, None]).squeeze(2) - 2 * dear[:, None] * at
            damped = damping * square.diagonal(dim1=1, dim2=2).mean(1) + 2 * dear + 1e-12
            step = torch.linalg.solve_ex(square + damped[:, None, None] * eye, slope)[0].nan_to_num_(0, 0, 0)
            moved = at + step
            new = drawn(moved)
            new_missed = (wanted - new) * counted
            new_loss = new_missed.abs().sum(1)
            new_cost = new_loss + dear * moved.square().sum(1)
            surprise = (new - output - (jacobian @ step[:, :, None]).squeeze(2)).nan_to_num_(0, 0, 0)
            jacobian.baddbmm_(surprise[:, :, None], (step / (step.square().sum(1, keepdim=True) + 1e-12))[:, None])
            better = new_cost < cost
            rows = better[:, None]
            at, output = torch.where(rows, moved, at), torch.where(rows, new, output)
            missed, loss = torch.where(rows, new_missed, missed), torch.where(better, new_loss, loss)
            cost = torch.where(better, new_cost, cost)
            damping = torch.where(better, damping * _EASIER, damping * _HARDER).clamp(1e-4, 1e6)
        if number and before - float(cost.sum()) <= _GAIN * before:
            break
    changed = float((reach * counted).sum())
    stuck = rounds > 0 and start - float(loss.sum()) < _STUCK * changed and changed > _STUCK * start
    return None if stuck else at @ turn.T


def _reach(made: Pass, output: Tensor, size: int) -> Tensor | None:
    """Return how far drawn latents move the `output` of zeros (N, F), None if rows make another of the same latent again."""
    tried = torch.randn(len(output), size, generator=torch.Generator().manual_seed(0))
    once = made(tried).nan_to_num_(0, 0, 0)
    tried[1::2] = 0  # other rows beside the even ones
    again = made(tried).nan_to_num_(0, 0, 0)
    away, moved = (again - once)[::2].abs().max(), (once - output).abs()
    return moved if bool(away <= _SAME * moved.max() + _ROUNDINGS * once.abs().max()) else None


def _start(made: Pass, output: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Return the directions (size, size) of latents, as columns, those that move the output most first; and the Jacobian.

    It is (N, F, size), by these directions, and all rows' the same: at the mean each row tries another number of a latent.
    """
    count, width = output.shape
    response = torch.empty(size, width)
    for first in range(0, size, count):
        tried = range(first, min(first + count, size))
        latents = torch.zeros(count, size)
        latents[range(len(tried)), tried] = _DIFFERENCE
        response[first : tried.stop] = (made(latents) - output)[: len(tried)] / _DIFFERENCE
    if not bool(torch.isfinite(response).all()):
        return torch.eye(size), response
    turn = torch.linalg.eigh(response.double() @ response.T.double())[1].flip(1).float()
    return turn, (response.T @ turn).expand(count, -1, -1).clone()
