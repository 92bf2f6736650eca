"""Change a line of the probes or the diagnosis, and see whether its tests fail: `python -m tests.lab.mutations`.

cosmic-ray makes the changes; it is no part of the dev extra. All of them would take hours, so a random sample of places is
drawn, with one change each. Left out are strings, annotations and asserts, which only narrow types, and operators of another
sort (a shift for a sum, `is` for `<`), which any test notices. The tests beside a changed module alone are run, in a copy of
the tree, one process at a time. Exits with 1 if a change survives.
"""

from __future__ import annotations

import argparse
import importlib
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.zoo.figures import Share

ROOT = Path(__file__).parents[2]
MEASURED = ("humouse_doctor/probes", "humouse_doctor/diagnosis")
#: Tests of what a module does that are beside another one, by the module's path below the package.
_ALSO: dict[str, tuple[str, ...]] = {
    "diagnosis/plugins": ("probes/test_plugins.py",),
    "probes/headings": ("probes/test_pages.py",),
    "probes/latent_noise": ("probes/test_latent_distortion.py",),
    "probes/latent_whitening": ("probes/test_latent_distortion.py",),
    "probes/taking": ("probes/test_plugins.py",),
}
_SORTS = tuple(
    frozenset(sort.split())
    for sort in ("Add Sub Mul Div FloorDiv Mod Pow", "BitOr BitAnd BitXor", "Eq NotEq Lt LtE Gt GtE", "Is IsNot")
)
#: The nodes of an expression that an operator between two values is part of; elsewhere a star unpacks.
_BETWEEN = ("arith_expr", "term", "power", "expr", "and_expr", "xor_expr")
#: Imported once, before the first copy of this process is made: torch alone takes longer than most tests.
_SLOW = ("numpy", "torch", "typer", "rich.console", "yaml", "msgspec")
_FEWEST_SECONDS = 60.0
_MOST_BYTES = 16 << 30


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Change:
    """One change of one place, `line` and `column`; `occurrence` is the place's number to the operator."""

    path: str
    line: int
    column: int
    kind: str
    operator: str
    occurrence: int

    def applied(self, source: str) -> str:
        """Return the changed source."""
        mutating, plugins = _tool()
        changed = mutating.mutate_code(source, plugins.get_operator(self.operator)(), self.occurrence)
        assert isinstance(changed, str)
        return changed

    def shown(self, source: str) -> str:
        """Return file, line and change."""
        pairs = zip(source.splitlines(), self.applied(source).splitlines(), strict=False)
        before, after = next(((old, new) for old, new in pairs if old != new), ("", ""))
        return f"{self.path}:{self.line} [{self.kind}]\n  - {before.strip()}\n  + {after.strip()}"


def _tool() -> tuple[Any, Any]:
    return importlib.import_module("cosmic_ray.mutating"), importlib.import_module("cosmic_ray.plugins")


def places(path: str, source: str) -> Iterator[Change]:
    """Yield all sensible changes of a file, several for most places; a few cannot be compiled."""
    ast, plugins = importlib.import_module("cosmic_ray.ast"), _tool()[1]
    nodes = list(ast.ast_nodes(ast.get_ast(source)))
    for name in plugins.operator_names():
        kind, *exchanged = name.partition("/")[2].split("_")
        if kind.startswith("Variable") or (kind != "ReplaceUnaryOperator" and exchanged and not _one_sort(exchanged)):
            continue
        operator, occurrence = plugins.get_operator(name)(), -1
        for node in nodes:
            for (line, column), _ in operator.mutation_positions(node):
                occurrence += 1
                if not _only_types(node) and (kind != "ReplaceBinaryOperator" or node.parent.type in _BETWEEN):
                    yield Change(path=path, line=line, column=column, kind=kind, operator=name, occurrence=occurrence)


def _one_sort(exchanged: Sequence[str]) -> bool:
    return any(sort.issuperset(exchanged) for sort in _SORTS)


def _only_types(node: Any) -> bool:
    """Return True in an annotation or an assert."""
    while node.parent is not None:
        within = node.parent
        if within.type in ("tfpdef", "assert_stmt") or node.type == "assert_stmt":
            return True
        if (within.type == "annassign" and within.children[1] is node) or (
            within.type == "funcdef" and within.annotation is node
        ):
            return True
        node = within
    return False


def _compiles(source: str) -> bool:
    try:
        compile(source, "changed", "exec")
    except SyntaxError:
        return False
    return True


def drawn(root: Path, sample: int, seed: int) -> tuple[list[Change], int]:
    """Return one change for each of `sample` places, in order, and the number of places there are."""
    by_place: dict[tuple[str, int, int, str], list[Change]] = defaultdict(list)
    for file in sorted(file for folder in MEASURED for file in (root / folder).rglob("*.py")):
        path = file.relative_to(root).as_posix()
        for change in places(path, file.read_text(encoding="utf-8")):
            by_place[change.path, change.line, change.column, change.kind].append(change)
    source, chosen = random.Random(seed), list[Change]()
    for place in source.sample(sorted(by_place), len(by_place)):
        if len(chosen) == sample:
            break
        choice = source.choice(by_place[place])
        if _compiles(choice.applied((root / choice.path).read_text(encoding="utf-8"))):
            chosen.append(choice)
    return sorted(chosen), len(by_place)


def beside(path: str, root: Path) -> list[str]:
    """Return the tests beside a module, its own first; for a shared one, those of the probes that use it too."""
    module = Path(path).relative_to("humouse_doctor").with_suffix("")
    package = module.parts[0]
    wanted = [f"{package}/test_{module.name}.py", *_ALSO.get(module.as_posix(), ())]
    if (root / path).with_suffix(".md").exists():
        wanted.append("probes/test_registry.py")  # holds each probe's declarations to the rules and to its page
    if package == "diagnosis":
        wanted.append("diagnosis/test_diagnose.py")
    if "shared" in module.parts:
        uses = re.compile(rf"(?m)^from humouse_doctor\.probes\.shared(?:\.| import .*\b){module.name}\b")
        users = sorted(file for file in (root / "humouse_doctor/probes").rglob("*.py"))
        wanted += [f"probes/test_{user.stem}.py" for user in users if uses.search(user.read_text(encoding="utf-8"))]
    return [f"tests/{name}" for name in dict.fromkeys(wanted) if (root / "tests" / name).exists()]


def copied(folder: Path) -> None:
    """Copy the files that git knows or would add."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def passes(folder: Path, tests: Sequence[str], seconds: float) -> bool | None:
    """Run tests in a fork of this process; return True if all pass, None if they take longer than `seconds`."""
    child = os.fork()
    if child == 0:
        os._exit(_run(folder, tests))
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            _end(child)
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.02)
    _end(child)
    os.waitpid(child, 0)
    return None


def _end(child: int) -> None:
    """End a child, and what it started."""
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)


def _run(folder: Path, tests: Sequence[str]) -> int:
    """Run tests of the copy, in a session of their own; the output goes to a file beside the copy."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    os.chdir(folder)
    output = os.open(folder.with_name("output.txt"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for name in [name for name in sys.modules if name.partition(".")[0] in ("humouse_doctor", "tests")]:
        del sys.modules[name]
    sys.path[:] = [str(folder), *(entry for entry in sys.path if entry not in ("", str(ROOT)))]
    os.environ["PYTHONPATH"] = str(folder)
    import pytest

    code = int(pytest.main(["-n", "0", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *tests]))
    sys.stdout.flush()
    return code


def _without_bytecode(path: Path) -> None:
    """Remove a module's bytecode: it is held to the second and the size, and a change may keep both."""
    for stale in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
        stale.unlink()


def survives(change: Change, folder: Path, seconds: float) -> bool | None:
    """Return True if the tests pass with the change, None if they take longer than `seconds`."""
    file = folder / change.path
    source = file.read_text(encoding="utf-8")
    file.write_text(change.applied(source), encoding="utf-8")
    _without_bytecode(file)
    try:
        return passes(folder, beside(change.path, folder), seconds)
    finally:
        file.write_text(source, encoding="utf-8")
        _without_bytecode(file)


def main() -> None:
    """Draw the sample, run it, and print the score and what survived."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.mutations", description=__doc__)
    parser.add_argument("--sample", type=int, default=200, help="places to change (200)")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (0)")
    parser.add_argument("--at", action="append", default=[], metavar="FILE:LINE", help="of the sample these places alone")
    asked = parser.parse_args()
    try:
        _tool()
    except ModuleNotFoundError:
        sys.exit("cosmic-ray is missing: pip install cosmic-ray, in a virtual environment beside the pinned one")
    os.nice(5)
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))
    for name in _SLOW:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory(prefix="mutations-") as scratch:
        folder = Path(scratch) / "tree"
        copied(folder)
        changes, places_in_all = drawn(folder, asked.sample, asked.seed)
        print(f"{len(changes)} of {places_in_all} places, seed {asked.seed}", flush=True)
        if asked.at:
            changes = [change for change in changes if f"{change.path}:{change.line}" in asked.at]
        begun = time.monotonic()
        if not passes(folder, sorted({test for change in changes for test in beside(change.path, folder)}), 3600.0):
            sys.exit(f"the tests do not pass unchanged:\n{(Path(scratch) / 'output.txt').read_text(encoding='utf-8')[-2000:]}")
        seconds, survivors, slow = max(_FEWEST_SECONDS, time.monotonic() - begun), 0, 0
        for change in changes:
            outcome = survives(change, folder, seconds)
            slow += outcome is None
            if outcome:
                survivors += 1
                print(f"survives: {change.shown((folder / change.path).read_text(encoding='utf-8'))}", flush=True)
    print(f"killed: {Share(hits=len(changes) - survivors, total=len(changes))}, {slow} of them by the time limit")
    sys.exit(survivors > 0)


if __name__ == "__main__":
    main()
