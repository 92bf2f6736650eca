from __future__ import annotations

import dataclasses
import subprocess
import types
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from humouse_doctor.inputs.config.patcher import diff_of
from humouse_doctor.inputs.config.trainer_keys import ADDED
from humouse_doctor.inputs.source import patching, trainer
from tests.inputs.source.builders import FIELDS, TRAINER, checkout


class Generator(nn.Module):
    """A recurrent generator whose output layer has humouse's name."""

    def __init__(self, head: nn.Module | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.lstm, self.output = nn.LSTM(2, 4, batch_first=True), nn.Linear(4, 2)
        self.activation_xy = head or nn.Identity()

    def forward(self, given: Tensor) -> Tensor:
        states, _ = self.lstm(torch.zeros_like(given))
        made: Tensor = self.activation_xy(self.output(states))
        return made


def patched(path: Path) -> dict[str, str]:
    return {one.name: one.after for one in patching.patch(trainer.read(path))}


def warmed_up(texts: dict[str, str], generator: nn.Module, **keys: Any) -> tuple[list[float], Tensor]:
    """Run the warm-up of a trainer's texts; return its losses, and what it would save."""
    code: dict[str, Any] = {}
    exec(compile(texts["src/train/config_schemas.py"], "config_schemas.py", "exec"), code)
    exec(compile(texts["src/train/train_gan.py"], "train_gan.py", "exec"), code)
    training = code["Training"](**keys)
    config = types.SimpleNamespace(
        training=training, model=types.SimpleNamespace(generator=types.SimpleNamespace(target_len=6))
    )
    torch.manual_seed(1)
    real = torch.randn(8, 6, 2) * 30 + 4
    dataset = types.SimpleNamespace(samples=[(one, None, torch.tensor(1.0)) for one in real])
    losses: list[float] = []
    saved = code["_reconstruction_warmup"](config, generator, [real], dataset, torch.device("cpu"), seen=losses)
    return losses, saved


def originals(path: Path) -> dict[str, str]:
    return {f"src/train/{one.name}": one.read_text(encoding="utf-8") for one in path.parent.iterdir()}


def test_with_the_defaults_of_its_keys_the_trainer_does_what_it_did(tmp_path: Path) -> None:
    path = checkout(tmp_path)

    before, after = (warmed_up(texts, Generator(), reconstruction_epochs=3) for texts in (originals(path), patched(path)))

    assert before[0] == after[0]
    torch.testing.assert_close(before[1], after[1], rtol=0, atol=0)


def test_with_its_keys_the_loss_compares_what_the_program_sums_in_units_of_the_positions(tmp_path: Path) -> None:
    path, generator = checkout(tmp_path), Generator()

    losses, saved = warmed_up(patched(path), generator, reconstruction_epochs=1, warmup_space="read")

    torch.manual_seed(1)
    real = torch.randn(8, 6, 2) * 30 + 4
    positions = real.cumsum(dim=1)
    mean, std = positions.mean(dim=(0, 1)), positions.std(dim=(0, 1))
    plain = Generator()
    expected = (plain(real).cumsum(dim=1) - mean / std - (positions - mean) / std).abs().mean()
    assert losses[0] == pytest.approx(expected.item(), rel=1e-4)
    drawn = generator(real)  # the output layer has taken the scale over: its deltas are in pixels
    torch.testing.assert_close(saved, drawn, rtol=1e-3, atol=1e-2)
    assert drawn.abs().mean() > 10 * plain(real).abs().mean()


def test_positions_are_compared_z_scored_where_the_program_reads_positions(tmp_path: Path) -> None:
    path, generator = checkout(tmp_path, "_differences"), Generator()

    losses, saved = warmed_up(patched(path), generator, reconstruction_epochs=1, warmup_space="read")

    torch.manual_seed(1)
    real = torch.randn(8, 6, 2) * 30 + 4
    positions = real.cumsum(dim=1)
    mean, std = positions.mean(dim=(0, 1)), positions.std(dim=(0, 1))
    assert losses[0] == pytest.approx((Generator()(real) - (positions - mean) / std).abs().mean().item(), rel=1e-4)
    drawn = generator(real)
    torch.testing.assert_close(saved.cumsum(dim=1), drawn, rtol=1e-3, atol=1e-2)
    torch.testing.assert_close(drawn.mean(dim=(0, 1)), mean, rtol=0.5, atol=20.0)


def test_gates_start_slow_only_where_a_fresh_generator_is_warmed_up(tmp_path: Path) -> None:
    texts = patched(checkout(tmp_path))
    plain, slow, loaded = Generator(), Generator(), Generator()
    for generator, keys in ((plain, {}), (slow, {"warmup_gates": "slow"}), (loaded, {"generator_init_path": "a.pt"})):
        warmed_up(texts, generator, reconstruction_epochs=1, **({"warmup_gates": "slow"} | keys if keys else {}))

    forget = [generator.lstm.get_parameter("bias_ih_l0").detach()[4:8] for generator in (plain, slow, loaded)]
    assert forget[1].min() > -0.3  # log U(1, 5), but for one step of training
    assert (forget[1] - forget[0]).abs().max() > 0.3
    torch.testing.assert_close(forget[2], forget[0])


def test_a_head_that_cannot_take_the_scale_over_stops_the_trainer(tmp_path: Path) -> None:
    texts = patched(checkout(tmp_path))

    for generator in (Generator(nn.Tanh()), Generator()):
        if isinstance(generator.activation_xy, nn.Identity):
            nn.utils.spectral_norm(generator.output)
        with pytest.raises(ValueError, match="needs activation_xy: linear, and no spectral norm"):
            warmed_up(texts, generator, reconstruction_epochs=1, warmup_space="read")


def test_a_patched_trainer_knows_its_keys_and_gets_no_second_patch(tmp_path: Path) -> None:
    path = checkout(tmp_path)
    for one in patching.patch(trainer.read(path)):
        one.path.write_text(one.after, encoding="utf-8")

    assert trainer.read(path).added == frozenset(ADDED)
    assert trainer.read(path).reads is trainer.OutputKind.DELTAS


@pytest.mark.parametrize("key", ADDED)
def test_a_key_that_is_there_is_left_alone(tmp_path: Path, key: str) -> None:
    """A trainer with one of the keys gets the other alone."""
    path = checkout(tmp_path)
    facts = dataclasses.replace(trainer.read(path), added=frozenset({key}))
    other = next(name for name in ADDED if name != key)

    after = "".join(one.after for one in patching.patch(facts))

    name, missing = (one.rpartition(".")[2] for one in (key, other))
    assert f'{missing}=section.get("{missing}"' in after
    assert f'{name}=section.get("{name}"' not in after


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_git_applies_the_diff_and_line_ends_stay(tmp_path: Path, ends: str) -> None:
    path = checkout(tmp_path)
    for file in path.parent.iterdir():
        file.write_bytes(file.read_bytes().replace(b"\n", ends.encode()))
    found = patching.patch(trainer.read(path))
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)

    diff = "".join(diff_of(one.before, one.after, one.name) for one in found)
    subprocess.run(["git", "-C", str(tmp_path), "apply", "-"], input=diff.encode(), check=True)

    for one in found:
        assert one.path.read_bytes().decode() == one.after
        assert one.after.count("\n") == one.after.count(ends)


@pytest.mark.parametrize(
    ("old", "new", "said", "code"),
    [
        ('section.get("warmup_latent_normalize", True)', "True", "no argument warmup_latent_normalize=", 'get("warmup_space"'),
        ("def _reconstruction_warmup", "def _warmup", "no function _reconstruction_warmup", "_start_gates_slow"),
        ("            target = _sums(target)\n", "            pass\n", "no sum of the targets", "- position_mean"),
        ("made = generator(target)", "made = target", "no call of the generator", "cumsum"),
        (
            "            target = _sums(target)\n",
            "            target = _sums(target)\n            target = _sums(target)\n",
            "2 places with the sum of the targets",
            "- position_mean",
        ),
        (
            "generator, batches, dataset, device",
            "generator, batches, data, device",
            "does not take a generator",
            "def ",
        ),
    ],
)
def test_a_place_that_is_not_there_once_is_named_with_the_code_to_add(
    tmp_path: Path, old: str, new: str, said: str, code: str
) -> None:
    assert TRAINER.count(old) == 1
    path = checkout(tmp_path, text=TRAINER.replace(old, new))

    with pytest.raises(patching.NoAnchor, match=said) as refused:
        patching.patch(trainer.read(path))

    assert str(path) in str(refused.value)
    assert code in refused.value.code


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("import torch\n", "\ufeffimport torch\n"),
        ("    ", "\t"),
        ("def _reconstruction_warmup", "@torch.compiler.disable(\n    recursive=True,\n)\ndef _reconstruction_warmup"),
        ("import torch\n", "import torch\nSEPARATORS = '\x85\u2028\x1c'\n\x0c\n"),
        ("            target = _sums(target)\n        return", "            target = _sums(target)  # \u2028\n        return"),
    ],
)
def test_odd_but_ordinary_source_is_patched(tmp_path: Path, old: str, new: str) -> None:
    path = checkout(tmp_path, text=TRAINER.replace(old, new))

    (_, one) = patching.patch(trainer.read(path))

    path.write_text(one.after, encoding="utf-8")
    assert trainer.read(path).added == frozenset(ADDED)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("True),\n    )", "True)\n    )", "no line of its own"),
        ("if use_absolute:\n            target", "if use_absolute and real is not None:\n            target", "not known"),
        ("config, generator, batches", "generator, options, batches", "does not take a generator"),
    ],
)  # fmt: skip
def test_source_in_which_the_code_could_not_run_is_left_alone(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in TRAINER
    text = TRAINER.replace(old, new).replace("config.training", "options.settings" if "options" in new else "config.training")
    path = checkout(tmp_path, text=text)

    with pytest.raises(patching.NoAnchor, match=said):
        patching.patch(trainer.read(path))


def test_fields_may_stand_in_the_trainer_itself_and_nowhere_is_told(tmp_path: Path) -> None:
    path = checkout(tmp_path, text=TRAINER + FIELDS)
    path.with_name("config_schemas.py").unlink()

    (one,) = patching.patch(trainer.read(path))

    assert 'warmup_space: str = "loss"\n' in one.after
    path.write_text(TRAINER.replace("READ", "_sums"), encoding="utf-8")
    with pytest.raises(patching.NoAnchor, match="no field warmup_latent_normalize in a class"):
        patching.patch(trainer.read(path))
