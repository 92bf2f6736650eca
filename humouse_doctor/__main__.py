"""`python -m humouse_doctor`."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of the console script."""
    from humouse_doctor.cli import run

    sys.exit(run())


if __name__ == "__main__":
    main()
