"""Handle Ctrl-C and other signals that end the program: one line, one exit code, no child process left, and never a traceback.

Only the program's entry point uses this; the Python API does not touch the signal handlers. A signal raises an exception that
runs every `with` and `finally` on its way out and that no `except` for errors catches. An import is allowed to finish first,
since torch aborts the process if an exception reaches its C++ code; the exception is then raised in the importing code, before
its next line. An exception that something swallows, such as a callback, is raised again. A program that has not ended after
some seconds is killed.

This module is imported before all others, so it imports as little as possible.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import time
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn

#: What is answered, where it is known to the system and not ignored (as nohup and a shell's `&` have it).
_ANSWERED = ("SIGINT", "SIGTERM", "SIGHUP")
#: How often is looked whether it winds down, how long it may, and how long what is called at the end.
_LOOK_EVERY_S, _PATIENCE_S = 0.05, 3.0
_AT_EXIT_S = 1.0
_IMPORTS = "<frozen importlib._bootstrap>"
#: What a shell adds to a signal's number.
_BY_SIGNAL = 128


class Interrupted(BaseException):
    """Raised in the main thread by a signal that ends the program."""


class Interruption:
    """A handler of the signals that end the program, from `watch` until the program ends."""

    def __init__(self) -> None:
        self._number = 0
        self._deadline = 0.0
        self._nothing_to_undo = False

    @property
    def came(self) -> bool:
        """True once a signal has come; any error after that is only a consequence."""
        return self._number != 0

    def watch(self) -> None:
        """Handle the signals from now on; call this in the main thread only."""
        for name in _ANSWERED:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._answer)
        if hasattr(signal, "SIGALRM"):  # Windows has none
            signal.signal(signal.SIGALRM, self._look)
        atexit.register(_ignore)  # the first that is registered is the last that is called
        others = sys.unraisablehook

        def unraisable(found: sys.UnraisableHookArgs) -> None:
            if not isinstance(found.exc_value, Interrupted):  # it is raised again
                others(found)

        sys.unraisablehook = unraisable

    def finished(self) -> None:
        """Record that all work is done and shown: a signal that comes now ends the program at once."""
        self._nothing_to_undo = True

    def end(self) -> NoReturn:
        """End the program now: kill remaining children, print the one line, and exit with the code that a shell expects.

        The registered exit functions, which remove temporary folders, run for a second at most.
        """
        code = _BY_SIGNAL + self._number
        _ignore()
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, lambda *_: os._exit(code))
            signal.setitimer(signal.ITIMER_REAL, _AT_EXIT_S)
        _kill_children()
        said = "interrupted" if self._number == signal.SIGINT else "terminated"
        with suppress(OSError, ValueError):
            if sys.stderr is not None:
                os.write(sys.stderr.fileno(), f"humouse-doctor: {said}\n".encode())
        atexit._run_exitfuncs()
        os._exit(code)

    def _answer(self, number: int, frame: FrameType | None) -> None:
        again, self._number = self._number != 0, self._number or number
        if again or self._nothing_to_undo:
            self.end()
        self._deadline = time.monotonic() + _PATIENCE_S
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, _LOOK_EVERY_S, _LOOK_EVERY_S)
            self._look(number, frame)
        else:
            raise Interrupted

    def _look(self, _: int, frame: FrameType | None) -> None:
        """Raise `Interrupted`, again if it was swallowed; not within an import, or while a `finally` or `with` handles it."""
        if time.monotonic() > self._deadline:
            self.end()
        handled = sys.exc_info()[1]
        while handled is not None:
            if isinstance(handled, Interrupted):
                return
            handled = handled.__context__
        importing = _importing(frame)
        if importing is None:
            sys.settrace(None)
            raise Interrupted
        # Only a trace function raises there at once: the work that follows may end before the next look.
        importing.f_trace = self._after_import
        sys.settrace(_no_trace)

    def _after_import(self, *_: object) -> NoReturn:
        sys.settrace(None)
        raise Interrupted


def _importing(frame: FrameType | None) -> FrameType | None:
    """Return the frame of the outermost import statement that runs in `frame` or one of its callers, None without one."""
    found = None
    while frame is not None:
        if frame.f_code.co_filename == _IMPORTS and frame.f_back is not None:
            found = frame.f_back
        frame = frame.f_back
    return found


def _no_trace(*_: object) -> None:
    """Trace no new frames; Python calls a frame's own trace function only while some trace function is set."""


def _ignore() -> None:
    """Ignore all further signals: what runs from now on must not be interrupted."""
    for name in (*_ANSWERED, "SIGALRM"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def _kill_children() -> None:
    """Kill all remaining children, and the process group of each that leads one; only Linux lists the children.

    The process in which multiprocessing tracks its semaphores is left: it ends with this one, and has to know of their end.
    """
    tracker = getattr(getattr(sys.modules.get("multiprocessing.resource_tracker"), "_resource_tracker", None), "_pid", None)
    with suppress(OSError):
        for task in os.scandir("/proc/self/task"):
            with suppress(OSError), open(f"{task.path}/children", encoding="ascii") as listed:  # noqa: PTH123  # as light as can be
                for child in map(int, listed.read().split()):
                    if child != tracker:
                        _kill(child)


def _kill(child: int) -> None:
    with suppress(OSError):  # it has ended
        if os.getpgid(child) == child:
            os.killpg(child, signal.SIGKILL)
        else:
            os.kill(child, signal.SIGKILL)
