"""SECURITY.md names every environment variable that the package reads or sets."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import humouse_doctor

PACKAGE = Path(humouse_doctor.__file__).parent
PAGE = (PACKAGE.parent / "SECURITY.md").read_text(encoding="utf-8")
#: Modules that ask for variables by names that stand in the same module.
ASKING = {
    "cli/delivery.py",
    "cli/output.py",
    "fleet/cluster.py",
    "fleet/pool.py",
    "inputs/checkpoints/child.py",
    "inputs/remote/names.py",
}
#: Words that look like a variable's name, but are not one.
_SIGNAL = re.compile(r"SIG[A-Z]+")
_NAME = re.compile(r"_?[A-Z][A-Z0-9_]{2,}")


def _asks(tree: ast.Module) -> bool:
    return any(
        (isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv", "getenvb"))
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and any("env" in alias.name for alias in node.names))
        for node in ast.walk(tree)
    )


def test_every_variable_that_is_read_stands_in_the_table() -> None:
    listed = set(re.findall(r"`(\w+)`", "\n".join(line for line in PAGE.splitlines() if line.startswith("|"))))
    asking = set()
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text) if "env" in text else None  # as every way to ask is spelled
        if tree is not None and _asks(tree):
            asking.add(path.relative_to(PACKAGE).as_posix())
            texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
            named = {text for text in texts if _NAME.fullmatch(text) and not _SIGNAL.fullmatch(text)}
            assert named, path
            assert named <= listed, f"{path}: {sorted(named - listed)}"
    assert asking == ASKING


def test_the_completions_variable_is_the_one_in_the_table() -> None:
    assert "`_HUMOUSE_DOCTOR_COMPLETE`" in PAGE
