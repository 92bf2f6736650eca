from __future__ import annotations

import numpy as np
import pytest
import torch

from humouse_doctor.core.space import EPSILON, Space
from humouse_doctor.networks.spaces import pixels, z_scored_sum
from tests.core.test_space import POSITION_MEAN, POSITION_STD, SPACES


@pytest.mark.parametrize("space", [space for space, _ in SPACES], ids=[name for _, name in SPACES])
def test_paths_are_those_of_the_numpy_twin(space: Space) -> None:
    values = torch.randn(4, 6, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)

    paths = pixels(space, values)

    np.testing.assert_allclose(paths.detach().numpy(), space.pixels(values.detach().numpy()), rtol=1e-4, atol=1e-4)
    paths.sum().backward()  # type: ignore[no-untyped-call]  # torch leaves Tensor.backward unannotated
    assert values.grad is not None
    assert values.grad[..., :2].abs().min() > 0


def test_a_sum_of_steps_in_stds_is_comparable_with_z_scored_positions() -> None:
    space = Space(absolute=True, position_mean=POSITION_MEAN, position_std=POSITION_STD)
    sequences = np.random.default_rng(0).normal(size=(2, 5, 3))
    steps = torch.from_numpy(sequences / [*(POSITION_STD + EPSILON), 1.0]).float()

    np.testing.assert_allclose(z_scored_sum(space, steps).numpy(), space.targets(sequences, 3), rtol=1e-4, atol=1e-5)
