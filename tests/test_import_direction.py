from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import humouse_doctor

PACKAGE = Path(humouse_doctor.__file__).parent

# Which parts of the package each part may import; torch is imported by `generator` alone, and elsewhere only in functions.
MAY_IMPORT = {
    "core": {"core"},
    "config": {"config", "core"},
    "gestures": {"gestures", "core"},
    "remedies": {"core", "config"},
    "probes": {"probes", "core", "remedies"},
    "examine": {"core", "probes"},
    "pictures": {"core"},
    "diagnosis": {"core", "probes", "loading", "pictures"},
    "gate": {"gate", "core", "probes"},
    "reporting": {"reporting", "core", "config", "probes"},
    "generator": {"generator", "core"},
    "discovery": {"core"},
    "sources": {"core", "gestures", "generator"},
    "spaces": {"core", "gestures", "generator"},
    "loading": {"loading", "core", "config", "gestures", "generator", "discovery", "sources", "spaces"},
    "warm_ups": {"core", "generator", "gestures", "loading", "probes", "spaces"},
    "verify": {
        "verify",
        "core",
        "config",
        "diagnosis",
        "examine",
        "generator",
        "gestures",
        "loading",
        "probes",
        "remedies",
        "reporting",
        "sources",
        "warm_ups",
    },
    "service": {"core", "config", "loading", "examine", "diagnosis", "gate", "reporting", "verify"},
    "demonstration": {"core", "config", "gestures", "generator", "loading", "service", "sources", "warm_ups"},
    "api": {"core", "config", "loading", "examine", "diagnosis", "service"},
    "printing": {"core", "reporting"},
    "bars": {"core", "printing", "reporting", "verify"},
    "cli": {
        "bars",
        "printing",
        "core",
        "config",
        "loading",
        "service",
        "reporting",
        "probes",
        "demonstration",
        "gate",
        "verify",
    },
    "__init__": {"api", "core"},
    "__main__": {"cli"},
}


def part_of(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imported_modules(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "humouse_doctor":
                found |= {f"humouse_doctor.{alias.name}" for alias in node.names}
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_what_its_part_may(path: Path) -> None:
    allowed = MAY_IMPORT[part_of(path)]

    imported = imported_modules(ast.parse(path.read_text(encoding="utf-8")))

    inside = {name.split(".")[1] for name in imported if name.startswith("humouse_doctor.")} - {"__version__"}
    assert inside <= allowed
    if part_of(path) not in ("generator", "loading", "api", "demonstration", "verify"):
        assert not any(name.split(".")[0] == "torch" for name in imported)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["explain", "HD201"], ["probes"], ["preflight", "examples/healthy-slow-gates/config.yaml"]]
)
def test_light_commands_import_neither_torch_nor_numpy(arguments: list[str]) -> None:
    code = (
        "import sys; from humouse_doctor.cli.commands import run; sys.argv[1:] = " + repr(arguments) + "; run();"
        " sys.exit(7 if {'torch', 'numpy'} & set(sys.modules) else 0)"
    )

    ended = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, check=False)

    assert ended.returncode == 0, ended.stderr
