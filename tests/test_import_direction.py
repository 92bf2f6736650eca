from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

import humouse_doctor

PACKAGE = Path(humouse_doctor.__file__).parent


def test_imports_keep_the_contracts_of_pyproject() -> None:
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"

    ended = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stdout[-4_000:] + ended.stderr
    assert "Contracts: 2 kept, 0 broken." in ended.stdout


def test_nothing_but_rooms_stands_at_the_top() -> None:
    modules = {path.name for path in PACKAGE.iterdir() if path.is_file()}

    assert modules == {"__init__.py", "__main__.py", "py.typed"}


def test_every_room_says_what_belongs_in_it() -> None:
    rooms = [path for path in PACKAGE.rglob("*") if path.is_dir() and any(path.glob("*.py")) and "templates" not in path.parts]

    assert len(rooms) > 10
    assert [room for room in rooms if not (room / "__init__.py").read_text(encoding="utf-8").startswith('"""')] == []


#: Modules whose imports within functions have one reason: their docstring gives it, or `schema` alone needs the import.
LATE = {"__init__.py", "__main__.py", "cli/commands.py", "stored/gate.py"}


def _imports_within_functions(path: Path) -> Iterator[list[ast.stmt]]:
    """Yield the imports of a module that stand within functions, those that follow each other as one list."""
    text = path.read_text(encoding="utf-8")
    if not re.search(r"^[^\S\n]+(import|from)\b|:[^\S\n]*(import|from)\b", text, re.MULTILINE):
        return  # none but at the left, and to look through a tree takes long
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    for block in (node for function in functions for node in ast.walk(function)):
        statements = getattr(block, "body", [])
        for is_import, group in groupby(
            statements if isinstance(statements, list) else [], lambda node: isinstance(node, ast.Import | ast.ImportFrom)
        ):
            if is_import:
                yield list(group)


def test_an_import_within_a_function_has_its_reason_beside_it() -> None:
    found, bare = 0, []
    for path in PACKAGE.rglob("*.py"):
        if path.relative_to(PACKAGE).as_posix() in LATE:
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        for late in _imports_within_functions(path):
            found += 1
            first, last = late[0].lineno, late[-1].end_lineno or late[-1].lineno
            if not any("#" in line for line in lines[first - 2 : last]):
                bare.append(f"{path}:{first}")

    assert found > 10
    assert bare == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["explain", "HD201"],
        ["probes"],
        ["preflight", "examples/healthy-slow-gates/config.yaml"],
        ["preflight", "examples/healthy-slow-gates/config.yaml", "--format", "json"],
    ],
)
def test_light_commands_import_neither_torch_nor_numpy_nor_msgspec(arguments: list[str]) -> None:
    code = (
        "import sys; from humouse_doctor.cli.main import run; sys.argv[1:] = " + repr(arguments) + "; run();"
        " sys.exit(7 if {'torch', 'numpy', 'msgspec'} & set(sys.modules) else 0)"
    )

    ended = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, check=False)

    assert ended.returncode == 0, ended.stderr
