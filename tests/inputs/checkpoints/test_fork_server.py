from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from humouse_doctor.core.errors import InputError
from humouse_doctor.inputs.checkpoints import checkpoint, child, fork_server
from humouse_doctor.inputs.checkpoints.fork_server import Forked, ForkServer
from tests.inputs.checkpoints.files import save, weights

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.loader_process

#: Answers with its own process, then does what it is told.
ACTING = """
import os, signal, sys, time
def attend():
    os.write(1, b"%d\\n" % os.getpid())
    for line in sys.stdin.buffer:
        exec(line)
    os._exit(0)
"""

Started = Callable[[int], "subprocess.Popen[bytes]"]


def acting(before: str = "") -> Started:
    code = (
        f"{ACTING}\n{before}\nfrom humouse_doctor.inputs.checkpoints.fork_server import serve; serve(int(sys.argv[1]), attend)"
    )

    def start(descriptor: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-S", "-c", code, str(descriptor)], pass_fds=[descriptor], cwd=ROOT)

    return start


@pytest.fixture
def server() -> Iterator[ForkServer]:
    made = ForkServer(acting())
    yield made
    made.end()


def launched(server: ForkServer) -> tuple[Forked, int]:
    """A loader of the server, and its process."""
    forked = server.launch()
    assert forked is not None
    assert forked.stdout is not None
    return forked, int(forked.stdout.readline())


def told(forked: Forked, line: str) -> int:
    """How it ends after that line."""
    assert forked.stdin is not None
    with suppress(BrokenPipeError):
        forked.stdin.write(line.encode())
        forked.stdin.close()
    return ended(forked)


def ended(forked: Forked) -> int:
    status = forked.wait()
    for pipe in (forked.stdin, forked.stdout):
        assert pipe is not None
        with suppress(BrokenPipeError):
            pipe.close()
    return status


def test_every_loader_is_a_process_of_its_own_and_its_end_is_told(server: ForkServer) -> None:
    seen = set()
    for line, status in (("pass", 0), ("os._exit(7)", 7), ("os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV)):
        forked, process = launched(server)
        seen.add(process)
        assert told(forked, line) == status
        assert forked.wait() == status
    assert len(seen) == 3
    assert os.getpid() not in seen


def test_one_that_is_killed_has_ended_and_the_next_one_answers(server: ForkServer) -> None:
    forked, process = launched(server)
    forked.kill()
    assert ended(forked) == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    forked.kill()
    assert told(launched(server)[0], "os._exit(3)") == 3


def test_another_thread_may_kill_one_that_is_waited_for(server: ForkServer) -> None:
    for _ in range(5):
        forked, _ = launched(server)
        threading.Thread(target=forked.kill).start()
        assert ended(forked) == -signal.SIGKILL


def test_a_second_one_at_a_time_is_not_given_out(server: ForkServer) -> None:
    forked, _ = launched(server)
    assert server.launch() is None
    assert told(forked, "pass") == 0
    assert told(launched(server)[0], "pass") == 0


def test_a_server_that_has_not_begun_is_not_waited_for() -> None:
    server = ForkServer(acting("time.sleep(999)"))
    forked = server.launch()
    assert forked is not None
    forked.kill()
    assert ended(forked) == -signal.SIGKILL
    assert server.is_over


def test_a_server_that_ends_by_itself_is_over_and_its_own_status_is_told() -> None:
    server = ForkServer(acting("raise SystemExit(9)"))
    forked = server.launch()
    if forked is not None:  # else it was seen even earlier
        assert ended(forked) in (9, -signal.SIGKILL)
    assert server.launch() is None
    assert server.is_over


def test_the_loader_ends_with_the_process_that_asked_for_it() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with closing(ours):
        with theirs:
            process = acting()(theirs.fileno())
        their_questions, questions = os.pipe()
        answers, their_answers = os.pipe()
        socket.send_fds(ours, [b"f"], [their_questions, their_answers])
        for pipe in (their_questions, their_answers):
            os.close(pipe)
        with os.fdopen(answers, "rb") as stream:
            child_of_it = int(stream.readline())
            os.write(questions, b"time.sleep(999)\n")
            ours.close()
            assert stream.read() == b""  # its end of the pipe is closed: it has ended
    assert process.wait() == 0
    os.close(questions)
    with pytest.raises(ProcessLookupError):
        os.kill(child_of_it, 0)


def test_a_server_that_is_asked_nothing_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    server = ForkServer(acting("from humouse_doctor.inputs.checkpoints import fork_server; fork_server._IDLE_S = 0.01"))
    assert not server.is_over
    assert server._process.wait() == 0
    monkeypatch.setattr(fork_server, "_STALE_S", 0.0)
    assert server.is_over
    server.end()


def test_a_fork_of_the_parent_leaves_the_server_alone(server: ForkServer) -> None:
    process = os.fork()
    if process == 0:
        server.end()
        os._exit(0)
    os.waitpid(process, 0)
    assert told(launched(server)[0], "os._exit(5)") == 5


def test_files_come_through_forks_of_one_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is refused ends its own process alone, and a server that was killed is replaced."""
    starts: list[int | None] = []
    started = child.started

    def counted(descriptor: int | None = None) -> subprocess.Popen[bytes]:
        starts.append(descriptor)
        return started(descriptor)

    monkeypatch.setattr(child, "started", counted)
    child._server.cache_clear()
    good = save(tmp_path / "a.pt", {"model": weights()})
    bad = save(tmp_path / "b.pt", {"model": weights(), "more": time.sleep})
    for _ in range(2):
        assert list(checkpoint.load(good).tensors) == list(weights())
        with pytest.raises(InputError, match=r"it refers to time\.sleep"):
            checkpoint.load(bad)
    assert len(starts) == 1
    assert starts[0] is not None
    server = child._server(os.getpid())
    server._process.kill()
    server._process.wait()
    assert list(checkpoint.load(good).tensors) == list(weights())
    child._server(os.getpid()).end()
    child._server.cache_clear()


def test_where_a_fork_is_not_possible_each_file_has_an_interpreter_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(subprocess, "Popen", lambda arguments, **_: asked.append(arguments))
    monkeypatch.delattr(os, "pidfd_open")
    child.launch()
    assert json.loads(asked[0][-1])[1] is None
