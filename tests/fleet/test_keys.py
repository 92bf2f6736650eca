from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from humouse_doctor.cases.request import Request
from humouse_doctor.fleet import keys
from humouse_doctor.fleet.keys import Keys
from humouse_doctor.probes.plugins import using


@pytest.fixture
def run(collapsed_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(collapsed_run, tmp_path / "run"))


def _moved(path: Path) -> None:
    """Change one byte, and neither size nor time."""
    state = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    "name", ["checkpoints/generator_sick.pt", ".hydra/config.yaml", "data/**/*.npz", "data/**/*.meta.json"]
)
def test_a_changed_byte_of_what_is_read_changes_the_key(name: str, whole: bool, run: Path) -> None:
    request = Request(checkpoint=run if whole else run / "checkpoints" / "generator_sick.pt")
    before = Keys().of(request)
    (file,) = run.glob(name)

    assert Keys().of(request) == before
    _moved(file)

    assert Keys().of(request) != before


@pytest.mark.parametrize(
    "change",
    [
        lambda one: replace(one, quick=True),
        lambda one: replace(one, seed=1),
        lambda one: replace(one, overrides=("training.lr.generator=1e-3",)),
        lambda one: replace(one, data=Path(__file__)),
    ],
)
def test_an_option_changes_the_key(change: Callable[[Request], Request], run: Path) -> None:
    request = Request(checkpoint=run)

    assert Keys().of(change(request)) != Keys().of(request)


def test_the_tool_changes_the_key_and_reports_beside_the_run_do_not(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = Request(checkpoint=run)
    before = Keys().of(request)

    for name in ("report.html", "journal.jsonl", "gate.json", "notes.txt"):
        (run / name).write_text("x")
    assert Keys().of(request) == before
    (run / "train_gan.log").write_text("x")
    assert Keys().of(request) != before
    (run / "train_gan.log").unlink()
    with using(plugins=False):
        assert Keys().of(request) != before
    monkeypatch.setattr(keys, "VERSION", "9.9.9")
    assert Keys().of(request) != before


def test_what_cannot_be_read_has_a_key_too(tmp_path: Path) -> None:
    missing, broken = tmp_path / "missing", tmp_path / "broken.yaml"
    broken.write_text("a: [")

    found = {
        Keys().of(request) for request in (Request(checkpoint=missing), Request(checkpoint=tmp_path), Request(config=broken))
    }

    assert len(found) == 3
