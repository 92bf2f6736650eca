"""Differentiable conversions between spaces: those of `core.space.Space`, for tensors."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.space import EPSILON, Space


def pixels(space: Space, values: Tensor) -> Tensor:
    """Return the paths of outputs (N, T, D) as positions in the data's unit, (N, T, 2)."""
    paths = values[..., :2]
    if space.absolute:
        if space.position_mean is not None and space.position_std is not None:
            paths = paths * _constant(space.position_std + EPSILON) + _constant(space.position_mean)
        if space.sequence_mean is None:
            return paths
        paths = torch.diff(paths, dim=1, prepend=torch.zeros_like(paths[:, :1]))
    if space.sequence_mean is not None and space.sequence_std is not None:
        paths = paths * _constant(space.sequence_std) + _constant(space.sequence_mean)
    return paths.cumsum(dim=1)


def z_scored_sum(space: Space, output: Tensor) -> Tensor:
    """Sum outputs (N, T, D), in units of the positions' std, to positions z-scored as in `space`.

    The first two channels are the steps. The result (N, T, D) is comparable with the targets of `space`.
    """
    assert space.position_mean is not None
    assert space.position_std is not None
    start = _constant(space.position_mean / (space.position_std + EPSILON)).to(output.device)
    return torch.cat([output[..., :2].cumsum(dim=1) - start, output[..., 2:]], dim=-1)


def _constant(numbers: FloatArray) -> Tensor:
    return torch.from_numpy(np.asarray(numbers[:2], dtype=np.float32))
