"""Watch a training loop of one's own: `python examples/watch/plain_loop.py`."""

from __future__ import annotations

import torch
from generator import STEPS, WarmUp, targets

import humouse_doctor


def run(*, sick: bool) -> None:
    torch.manual_seed(0)
    wanted, model = targets(sick=sick), WarmUp(sick=sick)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)

    with humouse_doctor.watch(model.generator, optimizer, targets=wanted, every=5, steps=STEPS) as watch:  # the one line
        for _ in range(STEPS):
            loss = (model(torch.arange(len(wanted))) - wanted).abs().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if watch.should_stop:
                break
    print(f"{'sick' if sick else 'healthy'} run ended at step {watch.step} of {STEPS}: {watch.close()}")


if __name__ == "__main__":
    run(sick=False)
    run(sick=True)
