"""A loader's process for each file without the seconds in which it imports torch: forks of a process that has done so.

The fork server is started as a single loader is, and opens no file itself: each of its forks reads one and ends. It ends with
the process that has started it, and by itself once nothing was asked for some time. An import of torch takes 2 to 3 CPU
seconds, where all else about one of many small checkpoints takes 0.2.

Both ends of the line stand here. To the server come `_FORK` with the pipes of a new loader, and `_KILL` for the one that runs;
from it `_BEGUN` before it forks, and the loader's exit status.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from typing import IO

_FORK, _KILL, _BEGUN = b"f", b"k", b"b"
_STATUS_BYTES = 4
#: Seconds without a file after which the server ends, and after which it is asked no more: surely before it ends.
_IDLE_S, _STALE_S = 30.0, 20.0


def is_possible() -> bool:
    """Return True on Linux: a process with torch's libraries can be forked safely, and be waited for beside a socket."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):  # another system, an old kernel, or a container that forbids it
        return False
    return True


class ForkServer:
    """The server as its parent sees it. It has one loader at a time: `launch` returns None while that runs."""

    def __init__(self, start: Callable[[int], subprocess.Popen[bytes]]) -> None:
        """Call `start` with the descriptor of the server's end of the line; it returns at once, before torch is imported."""
        self.line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                self._process = start(theirs.fileno())
        except BaseException:
            self.line.close()
            raise
        self._parent, self._asked_at = os.getpid(), time.monotonic()
        self._busy = threading.Lock()
        self._ended = False
        atexit.register(self.end)

    @property
    def is_over(self) -> bool:
        """True if it has ended or will soon end."""
        return self._ended or (not self._busy.locked() and time.monotonic() - self._asked_at > _STALE_S)

    def launch(self) -> Forked | None:
        """Ask for a loader; return None if another one is out or the server is gone."""
        if not self._busy.acquire(blocking=False):
            return None
        with contextlib.ExitStack() as undone:
            undone.callback(self.leave)
            (their_questions, questions), (answers, their_answers) = _pipe(undone), _pipe(undone)
            try:
                socket.send_fds(self.line, [_FORK], [their_questions.fileno(), their_answers.fileno()])
            except OSError:
                self.end()
                return None
            undone.pop_all()
        their_questions.close()
        their_answers.close()
        return Forked(self, questions, answers)

    def leave(self) -> None:
        """Let the next loader be asked for."""
        self._asked_at = time.monotonic()
        self._busy.release()
        if self._ended:
            self.line.close()

    def end(self) -> int:
        """Kill the server unless it has ended, and return its exit status; a loader that is out sees its pipes close."""
        if self._parent != os.getpid():  # in a fork of it, which ends
            return 0
        self._ended = True
        atexit.unregister(self.end)
        with contextlib.suppress(OSError):  # closed by the other side
            self.line.shutdown(socket.SHUT_RDWR)  # a thread that listens hears of it
        if not self._busy.locked():  # else when the loader has ended
            self.line.close()
        self._process.kill()
        return self._process.wait()


class Forked:
    """A loader that the server has forked, with the methods of `subprocess.Popen` that are used of one."""

    def __init__(self, server: ForkServer, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self.stdin: IO[bytes] | None = stdin
        self.stdout: IO[bytes] | None = stdout
        self._server = server
        self._begun = False
        self._status: int | None = None
        self._hearing = threading.Lock()

    def kill(self) -> None:
        """Kill the process; where the server has not even imported torch yet, kill that instead of waiting for it."""
        self._hear(0)
        if self._status is not None:
            return
        if self._begun:
            with contextlib.suppress(OSError):  # the server is gone, as `wait` will hear
                self._server.line.send(_KILL)
        else:
            self._server.end()

    def wait(self) -> int:
        """Return the exit status, negative for a signal; that of the server if it was killed before."""
        while self._status is None:
            self._hear(None)
        return self._status

    def _hear(self, timeout_ms: int | None) -> None:
        """Take the next message if there is one in time. A timer's thread may do so too, to kill the process."""
        _is_heard(self._server.line, timeout_ms)
        with self._hearing:
            if self._status is not None:
                return
            try:
                said = self._server.line.recv(_STATUS_BYTES, socket.MSG_DONTWAIT)
            except BlockingIOError:  # nothing, or the other thread has taken it
                return
            except OSError:
                said = b""
            if said == _BEGUN:
                self._begun = True
                return
            self._status = int.from_bytes(said, "little", signed=True) if said else self._server.end()
            self._server.leave()


def serve(descriptor: int, attend: Callable[[], None]) -> None:
    """Run the server: fork a process for each pair of pipes that comes in, which has them as stdin and stdout and attends.

    Return when the other side is gone or silent.
    """
    with socket.socket(fileno=descriptor) as line:
        while _is_heard(line, round(_IDLE_S * 1000)):
            try:
                said, pipes, _, _ = socket.recv_fds(line, 1, 2)
            except ConnectionError:
                return
            if not said:
                return
            if said != _FORK:  # a loader was to be killed that had just ended
                continue
            line.send(_BEGUN)
            child = os.fork()
            if child == 0:
                line.close()
                for place, pipe in enumerate(pipes):
                    os.dup2(pipe, place)
                    os.close(pipe)
                attend()
                os._exit(1)
            for pipe in pipes:
                os.close(pipe)
            status = _watched(child, line)
            if status is None:
                return
            line.send(status.to_bytes(_STATUS_BYTES, "little", signed=True))


def _watched(child: int, line: socket.socket) -> int | None:
    """Return the exit status of the process; kill it if the other side asks, or is gone: None is returned then."""
    ended, alone = os.pidfd_open(child), False
    heard = select.poll()
    heard.register(ended, select.POLLIN)
    heard.register(line, select.POLLIN)
    try:
        while all(descriptor != ended for descriptor, _ in heard.poll()):
            try:
                alone = not line.recv(1)
            except ConnectionError:  # gone without having heard all
                alone = True
            if alone:
                heard.unregister(line)
            os.kill(child, signal.SIGKILL)
    finally:
        os.close(ended)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return None if alone else status


def _is_heard(line: socket.socket, timeout_ms: int | None) -> bool:
    """Wait for a message, or the end, of the other side; return False if there is none in time."""
    heard = select.poll()
    heard.register(line, select.POLLIN)
    return bool(heard.poll(timeout_ms))


def _pipe(closed_by: contextlib.ExitStack) -> tuple[IO[bytes], IO[bytes]]:
    read, write = os.pipe()
    return closed_by.enter_context(os.fdopen(read, "rb")), closed_by.enter_context(os.fdopen(write, "wb"))
