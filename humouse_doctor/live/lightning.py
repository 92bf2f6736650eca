"""The watch as a callback of Lightning's Trainer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

try:
    import lightning.pytorch as pl
except ImportError:  # the older name of the same package
    import pytorch_lightning as pl
from torch import Tensor, nn

from humouse_doctor.live.watch import Watch, found_in, steps_made, trainer_of, watch
from humouse_doctor.service.python_report import Report


class WarmUpWatch(pl.Callback):
    """Watches a module's generator while `Trainer.fit` trains it, and stops the training once it will end in a collapse.

    `generator` names the generator within the LightningModule, as `model.generator`, or returns it; all else is passed on to
    `humouse_doctor.watch`. With `stop` False it only warns. The numbers go to the trainer's loggers, and `watch.jsonl` into the
    folder of its logs. In a training by several processes the first one looks, and all of them stop together.
    """

    def __init__(
        self,
        generator: str | Callable[[pl.LightningModule], nn.Module] = "generator",
        *,
        stop: bool = True,
        every: int = 50,
        history: str | Path | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self.watch: Watch | None = None
        self.report: Report | None = None
        self._batches = 0
        self._generator, self._stop, self._every, self._history, self._options = generator, stop, every, history, options

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin the watch at the trainer's step; raises `DoctorError` in one line if the options do not fit the generator."""
        generator = found_in(pl_module, self._generator)
        optimizer = trainer_of(generator, trainer.optimizers)
        total = trainer.estimated_stepping_batches
        self.watch = watch(
            generator,
            optimizer,
            every=self._every,
            history=self._history if self._history is not None else trainer.log_dir,
            log=lambda step, numbers: [logger.log_metrics(dict(numbers), step=step) for logger in trainer.loggers],
            start=steps_made(optimizer) or (trainer.global_step if len(trainer.optimizers) == 1 else 0),
            **{"steps": int(total) if total != float("inf") else None, **self._options},
        )

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Keep the loss for the next glance, and stop the trainer if the last one says so."""
        if self.watch is None:
            return
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if isinstance(loss, Tensor):
            self.watch.record(loss * trainer.accumulate_grad_batches)  # it was divided by them
        self._batches += 1
        if self._stop and self._batches % self._every == 0:  # a reduction over processes waits for all of them
            stop = trainer.strategy.reduce_boolean_decision(self.watch.should_stop, all=False)
            trainer.should_stop = trainer.should_stop or stop

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """End the watch; `report` is then the whole diagnosis."""
        if self.watch is not None:
            self.report = self.watch.close()
