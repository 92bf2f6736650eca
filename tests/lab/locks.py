"""Write the lock files of constraints.txt: `python -m tests.lab.locks` (needs uv on the PATH, asks PyPI for hashes).

locks/build.txt has the build tools, run.txt the requirements of the tool and its extras html, hydra and safetensors,
dev.txt the rest. torch's lines stay as they are: its CPU build is on no index that uv asks, and its hashes are added by
hand.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from packaging.utils import canonicalize_name

from tests.test_pins import ROOT, lines, needed, pins

_COMMAND = "uv pip compile --no-deps --universal --python-version 3.11.7 --generate-hashes --no-header --no-annotate --quiet -"
_LOCKS = ROOT / "locks"
_TORCH = re.compile(r"(?m)^torch==[^\n]*\n(?:    --hash[^\n]*\n)*")


def hashed(packages: set[str]) -> str:
    """Return the pins of `packages` with the hashes of all their files, as uv writes them."""
    wanted = [line for line in lines(ROOT / "constraints.txt") if canonicalize_name(line.partition("==")[0]) in packages]
    ended = subprocess.run(_COMMAND.split(), input="\n".join(wanted), capture_output=True, text=True, check=True)
    return ended.stdout


def write(path: Path, packages: set[str]) -> None:
    """Write the pins of `packages` below the comments of a lock file; torch keeps its place."""
    before = path.read_text(encoding="utf-8")
    head = re.match(r"(?:#[^\n]*\n|-r [^\n]*\n)*", before)
    torch = _TORCH.search(before)
    blocks = re.findall(r"(?m)^\S[^\n]*\n(?:    [^\n]*\n)*", hashed(packages - {"torch"}))
    body = sorted([*blocks, *([torch[0]] if torch else [])], key=str.lower)
    path.write_text((head[0] if head else "") + "".join(body), encoding="utf-8")


def main() -> None:
    """Write the three files."""
    build, every = {"setuptools"}, set(pins(ROOT / "constraints.txt"))
    run = needed("html", "hydra", "safetensors") - build
    write(_LOCKS / "build.txt", build)
    write(_LOCKS / "run.txt", run)
    write(_LOCKS / "dev.txt", every - run - build)


if __name__ == "__main__":
    main()
