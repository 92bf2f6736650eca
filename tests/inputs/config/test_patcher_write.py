from __future__ import annotations

from pathlib import Path

import pytest

from humouse_doctor.core.errors import InputError
from humouse_doctor.inputs.config import patcher
from humouse_doctor.inputs.config.patcher import write
from humouse_doctor.inputs.files import replace_file


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "run.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\n")
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_text_is_written_as_it_is_and_the_old_bytes_are_kept_beside(config: Path) -> None:
    backup = write(config, "\ufeffa: 2\r\nb: é")
    assert config.read_bytes() == b"\xef\xbb\xbfa: 2\r\nb: \xc3\xa9"
    assert backup == config.with_name("run.yaml.bak")
    assert backup.read_bytes() == b"\xef\xbb\xbfa: 1\r\n"
    assert names(config.parent) == ["run.yaml", "run.yaml.bak"]


def test_an_earlier_backup_is_never_overwritten(config: Path) -> None:
    backups = [write(config, f"a: {number}\n") for number in (2, 3, 4)]
    assert [path.name for path in backups] == ["run.yaml.bak", "run.yaml.bak1", "run.yaml.bak2"]
    assert [path.read_text(encoding="utf-8-sig") for path in backups] == ["a: 1\n", "a: 2\n", "a: 3\n"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_the_files_mode_is_kept_by_both(mode: int, config: Path) -> None:
    config.chmod(mode)
    backup = write(config, "a: 2\n")
    assert (config.stat().st_mode & 0o777, backup.stat().st_mode & 0o777) == (mode, mode)


def test_the_target_of_a_link_is_replaced_and_the_link_stays(config: Path) -> None:
    link = config.parent / "links" / "current.yaml"
    link.parent.mkdir()
    link.symlink_to("../run.yaml")
    backup = write(link, "a: 2\n")
    assert link.is_symlink()
    assert config.read_bytes() == b"a: 2\n"
    assert backup == config.with_name("run.yaml.bak")
    assert names(link.parent) == ["current.yaml"]


def test_a_config_that_went_away_is_an_input_error(config: Path) -> None:
    config.unlink()
    with pytest.raises(InputError, match=r"run\.yaml: cannot read: No such file or directory; nothing was changed"):
        write(config, "a: 2\n")
    assert names(config.parent) == []


def test_a_config_that_cannot_be_written_leaves_no_backup(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes, like: Path | None = None, *, own: bool = False) -> None:
        if path == config:
            raise InputError(f"{path}: cannot write: No space left on device; nothing was changed")
        replace_file(path, data, like, own=own)

    monkeypatch.setattr(patcher, "replace_file", full)
    with pytest.raises(InputError, match="No space left on device; nothing was changed"):
        write(config, "a: 2\n")
    assert names(config.parent) == ["run.yaml"]
    assert config.read_bytes() == b"\xef\xbb\xbfa: 1\r\n"


def test_a_link_in_the_place_of_a_backup_is_not_written_through(config: Path) -> None:
    config.with_name("run.yaml.bak").symlink_to("elsewhere")
    backup = write(config, "a: 2\n")
    assert backup.name == "run.yaml.bak1"
    assert names(config.parent) == ["run.yaml", "run.yaml.bak", "run.yaml.bak1"]
