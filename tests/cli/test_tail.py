from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from humouse_doctor.core.verdict import Verdict
from humouse_doctor.core.watching import WATCH_FILE, Beginning, Ending, Moment
from humouse_doctor.stored.watch import line_of
from tests.conftest import Ended

_BEGINNING = Beginning(tool_version="0", generator="Paths", steps=30, every=10)


def _moment(step: int, outlook: Verdict = Verdict.UNDETERMINED) -> Moment:
    return Moment(step=step, now=Verdict.COLLAPSED, outlook=outlook, causes=("HD201",), measures={"spread": 0.01})


def _write(path: Path, *parts: Beginning | Moment | Ending) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as stream:
        stream.write(b"".join(map(line_of, parts)))


@pytest.mark.parametrize(("outlook", "code"), [(Verdict.COLLAPSED, 1), (Verdict.UNDETERMINED, 0), (Verdict.HEALTHY, 0)])
def test_once_shows_what_there_is(tmp_path: Path, invoke: Callable[..., Ended], outlook: Verdict, code: int) -> None:
    _write(tmp_path / "version_0" / WATCH_FILE, _BEGINNING, _moment(10, outlook))

    ended = invoke("tail", tmp_path, "--once")

    assert ended.code == code
    assert "Paths, step 10 of 30" in ended.out
    assert "HD201 out-of-reach-targets" in ended.out


def test_in_a_pipe_it_prints_a_line_per_look_until_the_end(tmp_path: Path, invoke: Callable[..., Ended]) -> None:
    file = tmp_path / WATCH_FILE
    _write(file, _BEGINNING, _moment(10))

    def train() -> None:
        for part in (_moment(20, Verdict.COLLAPSED), Ending(step=30, verdict=Verdict.COLLAPSED, sentence="It stands still.")):
            time.sleep(0.3)
            _write(file, part)

    training = threading.Thread(target=train)
    training.start()
    ended = invoke("tail", file, "--every", "0.1")
    training.join()

    assert ended.code == 1
    lines = ended.out.splitlines()
    assert [line.partition(";")[0] for line in lines[:2]] == ["step 10 of 30: too early to say", "step 20 of 30: collapsed"]
    assert lines[-1] == "collapsed at step 30: It stands still."


def test_of_several_runs_the_newest_is_followed(tmp_path: Path, invoke: Callable[..., Ended]) -> None:
    import os

    for name, age in (("old", 100.0), ("new", 0.0)):
        _write(tmp_path / name / WATCH_FILE, _BEGINNING, _moment(10 if name == "old" else 20))
        os.utime(tmp_path / name / WATCH_FILE, (time.time() - age,) * 2)

    assert "step 20 of 30" in invoke("tail", tmp_path, "--once").out


def test_what_is_no_watch_is_one_line(tmp_path: Path, invoke: Callable[..., Ended]) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.jsonl").write_text("nothing\n")

    for path, said in (
        (tmp_path / "empty", "no watch.jsonl in it or below"),
        (tmp_path / "none.jsonl", "cannot read the watch"),
        (tmp_path / "text.jsonl", "text.jsonl:1: not a line of a watch"),
    ):
        ended = invoke("tail", path, "--once")
        assert ended.code == 3
        assert said in ended.err
        assert ended.err.count("\n") == 1


def test_show_names_the_command_for_a_watch(tmp_path: Path, invoke: Callable[..., Ended]) -> None:
    _write(tmp_path / WATCH_FILE, _BEGINNING)

    ended = invoke("show", tmp_path / WATCH_FILE)

    assert ended.code == 2
    assert f"humouse-doctor tail {tmp_path / WATCH_FILE} --once" in ended.err
