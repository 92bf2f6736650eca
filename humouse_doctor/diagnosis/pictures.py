"""A case to the data of its report's pictures."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case
from humouse_doctor.core.pictures import Curve, FittedPath, Pictures, Points
from humouse_doctor.core.space import PIXELS, Space
from humouse_doctor.probes.shared import measures

TARGETS, PRIOR, FITTED, STATE = "targets", "prior samples", "fitted latents", "recurrent state"

_PATHS = 16
#: Fitted paths that are drawn, and sequences whose states are looked at.
_FITS, _STATES = 8, 64
_POINTS = 100
_BINS = 40
#: The share of values on each side that the histogram puts into its outermost bins.
_TAIL = 0.005


def pictures_of(case: Case) -> Pictures | None:
    """Return the data to draw `case` from, None without targets and predictions, or if their space is unknown.

    It is also None for numbers whose squares are too large for float64.
    """
    if case.samples.empty:
        return None
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            return _drawn(case)
    except FloatingPointError:
        return None


def _drawn(case: Case) -> Pictures | None:
    samples, space = case.samples, case.space
    if space is None:
        return None
    fitted = None if samples.fit is None else samples.fit.predictions
    groups = {TARGETS: samples.loss_targets, PRIOR: samples.predictions, FITTED: fitted}
    known = {
        name: np.asarray(values, dtype=np.float64)
        for name, values in groups.items()
        if values is not None and values.size > 0 and np.isfinite(values).all()
    }
    if not known:
        return None
    length = min(values.shape[1] for values in known.values())
    steps = np.unique(np.linspace(0, length - 1, min(length, _POINTS)).round().astype(int))
    paths = {name: _path(case, space, name, values[:, :length]) for name, values in known.items()}
    if not all(np.isfinite(found).all() for found in paths.values()):
        return None
    edges, shares = _histogram({name: values[..., : space.channels] for name, values in known.items() if name != FITTED})
    gradients = {} if samples.gradients is None else samples.gradients.rms_by_layer
    return Pictures(
        space=measures.space_name(case),
        real_paths=_points(paths.get(TARGETS), steps),
        generated_paths=_points(paths.get(PRIOR), steps),
        steps=tuple(int(step) for step in steps),
        curves=tuple(_curve(name, found, steps) for name, found in paths.items()),
        edges=edges,
        shares=MappingProxyType(shares),
        reach=_reach(case),
        gradient_rms=MappingProxyType({name: _rounded(value) for name, value in gradients.items() if np.isfinite(value)}),
        ways=MappingProxyType(_ways(samples.hidden, paths.get(TARGETS), steps)),
        fits=_fits(case, space, known, steps) if FITTED in known else (),
    )


def _path(case: Case, space: Space, name: str, values: FloatArray) -> FloatArray:
    """Return the paths of `values` (N, T, D) as symptoms are judged: (N, T, C)."""
    if not case.spaces_differ or case.reading is None or case.samples.sequences is None:
        return space.positions(values)
    if name == TARGETS:
        return PIXELS.targets(case.samples.sequences[:, : values.shape[1]], 2)
    return case.reading.space.pixels(values) if name == PRIOR else np.asarray(values[..., :2])  # the fit holds paths already


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def _ways(hidden: FloatArray | None, targets: FloatArray | None, steps: FloatArray) -> dict[str, tuple[float, ...]]:
    """Return the shares of the movement done at some steps, of states (N, T, H) and of paths (N, T, C)."""
    if hidden is None or hidden.size == 0 or hidden.shape[1] <= steps[-1] or not np.isfinite(hidden[:_STATES]).all():
        return {}
    moved = {STATE: hidden[:_STATES], **({} if targets is None else {TARGETS: targets})}
    return {name: _way(values[:, : steps[-1] + 1], steps) for name, values in moved.items()}


def _way(values: FloatArray, steps: FloatArray) -> tuple[float, ...]:
    done = np.concatenate([[0.0], np.cumsum(measures.way_by_step(values))])  # (T,)
    return tuple(_rounded(share) for share in done[steps] / (done[-1] or 1.0))


def _fits(case: Case, space: Space, known: Mapping[str, FloatArray], steps: FloatArray) -> tuple[FittedPath, ...]:
    fit = case.samples.fit
    assert fit is not None
    if fit.targets.shape != fit.predictions.shape or not np.isfinite(fit.targets[:_FITS]).all():
        return ()
    real, made = (
        _points(_path(case, space, FITTED, np.asarray(values[:_FITS, : steps[-1] + 1], dtype=np.float64)), steps)
        for values in (fit.targets, known[FITTED])
    )
    return tuple(FittedPath(target=target, made=path) for target, path in zip(real, made, strict=True))


def _points(paths: FloatArray | None, steps: FloatArray) -> tuple[Points, ...]:
    if paths is None:
        return ()
    if paths.shape[-1] == 1:  # drawn over time
        paths = np.concatenate([np.broadcast_to(np.arange(paths.shape[1])[:, None], paths.shape), paths], axis=-1)
    paths = paths[..., :2]  # (N, T, 2)
    return tuple(tuple((_rounded(x), _rounded(y)) for x, y in path) for path in paths[:_PATHS, steps].tolist())


def _curve(name: str, paths: FloatArray, steps: FloatArray) -> Curve:
    taken = paths[:, steps]  # (N, S, 2)
    movement = np.sqrt(((taken - paths[:, :1]) ** 2).sum(axis=2).mean(axis=0))  # (S,)
    spread = np.sqrt((taken.std(axis=0) ** 2).mean(axis=1))  # (S,)
    return Curve(name=name, movement=tuple(map(_rounded, movement.tolist())), spread=tuple(map(_rounded, spread.tolist())))


def _histogram(groups: dict[str, FloatArray]) -> tuple[tuple[float, ...], dict[str, tuple[float, ...]]]:
    """Return edges and shares, over the range of the targets if there are any."""
    decisive = groups.get(TARGETS, next(iter(groups.values()), None))
    if decisive is None:
        return (), {}
    low, high = np.quantile(decisive, [_TAIL, 1 - _TAIL])
    if not high > low:
        margin = max(1.0, 1e-6 * abs(low))  # 1 is lost in what is larger than 1e15
        low, high = low - margin, high + margin
    edges = np.linspace(low, high, _BINS + 1)
    shares = {}
    for name, values in groups.items():
        counts, _ = np.histogram(np.clip(values, low, high), bins=edges)
        shares[name] = tuple(map(_rounded, (counts / values.size).tolist()))
    return tuple(map(_rounded, edges.tolist())), shares


def _reach(case: Case) -> tuple[float, float] | None:
    heads = () if case.network is None else case.network.heads[:2]
    known = {head.bounds for head in heads if head is not None}
    if len(known) != 1 or None in heads:
        return None
    bounds = known.pop()
    return bounds if all(np.isfinite(bounds)) else None
