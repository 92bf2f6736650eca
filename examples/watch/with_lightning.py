"""Watch a training by Lightning: `python examples/watch/with_lightning.py`, with the extra `lightning`."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import lightning.pytorch as pl
import torch
from generator import STEPS, WarmUp, targets
from torch import Tensor
from torch.utils.data import DataLoader

from humouse_doctor.live.lightning import WarmUpWatch


class Module(pl.LightningModule):
    def __init__(self, *, sick: bool) -> None:
        super().__init__()
        self.model, self.wanted = WarmUp(sick=sick), targets(sick=sick)

    def training_step(self, rows: Tensor) -> Any:
        return (self.model(rows) - self.wanted[rows]).abs().mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=0.03)


def run(*, sick: bool) -> None:
    torch.manual_seed(0)
    module = Module(sick=sick)
    watch = WarmUpWatch("model.generator", targets=module.wanted, every=5)  # the one line
    with TemporaryDirectory() as folder:
        trainer = pl.Trainer(
            max_epochs=STEPS,
            callbacks=[watch],
            default_root_dir=folder,
            accelerator="cpu",
            logger=pl.loggers.CSVLogger(folder),
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            log_every_n_steps=1,
        )
        rows: Any = torch.arange(len(module.wanted))
        trainer.fit(module, DataLoader(rows, batch_size=len(rows)))
        written = sorted(path.name for path in Path(folder).rglob("*") if path.suffix in (".jsonl", ".csv"))
    name = "sick" if sick else "healthy"
    print(f"{name} run ended at step {trainer.global_step} of {STEPS}: {watch.report}; written: {', '.join(written)}")


if __name__ == "__main__":
    run(sick=False)
    run(sick=True)
