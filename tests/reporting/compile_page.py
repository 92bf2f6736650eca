"""Compile the page's templates for the installed jinja: `python -m tests.reporting.compile_page`.

Run this after a change of a template, or of jinja's version in `constraints.txt`. Modules for other versions are removed.
"""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path

from jinja2 import FileSystemLoader

from humouse_doctor.reporting.html import page

PAGE = Path(page.__file__).parent / "templates"
COMPILED = PAGE / f"jinja-{version('jinja2')}"


def compile_into(folder: Path) -> None:
    """Write a Python module per template into `folder`."""
    environment = page.template_environment()
    environment.loader = FileSystemLoader(PAGE)
    environment.compile_templates(folder, extensions=["html"], zip=None, ignore_errors=False)


if __name__ == "__main__":
    for old in PAGE.glob("jinja-*"):
        shutil.rmtree(old)
    compile_into(COMPILED)
