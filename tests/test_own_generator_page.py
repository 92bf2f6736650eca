"""The recipes of docs/how-to/own-generator.md: each is pasted beside a small project, and its command is run."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tests import command_line

PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "own-generator.md"
PROJECT = """
import torch
from torch import nn

Z, T, D = 6, 12, 2


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.out = nn.GRU(Z, 8, batch_first=True), nn.Linear(8, D)

    def forward(self, z):
        return self.out(self.rnn(z[:, None].expand(-1, T, -1))[0])


class StepDecoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.start, self.cell, self.out = nn.Linear(Z, 8), nn.GRUCell(D, 8), nn.Linear(8, D)

    def step(self, point, state):
        state = self.cell(point, state)
        return self.out(state), state


def decoder_of():
    return nn.Sequential(nn.Linear(Z, T * D), nn.Unflatten(1, (T, D)))


class MotionVAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = nn.GRU(D, 2 * Z), decoder_of()


class NoiseGenerator(Generator):
    def forward(self, noise):
        return torch.sigmoid(self.out(self.rnn(noise)[0]))


class Univariate(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(Z, T))


class ConvGenerator(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.out = nn.Linear(Z, 4 * T), nn.Conv1d(4, D, 3, padding=1)

    def forward(self, z):
        return self.out(self.up(z).view(-1, 4, T))


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = nn.Sequential(nn.Flatten(), nn.Linear(T * D, Z)), decoder_of()
"""


def recipes() -> list[tuple[str, str, str]]:
    """Return the heading, the module and the command of each recipe."""
    section = PAGE.read_text(encoding="utf-8").partition("## Recipes")[2]
    found = []
    for part in section.split("\n### ")[1:]:
        heading = part.partition("\n")[0]
        pairs = re.findall(r"```python\n(.*?)```.*?```sh\n(.*?)\n```", part, re.DOTALL)
        found += [(f"{heading} {number}", *pair) for number, pair in enumerate(pairs)]
    return found


def test_every_kind_has_a_recipe() -> None:
    assert len(recipes()) == 8


@pytest.mark.parametrize(("module", "command"), [recipe[1:] for recipe in recipes()], ids=[recipe[0] for recipe in recipes()])
def test_a_recipe_works_as_it_is_pasted(
    module: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("project", "mine"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    Path("project.py").write_text(PROJECT, encoding="utf-8")
    Path("mine.py").write_text(module, encoding="utf-8")
    import project  # type: ignore[import-not-found]  # written above

    series = np.random.default_rng(0).normal(size=(32, 12, 2)).cumsum(axis=1).astype(np.float32)
    np.savez("series.npz", series)
    np.save("motion.npy", series)
    np.save("univariate.npy", series[..., 0])
    np.save("scaled.npy", (series - series.min()) / np.ptp(series))
    network = getattr(project, re.search(r"from project import (\w+)", module)[1])()  # type: ignore[index]  # each imports one
    torch.save(network.state_dict(), "last.pt")
    lightning = {f"model.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({"state_dict": lightning, "hyper_parameters": {"lr": 1e-3, "kl_weight": 0.1}}, "last.ckpt")

    words = shlex.split(command)
    code = command_line.run(*words[1:], "--quick", "--samples", "16", "--full")

    said = capsys.readouterr()
    assert words[0] == "humouse-doctor"
    assert code in (0, 1), said.err  # nobody has trained it
    assert "32 of 32 sequences of 12 steps" in said.out
