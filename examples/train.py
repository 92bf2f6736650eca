"""Train the example runs and inspect them: each must be diagnosed as its folder's name says.

python examples/train.py [NAME ...] [--into DIR]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from humouse_doctor import inspect
from humouse_doctor.core.report import Report
from humouse_doctor.training.demonstration import Recipe, Units, train_run

HERE = Path(__file__).parent


def names() -> list[str]:
    return sorted(path.parent.name for path in HERE.glob("*/recipe.json"))


def recipe(name: str) -> Recipe:
    folder = HERE / name
    content = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))
    return Recipe(
        name=name,
        config=(folder / "config.yaml").read_text(encoding="utf-8"),
        sequences=content["sequences"],
        length=content["length"],
        units=Units(content["units"]),
        slow_gates=content["slow_gates"],
    )


@contextmanager
def _silent(_: int, __: str) -> Iterator[Callable[[int, float], None]]:
    yield lambda _step, _loss: None


def train_and_inspect(name: str, folder: Path) -> Report:
    train_run(recipe(name), folder, seed=0, bar=_silent)
    return inspect(folder)


def diagnosed(report: Report) -> str:
    """The report in the words of a folder's name: verdict and first cause."""
    first = f"-{report.causes[0].name}" if report.causes else ""
    return f"{report.verdict.value}{first}"


def matches(name: str, report: Report) -> bool:
    """A healthy folder's name goes on with what made it healthy, which no report can see."""
    return diagnosed(report) == name or (report.verdict.value == "healthy" and name.startswith("healthy-"))


def main() -> int:
    parser = argparse.ArgumentParser(description="Train the example runs and inspect them.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(names())}; all by default")
    parser.add_argument("--into", type=Path, help="keep the runs in this folder")
    options = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.names or names():
            report = train_and_inspect(name, (options.into or Path(scratch)) / name)
            right = matches(name, report)
            wrong += not right
            print(f"{'as named' if right else 'OTHERWISE'}: {name} -> {diagnosed(report)}: {report.sentence}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
