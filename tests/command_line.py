"""The command line in this process, built once: that takes longer than many commands take to run."""

from __future__ import annotations

import functools
import sys
from unittest import mock

import typer.main

from humouse_doctor.cli import main

_get_command = functools.cache(typer.main.get_command)


def run(*arguments: object) -> int:
    """Run it as the console script does; return the exit code."""
    words = ["humouse-doctor", *map(str, arguments)]
    with mock.patch.object(sys, "argv", words), mock.patch.object(typer.main, "get_command", _get_command):
        return main.run()
