"""Temporary changes of torch's process-wide state and of a network's: threads, random numbers, denormals, modes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit torch to one thread for the block.

    These networks are too small to share out: with two threads an inspection took 56 to 124 s on two busy cores, and 6 to
    8 s with one.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the CPU's random numbers for the block; the caller's stream continues as if nothing had been drawn."""
    before = torch.get_rng_state()
    torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed the accelerators as well, now or later
    try:
        yield
    finally:
        torch.set_rng_state(before)


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """Flush denormal floats to zero for the block.

    Zero-padded tails produce denormals, which a CPU computes some four times slower. A small calculation finds the
    previous state, since torch has no function that returns it.
    """
    tiny = torch.finfo(torch.float32).tiny
    was_flushing = bool((torch.tensor([tiny]) / 2 == 0).item())
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(was_flushing)


@contextmanager
def undisturbed(network: nn.Module) -> Iterator[None]:
    """Put `network` into evaluation mode without gradients for the block, and restore its modes, buffers and gradients."""
    modes = {module: module.training for module in network.modules()}
    asked = [(parameter, parameter.requires_grad) for parameter in network.parameters()]
    grads = [(parameter, parameter.grad) for parameter in network.parameters()]
    buffers = [(m, name, buffer, buffer.clone()) for m in network.modules() for name, buffer in m.named_buffers(recurse=False)]
    network.eval()
    try:
        for parameter, _ in grads:
            parameter.grad = None  # a gradient present would be added to in place
        yield
    finally:
        with torch.no_grad():
            for module, name, buffer, before in buffers:
                buffer.copy_(before)
                setattr(module, name, buffer)  # a forward pass may have put another tensor in its place
        for parameter, requires in asked:
            parameter.requires_grad_(requires)
        for parameter, grad in grads:
            parameter.grad = grad
        for module, training in modes.items():
            module.training = training
