"""Whatever a file holds, it does not run, hang, crash or lie: one line that refuses it, or a report.

Every file goes through the whole command. Its loader is another process (forked from one that has imported torch, so that
hundreds of them take a minute): one of its own for a file made to do harm, one that reads several in turn for the others. Some
go through a loader that is started as a command starts it too, and get one answer.
"""

from __future__ import annotations

import json
import os
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.report import Report
from humouse_doctor.inputs.checkpoints import checkpoint, child, container
from humouse_doctor.inputs.checkpoints.checkpoint import load_gesture_array
from humouse_doctor.service import commands as service
from tests.conftest import Ended
from tests.hostile.checkpoints import Case, cases
from tests.hostile.forks import Forks, Watch
from tests.hostile.memory import forget_peak, peak_kib
from tests.inputs.checkpoints.files import save, weights
from tests.schemas import require_report

CASES = cases()
#: Of the kinds of file that a loader reads differently, and of those that it does not survive.
STARTED = {case.family: case for case in reversed(CASES) if case.family in ("wild", "salvaged", "bomb", "safetensors")}
#: Families of files made to do harm.
HARMFUL = ("code", "code salvaged", "bomb", "bomb salvaged", "name")
#: Of computing, here and in the loader: seconds on any machine, minutes only for what explodes.
MAX_S = 60.0
MAX_KIB = 2 << 20

#: Seconds of computing for a file that is to exhaust them, and for any other, however busy the machine is.
SHORT_S, LONG_S = 1, 60

pytestmark = [pytest.mark.loader_process, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(autouse=True)
def _no_wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loaders are limited in computing alone: a machine that does other things beside it is no fault of a file's."""
    monkeypatch.setattr(child, "_READ_S", 600.0)
    monkeypatch.setattr(child, "_CPU_S", LONG_S)


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    with Forks(tmp_path_factory.mktemp("loaders")) as found:
        yield found


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files whose inspection imports whatever the command imports on its way, before anything is watched."""
    folder = tmp_path_factory.mktemp("rehearsed")
    save(folder / "good.pt", {"epoch": 1, "model": {name: tensor.half() for name, tensor in weights().items()}})
    save(folder / "bad.pt", [1])
    save(folder / "pretrainer.pt", {"model": weights(), "position_mean": torch.ones(2), "position_std": torch.ones(2)})
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo("\xe4"), b"")
    (folder / "b.zip").write_bytes(
        (folder / "a.zip").read_bytes().replace(b"\xc3\xa4", b"\x84\x84").replace(b"\x00\x08", bytes(2))
    )
    (folder / "a.json").write_text('{"weight_map": {"a": "b"}}')
    return folder


Invoke = Callable[..., Ended]


@pytest.fixture
def inspect(
    request: pytest.FixtureRequest,
    forks: Forks,
    watch: Watch,
    rehearsed: Path,
    invoke: Invoke,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Callable[[Path, bool], Ended]:
    """Inspect a file as the command does, its loader forked, and nothing else done by this process while it looks at it."""
    case = request.node.callspec.params["case"]

    def launch() -> child.Process:
        with watch.looking_away():
            return forks.launch() if case.family in HARMFUL else forks.launch_shared()

    def watched(*arguments: Any) -> Report:
        with watch.looking():
            return report_on(*arguments)

    def run(path: Path, salvage: bool) -> Ended:
        watch.seen.clear()
        return invoke(*command(path, salvage))

    report_on = service.report_on
    monkeypatch.setattr(service, "report_on", watched)
    monkeypatch.setattr(child, "launch", launch)
    monkeypatch.chdir(tmp_path)
    if not forks.ended:
        for path in sorted(rehearsed.iterdir()):
            for salvage in (False, True):
                run(path, salvage)
    return run


def command(path: Path, salvage: bool) -> list[object]:
    """The command line that inspects a file."""
    options = ["--salvage"] if salvage else []
    steps = "model.generator.target_len=12"
    return ["inspect", path, "--set", steps, "--quick", "--samples", 8, "--format", "json", *options]


def judge(case: Case, path: Path, ended: Ended) -> None:
    """A report that keeps its schema where the file can be used, else one line with its name and the reason."""
    assert "Traceback" not in ended.err
    if ended.out:
        assert case.usable
        report = json.loads(ended.out)
        require_report(report)
        assert ended.code in (0, 1) or (ended.code == 3 and report["verdict"] == "undetermined")
        return
    assert ended.code == 3
    assert ended.err.count("\n") == 1
    assert ended.err.startswith(f"humouse-doctor: {path}")
    line = ended.err.removesuffix("\n")
    assert line.isprintable()
    assert len(line) < 700 + len(str(path))
    assert "weights_only=True" not in line
    assert "add_safe_globals" not in line
    assert case.says in line, line
    assert "tried something that no checkpoint needs" not in line or case.name.startswith("a codec")
    assert "the loader did not start" not in line
    assert "the file crashed" not in line or "(SIG" in case.says


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.family}: {case.name}")
def test_a_file_is_refused_with_one_line_or_reported_on(
    case: Case,
    tmp_path: Path,
    forks: Forks,
    watch: Watch,
    inspect: Callable[[Path, bool], Ended],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "a.pt"
    if "SIGXCPU" in case.says:
        monkeypatch.setattr(child, "_CPU_S", SHORT_S)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        case.write(path)
    there = sorted(tmp_path.iterdir())
    before, known = forget_peak(), len(forks.ended)
    started = time.process_time()

    ended = inspect(path, case.salvage)

    seconds = time.process_time() - started
    grown = peak_kib() - before
    judge(case, path, ended)
    assert ended.out if case.usable else ended.err
    assert watch.seen == []
    assert sorted(tmp_path.iterdir()) == there
    assert list(forks.folder.iterdir()) == []
    assert len(forks.ended) == known + 1
    assert seconds + forks.ended[-1].cpu_s < MAX_S
    assert grown + forks.ended[-1].peak_kib < MAX_KIB


AS_DATA = [case for case in CASES if not case.salvage and "bomb" not in case.family and "100,000" not in case.name]


@pytest.mark.parametrize("case", AS_DATA, ids=lambda case: f"{case.family}: {case.name}")
def test_a_file_given_as_data_is_refused_with_one_line_or_read(
    case: Case, tmp_path: Path, forks: Forks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same files are above: what is said here to another question may come from a shared loader, whatever the file."""
    monkeypatch.setattr(child, "launch", forks.launch_shared)
    path = tmp_path / "a.pt"
    case.write(path)
    there = sorted(tmp_path.iterdir())

    if case.name == "a replay buffer":
        assert load_gesture_array(path)[0].shape == (4, 5, 3)
    else:
        with pytest.raises(InputError) as caught:
            load_gesture_array(path)
        line = str(caught.value)
        assert line.startswith(f"{path}: ")
        assert line.isprintable()
        assert "tried something that no checkpoint needs" not in line or case.name.startswith("a codec")
    assert sorted(tmp_path.iterdir()) == there
    assert list(forks.folder.iterdir()) == []


def test_a_shared_loader_is_ended_by_what_a_loader_is_ended_by_and_the_next_one_goes_on(
    tmp_path: Path, forks: Forks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is forbidden ends it, a file that is refused unread does not, and no other file's answer depends on either."""
    monkeypatch.setattr(child, "launch", forks.launch_shared)
    by_name = {case.name: case for case in CASES if not case.salvage}
    ends = next(case for case in CASES if case.name.startswith("a codec"))
    save(tmp_path / "good.pt", {"sequences": torch.ones(4, 5, 3)})
    for _ in range(6):
        for case in (ends, by_name["html"], by_name["a number"]):
            (tmp_path / "a.pt").unlink(missing_ok=True)
            case.write(tmp_path / "a.pt")
            with pytest.raises(InputError) as caught:
                load_gesture_array(tmp_path / "a.pt")
            assert ("tried something that no checkpoint needs" in str(caught.value)) == (case is ends)
        assert load_gesture_array(tmp_path / "good.pt")[0].shape == (4, 5, 3)


@pytest.mark.parametrize("meanwhile", ["another file", "a pipe", "nothing"])
def test_a_name_that_leads_elsewhere_while_the_loader_opens_it_is_not_followed(
    meanwhile: str, tmp_path: Path, forks: Forks, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.pt"
    save(tmp_path / "kept", weights())
    if meanwhile == "another file":
        save(tmp_path / "planted", weights(seed=1))
    elif meanwhile == "a pipe":
        os.mkfifo(tmp_path / "planted")
    path.symlink_to("kept")
    look, is_same = container.look, container.Container.require_unchanged

    def turn(name: str) -> None:
        path.unlink()
        path.symlink_to(name)

    def turned(path: Path) -> container.Container:
        found = look(path)
        turn("planted")
        return found

    def compared(looked_at: container.Container) -> None:
        turn("kept")
        is_same(looked_at)

    monkeypatch.setattr(child, "launch", forks.launch)
    monkeypatch.setattr(container, "look", turned)
    monkeypatch.setattr(container.Container, "require_unchanged", compared)

    with pytest.raises(InputError) as caught:
        checkpoint.load(path)

    assert str(caught.value) == f"{path}: changed while it was read; try again"


@pytest.mark.parametrize("family", list(STARTED))
def test_a_loader_started_as_a_command_starts_it_answers_alike(
    family: str, tmp_path: Path, forks: Forks, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = STARTED[family]
    case.write(tmp_path / "a.pt")

    started = invoke(*command(tmp_path / "a.pt", case.salvage))
    monkeypatch.setattr(child, "launch", forks.launch)
    forked = invoke(*command(tmp_path / "a.pt", case.salvage))

    judge(case, tmp_path / "a.pt", started)
    assert bool(started.out) == case.usable
    assert started == forked


@pytest.mark.parametrize(
    "act",
    [
        lambda folder: (folder / "new").write_bytes(b"x"),
        lambda folder: (folder / "there").open("r+b").close(),
        lambda folder: os.close(os.open(folder / "there", os.O_WRONLY)),
        lambda folder: os.truncate(folder / "there", 0),
        lambda folder: (folder / "there").unlink(),
        lambda folder: (folder / "there").replace(folder / "new"),
        lambda folder: (folder / "there").chmod(0o777),
        lambda folder: (folder / "new").mkdir(),
        lambda folder: (folder / "new").symlink_to("there"),
        lambda folder: (folder / "new").hardlink_to(folder / "there"),
        lambda folder: os.utime(folder / "there", (1, 1)),
        lambda _: os.system("true"),
        lambda _: exec("1"),
    ],
)
def test_the_watch_notes_what_a_file_must_not_bring_about(act: Callable[[Path], object], watch: Watch, tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"x")
    watch.seen.clear()
    with watch.looking():
        list(tmp_path.iterdir())
        (tmp_path / "there").read_bytes()
        assert watch.seen == []
        act(tmp_path)
    assert watch.seen


def test_there_are_files_of_every_kind() -> None:
    assert len(CASES) >= 300
    assert len({(case.family, case.name) for case in CASES}) == len(CASES)
    assert all(case.says for case in CASES)
