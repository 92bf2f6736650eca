from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from humouse_doctor.core.errors import InputError, MachineError
from humouse_doctor.inputs.checkpoints import checkpoint, child, fork_server, protocol
from humouse_doctor.inputs.checkpoints.fork_server import Forked, ForkServer
from tests.inputs.checkpoints.files import save, weights

ROOT = Path(__file__).parents[3]
pytestmark = [
    pytest.mark.loader_process,
    pytest.mark.skipif(not fork_server.is_possible(), reason="loaders are not forked here"),
]

#: A server whose forks say their process, and then do what they are told.
ACTING = """
import os, signal, sys, time
def attend():
    os.write(1, b"%d\\n" % os.getpid())
    for line in sys.stdin.buffer:
        exec(line)
    os._exit(0)
"""
LONG = "time.sleep(60)\n"


def acting(before: str = "") -> Callable[[int], subprocess.Popen[bytes]]:
    code = (
        f"{ACTING}\n{before}\nfrom humouse_doctor.inputs.checkpoints.fork_server import serve; serve(int(sys.argv[1]), attend)"
    )

    def start(descriptor: int) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-S", "-c", code, str(descriptor)]
        return subprocess.Popen(words, pass_fds=[descriptor], cwd=ROOT, stderr=subprocess.DEVNULL)

    return start


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ForkServer]:
    monkeypatch.setattr(fork_server, "_STALE_S", 600.0)  # on a busy machine a server may take many seconds to start
    made = ForkServer(acting())
    yield made
    made.end()


def launched(server: ForkServer) -> tuple[Forked, int]:
    """A loader of the server, and its process."""
    forked = server.launch()
    assert forked is not None
    assert forked.stdout is not None
    process = int(forked.stdout.readline())
    assert fork_server._is_heard(server.line, 60_000)  # the loader may be quicker than the server, which tells of it
    return forked, process


def tell(forked: Forked, line: str) -> None:
    assert forked.stdin is not None
    forked.stdin.write(line.encode())
    forked.stdin.close()


def ended(forked: Forked) -> int:
    status = forked.wait()
    for pipe in (forked.stdin, forked.stdout):
        assert pipe is not None
        with suppress(BrokenPipeError):
            pipe.close()
    return status


def require_gone(process: int) -> None:
    """Fail if the process goes on; it may stay as a zombie until whoever has it now reaps it."""
    stat = Path(f"/proc/{process}/stat")
    for _ in range(500):
        with suppress(OSError):
            if stat.read_text().rpartition(")")[2].split()[0] not in "ZX":
                time.sleep(0.01)
                continue
        return
    pytest.fail("it goes on")


def test_every_loader_is_a_process_of_its_own_and_its_end_is_told(server: ForkServer) -> None:
    seen = set()
    for line, status in (
        ("pass", 0),
        ("os._exit(7)", 7),
        ("os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV),
        ("1/0", 1),
    ):
        forked, process = launched(server)
        assert not server.is_usable
        seen.add(process)
        tell(forked, line)
        assert ended(forked) == status
        assert not forked.is_lost
        assert forked.wait() == status
        assert server.is_usable
    assert len(seen) == 4
    assert os.getpid() not in seen


def test_one_that_is_killed_has_ended_and_the_server_is_the_same(server: ForkServer) -> None:
    for said in (True, False, False):  # the first is seen to have begun, the others are killed at once
        if said:
            forked, _ = launched(server)
        else:
            launch = server.launch()
            assert launch is not None
            forked = launch
        forked.kill()
        assert ended(forked) == -signal.SIGKILL
        forked.kill()
        assert server.is_usable
    forked, process = launched(server)
    tell(forked, "os._exit(3)")
    assert ended(forked) == 3
    require_gone(process)
    forked.kill()


@pytest.mark.parametrize("meanwhile", ["wait", "kill"])
def test_a_status_that_another_thread_has_heard_is_not_waited_for(
    server: ForkServer, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    """Between the look whether it has ended and the wait for a message, the other thread takes the message."""
    forked, _ = launched(server)
    is_heard = fork_server._is_heard

    def late(line: socket.socket, timeout_ms: int) -> bool:
        monkeypatch.setattr(fork_server, "_is_heard", is_heard)
        other = threading.Thread(target=getattr(forked, meanwhile))
        other.start()
        if meanwhile == "wait":
            tell(forked, "pass")
        other.join()
        return is_heard(line, timeout_ms)

    monkeypatch.setattr(fork_server, "_is_heard", late)
    assert forked.wait() in (0, -signal.SIGKILL)
    assert ended(forked) == (0 if meanwhile == "wait" else -signal.SIGKILL)


def test_a_server_that_has_not_begun_is_not_waited_for() -> None:
    server = ForkServer(acting("time.sleep(60)"))
    forked = server.launch()
    assert forked is not None
    forked.kill()
    assert ended(forked) == -signal.SIGKILL
    forked.kill()
    assert not server.is_usable


def test_a_server_that_ends_by_itself_tells_its_own_status() -> None:
    server = ForkServer(acting("sys.stdin = None; raise SystemExit(9)"))
    forked = server.launch()
    assert server._process.wait() == 9
    if forked is not None:  # else it had ended before it was asked
        assert ended(forked) == 9
        assert forked.is_lost
        forked.kill()
    assert not server.is_usable
    assert server.launch() is None


def test_a_loader_ends_with_a_server_that_is_killed(server: ForkServer) -> None:
    forked, process = launched(server)
    tell(forked, LONG)
    server._process.kill()
    assert ended(forked) == -signal.SIGKILL
    assert forked.is_lost
    require_gone(process)


def test_server_and_loader_end_with_the_process_that_asked_for_it() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = acting()(theirs.fileno())
    their_questions, questions = os.pipe()
    answers, their_answers = os.pipe()
    socket.send_fds(ours, [b"f"], [their_questions, their_answers])
    for pipe in (their_questions, their_answers):
        os.close(pipe)
    with os.fdopen(answers, "rb") as stream:
        loader = int(stream.readline())
        os.write(questions, LONG.encode())
        ours.close()
        assert stream.read() == b""  # its end of the pipe is closed
    assert process.wait() == 0
    os.close(questions)
    require_gone(loader)


def test_a_server_that_is_asked_nothing_ends_and_is_not_used_shortly_before(
    server: ForkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = ForkServer(acting("from humouse_doctor.inputs.checkpoints import fork_server; fork_server._IDLE_S = 0.01"))
    assert idle._process.wait() == 0
    assert not idle.is_usable
    assert server.is_usable
    monkeypatch.setattr(fork_server, "_STALE_S", 0.0)
    assert not server.is_usable
    assert fork_server._STALE_S < fork_server._IDLE_S


def test_a_fork_of_the_parent_leaves_the_server_alone(server: ForkServer) -> None:
    process = os.fork()
    if process == 0:
        try:
            assert not server.is_usable
            server.end()
        finally:
            os._exit(0)
    os.waitpid(process, 0)
    forked, _ = launched(server)
    tell(forked, "os._exit(5)")
    assert ended(forked) == 5


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int | None]]:
    """The descriptors that loaders of this test are started with: None for one that is no server."""
    made: list[int | None] = []
    started = child.started

    def counted(descriptor: int | None = None) -> subprocess.Popen[bytes]:
        made.append(descriptor)
        return started(descriptor)

    monkeypatch.setattr(child, "started", counted)
    monkeypatch.setattr(child, "_KEPT", child._Kept())
    yield made
    if child._KEPT.server is not None:
        child._KEPT.server.end()


def kept() -> ForkServer:
    assert child._KEPT.server is not None
    return child._KEPT.server


def test_files_come_through_forks_of_one_server(tmp_path: Path, starts: list[int | None]) -> None:
    """A file that is refused, read or unread, costs no other one a start; a server that is gone is replaced."""
    good = save(tmp_path / "a.pt", {"model": weights()})
    bad = save(tmp_path / "b.pt", {"model": weights(), "more": time.sleep})
    (tmp_path / "c.pt").write_bytes(b"hello")
    for _ in range(2):
        assert list(checkpoint.load(good).tensors) == list(weights())
        with pytest.raises(InputError, match=r"it refers to time\.sleep"):
            checkpoint.load(bad)
        with pytest.raises(InputError, match="neither torch"):
            checkpoint.load(tmp_path / "c.pt")
    assert len(starts) == 1
    threads = len(list(Path(f"/proc/{kept()._process.pid}/task").iterdir()))
    kept()._process.kill()
    kept()._process.wait()
    assert list(checkpoint.load(good).tensors) == list(weights())
    assert len(starts) == 2
    assert None not in starts
    assert threads == 1  # a fork of several could find their locks taken for ever


#: Lets the system refuse forks, as it does beyond its limit of processes: x is refused, anything else is not.
REFUSING = """
import errno, os
from humouse_doctor.inputs.checkpoints import fork_server
fork_server._AGAIN_S, fork, coming = (0.0, 0.0), os.fork, iter("{forks}")
def refused():
    if next(coming, "") == "x":
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return fork()
os.fork = refused
"""


def test_a_fork_that_is_refused_is_tried_again_and_then_told() -> None:
    server = ForkServer(acting(REFUSING.format(forks="xx.xxx.")))
    forked, process = launched(server)
    tell(forked, "os._exit(7)")
    assert (ended(forked), forked.refusal) == (7, None)

    refused = server.launch()
    assert refused is not None
    refused.kill()
    assert refused.wait() == 1
    assert refused.refusal is not None
    assert refused.refusal.errno == errno.EAGAIN
    assert not refused.is_lost
    assert refused.stdout is not None
    assert refused.stdout.read() == b""
    assert ended(refused) == 1

    again, other = launched(server)
    tell(again, "pass")
    assert (ended(again), other == process) == (0, False)
    server.end()


def test_a_process_or_thread_that_the_system_refuses_is_not_the_files_fault(
    tmp_path: Path, starts: list[int | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    good = save(tmp_path / "a.pt", weights())
    told = r"the system gives no further process \(.*\): close other programs, raise the limit \(ulimit -u, .* --workers"
    with monkeypatch.context() as refusing:
        code = child._CODE.replace("from humouse", f"exec({REFUSING.format(forks='xxx')!r}); from humouse")
        refusing.setattr(child, "_CODE", code)
        with pytest.raises(MachineError, match=told):
            checkpoint.load(good)
    assert list(checkpoint.load(good).tensors) == list(weights())  # there is room again, and the server is the same
    assert len(starts) == 1

    def refused(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    with monkeypatch.context() as refusing:
        refusing.setattr(child, "launch", refused)
        with pytest.raises(MachineError, match=told):
            checkpoint.load(good)

    def no_thread(_: threading.Timer) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Timer, "start", no_thread)
    with pytest.raises(MachineError, match=told):
        checkpoint.load(good)


def test_a_server_that_is_killed_is_not_the_files_fault(
    tmp_path: Path, starts: list[int | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "_CODE", child._CODE.replace("worker import main", "fork_server import serve").replace(
        "main(descriptor)", "serve(descriptor, lambda: (__import__('os').write(1, b'ready\\n'), __import__('time').sleep(60)))"
    ))  # fmt: skip
    monkeypatch.setattr(protocol, "READY", b"ready\n")
    read = protocol.receive

    def killed(stream: object, most: int) -> object:
        kept()._process.kill()
        return read(stream, most)  # type: ignore[arg-type]

    monkeypatch.setattr(protocol, "receive", killed)
    with pytest.raises(MachineError, match="the process that loaders are forked from was killed"):
        checkpoint.load(save(tmp_path / "a.pt", weights()))
    assert len(starts) == 1


def test_a_server_does_not_hear_the_terminals_interrupt() -> None:
    code = child._CODE.replace(
        "from humouse_doctor", "print(signal.getsignal(signal.SIGINT) == signal.SIG_IGN); 'from humouse_doctor"
    )
    for descriptor, ignored in ((3, "True"), (None, "False")):
        words = [sys.executable, "-S", "-c", code.partition("'")[0], json.dumps([sys.path, descriptor])]
        assert subprocess.run(words, capture_output=True, text=True, check=True).stdout.split() == [ignored]


def test_where_a_fork_is_not_possible_each_file_has_an_interpreter_of_its_own(
    starts: list[int | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: None)
    monkeypatch.delattr(os, "pidfd_open")
    child.launch()
    assert starts == [None]
