"""What is published: the source archive, and the wheel that is built from it alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

TOP = Path(__file__).parents[1]
GOLDEN = TOP / "tests" / "golden" / "collapsed.json"
#: The files that a wheel is built from, beside the package.
BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in")
#: Builds the source archive of the current folder, then the wheel of what is in it, both into that folder.
BUILD = """
import os, sys, tarfile
from setuptools import build_meta
here = os.getcwd()
archive = build_meta.build_sdist(here)
with tarfile.open(archive) as packed:
    packed.extractall("unpacked", filter="data")
os.chdir(os.path.join("unpacked", archive.removesuffix(".tar.gz")))
build_meta.build_wheel(here)
"""


def python(*arguments: str, cwd: Path, **more: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env={**os.environ, **more}, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 4), done.stderr  # 4: the report has a probe that crashed
    return done.stdout


def test_the_wheel_of_the_source_archive_holds_all_files_and_runs_alone(tmp_path: Path) -> None:
    source, site = tmp_path / "source", tmp_path / "site"
    shutil.copytree(TOP / "humouse_doctor", source / "humouse_doctor", ignore=shutil.ignore_patterns("__pycache__"))
    (source / "tests").mkdir()
    for name in (*BUILT_FROM, "tests/test_package.py"):
        shutil.copy(TOP / name, source / name)
    python("-c", BUILD, cwd=source)
    (archive,), (wheel,) = source.glob("*.tar.gz"), source.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)
    with tarfile.open(archive) as unpacked:
        assert not [name for name in unpacked.getnames() if "/tests" in name]

    files = {path.relative_to(site) for path in site.rglob("*") if path.is_file() and "dist-info" not in str(path)}
    assert files == {path.relative_to(source) for path in (source / "humouse_doctor").rglob("*") if path.is_file()}
    assert "humouse-doctor = humouse_doctor.__main__:main" in next(site.glob("*/entry_points.txt")).read_text(encoding="utf-8")
    code = "import humouse_doctor.__main__ as program; print(program.__file__); program.main()"
    out = python("-c", code, "show", str(GOLDEN), "-o", "page.html", cwd=tmp_path, PYTHONPATH=str(site))
    assert out.startswith(f"{site}{os.sep}")
    assert "COLLAPSED" in out
    assert (tmp_path / "page.html").stat().st_size > 20_000


def test_the_container_is_built_from_what_a_wheel_needs_and_its_user_is_not_root() -> None:
    text = (TOP / "Containerfile").read_text(encoding="utf-8")

    copied = {name for line in re.findall(r"(?m)^COPY (?!--)(.*) \S+$", text) for name in line.split()}
    assert copied == {"constraints.txt", "humouse_doctor", *BUILT_FROM}
    assert int(re.findall(r"(?m)^USER (\d+):\d+$", text)[-1]) > 0
    assert 'ENTRYPOINT ["/opt/humouse-doctor/bin/humouse-doctor"]' in text
