"""What a watch has seen as a part of a run's history."""

from __future__ import annotations

from pathlib import Path

from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.history import LossCurve, Snapshot, SnapshotKind
from humouse_doctor.core.watching import Moment, Watched

#: More glances, and more points of a loss, are thinned out.
_MOST, _MOST_POINTS = 60, 400


def watched_snapshots(watched: Watched, path: Path) -> list[Snapshot]:
    """Return the glances in the file at `path`, at most sixty, evenly spaced, the first and the last among them."""
    return [
        Snapshot(
            kind=SnapshotKind.WATCH,
            epoch=0,
            step=moment.step,
            file=str(path),
            verdict=moment.now,
            measures=moment.measures,
        )
        for moment in _evenly(watched.moments, _MOST)
    ]


def watched_curves(watched: Watched, path: Path) -> list[LossCurve]:
    """Return the loss that was recorded beside the glances, none without one."""
    found = _evenly([moment for moment in watched.moments if moment.loss is not None], _MOST_POINTS)
    if not found:
        return []
    return [
        LossCurve(
            name=SnapshotKind.WATCH.value,
            file=str(path),
            epochs=tuple(moment.step for moment in found),
            values=tuple(moment.loss for moment in found if moment.loss is not None),
            best_constant=watched.beginning.best_constant,
            motionless=watched.beginning.motionless,
            unit="step",
        )
    ]


def _evenly(moments: tuple[Moment, ...] | list[Moment], most: int) -> list[Moment]:
    places = np.linspace(0, len(moments) - 1, min(most, len(moments)))
    return [moments[place] for place in sorted({round(float(place)) for place in places})]
