"""The loader's process, forked from an interpreter that has imported torch once: one process per file without its start.

The interpreter is started with the options and the environment of a command's loader, and what is forked attends to its file
as a started one does: the same limits, the same hook, the same pipes. Where a test is only about the answers, one fork may read
several files in turn (`Forks.launch_shared`), with the same limits, and what the hook forbids ends it too.

The package's own server (`fork_server`) would not do: it neither hands a second file to a fork, without which each of some
800 inputs would cost a fork, nor says what a fork took, which one that was killed cannot say itself. With both it would be the
longer one, for the tests alone.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, ClassVar, NamedTuple

from humouse_doctor.inputs.checkpoints import child

ROOT = Path(__file__).resolve().parents[2]
_CODE = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from tests.hostile.forks import serve; serve(int(sys.argv[2]))"
)

#: One question to a loader of its own, and one to a loader that has read others and is to read more.
_ALONE, _SHARED = b"f", b"s"
#: Files that one loader reads.
_FILES = 25

#: Memory in few large pages: to copy the table of pages is most of a fork.
_FEW_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.top_pad=67108864"}


def serve(number: int) -> None:
    """Fork a loader for every pair of pipes that comes in, and say how it ended; ends with the other side."""
    from humouse_doctor.inputs.checkpoints import worker

    worker.rehearse()
    with socket.socket(fileno=number) as channel:
        while True:
            kind = channel.recv(1, socket.MSG_PEEK)
            if not kind:
                return
            pipes = [] if kind == _SHARED else socket.recv_fds(channel, 1, 2)[1]
            child = os.fork()
            if child == 0 and kind == _SHARED:
                _read_several(channel)
            if child == 0:
                channel.close()
                for place, pipe in enumerate(pipes):
                    os.dup2(pipe, place)
                    os.close(pipe)
                worker.attend()
            for pipe in pipes:
                os.close(pipe)
            if kind != _SHARED:
                channel.send(json.dumps(child).encode() + b"\n")
            _, status, used = os.wait4(child, 0)
            if kind != _SHARED or status:
                channel.send(json.dumps([os.waitstatus_to_exitcode(status), used.ru_maxrss, used.ru_utime]).encode() + b"\n")


def _read_several(channel: socket.socket) -> None:
    """Answer question after question in the place of the server; ends with the first that is not for it, or that ends it."""
    from humouse_doctor.inputs.checkpoints import guard, protocol, worker

    gc.disable()
    answers: IO[bytes] | None = None

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal answers
        if answers is not None and event.startswith(guard._FORBIDDEN):
            forbidden, answers = answers, None
            protocol.send(protocol.Answer(refusal=worker.forbidden(f"{event} {arguments[:1]}")), forbidden)
            os._exit(guard.FORBIDDEN_STATUS)

    sys.addaudithook(hook)
    for _ in range(_FILES):
        if channel.recv(1, socket.MSG_PEEK) != _SHARED:
            break
        _, pipes, _, _ = socket.recv_fds(channel, 1, 2)
        channel.send(json.dumps(os.getpid()).encode() + b"\n")
        with os.fdopen(pipes[0], "rb") as questions, os.fdopen(pipes[1], "wb") as out:
            out.write(protocol.READY)
            out.flush()
            line = questions.readline()
            if line:
                question = protocol.Question.parse(line)
                with contextlib.ExitStack() as stack:
                    try:
                        files = worker.opened(question, stack)
                        guard.limit(question.memory_bytes, question.cpu_s)
                        answers = out
                        worker.write_answer(question, files, out)
                    except worker.Refused as refusal:
                        protocol.send(protocol.Answer(refusal=str(refusal)), out)
                    except Exception:  # as in a loader of its own
                        os._exit(1)
                    answers = None
        used = resource.getrusage(resource.RUSAGE_SELF)
        channel.send(json.dumps([0, used.ru_maxrss, used.ru_utime]).encode() + b"\n")
    os._exit(0)


class Ended(NamedTuple):
    """How a loader ended: exit status (negative for a signal), most memory in KiB, seconds of computing."""

    status: int
    peak_kib: int
    cpu_s: float


class Forks:
    """Gives loaders out, one after the other, each in `folder`, and remembers how they ended."""

    def __init__(self, folder: Path) -> None:
        ours, theirs = socket.socketpair()
        self._channel, self._lines = ours, ours.makefile("rb")
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, "-I", "-c", _CODE, json.dumps([*sys.path, str(ROOT)]), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env={**child.environment(), **_FEW_PAGES},
                stderr=subprocess.DEVNULL,
                cwd=folder,
            )
        self.folder = folder
        self.ended: list[Ended] = []

    def close(self) -> None:
        self._lines.close()
        self._channel.close()
        self._server.wait()

    def launch(self) -> Forked:
        """Stands in for `child.launch`."""
        return self._launched(_ALONE)

    def launch_shared(self) -> Forked:
        """Stand in for `child.launch` where the loader may have read other files before."""
        return self._launched(_SHARED)

    def _launched(self, kind: bytes) -> Forked:
        question, theirs_in = os.pipe()[::-1]
        theirs_out, answer = os.pipe()[::-1]
        socket.send_fds(self._channel, [kind], [theirs_in, theirs_out])
        os.close(theirs_in)
        os.close(theirs_out)
        child = json.loads(self._lines.readline())
        return Forked(self, child, os.fdopen(question, "wb"), os.fdopen(answer, "rb"), shared=kind == _SHARED)

    def wait(self) -> Ended:
        """How the one that is out ended, once it has."""
        self.ended.append(Ended(*json.loads(self._lines.readline())))
        return self.ended[-1]

    def __enter__(self) -> Forks:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()


class Forked:
    """What is used of a `subprocess.Popen`, for a process that is another one's child."""

    def __init__(self, forks: Forks, child: int, stdin: IO[bytes], stdout: IO[bytes], *, shared: bool) -> None:
        self.stdin: IO[bytes] | None = stdin
        self.stdout: IO[bytes] | None = stdout
        self._forks, self._child, self._shared = forks, child, shared
        self._ended: Ended | None = None

    def kill(self) -> None:
        if self._shared and self.stdin is not None and not self.stdin.closed:
            self.stdin.close()  # no question: it goes on with the next
        elif self._ended is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child, signal.SIGKILL)

    def wait(self) -> int:
        if self._ended is None:
            self._ended = self._forks.wait()
        return self._ended.status


class Watch:
    """Notes what this process does of the things that no file may bring about, while it is told to look."""

    _EVENTS = ("exec", "compile", "import", "os.", "subprocess.", "socket.", "ctypes.", "marshal.", "pty.", "shutil.",
               "pickle.", "code.", "tempfile.")  # fmt: skip
    #: A look at a folder, and the end of a loader whose file is refused before it is asked.
    _ALLOWED = ("os.listdir", "os.scandir", "os.kill")
    _WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

    #: Of the whole process, since a hook cannot be taken away, and each is asked at every `id()`.
    _all_looking: ClassVar[list[Watch]] = []
    _hooked: ClassVar[bool] = False

    def __init__(self) -> None:
        self.seen: list[str] = []
        if not Watch._hooked:
            Watch._hooked = True
            sys.addaudithook(self._hook)

    @classmethod
    def _hook(cls, event: str, arguments: tuple[object, ...]) -> None:
        for watch in cls._all_looking:
            watch._note(event, arguments)

    def _note(self, event: str, arguments: tuple[object, ...]) -> None:
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & self._WRITES
        if writes or (event.startswith(self._EVENTS) and event not in self._ALLOWED):
            self.seen.append(f"{event} {str(arguments)[:200]}")

    @contextlib.contextmanager
    def looking(self) -> Iterator[None]:
        self._all_looking.append(self)
        try:
            yield
        finally:
            self._all_looking.remove(self)

    @contextlib.contextmanager
    def looking_away(self) -> Iterator[None]:
        looked = self in self._all_looking
        if looked:
            self._all_looking.remove(self)
        try:
            yield
        finally:
            if looked:
                self._all_looking.append(self)
