"""Runs humouse-doctor and interrupts it at an import: `python -m tests.lab.faults.interrupted SIGNAL MODULE ARGUMENTS...`.

Imports are where a command spends its first second, and where libraries answer exceptions in ways of their own; a module's
name is the same point on every machine. `after` as the module is the moment at which all is done.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys


def main() -> None:
    number, module = signal.Signals[sys.argv[1]], sys.argv[2]
    sys.argv[1:3] = []
    asked = [module]

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        if event == "import" and arguments[0] in asked:
            asked.clear()
            os.kill(os.getpid(), number)

    sys.addaudithook(hear)
    if module == "after":
        atexit.register(lambda: os.kill(os.getpid(), number))
    from humouse_doctor.__main__ import main as run

    run()


if __name__ == "__main__":
    main()
