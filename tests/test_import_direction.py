from __future__ import annotations

import subprocess
import sys
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
