"""A loader's process for each file without the seconds in which it imports torch: forks of a process that has done so.

The fork server is started as a single loader is, and opens no checkpoint itself: each of its forks reads one and ends. It ends
with the process that has started it, and by itself once nothing was asked for some time. An import of torch takes 2 to 3 CPU
seconds, where all else about one of many small checkpoints takes 0.2.

Both ends of the line stand here. To the server comes `_FORK` with the pipes of a new loader; from it `_BEGUN` with a descriptor
of the loader's process, and when that has ended its exit status; or `_REFUSED` with the number of the system's error.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import subprocess
import threading
import time
import weakref
from collections.abc import Callable
from typing import IO

_FORK, _BEGUN, _REFUSED = b"f", b"b", b"r"
_STATUS_BYTES = 4
#: Seconds before each further try of a fork that the system has refused: the limit of processes may be another program's fault.
_AGAIN_S = (0.1, 0.3, 1.0)
#: Seconds without a file after which the server ends, and after which it is asked no more: surely before it ends.
_IDLE_S, _STALE_S = 15.0, 10.0
#: A waiting thread looks up as often as this, since another one may have heard what it waits for.
_LOOK_UP_MS = 200
_PR_SET_PDEATHSIG = 1


def is_possible() -> bool:
    """Return True on Linux with descriptors of processes (5.3 and later), unless a container forbids them."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


class ForkServer:
    """The server as its parent sees it: for one thread, which has one loader at a time."""

    def __init__(self, start: Callable[[int], subprocess.Popen[bytes]]) -> None:
        """Call `start` with the descriptor of the server's end of the line; it returns at once, before torch is imported."""
        self.line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.line.setblocking(False)
        try:
            with theirs:
                self._process = start(theirs.fileno())
        except BaseException:
            self.line.close()
            raise
        self._parent, self._asked_at = os.getpid(), time.monotonic()
        self._out: Forked | None = None
        #: True once it has imported torch.
        self.is_warm = False
        self._is_over = False
        weakref.finalize(self, _end, self._process, self.line, self._parent)

    @property
    def is_usable(self) -> bool:
        """False if it has ended or soon will, belongs to the process that this is a fork of, or has a loader out."""
        out = self._out is not None and self._out.status is None
        stale = time.monotonic() - self._asked_at > _STALE_S
        return not (self._is_over or out or stale) and self._parent == os.getpid() and self._process.poll() is None

    def launch(self) -> Forked | None:
        """Ask for a loader; return None if the server is gone."""
        with contextlib.ExitStack() as undone:
            (their_questions, questions), (answers, their_answers) = _pipe(undone), _pipe(undone)
            try:
                socket.send_fds(self.line, [_FORK], [their_questions.fileno(), their_answers.fileno()])
            except OSError:
                self.end()
                return None
            undone.pop_all()
        their_questions.close()
        their_answers.close()
        self._out = Forked(self, questions, answers)
        return self._out

    def ended(self) -> None:
        """Note that its loader has ended."""
        self._asked_at = time.monotonic()

    def end(self) -> int:
        """Kill the server unless it has ended, and its loader with it; return the server's exit status."""
        self._is_over = True
        _stop(self._process, self.line, self._parent)
        return self._process.returncode or 0


class Forked:
    """A loader that the server has forked, with the methods of `subprocess.Popen` that are used of one.

    `is_lost` says that its status is the server's, which was killed before this process had ended; `refusal` is the error of
    the system that gave the server no process.
    """

    def __init__(self, server: ForkServer, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self.stdin: IO[bytes] | None = stdin
        self.stdout: IO[bytes] | None = stdout
        self.status: int | None = None
        self.is_lost = False
        self.refusal: OSError | None = None
        self._server = server
        self._process: int | None = None
        self._hearing = threading.Lock()

    def kill(self) -> None:
        """Kill the process; a server that has not even imported torch is killed instead of being waited for."""
        while self.status is None:
            with self._hearing:
                self._hear()
                if self.status is not None:
                    return
                if self._process is not None:
                    with contextlib.suppress(ProcessLookupError):  # it has ended
                        signal.pidfd_send_signal(self._process, signal.SIGKILL)
                    return
                if not self._server.is_warm:
                    self._server.end()
                    return
            _is_heard(self._server.line, _LOOK_UP_MS)  # it is about to fork

    def wait(self) -> int:
        """Return the exit status, negative for a signal."""
        while self.status is None:
            _is_heard(self._server.line, _LOOK_UP_MS)
            with self._hearing:
                self._hear()
        return self.status

    def _hear(self) -> None:
        """Take what the server has said. A timer's thread may do so too, to kill the process."""
        while self.status is None:
            try:
                said, descriptors, _, _ = socket.recv_fds(self._server.line, _STATUS_BYTES, 1)
            except BlockingIOError:
                return
            except OSError:
                said, descriptors = b"", []
            if said == _BEGUN and descriptors:  # none if this process may have no more
                self._server.is_warm = True
                (self._process,) = descriptors
                continue
            if said[:1] == _REFUSED and len(said) == 2:
                self._server.is_warm, self.status = True, 1
                self.refusal = OSError(said[1], os.strerror(said[1]))
                self._server.ended()
                return
            if self._process is not None:
                os.close(self._process)
            self.is_lost = len(said) != _STATUS_BYTES
            self.status = self._server.end() if self.is_lost else int.from_bytes(said, "little", signed=True)
            self._server.ended()


def serve(descriptor: int, attend: Callable[[], None]) -> None:
    """Run the server: fork a process for each pair of pipes that comes in, which has them as stdin and stdout and attends.

    Return when the other side is gone or silent.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    prctl, server = ctypes.CDLL(None).prctl, os.getpid()
    with socket.socket(fileno=descriptor) as line, contextlib.suppress(ConnectionError):
        while _is_heard(line, round(_IDLE_S * 1000)):
            said, pipes, _, _ = socket.recv_fds(line, 1, 2)
            if not said:
                return
            child = _forked()
            if isinstance(child, OSError):
                line.send(_REFUSED + bytes([child.errno or 0]))  # before the pipes tell that nobody is there
                for pipe in pipes:
                    os.close(pipe)
                continue
            if child == 0:
                try:
                    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
                    if os.getppid() == server:
                        line.close()
                        for place, pipe in enumerate(pipes):
                            os.dup2(pipe, place)
                            os.close(pipe)
                        attend()
                finally:
                    os._exit(1)
            for pipe in pipes:
                os.close(pipe)
            status = _watched(child, line)
            if status is None:
                return
            line.send(status.to_bytes(_STATUS_BYTES, "little", signed=True))


def _forked() -> int | OSError:
    """Fork; return the system's error if it refuses again and again, for too many processes or too little memory."""
    for seconds in _AGAIN_S:
        with contextlib.suppress(OSError):
            return os.fork()
        time.sleep(seconds)
    try:
        return os.fork()
    except OSError as error:
        return error


def _watched(child: int, line: socket.socket) -> int | None:
    """Tell of the process, and return its exit status; kill it, and return None, if the other side is gone."""
    process, alone = os.pidfd_open(child), False
    heard = select.poll()
    heard.register(process, select.POLLIN)
    heard.register(line, select.POLLIN)
    try:
        socket.send_fds(line, [_BEGUN], [process])
        if all(descriptor != process for descriptor, _ in heard.poll()):  # nothing else is said: it is the end
            alone = True
    except ConnectionError:
        alone = True
    finally:
        os.close(process)
    if alone:
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return None if alone else status


def _is_heard(line: socket.socket, timeout_ms: int) -> bool:
    """Wait for a message, or the end, of the other side; return False if there is none in time."""
    heard = select.poll()
    heard.register(line, select.POLLIN)
    return bool(heard.poll(timeout_ms))


def _pipe(closed_by: contextlib.ExitStack) -> tuple[IO[bytes], IO[bytes]]:
    read, write = os.pipe()
    return closed_by.enter_context(os.fdopen(read, "rb")), closed_by.enter_context(os.fdopen(write, "wb"))


def _stop(process: subprocess.Popen[bytes], line: socket.socket, parent: int) -> None:
    if parent != os.getpid():  # in a fork of the parent, whose server goes on
        return
    with contextlib.suppress(OSError):  # closed by the other side
        line.shutdown(socket.SHUT_RDWR)  # a thread that listens hears of it
    process.kill()
    process.wait()


def _end(process: subprocess.Popen[bytes], line: socket.socket, parent: int) -> None:
    _stop(process, line, parent)
    line.close()
