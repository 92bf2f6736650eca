from __future__ import annotations

import pytest
import torch

from humouse_doctor.core.errors import UsageError
from humouse_doctor.training.device import chosen


def _gpus(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)


@pytest.mark.parametrize(
    ("name", "gpus", "device"),
    [
        ("cpu", 0, "cpu"),
        ("cpu", 2, "cpu"),
        ("auto", 0, "cpu"),
        ("auto", 2, "cuda"),
        ("cuda", 1, "cuda"),
        ("cuda:1", 2, "cuda:1"),
    ],
)
def test_a_device_that_is_there_is_taken(monkeypatch: pytest.MonkeyPatch, name: str, gpus: int, device: str) -> None:
    _gpus(monkeypatch, gpus)
    assert chosen(name) == device


def test_a_gpu_that_torch_cannot_start_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    _gpus(monkeypatch, 1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert chosen("auto") == "cpu"
    with pytest.raises(UsageError, match="sees no GPU here"):
        chosen("cuda")


@pytest.mark.parametrize(
    ("name", "gpus", "said"),
    [
        ("gpu", 1, "--device gpu: expected cpu, cuda, cuda:1 or auto"),
        ("cuda:x", 1, "--device cuda:x: expected cpu"),
        ("", 1, "--device : expected cpu"),
        ("cuda", 0, "sees no GPU here; give --device cpu"),
        ("cuda:2", 2, "sees 2 GPUs here; give --device cpu"),
        ("cuda:1", 1, "sees 1 GPU here; give --device cpu"),
    ],
)
def test_any_other_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch, name: str, gpus: int, said: str) -> None:
    _gpus(monkeypatch, gpus)
    with pytest.raises(UsageError) as caught:
        chosen(name)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
