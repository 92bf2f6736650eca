"""Run humouse-doctor and interrupt it at an import.

Usage: `python -m tests.lab.faults.interrupted SIGNAL MODULE ARGUMENTS...`. A command spends its first second on imports,
and libraries answer exceptions there in their own ways; a module's name is the same point on every machine. The module
`after` means the moment at which everything is done.
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
