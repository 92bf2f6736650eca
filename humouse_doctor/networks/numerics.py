"""Temporary changes of torch's process-wide state and of a network's: threads, random numbers, denormals, modes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
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
def seeded(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Seed the random numbers of the CPU, and of a CUDA `device`, for the block; the caller's streams do not change."""
    cuda = device if device is not None and device.type == "cuda" else None
    before, before_cuda = torch.get_rng_state(), None if cuda is None else torch.cuda.get_rng_state(cuda)
    torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed every accelerator as well, now or later
    if cuda is not None:
        with torch.cuda.device(cuda):
            torch.cuda.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(before)
        if cuda is not None and before_cuda is not None:
            torch.cuda.set_rng_state(before_cuda, cuda)


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
    """Put `network` into evaluation mode without gradients for the block, and restore its modes, buffers and gradients.

    Its `train` and `eval` are not called, since a module may do more in them than change its mode. Random states that a forward
    pass may draw from are restored too: those of Python, NumPy and the parameters' CUDA devices, and of generators that are
    attributes of the modules.
    """
    modes = {module: module.training for module in network.modules()}
    asked = [(parameter, parameter.requires_grad) for parameter in network.parameters()]
    grads = [(parameter, parameter.grad) for parameter in network.parameters()]
    buffers = [
        (m, name, buffer, buffer.clone(), buffer._version)
        for m in network.modules()
        for name, buffer in m.named_buffers(recurse=False)
    ]
    for module in modes:
        module.training = False
    try:
        for parameter, _ in grads:
            parameter.grad = None  # a gradient present would be added to in place
        with _random_states_kept(network):
            yield
    finally:
        with torch.no_grad():
            for module, name, buffer, before, version in buffers:
                # writing to one that has not changed would break a graph that needs it; batch norms write without a new version
                if buffer._version != version or not torch.equal(buffer, before):
                    buffer.copy_(before)
                if getattr(module, name) is not buffer:  # a forward pass may have put another tensor in its place
                    setattr(module, name, buffer)
        for parameter, requires in asked:
            parameter.requires_grad_(requires)
        for parameter, grad in grads:
            parameter.grad = grad
        for module, training in modes.items():
            module.training = training


@contextmanager
def _random_states_kept(network: nn.Module) -> Iterator[None]:
    own = {id(one): one for m in network.modules() for one in vars(m).values() if isinstance(one, torch.Generator)}
    devices = {parameter.device for parameter in network.parameters() if parameter.is_cuda}
    states = [(one, one.get_state()) for one in own.values()]
    cuda = [(device, torch.cuda.get_rng_state(device)) for device in devices]
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002  # the state that others draw from
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002  # as above
        for one, state in states:
            one.set_state(state)
        for device, state in cuda:
            torch.cuda.set_rng_state(state, device)
