"""Places for the numbers and the image of a watch, by each logger's own interface.

Each function returns a `log` for `humouse_doctor.watch`, or, if its name ends with `_image`, a `draw`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from humouse_doctor.live.figure import Image
from humouse_doctor.live.watch import Log, Sketch

#: The name of the image.
_PATHS = "doctor/paths"


class _Writer(Protocol):
    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> object: ...

    def add_image(self, tag: str, img_tensor: Image, global_step: int, *, dataformats: str) -> object: ...


def tensorboard(writer: _Writer) -> Log:
    """Return a log that adds each number to a `SummaryWriter`."""

    def log(step: int, numbers: Mapping[str, float]) -> None:
        for name, value in numbers.items():
            writer.add_scalar(name, value, global_step=step)

    return log


def tensorboard_image(writer: _Writer) -> Sketch:
    """Return a draw that adds the image to a `SummaryWriter`, which needs Pillow for it."""
    return lambda step, image: writer.add_image(_PATHS, image, global_step=step, dataformats="HWC")


def wandb(run: Any) -> Log:
    """Return a log for a run of Weights & Biases; the numbers have a step of their own, `doctor/step`.

    The run's own step may only grow, and the training may have logged a later one.
    """
    run.define_metric("doctor/*", step_metric="doctor/step")

    def log(step: int, numbers: Mapping[str, float]) -> None:
        run.log({**numbers, "doctor/step": step})

    return log


def wandb_image(run: Any, make: Any) -> Sketch:
    """Return a draw for a run of Weights & Biases; `make` turns an array into what is logged, as `wandb.Image` does.

    It goes with `wandb(run)`, which says by which step it is drawn.
    """
    return lambda step, image: run.log({_PATHS: make(image), "doctor/step": step})


def keyword_step(log_metrics: Any) -> Log:
    """Return a log that calls `log_metrics(numbers, step=step)`, as MLflow's `log_metrics` and trackio's `log` take it."""

    def log(step: int, numbers: Mapping[str, float]) -> None:
        log_metrics(dict(numbers), step=step)

    return log


def keyword_step_image(log_image: Any) -> Sketch:
    """Return a draw that calls `log_image(image, key=name, step=step)`, as MLflow's `log_image` takes it."""
    return lambda step, image: log_image(image, key=_PATHS, step=step)


def aim(run: Any) -> Log:
    """Return a log that tracks each number in a run of Aim."""

    def log(step: int, numbers: Mapping[str, float]) -> None:
        for name, value in numbers.items():
            run.track(value, name=name, step=step)

    return log


def aim_image(run: Any, make: Any) -> Sketch:
    """Return a draw that tracks the image in a run of Aim; `make` turns an array into one, as `aim.Image` does."""
    return lambda step, image: run.track(make(image), name=_PATHS, step=step)
