from __future__ import annotations

from pathlib import Path

import pytest

from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.inputs.source import trainer
from humouse_doctor.inputs.source.trainer import OutputKind

CONVERSIONS = """\
import torch

def _sums(sequences):
    return torch.cumsum(sequences[..., :2], dim=1)

def _differences(positions):
    deltas = positions.clone()
    deltas[:, 1:] = positions[:, 1:] - positions[:, :-1]
    return deltas
"""
WARM_UP = """
def _reconstruction_warmup(generator, use_absolute):
    def targets(real):
        if use_absolute:
            real = _sums(real)
        return real
"""
SUMS = """
def _run_sigma_evaluation(generator, cfg, z):
    use_absolute = cfg.absolute_coordinates
    output = generator(z)
    if use_absolute:
        if cfg.is_seq2seq:
            paths = output
            deltas = _differences(output)
        else:
            paths = _sums(output[..., :2])
        deltas = _differences(paths)
"""
DIFFERS = """
def _run_sigma_evaluation(generator, use_absolute, z):
    output = generator(z).detach()
    if use_absolute:
        deltas = _differences(output)
    else:
        deltas = _sums(output)
"""


def _read(folder: Path, *parts: str) -> trainer.TrainerFacts:
    path = folder / "train_gan.py"
    path.write_text("".join(parts), encoding="utf-8")
    return trainer.read(path)


def test_a_trainer_that_sums_the_output_reads_deltas(tmp_path: Path) -> None:
    found = _read(tmp_path, CONVERSIONS, WARM_UP, SUMS)

    assert (found.reads, found.compares) == (OutputKind.DELTAS, OutputKind.POSITIONS)
    lines = (tmp_path / "train_gan.py").read_text(encoding="utf-8").splitlines()
    assert found.reads_at is not None
    assert found.compares_at is not None
    assert "_sums(output[..., :2])" in lines[found.reads_at.line - 1]
    assert "_sums(real)" in lines[found.compares_at.line - 1]


def test_a_trainer_that_takes_differences_of_the_output_reads_positions(tmp_path: Path) -> None:
    found = _read(tmp_path, CONVERSIONS, WARM_UP, DIFFERS)

    assert found.reads is OutputKind.POSITIONS


def test_a_warm_up_that_never_sums_compares_deltas(tmp_path: Path) -> None:
    found = _read(tmp_path, CONVERSIONS, "def _reconstruction_warmup(generator):\n    pass\n", DIFFERS)

    assert found.compares is OutputKind.DELTAS


def test_the_adversarial_loop_tells_where_there_is_no_evaluation(tmp_path: Path) -> None:
    found = _read(tmp_path, CONVERSIONS, SUMS.replace("_run_sigma_evaluation", "_training_loop"))

    assert (found.reads, found.compares) == (OutputKind.DELTAS, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "def other():\n    pass\n",
        CONVERSIONS + "def _run_sigma_evaluation(generator, z):\n    x = _sums(generator(z))\n",
        CONVERSIONS + SUMS.replace("output = generator(z)", "output = z"),
        CONVERSIONS + SUMS.replace("if use_absolute", "if not use_absolute"),
    ],
    ids=["empty", "another program", "whatever the key says", "not the output", "negated"],
)
def test_what_the_text_does_not_tell_is_not_known(tmp_path: Path, text: str) -> None:
    found = _read(tmp_path, text)

    assert (found.reads, found.reads_at) == (None, None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"def broken(:\n", "the trainer is not Python, line 1 (SyntaxError)"),
        (b"x = 1\x00\n", "the trainer is not Python"),
        (b"\xff\xfe", "the trainer is not Python"),
        (b"(" * 5_000, "the trainer is not Python"),
        (b"-" * 200_000 + b"1", "the trainer is not Python"),
        (b"a" + b".a" * 200_000, "the trainer is not Python"),
        (b"#" * (1 << 20) + b"#", "cannot read the trainer: "),
    ],
    ids=["syntax", "a zero byte", "no text", "brackets", "signs", "dots", "larger than any"],
)
def test_what_is_no_trainer_is_refused_with_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "train_gan.py"
    path.write_bytes(content)

    with pytest.raises(InputError) as refused:
        trainer.read(path)

    assert str(refused.value).startswith(f"{path}: {said}")
    assert str(refused.value).isprintable()


def test_nothing_of_it_is_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"

    _read(tmp_path, f"open({str(marker)!r}, 'w')\n", CONVERSIONS)

    assert not marker.exists()


def test_a_checkout_is_found_by_its_folder_its_file_and_around_a_run(tmp_path: Path) -> None:
    file = tmp_path / "src" / "train" / "train_gan.py"
    run = tmp_path / "outputs" / "20251101" / "120000"
    for folder in (file.parent, run):
        folder.mkdir(parents=True)
    file.write_text("", encoding="utf-8")

    assert trainer.find(tmp_path) == file
    assert trainer.find(file) == file
    assert trainer.around(run) == file
    assert trainer.around(tmp_path / "multirun" / "20251101" / "120000" / "0" / ".hydra" / "config.yaml") == file
    assert trainer.around(tmp_path.parent) is None
    with pytest.raises(UsageError, match=r"no src/train/train_gan\.py in it; give the checkout of the trainer, or its file"):
        trainer.find(run)
    with pytest.raises(UsageError, match="no such folder"):
        trainer.find(tmp_path / "gone")
