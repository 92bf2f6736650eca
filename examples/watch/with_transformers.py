"""Watch a training by transformers: `python examples/watch/with_transformers.py`, with the extra `transformers`."""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import Any

import torch
from generator import SEQUENCES, STEPS, WarmUp, targets
from torch import Tensor, nn
from transformers import Trainer, TrainingArguments

from humouse_doctor.live.transformers import WarmUpWatch


class Model(nn.Module):
    def __init__(self, *, sick: bool) -> None:
        super().__init__()
        self.warm_up, self.wanted = WarmUp(sick=sick), targets(sick=sick)

    def forward(self, rows: Tensor) -> dict[str, Tensor]:
        return {"loss": (self.warm_up(rows) - self.wanted[rows]).abs().mean()}


def run(*, sick: bool) -> None:
    torch.manual_seed(0)
    model = Model(sick=sick)
    rows: Any = [{"rows": row} for row in range(SEQUENCES)]
    watch = WarmUpWatch("warm_up.generator", targets=model.wanted, every=5)  # the one line
    with TemporaryDirectory() as folder:
        trainer = Trainer(
            model=model,
            args=TrainingArguments(
                output_dir=folder,
                max_steps=STEPS,
                per_device_train_batch_size=SEQUENCES,
                learning_rate=0.03,
                lr_scheduler_type="constant",
                save_strategy="no",
                report_to=[],
                disable_tqdm=True,
                use_cpu=True,
                logging_steps=5,
                remove_unused_columns=False,
            ),
            train_dataset=rows,
            callbacks=[watch],
        )
        trainer.train()
    print(f"{'sick' if sick else 'healthy'} run ended at step {trainer.state.global_step} of {STEPS}: {watch.report}")


if __name__ == "__main__":
    run(sick=False)
    run(sick=True)
