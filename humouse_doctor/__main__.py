"""`python -P -m humouse_doctor`, for where the console script is not at hand.

Without -P (Python 3.11 and later), `python -m` imports from the current folder before anything else: a `humouse_doctor` or a
`typing.py` that lies there is run. The console script does not.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of the console script."""
    from humouse_doctor.cli import run

    sys.exit(run())


if __name__ == "__main__":
    main()
