"""Adam, without the class `torch.optim.Adam`."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.optim.adam import adam


class Adam:
    """The optimiser of Kingma and Ba (2015), with the results of `torch.optim.Adam` to the last bit.

    torch's class imports its compiler, torch._dynamo, when it is made: 3 s of CPU, half of an inspection, and again in every
    process of a search. Its function `adam` does the same work and imports nothing.
    """

    def __init__(
        self, parameters: Iterable[Tensor], *, learning_rate: float, betas: tuple[float, float] = (0.9, 0.999)
    ) -> None:
        self._parameters = list(parameters)
        self._learning_rate = learning_rate
        self._betas = betas
        self._means = [torch.zeros_like(parameter) for parameter in self._parameters]
        self._squares = [torch.zeros_like(parameter) for parameter in self._parameters]
        self._steps = [torch.tensor(0.0) for _ in self._parameters]

    def zero_grad(self) -> None:
        """Drop all gradients."""
        for parameter in self._parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move each parameter that has a gradient by one step."""
        moved = [index for index, parameter in enumerate(self._parameters) if parameter.grad is not None]
        adam(
            [self._parameters[index] for index in moved],
            [self._parameters[index].grad for index in moved],  # type: ignore[misc]  # those without one are left out
            [self._means[index] for index in moved],
            [self._squares[index] for index in moved],
            [],
            [self._steps[index] for index in moved],
            amsgrad=False,
            beta1=self._betas[0],
            beta2=self._betas[1],
            lr=self._learning_rate,
            weight_decay=0.0,
            eps=1e-8,
            maximize=False,
        )
