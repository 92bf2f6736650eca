"""Data of a report's pictures: a few rounded numbers, stored so that a saved report can be drawn again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

#: A path's points, x and y.
Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One group of paths over the steps.

    `movement` is the rms distance of a path from its own first point, `spread` the standard deviation of the positions
    across paths (root mean square of the two axes); both at each of `Pictures.steps`, in the space the paths are in.
    """

    name: str
    movement: tuple[float, ...]
    spread: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedPath:
    """A real path, and the nearest that a fitted latent makes the generator draw."""

    target: Points
    made: Points


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """All data that a report's pictures need.

    `space` names the loss's space in words; paths and curves are positions in it. `curves` describe the targets, prior
    samples and fitted latents, as far as they are known. `edges` (B + 1) and `shares` (B each, by group) are a
    histogram of the values that the loss compares; the outermost bins also hold the values beyond them. `reach` is the
    range that the head of both position channels can emit, None if it is unbounded or unknown. `gradient_rms` holds
    layers in the order of the forward pass. `ways` hold the share of its whole movement that the recurrent state, and a target,
    has behind it at each of `steps`, by group; without a recurrent layer they are empty. `fits` are paths of fitted latents.
    """

    space: str
    reach: tuple[float, float] | None = None
    gradient_rms: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    steps: tuple[int, ...] = ()
    curves: tuple[Curve, ...] = ()
    edges: tuple[float, ...] = ()
    shares: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: MappingProxyType({}))
    real_paths: tuple[Points, ...] = ()
    generated_paths: tuple[Points, ...] = ()
    ways: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: MappingProxyType({}))
    fits: tuple[FittedPath, ...] = ()
