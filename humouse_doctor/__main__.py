"""`python -m humouse_doctor`."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import NoReturn

try:
    from humouse_doctor.interruption import Interruption
except KeyboardInterrupt:  # nothing answers the signal yet
    if sys.stderr is not None:
        sys.stderr.write("humouse-doctor: interrupted\n")
        sys.stderr.flush()
    os._exit(130)


def main() -> NoReturn:
    """Entry point of the console script."""
    interruption = Interruption()
    try:
        interruption.watch()
        from humouse_doctor.cli import run

        code = run(lambda: interruption.came)
        if interruption.came:
            interruption.end()
        interruption.finished()
    except BaseException:
        if interruption.came:
            interruption.end()
        raise
    sys.exit(code)


if __name__ == "__main__":
    main()
