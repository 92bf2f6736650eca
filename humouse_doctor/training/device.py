"""The device that a warm-up is trained on; everything else is measured on the CPU."""

from __future__ import annotations

import re

import torch

from humouse_doctor.core.errors import UsageError

#: Forms that `--device` takes.
_NAME = re.compile(r"auto|cpu|cuda(:\d+)?")


def chosen(name: str) -> str:
    """Return the device that `name` asks for: "cpu", "cuda" or "cuda:N"; "auto" is the first GPU, or the CPU without one.

    Raises `UsageError` for any other name, and for a GPU that torch does not see.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"--device {name}: expected cpu, cuda, cuda:1 or auto")
    seen = torch.cuda.device_count() if name != "cpu" and torch.cuda.is_available() else 0  # a driver may be too old for torch
    if name == "auto":
        return "cuda" if seen else "cpu"
    if name == "cpu" or int(name.partition(":")[2] or 0) < seen:
        return name
    there = f"{seen} GPU{'' if seen == 1 else 's'}" if seen else "no GPU"
    raise UsageError(f"--device {name}: torch {torch.__version__} sees {there} here; give --device cpu or auto")
