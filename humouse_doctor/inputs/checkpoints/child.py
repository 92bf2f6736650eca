"""The parent's side of the loader: starts its process, requests one checkpoint, and handles crashes and bad answers."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol

from humouse_doctor.core.errors import DoctorError, InputError, MachineError, no_process
from humouse_doctor.core.text import reason
from humouse_doctor.inputs.checkpoints import fork_server, protocol
from humouse_doctor.inputs.checkpoints.container import Container
from humouse_doctor.inputs.checkpoints.fork_server import Forked, ForkServer
from humouse_doctor.inputs.checkpoints.guard import FORBIDDEN_STATUS
from humouse_doctor.inputs.checkpoints.protocol import Answer, BadFrame, Content, Question

#: Seconds until the loader is ready: it imports torch, perhaps from a slow disk.
_START_S = 180.0
_READ_S = 30.0
_READ_BYTES_PER_S = 8 << 20
_CPU_S = 4
_CPU_BYTES_PER_S = 16 << 20
_MEMORY_BYTES = 1 << 30
_MEMORY_PER_BYTE = 3
#: Eight bits become 32, and some tensors share their storage.
_ANSWER_PER_BYTE = 5
_ANSWER_BYTES = 16 << 20

#: A server ignores Ctrl-C, which a terminal sends to all: it ends with its parent, or not.
_CODE = (
    "import json, signal, sys; paths, descriptor = json.loads(sys.argv[1]); sys.path[:] = paths; "
    "descriptor is None or signal.signal(signal.SIGINT, signal.SIG_IGN); "
    "from humouse_doctor.inputs.checkpoints.worker import main; main(descriptor)"
)
#: The variables that an interpreter needs to start and to find libraries; none of them holds a secret or an option.
_ENVIRONMENT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "SYSTEMROOT", "LANG", "LC_ALL")
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Process(Protocol):
    """The part of `subprocess.Popen` that is used here."""

    @property
    def stdin(self) -> IO[bytes] | None: ...  # noqa: D102  # as in Popen
    @property
    def stdout(self) -> IO[bytes] | None: ...  # noqa: D102  # as in Popen
    def kill(self) -> None: ...  # noqa: D102  # as in Popen
    def wait(self) -> int: ...  # noqa: D102  # as in Popen


class _Kept(threading.local):
    """The server of each thread, kept since it is there to be started once; forks of this process start their own."""

    server: ForkServer | None = None


_KEPT = _Kept()


def launch() -> Process:
    """Start a loader: a fork of this thread's server where that is possible, else a new interpreter."""
    if not fork_server.is_possible():
        return started()
    if _KEPT.server is None or not _KEPT.server.is_usable:
        if _KEPT.server is not None:
            _KEPT.server.end()
        _KEPT.server = ForkServer(started)
    return _KEPT.server.launch() or started()


def started(descriptor: int | None = None) -> subprocess.Popen[bytes]:
    """Start a new interpreter with this one's installed packages and none of its state.

    With a `descriptor` it is a fork server at the other end of that socket, else one loader. The current folder is not on its
    path, even if this interpreter imports from it (with -m or -c): anybody may have put a `torch.py` there.
    """
    home = str(Path(__file__).resolve().parents[3])
    here = os.path.realpath(os.curdir)
    paths = [entry for entry in sys.path if os.path.isabs(entry) and os.path.realpath(entry) != here]  # noqa: PTH117
    words = json.dumps([[*paths, *([] if home in paths else [home])], descriptor])
    return subprocess.Popen(  # noqa: S603  # nosec B603  # this interpreter, and this package's code
        [sys.executable, "-I", "-c", _CODE, words],
        stdin=subprocess.PIPE if descriptor is None else subprocess.DEVNULL,
        stdout=subprocess.PIPE if descriptor is None else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
        pass_fds=() if descriptor is None else (descriptor,),
    )


def environment() -> dict[str, str]:
    """Return the environment of a loader."""
    return {**{name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}, **dict.fromkeys(_THREADS, "1")}


class Loader:
    """A process that reads one file; leaving the `with` block kills it."""

    def __init__(self) -> None:
        try:
            self._process = launch()
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.ENOMEM):
                raise no_process(error) from None
            raise DoctorError(f"the loader cannot be started with {sys.executable}: {reason(error)}") from None
        self._late = False

    def __enter__(self) -> Loader:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def read(self, path: Path, container: Container, content: Content, *, salvage: bool) -> Answer:
        """Return the content of `container`, the checked file at `path`; raise `InputError` with a one-line message."""
        question = Question(
            kind=container.kind,
            files=tuple(str(file.absolute()) for file in container.files),
            states=tuple(container.states[file] for file in container.files),
            content=content,
            salvage=salvage,
            max_bytes=_ANSWER_BYTES + _ANSWER_PER_BYTE * container.size,
            memory_bytes=_MEMORY_BYTES + _MEMORY_PER_BYTE * container.size,
            cpu_s=_CPU_S + container.size // _CPU_BYTES_PER_S,
        )
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        with self._at_most(_START_S):
            with contextlib.suppress(OSError):  # it has ended; the exit status tells why
                stdin.write(question.text())
                stdin.close()
            # Both interpreters import torch at the same time; this one needs it for the answer.
            import torch as torch

            ready = stdout.read(len(protocol.READY))
        if ready != protocol.READY:
            self._process.kill()
            status = self._process.wait()
            if isinstance(self._process, Forked) and self._process.refusal is not None:
                raise no_process(self._process.refusal)
            raise InputError(
                f"{path}: the loader did not start (exit status {status}): too little memory, or python -c 'import torch' tells"
                " why"
            )
        seconds = _READ_S + container.size / _READ_BYTES_PER_S
        complaint = "its answer was malformed"
        answer = None
        with self._at_most(seconds):
            try:
                answer = protocol.receive(stdout, question.max_bytes)
            except BadFrame as bad:
                complaint = f"its answer was malformed: {bad}"
            except MemoryError:
                complaint = "it needs more memory than there is"
            if answer is None:
                stdout.close()
            status = self._process.wait()
        container.require_unchanged()
        lost = isinstance(self._process, Forked) and self._process.is_lost
        if lost and answer is None:
            raise MachineError("the process that loaders are forked from was killed (out of memory?); try again")
        if answer is None or (status != 0 and not lost and not (status == FORBIDDEN_STATUS and answer.refusal)):
            how = f"more than {seconds:.0f} s" if self._late else _how_it_ended(status, question, complaint)
            raise InputError(f"{path}: the file crashed or exhausted the loader ({how}); refused")
        if answer.refusal is not None:
            raise InputError(f"{path}: {answer.refusal}")
        return answer

    @contextlib.contextmanager
    def _at_most(self, seconds: float) -> Iterator[None]:
        """Kill the process after `seconds`; a read of its answer then ends."""

        def kill() -> None:
            self._late = True
            self._process.kill()

        timer = threading.Timer(seconds, kill)
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError:
            raise no_process(OSError(errno.EAGAIN, "no further thread")) from None
        try:
            yield
        finally:
            timer.cancel()


def _how_it_ended(status: int, question: Question, complaint: str) -> str:
    if status == 0:
        return complaint
    if status == FORBIDDEN_STATUS:
        return "it tried something that no checkpoint needs"
    if status > 0:
        return complaint if status == 1 else f"exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    if name == "SIGXCPU":
        return f"{name}, more than {question.cpu_s} s of computing"
    if name == "SIGKILL":
        return f"{name}, more than {question.cpu_s} s of computing or more memory than there is"
    return name
