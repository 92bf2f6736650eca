from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from humouse_doctor.core.errors import InputError
from humouse_doctor.fleet.jobs import Ended
from humouse_doctor.fleet.journal import Journal, merge


def answered(number: int, answer: bytes = b'{"a":\n "\\u00e9 \xc3\xa9"}\n') -> Ended:
    return Ended(f"{number:08x}", f"run {number}\udcff", answer, None, 1.5)


def failed(number: int) -> Ended:
    return Ended(f"{number:08x}", f"run {number}", None, "its process died twice", 0.0)


def written(path: Path, *ends: Ended) -> Path:
    with Journal(path) as journal:
        for one in ends:
            journal.add(one)
    return path


def test_an_answer_comes_back_byte_for_byte_and_a_failure_does_not(tmp_path: Path) -> None:
    path = written(tmp_path / "j", answered(1), failed(2), failed(3), answered(3, b"3"))

    with Journal(path) as journal:
        found = [journal.find(f"{number:08x}") for number in (1, 2, 3, 4)]
        count = len(journal)

    assert [None if one is None else one.answer for one in found] == [answered(1).answer, None, b"3", None]
    assert found[0] is not None
    assert (found[0].kept, found[0].name, found[0].seconds, count) == (True, "run 1\udcff", 1.5, 2)


@pytest.mark.parametrize("left", [1, 30, 80, 400])
def test_a_torn_last_line_is_dropped_and_written_over(left: int, tmp_path: Path) -> None:
    path = written(tmp_path / "j", answered(1), answered(2, b"x" * 400))
    whole = path.read_bytes()
    path.write_bytes(whole[:left])
    kept = whole[:left].rfind(b"\n") + 1

    written(path, failed(3))

    after = path.read_bytes()
    assert after.startswith(whole[:kept])
    assert [line for line in after[kept:].splitlines() if b"kind" not in line] == [after.splitlines()[-1]]
    with Journal(path) as journal:
        assert (journal.find("00000001") is not None) == (left > 100)
        assert journal.find("00000002") is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"notes of mine\n", "not a journal; choose another file, nothing was changed"),
        (b"notes of mine, without an end", "not a journal"),
        (b'{"kind": "humouse-doctor journal", "schema_version": "9.0"}\n', "a journal of another version"),
        (b'{"key": "00000001"}\n', "damaged: its line at byte .* is not the end of a job"),
        (b'{"key": "x", "name": "", "seconds": 1, "answer": ""}\n', "damaged"),
        (b'{"key": "00000001", "name": "", "seconds": 1, "answer": "", "failure": ""}\n', "damaged"),
        (b'{"key": "00000001", "name": "", "seconds": NaN, "answer": ""}\n', "damaged"),
        (b"[" * 100_000 + b"\n", "damaged"),
        (b'"\xff"\n', "damaged"),
    ],
)
def test_anything_else_is_refused_in_one_line_and_untouched(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(
        content if said.startswith(("not", "a ")) else written(tmp_path / "good", answered(1)).read_bytes() + content
    )
    before = path.read_bytes()

    with pytest.raises(InputError, match=said) as refused:
        Journal(path)
    with pytest.raises(InputError, match=said):
        merge([path], tmp_path / "all")

    assert "\n" not in str(refused.value)
    assert path.read_bytes() == before
    assert not (tmp_path / "all").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes and no limits")
def test_what_cannot_be_a_journal_is_said_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, said in (
        (tmp_path / "pipe", "it is not a file"),
        (tmp_path, "Is a directory"),
        (tmp_path / "no" / "j", "No such"),
    ):
        with pytest.raises(InputError, match=f"cannot be used as a journal: {said}"):
            Journal(path)


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes and no limits")
def test_a_second_writer_is_sent_away(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal(path) as journal:
        journal.add(answered(1))
        with pytest.raises(InputError, match="another process is writing it"):
            Journal(path)
        journal.add(answered(2))

    with Journal(path) as journal:
        assert len(journal) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes and no limits")
def test_on_a_full_disk_what_is_there_stays_whole_and_more_is_added_later(tmp_path: Path) -> None:
    import resource

    path = written(tmp_path / "j", answered(1))
    size = path.stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Journal(path) as journal:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 40, limits[1]))
        try:
            with pytest.raises(InputError, match="j: cannot write: File too large; the 1 finished jobs in it stay"):
                journal.add(answered(2))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert path.stat().st_size == size
        journal.add(answered(2))

    with Journal(path) as journal:
        assert len(journal) == 2


def test_journals_are_joined_by_merge_and_by_cat(tmp_path: Path) -> None:
    one = written(tmp_path / "1", answered(5, b"5"), failed(2), answered(9, b"9"))
    other = written(tmp_path / "2", answered(2, b"2"), failed(9), failed(7), answered(5, b"other"))

    assert merge([one, other], tmp_path / "all") == 4
    (tmp_path / "cat").write_bytes(one.read_bytes() + other.read_bytes())

    for path in (tmp_path / "all", tmp_path / "cat"):
        with Journal(path) as journal:
            found = {number: journal.find(f"{number:08x}") for number in (2, 5, 7, 9)}
            assert {number: end and end.answer for number, end in found.items()} == {2: b"2", 5: b"5", 7: None, 9: b"9"}
    assert merge([tmp_path / "all"], tmp_path / "again") == 4
    assert (tmp_path / "again").read_bytes() == (tmp_path / "all").read_bytes()
    with pytest.raises(InputError, match="it exists, and is not overwritten"):
        merge([one], other)
