from __future__ import annotations

import pytest
import torch

from humouse_doctor.networks.adam import Adam


@pytest.mark.parametrize(("learning_rate", "betas"), [(1e-3, (0.9, 0.999)), (0.1, (0.5, 0.9)), (2e-4, (0.0, 0.99))])
def test_steps_are_those_of_torchs_class(learning_rate: float, betas: tuple[float, float]) -> None:
    draw = torch.Generator().manual_seed(1)
    starts = [torch.randn(shape, generator=draw) for shape in ((3, 4), (5,), (2,))]
    ours = [start.clone().requires_grad_() for start in starts]
    theirs = [start.clone().requires_grad_() for start in starts]
    one, other = Adam(ours, learning_rate=learning_rate, betas=betas), torch.optim.Adam(theirs, lr=learning_rate, betas=betas)

    for step in range(20):
        for optimiser in (one, other):
            optimiser.zero_grad()
        for parameters in (ours, theirs):
            used = parameters if step % 3 else parameters[:2]  # the last has no gradient at times
            torch.stack([(parameter - step).square().sum() for parameter in used]).sum().backward()  # type: ignore[no-untyped-call]
        one.step()
        other.step()

    assert all(torch.equal(mine, its) for mine, its in zip(ours, theirs, strict=True))
    assert not torch.equal(ours[2], starts[2])
