"""A small image of real paths beside generated ones, as an experiment logger takes it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case
from humouse_doctor.core.pictures import Points
from humouse_doctor.diagnosis.pictures import pictures_of

#: An image (H, W, 3) of red, green and blue.
Image = NDArray[np.uint8]

#: Pixels of one side of a panel, and of the margin within it and between the two.
_SIDE, _MARGIN = 256, 8
_PAPER, _FRAME = (255, 255, 255), (208, 208, 208)
#: Blue and orange of Okabe and Ito (2008), which people of every colour vision tell apart.
_REAL, _GENERATED = (0, 114, 178), (213, 94, 0)


def image_of(case: Case) -> Image | None:
    """Return real paths on the left and generated ones on the right, at one scale: (H, W, 3); None if either is not known.

    Each panel is centred on the middle of its own paths, so that what moves is seen wherever it is. The values of one channel
    are drawn over the steps.
    """
    found = pictures_of(case)
    if found is None or not found.real_paths or not found.generated_paths:
        return None
    panels = ((found.real_paths, _REAL), (found.generated_paths, _GENERATED))
    image = np.full((_SIDE + 2 * _MARGIN, 2 * _SIDE + 3 * _MARGIN, 3), _PAPER, dtype=np.uint8)
    reach = np.max([np.ptp(np.concatenate(paths), axis=0) for paths, _ in panels], axis=0)  # (2,)
    if case.samples.predictions is None or case.samples.predictions.shape[-1] > 1:
        reach = np.full(2, reach.max())
    reach[reach == 0] = 1.0
    for at, (paths, colour) in enumerate(panels):
        left = _MARGIN + at * (_SIDE + _MARGIN)
        panel = image[_MARGIN : _MARGIN + _SIDE, left : left + _SIDE]
        panel[[0, -1], :] = panel[:, [0, -1]] = _FRAME
        _draw(panel, paths, colour, reach)
    return image


def _draw(panel: Image, paths: Sequence[Points], colour: tuple[int, int, int], reach: FloatArray) -> None:
    """Draw paths into a square panel whose sides are `reach` (2,) of their unit; y grows downwards, as on a screen."""
    points = np.concatenate(paths)
    middle = (points.max(axis=0) + points.min(axis=0)) / 2
    most = _SIDE - 1
    for path in paths:
        places = ((np.asarray(path) - middle) / reach * 0.92 + 0.5) * most  # (S, 2)
        dense = np.arange(0, len(places) - 1 + 1e-9, 1 / most)
        steps = np.arange(len(places))
        x, y = (np.interp(dense, steps, places[:, axis]).round().astype(int).clip(0, most) for axis in (0, 1))
        panel[y, x] = colour
        ends = places[[0, -1]].round().astype(int)
        for column, row in ends.clip(1, most - 1):  # a path that stands still is seen too
            panel[row - 1 : row + 2, column - 1 : column + 2] = colour
