from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCKS = sorted((ROOT / "locks").glob("*.txt"))
PIN = re.compile(r"([A-Za-z0-9._-]+)==([0-9][0-9A-Za-z.]*)")
#: Packages that a CUDA build of torch requires beside those of the CPU build, which the tests run with.
CUDA = re.compile("nvidia|cuda|triton")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def lines(path: Path) -> list[str]:
    """Return the lines of a requirements file, with continuations joined and comments left out."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def pins(*paths: Path) -> dict[str, str]:
    """Return the version of each package; fail on a line that is not a pin, and on a package that occurs twice."""
    found: dict[str, str] = {}
    for line in (line for path in paths for line in lines(path) if not line.startswith("-r ")):
        match = PIN.match(line)
        assert match is not None, line
        name = canonicalize_name(match[1])
        assert name not in found, name
        found[name] = match[2]
    return found


def needed(*extras: str) -> set[str]:
    """Return the packages that the tool with `extras` requires on this machine, without the tool itself."""
    left, seen = [("humouse-doctor", frozenset(extras))], set[tuple[str, frozenset[str]]]()
    while left:
        name, asked = package = left.pop()
        if package in seen:
            continue
        seen.add(package)
        left.extend(
            (canonicalize_name(wanted.name), frozenset(wanted.extras))
            for wanted in map(Requirement, metadata.requires(name) or [])
            if wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in asked | {""})
            if not CUDA.match(wanted.name)
        )
    return {name for name, _ in seen} - {"humouse-doctor"}


def test_all_that_an_installation_brings_in_is_pinned() -> None:
    assert needed("dev") <= pins(ROOT / "constraints.txt").keys()


def test_what_builds_the_tool_is_pinned_where_pip_looks_for_it() -> None:
    (requires,) = re.findall(r"(?m)^requires = \[(.*)\]$", (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert requires == f'"setuptools=={pins(ROOT / "constraints.txt")["setuptools"]}"'


def test_the_locks_have_the_pins_of_the_constraints() -> None:
    assert pins(*LOCKS) == pins(ROOT / "constraints.txt")


def test_the_lock_of_the_tool_has_all_that_the_tool_needs_and_no_more() -> None:
    assert pins(ROOT / "locks" / "build.txt", ROOT / "locks" / "run.txt").keys() == needed("html", "hydra", "safetensors")


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_a_lock_has_hashes_for_every_pin_and_brings_in_the_lock_below(path: Path) -> None:
    below = {"build.txt": [], "run.txt": ["-r build.txt"], "dev.txt": ["-r run.txt"]}[path.name]
    assert [line for line in lines(path) if line.startswith("-")] == below
    for line in lines(path)[len(below) :]:
        pin, *hashes = line.split()
        assert PIN.fullmatch(pin)
        assert hashes, pin
        assert all(HASH.fullmatch(one) for one in hashes), pin


@pytest.mark.parametrize("name", ["action.yml"])
def test_what_an_action_uses_is_pinned_by_its_commit(name: str) -> None:
    used = re.findall(r"(?m)^\s*(?:- )?uses: *(.*)$", (ROOT / name).read_text(encoding="utf-8"))
    assert used
    assert [use for use in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[0-9.]+", use)] == []
