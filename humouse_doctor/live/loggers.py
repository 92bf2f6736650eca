"""Places for the numbers of a watch: each function returns a `log` for `humouse_doctor.watch`, by a logger's own interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from humouse_doctor.live.watch import Log


class _Writer(Protocol):
    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> object: ...


def tensorboard(writer: _Writer) -> Log:
    """Return a log that adds each number to a `SummaryWriter`."""

    def log(step: int, numbers: Mapping[str, float]) -> None:
        for name, value in numbers.items():
            writer.add_scalar(name, value, global_step=step)

    return log


def wandb(run: Any) -> Log:
    """Return a log for a run of Weights & Biases; the numbers have a step of their own, `doctor/step`.

    The run's own step may only grow, and the training may have logged a later one.
    """
    run.define_metric("doctor/*", step_metric="doctor/step")

    def log(step: int, numbers: Mapping[str, float]) -> None:
        run.log({**numbers, "doctor/step": step})

    return log


def keyword_step(log_metrics: Any) -> Log:
    """Return a log that calls `log_metrics(numbers, step=step)`, as MLflow's `log_metrics` and trackio's `log` take it."""

    def log(step: int, numbers: Mapping[str, float]) -> None:
        log_metrics(dict(numbers), step=step)

    return log


def aim(run: Any) -> Log:
    """Return a log that tracks each number in a run of Aim."""

    def log(step: int, numbers: Mapping[str, float]) -> None:
        for name, value in numbers.items():
            run.track(value, name=name, step=step)

    return log
