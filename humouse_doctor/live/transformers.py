"""The watch as a callback of the Trainer of transformers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn
from torch.optim import Optimizer
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from humouse_doctor.live.watch import Watch, any_says, found_in, rate_of, watch
from humouse_doctor.service.python_report import Report


class WarmUpWatch(TrainerCallback):
    """Watches a model's generator while `Trainer.train` trains it, and stops the training once it will end in a collapse.

    `generator` names the generator within the model, or returns it; the empty name is the model itself. All else is passed on
    to `humouse_doctor.watch`. With `stop` False it only warns. `watch.jsonl` is written into the trainer's output folder.
    """

    def __init__(
        self,
        generator: str | Callable[[nn.Module], nn.Module] = "",
        *,
        stop: bool = True,
        every: int = 50,
        history: str | Path | None = None,
        **options: Any,
    ) -> None:
        self.watch: Watch | None = None
        self.report: Report | None = None
        self._generator, self._stop, self._every, self._history, self._options = generator, stop, every, history, options

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: nn.Module | None = None,
        optimizer: Optimizer | None = None,
        **_: Any,
    ) -> None:
        """Begin the watch at the trainer's step; raises `DoctorError` in one line if the options do not fit the generator."""
        if model is None or not state.is_world_process_zero:
            return
        generator = found_in(model, self._generator)
        self.watch = watch(
            generator,
            every=self._every,
            history=self._history if self._history is not None else args.output_dir,
            start=state.global_step,
            **{"steps": state.max_steps or None, **self._options, **self._settings(generator, optimizer)},
        )

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Keep the loss for the next glance."""
        if self.watch is not None and logs is not None and isinstance(logs.get("loss"), float | int):
            self.watch.record(logs["loss"])

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Glance at every so many-th step, and stop the trainer if the glance says so."""
        if state.global_step % self._every:
            return
        if self.watch is not None:
            self.watch.look(state.global_step)
        if self._stop and any_says(self.watch is not None and self.watch.should_stop, args.device):  # each process asks
            control.should_training_stop = True

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """End the watch; `report` is then the whole diagnosis."""
        if self.watch is not None:
            self.report = self.watch.close()

    def _settings(self, generator: nn.Module, optimizer: Optimizer | None) -> dict[str, Any]:
        """Return the settings with the learning rate that the trainer moves the generator with."""
        rate = None if optimizer is None or "targets" not in self._options else rate_of(generator, optimizer)
        return {} if rate is None else {"settings": {"training.lr.generator": rate, **(self._options.get("settings") or {})}}
