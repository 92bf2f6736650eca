from __future__ import annotations

from pathlib import Path

import pytest

from humouse_doctor.core.errors import InputError
from humouse_doctor.inputs.logs import warm_up_log
from humouse_doctor.inputs.logs.warm_up_log import WarmUpLog, read_warm_up

HEAD = "[2026-11-28 19:54:48,003][__main__][INFO] - "


def _log(folder: Path, *lines: str) -> Path:
    path = folder / "train_gan.log"
    path.write_text("".join(f"{HEAD}{line}\n" for line in lines), encoding="utf-8")
    return path


def test_the_losses_of_the_last_warm_up_are_read(tmp_path: Path) -> None:
    path = _log(
        tmp_path,
        "Warm-up epoch 1 | recon_loss=9.0",
        "Warm-up epoch 2 | recon_loss=8.0",
        "Warm-up epoch 1 | recon_loss=178.515468 kl=0.2",
        "Step 0 | d_loss=1",
        "Warm-up epoch 2 | recon_loss=1.5e+02",
    )

    assert read_warm_up(path) == WarmUpLog(epochs=(1, 2), losses=(178.515468, 150.0), broke_at=None)


@pytest.mark.parametrize("loss", ["nan", "inf", "-inf"])
def test_a_loss_that_is_not_finite_ends_the_curve(tmp_path: Path, loss: str) -> None:
    path = _log(tmp_path, "Warm-up epoch 1 | recon_loss=2.0", f"Warm-up epoch 2 | recon_loss={loss}")

    assert read_warm_up(path) == WarmUpLog(epochs=(1,), losses=(2.0,), broke_at=2)


def test_a_log_without_a_warm_up_has_none(tmp_path: Path) -> None:
    assert read_warm_up(_log(tmp_path, "Step 0 | d_loss=1", "Warm-up epoch 1 | recon_loss=..")) is None


def test_bytes_that_are_no_text_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "train_gan.log"
    path.write_bytes(b"\xff\x00\x1b[2J" * 1000 + b"Warm-up epoch 3 | recon_loss=1.0\x00")

    assert read_warm_up(path) == WarmUpLog(epochs=(3,), losses=(1.0,), broke_at=None)


def test_more_epochs_or_bytes_than_a_run_has_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _log(tmp_path, *(f"Warm-up epoch {epoch} | recon_loss=1.0" for epoch in range(4)))
    monkeypatch.setattr(warm_up_log, "_MAX_LINES", 3)
    with pytest.raises(InputError, match="more than 3 epochs"):
        read_warm_up(path)
    monkeypatch.setattr(warm_up_log, "_MAX_BYTES", 100)
    with pytest.raises(InputError, match="cannot read the log: it has more than 100 bytes"):
        read_warm_up(path)
