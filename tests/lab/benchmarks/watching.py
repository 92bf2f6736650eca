"""Measure what a watch costs a training: `python -m tests.lab.benchmarks.watching`.

One LSTM (128 units, 200 steps, batches of 64) is trained in one process and one thread. Blocks of 50 steps alternate: without
anything, with an empty hook, with a watch every 50 steps, and with `wandb.watch` and torchmortem where they are installed. Each
block's CPU time is compared with that of the block without anything of the same round.
"""

from __future__ import annotations

import argparse
import gc
import resource
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec

import torch
from torch import Tensor, nn

from humouse_doctor.live.watch import watch

HIDDEN, LENGTH, BATCH, LATENT, BLOCK = 128, 200, 64, 32, 50
After = Callable[[float], object]


def _nothing(_: float) -> None:
    """Do nothing after a step."""


class Generator(nn.Module):
    def __init__(self, hidden: int = HIDDEN, length: int = LENGTH) -> None:
        super().__init__()
        self.latent_dim, self.length = LATENT, length
        self.lstm = nn.LSTM(LATENT, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 2)

    def forward(self, latent: Tensor) -> Tensor:
        out: Tensor = self.head(self.lstm(latent.unsqueeze(1).expand(-1, self.length, -1))[0])
        return out


class Training:
    """A generator with a table of codes, and steps of its reconstruction."""

    def __init__(self, hidden: int = HIDDEN, length: int = LENGTH) -> None:
        torch.manual_seed(0)
        self.network = Generator(hidden, length)
        self.codes = nn.Embedding(512, LATENT)
        self.targets = torch.randn(512, length, 2).cumsum(dim=1) / 10
        self.optimizer = torch.optim.Adam([*self.network.parameters(), *self.codes.parameters()], lr=1e-3)

    def steps(self, count: int, after: After = _nothing) -> None:
        for _ in range(count):
            rows = torch.randint(0, 512, (BATCH,))
            loss = (self.network(self.codes(rows)) - self.targets[rows]).abs().mean()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            after(loss.item())


@contextmanager
def _bare(_: Training) -> Iterator[After]:
    yield _nothing


@contextmanager
def _empty_hook(training: Training) -> Iterator[After]:
    handle = training.optimizer.register_step_post_hook(lambda *_: None)
    yield _nothing
    handle.remove()


@contextmanager
def _watch(training: Training) -> Iterator[After]:
    found = watch(training.network, training.optimizer, targets=training.targets, every=BLOCK)
    yield _nothing
    found.detach()


@contextmanager
def _wandb(training: Training) -> Iterator[After]:
    import wandb  # not a package of this project's tests

    run = wandb.init(mode="offline", dir="/tmp", settings=wandb.Settings(silent=True))
    run.watch(training.network, log="all", log_freq=BLOCK)
    yield lambda loss: run.log({"loss": loss})
    run.unwatch(training.network)
    run.finish()


@contextmanager
def _torchmortem(training: Training) -> Iterator[After]:
    from torchmortem import Autopsy  # as above

    with Autopsy(training.network, optimizer=training.optimizer) as found:
        yield lambda loss: found.step(loss=loss)


def rounds(count: int) -> None:
    """Print each variant's median share of the time of its block's steps, over so many rounds."""
    training = Training()
    variants: dict[str, Callable[[Training], AbstractContextManager[After]]] = {
        "nothing": _bare,
        "an empty hook": _empty_hook,
        "humouse_doctor.watch": _watch,
    }
    others = {"wandb": _wandb, "torchmortem": _torchmortem}
    variants |= {name: begun for name, begun in others.items() if find_spec(name) is not None}
    training.steps(5)
    shares: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(count):
        bare = 0.0
        for name, begun in variants.items():
            with begun(training) as after:
                start = time.process_time()
                training.steps(BLOCK, after)
                taken = time.process_time() - start
            bare = taken if name == "nothing" else bare
            shares[name].append(taken / bare - 1)
        print(f"round {number + 1}: " + ", ".join(f"{name} {values[-1]:+.2%}" for name, values in shares.items()), flush=True)
    for name, values in shares.items():
        print(f"{name}: median {statistics.median(values):+.2%} (from {min(values):+.2%} to {max(values):+.2%})")


def one_look(count: int) -> None:
    """Print the CPU time of a look over that of fifty steps, from alternating measurements: less noisy than blocks."""
    training = Training()
    found = watch(training.network, training.optimizer, targets=training.targets, every=10**9)
    training.steps(5)
    found.look()
    shares = []
    for _ in range(count):
        start = time.process_time()
        training.steps(5)
        middle = time.process_time()
        found.look()
        shares.append((time.process_time() - middle) / (middle - start) * 5 / BLOCK)
    print(f"a look over {BLOCK} steps: median {statistics.median(shares):.2%} (from {min(shares):.2%} to {max(shares):.2%})")


def memory(looks: int) -> None:
    """Print the peak of the process's memory as the looks at a small generator add up."""
    training = Training(hidden=4, length=8)
    found = watch(training.network, training.optimizer, targets=training.targets, every=10**9, samples=4)
    for number in range(1, looks + 1):
        found.look(number)
        if number in (1_000, looks // 2, looks):
            gc.collect()
            print(
                f"after {number:,} looks: peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.1f} MiB", flush=True
            )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.benchmarks.watching", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--looks", type=int, default=100_000)
    given = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    one_look(30)
    rounds(given.rounds)
    memory(given.looks)


if __name__ == "__main__":
    main()
