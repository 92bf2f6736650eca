"""Whatever is given as data, it does not run, hang, crash or lie: one line that refuses it, or a report."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from humouse_doctor.core.report import Report
from humouse_doctor.service import commands as service
from tests.conftest import Ended
from tests.hostile.data import Case, cases, moving, saved
from tests.hostile.forks import Watch
from tests.hostile.memory import forget_peak, peak_kib
from tests.schemas import require_report

CASES = cases()
MAX_S = 60.0
MAX_KIB = 256 << 10
CONFIG = (
    "experiment_name: a\n"
    "training: {lr: {generator: 1.0e-4}, betas: [0.5, 0.9], reconstruction_epochs: 3}\n"
    "data: {sequence_length: 12}\nmodel: {generator: {target_len: 12}}\n"
)


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Data whose look imports whatever any look at data imports, before anything is watched."""
    folder = tmp_path_factory.mktemp("rehearsed")
    by_name = {(case.family, case.name): case for case in CASES}
    found = []
    for place, key in enumerate(
        [
            ("npy header", "the header of Python 2"),
            ("npz", "as it should be"),
            ("npz", "bzip2"),
            ("meta", "as it should be"),
            ("session", "as it should be"),
            ("folder", "as it should be"),
        ]
    ):
        case = by_name[key]
        found.append(folder / f"{place}{case.suffix}")
        case.write(found[-1])
    return found


@pytest.fixture
def preflight(
    watch: Watch, rehearsed: list[Path], invoke: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[Path], Ended]:
    """Look at data before training, as the command does, and note what this process does meanwhile."""

    def watched(*arguments: Any) -> Report:
        with watch.looking():
            return report_on(*arguments)

    def run(path: Path) -> Ended:
        watch.seen.clear()
        return invoke("preflight", config, "--data", path, "--format", "json")

    config = tmp_path / "x.yaml"
    config.write_text(CONFIG)
    report_on = service.report_on
    monkeypatch.setattr(service, "report_on", watched)
    monkeypatch.chdir(tmp_path)
    if rehearsed:
        for path in rehearsed:
            run(path)
        rehearsed.clear()
    return run


def found_below(folder: Path) -> list[str]:
    """Names of what lies some levels below a folder."""
    return sorted(str(path) for pattern in ("*", "*/*", "*/*/*") for path in folder.glob(pattern))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.family}: {case.name}")
def test_data_is_refused_with_one_line_or_reported_on(
    case: Case, tmp_path: Path, watch: Watch, preflight: Callable[[Path], Ended]
) -> None:
    path = tmp_path / f"a{case.suffix}"
    case.write(path)
    there = found_below(tmp_path)
    before = forget_peak()
    started = time.process_time()

    ended = preflight(path)

    assert time.process_time() - started < MAX_S
    assert peak_kib() - before < MAX_KIB
    # numpy parses a header into a tree, which runs nothing of it: that is `exec`
    assert [event for event in watch.seen if not event.startswith("compile ")] == []
    assert found_below(tmp_path) == there
    assert bool(ended.out) == case.usable, ended
    if case.usable:
        report = json.loads(ended.out)
        require_report(report)
        assert report["verdict"] in ("at-risk", "undetermined")
        assert ended.code in (0, 1, 3)
        assert case.says in ended.out
        assert "Traceback" not in ended.err
        assert "crashed" not in {result["status"] for result in report["probes"]}
        return
    assert ended.code == 3
    line = ended.err.removesuffix("\n")
    assert line.isprintable()
    assert line.startswith(f"humouse-doctor: {path}")
    assert len(line) < 500 + len(str(path))
    assert case.says in line


def test_a_session_that_cannot_be_opened_is_told_of(
    tmp_path: Path, preflight: Callable[[Path], Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    next(case for case in CASES if (case.family, case.name) == ("folder", "as it should be")).write(tmp_path / "a")
    (tmp_path / "a" / "session_2").write_text("secret")
    opened = os.open

    def refusing(path: Any, *arguments: Any) -> int:
        if str(path).endswith("session_2"):
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments)

    monkeypatch.setattr(os, "open", refusing)

    ended = preflight(tmp_path / "a")

    assert "1 files that cannot be read" in ended.out


def test_a_file_that_is_removed_meanwhile_is_refused(
    tmp_path: Path, preflight: Callable[[Path], Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    from humouse_doctor.inputs.gestures import arrays

    path = tmp_path / "a.npy"
    saved(moving())(path)
    chunks = arrays._chunks

    def removing(*arguments: Any) -> Any:
        path.unlink()
        return chunks(*arguments)

    monkeypatch.setattr(arrays, "_chunks", removing)

    ended = preflight(path)

    assert ended.code == 3
    assert ended.err.count("\n") == 1
    assert "No such file" in ended.err


def test_there_is_data_of_every_kind() -> None:
    assert len(CASES) >= 200
    assert all(case.says for case in CASES if not case.usable)
    assert len({(case.family, case.name) for case in CASES}) == len(CASES)
