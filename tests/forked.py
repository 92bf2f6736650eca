"""Programs run in a fork of the test's process: by themselves, but without the seconds in which torch is imported.

A fork has the memory of the process that makes it. Use it where a test is about what a program does and writes, and a started
interpreter where it is about what is imported, set up or left behind.
"""

from __future__ import annotations

import json
import os
import runpy
import shlex
import socket
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

#: Asks a server for a program, and ends as it did: `python -S -c _CLIENT SOCKET PROGRAM WORDS...`.
_CLIENT = """\
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as one:
    one.connect(sys.argv[1])
    socket.send_fds(one, [json.dumps([os.getcwd(), *sys.argv[2:]]).encode()], [0, 1, 2])
    sys.exit(int(one.recv(16) or b"70"))
"""


class Ended(NamedTuple):
    """The end of a program: its exit code, stdout and stderr."""

    code: int
    out: str
    err: str


def run(programs: Sequence[Path], folder: Path, environment: Mapping[str, str]) -> list[Ended]:
    """Run programs as scripts in one fork, one after the other; they share imports, and print into files of `folder`."""
    files = [(folder / f"{number}.out", folder / f"{number}.err") for number in range(len(programs))]
    for path in (path for pair in files for path in pair):
        path.touch()
    read, write = os.pipe()
    with _forked() as child:
        if child == 0:
            os.environ.update(environment)
            for program, paths in zip(programs, files, strict=True):
                streams = [os.open(os.devnull, os.O_RDONLY), *(os.open(path, os.O_WRONLY) for path in paths)]
                os.write(write, b"%d\n" % _as_main([str(program)], streams))
    os.close(write)
    with os.fdopen(read, encoding="utf-8") as lines:
        codes = [int(line) for line in lines]
    os.waitpid(child, 0)
    texts = [[path.read_text(encoding="utf-8") for path in paths] for paths in files]
    return [Ended(code, *said) for code, said in zip([*codes, *[-1] * (len(programs) - len(codes))], texts, strict=True)]


@contextmanager
def served() -> Iterator[str]:
    """Give the words of a shell that stand for `python`: what follows them runs in a fork of this process."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listening:
        path = f"{folder}/socket"  # short, as such a name has to be
        listening.bind(path)
        listening.listen()
        with _forked() as server:
            if server == 0:
                _serve(listening)
        try:
            yield shlex.join([sys.executable, "-S", "-c", _CLIENT, path])
        finally:
            with socket.socket(socket.AF_UNIX) as one:
                one.connect(path)  # and nothing asked: it ends
            os.waitpid(server, 0)


def _serve(listening: socket.socket) -> None:
    """Run every program that is asked for, one at a time, and answer with its exit code."""
    while True:
        asked, _ = listening.accept()
        with asked:
            words, streams, _, _ = socket.recv_fds(asked, 1 << 16, 3)
            if not words:
                return
            with _forked() as child:
                if child == 0:
                    folder, *arguments = json.loads(words)
                    os.chdir(folder)
                    os._exit(_as_main(arguments, streams))
            for stream in streams:
                os.close(stream)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            with suppress(OSError):  # who asked may have been killed
                asked.send(b"%d" % code)


@contextmanager
def _forked() -> Iterator[int]:
    """Fork; the child, which gets 0, ends with the block, whatever happens there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a worker's second thread, which only reads its orders
        child = os.fork()
    try:
        yield child
    finally:
        if child == 0:
            os._exit(1)


def _as_main(words: Sequence[str], streams: Sequence[int]) -> int:
    """Run a program in this process with its own words and streams; return its exit code."""
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
        os.close(stream)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(place, mode, closefd=False) for place, mode in enumerate("rww"))
    warnings.resetwarnings()
    sys.argv, sys.path[:0] = list(words), [str(Path(words[0]).parent)]
    try:
        runpy.run_path(words[0], run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # as an interpreter does
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code
