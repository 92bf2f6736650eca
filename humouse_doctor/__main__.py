"""`python -P -m humouse_doctor`, for systems without the console script.

Without -P (Python 3.11 and later), `python -m` imports from the current folder first: it would run a `humouse_doctor` or a
`typing.py` that lies there. The console script does not do so.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import NoReturn

try:
    from humouse_doctor.cli.interruption import Interruption
except KeyboardInterrupt:  # nothing answers the signal yet
    if sys.stderr is not None:
        sys.stderr.write("humouse-doctor: interrupted\n")
        sys.stderr.flush()
    os._exit(130)


def main() -> NoReturn:
    """Entry point of the console script."""
    _fill_closed_streams()
    interruption = Interruption()
    try:
        interruption.watch()
        from humouse_doctor.cli.main import run

        code = run(lambda: interruption.came)
        if interruption.came:
            interruption.end()
        interruption.finished()
    except BaseException:
        if interruption.came:
            interruption.end()
        raise
    sys.exit(code)


def _fill_closed_streams() -> None:
    """Open the null device for each closed standard stream.

    Otherwise the first files that are opened would get the descriptors of those streams, and the text written to them.
    """
    for handle in (0, 1, 2):
        if not _is_open(handle):
            os.open(os.devnull, os.O_RDWR)  # it takes the lowest number that is free


def _is_open(handle: int) -> bool:
    try:
        os.fstat(handle)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
