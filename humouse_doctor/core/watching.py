"""The plain data of a watched training: the glances at its generator, in order, and what they add up to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from humouse_doctor.core.verdict import Verdict

WATCH_VERSION = "1.0"
#: The file in a run's folder that a watch appends to.
WATCH_FILE = "watch.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """The start of a watch over a generator of this class.

    `steps` are those of the whole training, None if unknown, `every` those between glances and `start` those before it.
    `best_constant` and `motionless` are the losses of two predictors that know nothing, None if unknown.
    """

    tool_version: str
    generator: str
    steps: int | None
    every: int
    start: int = 0
    best_constant: float | None = None
    motionless: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One glance, after so many optimiser steps.

    `now` is the verdict if the training ended here. `outlook` is that on its end: collapsed if at its pace so far it will not
    get out of its collapse, undetermined while it is too early to say. `causes` are codes, the likeliest first. `measures` are
    ratios to the data by name, and `loss` is the training's own, None if it was not recorded.
    """

    step: int
    now: Verdict
    outlook: Verdict
    causes: tuple[str, ...]
    measures: Mapping[str, float]
    loss: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The end of a watch: the last step, and the answer about the generator as it then was."""

    step: int
    verdict: Verdict
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A watched training as its file has it; `ending` is None while it goes on, or if it was cut off."""

    beginning: Beginning
    moments: tuple[Moment, ...]
    ending: Ending | None = None

    @property
    def foreseen(self) -> int | None:
        """The step since which the end has been foreseen as a collapse, None if it is not now."""
        step = None
        for moment in reversed(self.moments):
            if moment.outlook is not Verdict.COLLAPSED:
                break
            step = moment.step
        return step
