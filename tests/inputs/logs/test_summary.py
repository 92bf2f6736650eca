from __future__ import annotations

import os
from pathlib import Path

import pytest

from humouse_doctor.core.errors import InputError
from humouse_doctor.inputs.logs.summary import Summary, read_summary


def test_the_epochs_are_read_and_nan_elsewhere_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "gan_summary.json"
    path.write_text('\ufeff{"final_epoch": 12, "best_sigma_epoch": 0, "g_loss": NaN}', encoding="utf-8")

    assert read_summary(path) == Summary(final_epoch=12, best_epoch=0)


@pytest.mark.parametrize("value", ["true", "-1", "1.5", '"3"', "null", "[]", "1e400", "9" * 300])
def test_what_is_no_epoch_is_not_known(tmp_path: Path, value: str) -> None:
    path = tmp_path / "gan_summary.json"
    path.write_text(f'{{"final_epoch": {value}}}', encoding="utf-8")

    assert read_summary(path) == Summary(final_epoch=None, best_epoch=None)


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe", b"[1]", b"3", b"{", b"[" * 200_000, b'{"final_epoch": ' + b"9" * 5_000 + b"x", b" " * (4 << 20) + b"{}"],
    ids=["empty", "no text", "a list", "a number", "cut", "deep", "long", "large"],
)
def test_any_other_file_is_refused_with_one_line(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "gan_summary.json"
    path.write_bytes(data)

    with pytest.raises(InputError) as refused:
        read_summary(path)

    assert str(refused.value).startswith(f"{path}: ")
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 400 + len(str(path))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gan_summary.json")

    with pytest.raises(InputError, match="it is a pipe"):
        read_summary(tmp_path / "gan_summary.json")
